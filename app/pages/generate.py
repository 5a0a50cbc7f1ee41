"""The page that makes 3D shapes: from words, files, or a mix of them; several, the best of some, or a way between two.

Drawing runs in the job's thread, since the generator is a model of its own; only what embeds inputs, and the pictures
among which the best is chosen, waits in line for the joint space. The tab is hidden where the profile has no generator.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
import numpy as np

from ..labels import Labels
from ..language import text
from ..looking import look_at
from ..uploads import explain, scratch
from .downloads import place, write_json
from .drawing import Found, grid, large
from .link import Field
from .page import Outcome, Session, TaskPage, said
from .samples import names, paths_of
from .work import Tower, Worker

if TYPE_CHECKING:
    from pointllm.tasks.generation import Shape, ShapeGenerator

MOST_INPUTS = 16
FORMATS = ("glb", "obj", "ply")
USUAL_GUIDANCE = 2.0  # shown where the profile doesn't say


@dataclass(frozen=True)
class Made:
    """Shapes that were made: as results to look at, the meshes, and what they were made with."""

    found: tuple[Found, ...]
    shapes: tuple[Shape, ...]
    settings: dict[str, object]

    def object(self) -> dict:
        """What was asked for, and a line for each shape."""
        return {**self.settings, "shapes": [
            {"name": hit.name, "seed": shape.seed, "sample": number,
             "score": None if shape.score is None else round(shape.score, 4),
             "vertices": len(shape.mesh.vertices), "faces": len(shape.mesh.faces)}
            for number, (hit, shape) in enumerate(zip(self.found, self.shapes, strict=True), start=1)]}


class GeneratePage(TaskPage):
    """See the module."""

    key = "generate"
    examples = (
        ("generate_example_words", {"words": "a chair"}),
        ("generate_example_sound", {"samples": ("rooster.ogg",)}),
        ("generate_example_mix", {"samples": ("car.obj",), "words": "a red thing", "shapes": 2}),
        ("generate_example_between", {"words": "a chair", "to": "a table", "shapes": 5}),
    )
    downloads = (*FORMATS, "json")

    def __init__(self, worker: Worker, labels: Labels) -> None:
        super().__init__(worker, labels)
        guidance = sampler_of(worker.engine.profile).get("guidance", USUAL_GUIDANCE)
        self.fields = (
            Field("words", ""),
            Field("samples", (), names()),
            Field("shapes", 1, least=1, most=8),
            Field("to", ""),
            Field("seed", 0, least=0, most=2**31 - 1),
            Field("guidance", float(guidance), least=0, most=10),
            Field("best", 4, least=1, most=8),
        )
        self._lock = threading.Lock()
        self._generator: ShapeGenerator | None = None

    def form(self) -> None:
        of, number = self.labels.of, {field.key: field.default for field in self.fields}
        self.inputs["words"] = of(gr.Textbox(lines=1, max_lines=3, elem_id="generate-words"), label="generate_words",
                                  placeholder="generate_words_placeholder")
        self.uploads["files"] = of(gr.File(file_count="multiple", height=120, elem_id="generate-files"),
                                   label="generate_files")
        self.inputs["samples"] = of(gr.Dropdown(list(names()), multiselect=True, elem_id="generate-samples"),
                                    label="pages_samples", info="find_mix_info")
        self.inputs["shapes"] = of(gr.Slider(1, 8, number["shapes"], step=1, elem_id="generate-shapes"),
                                   label="generate_shapes")

    def options(self) -> None:
        of, number = self.labels.of, {field.key: field.default for field in self.fields}
        with of(gr.Accordion(open=False), label="pages_options"):
            self.inputs["to"] = of(gr.Textbox(lines=1, elem_id="generate-to"), label="generate_to",
                                   info="generate_to_info")
            self.inputs["seed"] = of(gr.Number(number["seed"], precision=0, minimum=0, elem_id="generate-seed"),
                                     label="seed_label", info="generate_seed_info")
            self.inputs["guidance"] = of(gr.Slider(0, 10, number["guidance"], step=0.1), label="generate_guidance",
                                         info="generate_guidance_info")
            self.inputs["best"] = of(gr.Slider(1, 8, number["best"], step=1), label="generate_best",
                                     info="generate_best_info")

    def show(self) -> list[gr.components.Component]:
        self.view = gr.HTML(elem_id="generate-view", elem_classes="use-view")
        return [self.view]

    def build(self, language: gr.components.Component) -> None:
        super().build(language)
        self.results.select(self.look, [self.session, language], [self.view, *self.files.values()],
                            api_visibility="private", show_progress="hidden", concurrency_limit=8)

    # -- handlers ----------------------------------------------------------------------------------------------------

    def problem(self, values: dict[str, object], files: dict[str, list[str]], language: str) -> str | None:
        count = len(files["files"]) + len(values["samples"])
        if not (count or values["words"].strip()):
            return text(language, "generate_nothing")
        if count > MOST_INPUTS:
            return text(language, "error_too_many_files", count=count, limit=MOST_INPUTS)
        return None

    def work(self, tower: Tower, values: dict[str, object], files: dict[str, list[str]], session: Session,
             language: str) -> Outcome:
        from pointllm.tasks.arithmetic import combine

        words, to = (" ".join(str(values[key]).split()) for key in ("words", "to"))
        paths = [*paths_of(values["samples"]), *files["files"]]
        vectors = [tower.embed_file(path).vector for path in paths]
        vectors += list(tower.embed_text([words])) if words else []
        asked, count, seed = combine(np.stack(vectors)), int(values["shapes"]), int(values["seed"])
        guidance, best = float(values["guidance"]), int(values["best"])
        generator = in_line(self._loaded(tower), tower)
        tower.job.say("generate_drawing", count=max(2, count) if to else count * best)
        if to:
            shapes = generator.interpolate(asked, tower.embed_text([to])[0], max(2, count), seed, guidance)
        else:
            shapes = generator.generate(asked, count, seed, guidance, best)
        settings = {"inputs": [*(Path(path).name for path in paths), *([words] if words else [])],
                    **({"to": to} if to else {"best_of": best}), "seed": seed, "guidance": guidance}
        found = []
        for number, shape in enumerate(shapes, start=1):
            tower.job.say("generate_rendering", number=number, total=len(shapes))
            found.append(_found(shape, number))
        made = Made(tuple(found), tuple(shapes), settings)
        several = grid(made.found, (), language, scores=best > 1 and not to) if len(shapes) > 1 else ""
        return Outcome(made, several, {"json": write_json("shapes.json", made.object())})

    def done(self, session: Session, outcome: Outcome) -> list:
        """The first shape is shown large at once, and can be taken along."""
        status, html, *files, _ = super().done(session, outcome)
        view, *shape_files = self._large(outcome.result, 0, session.language)
        return [status, html, *shape_files[:len(FORMATS)], files[-1], view]

    def look(self, session: Session, language: str, chosen: gr.EventData) -> list:
        """A shape was clicked. Only its number is taken from the browser. Gives [view, *files]."""
        made = session.result
        index = chosen.index if isinstance(chosen.index, int) else -1
        if not isinstance(made, Made) or not 0 <= index < len(made.found):
            return [gr.skip()] * (1 + len(self.files))
        try:
            return self._large(made, index, language)
        except Exception as error:
            return [said(explain(error, [made.found[index].path], language), "problem"),
                    *[gr.skip()] * len(self.files)]

    def _large(self, made: Made, index: int, language: str) -> list:
        hit, shape = made.found[index], made.shapes[index]
        glb = Path(hit.path)
        files = [gr.update(value=str(glb if suffix == "glb" else shape.write(glb.with_suffix(f".{suffix}"))),
                           visible=True) for suffix in FORMATS]
        faces = text(language, "generate_faces", count=f"{len(shape.mesh.faces):,}")
        view = large(look_at(hit.path), hit.name, language) + f'<p class="said">{escape(faces)}</p>'
        return [view, *files, gr.skip()]

    def _loaded(self, tower: Tower) -> ShapeGenerator:
        """The profile's generator, loaded by the first job that needs it."""
        from pointllm.profiles import resolve
        from pointllm.tasks.generation import ShapeGenerator

        folder = resolve(tower.profile)
        with self._lock:
            if self._generator is None or self._generator.profile_folder != folder:
                tower.job.say("pages_loading")
                self._generator = ShapeGenerator.from_folder(folder)
            return self._generator


def in_line(generator: ShapeGenerator, tower: Tower) -> ShapeGenerator:
    """The same generator, which waits in line, shape by shape, where it needs the joint space."""
    from pointllm.tasks.generation import ShapeGenerator

    class Waiting(ShapeGenerator):
        def views_of(self, shapes: Sequence[Shape]) -> np.ndarray:
            rows = []
            for number, shape in enumerate(shapes, start=1):
                tower.job.say("generate_choosing", number=number, total=len(shapes))
                rows.append(tower.call(lambda bind, shape=shape: ShapeGenerator(
                    self.model, self.settings, self.profile_folder, bind).views_of([shape])))
            return np.concatenate(rows)

    return Waiting(generator.model, generator.settings, generator.profile_folder)


def _found(shape: Shape, number: int) -> Found:
    """The shape as a file with a picture."""
    from pointllm.inputs import Input
    from pointllm.tasks.gallery.thumbnails import write_thumbnail

    path = shape.write(place(f"shape-{number}.glb"))
    picture = write_thumbnail(Input(str(path), "point", shape.cloud()), scratch(), path.parent.name)
    return Found(path.name, str(path), "point", shape.score or 0.0, (), scratch() / picture if picture else None)


def sampler_of(profile: str) -> dict:
    """How a profile's generator draws, {} where it has none. Reads its config only: PyTorch isn't needed for a menu."""
    from pointllm.errors import PointLLMError
    from pointllm.profiles import resolve

    try:
        return json.loads((resolve(profile) / "generator" / "config.json").read_text(encoding="utf-8"))["sampler"]
    except (PointLLMError, OSError, ValueError, KeyError):
        return {}
