"""/classify, /retrieve, /embed, /generate, /describe, /profiles: what `app.space` does, for programs, as plain JSON."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from ..engine import Engine
from ..settings import READS_AT_ONCE
from ..space import MOST_SHAPES, Space, each
from ..uploads import arrange
from . import components as take
from . import values
from .errors import told

Files = list[str] | None
Json = list[dict] | dict


def build(engine: Engine, space: Space) -> None:
    """Add the endpoints to the current `gr.Blocks`."""

    # A default of None tells gradio that callers may leave a parameter out; those of the others stand below.
    def classify(files: Files = None, labels: list[str] | str | None = None, label_files: Files = None, top: int = 0,
                 none_of_these: bool = False, witness: str | None = None) -> Json:
        """Recognise files: the likeliest of the given labels for each, with scores that add up to 1 over all labels.

        Args:
            files: 3D files, pictures, sounds, videos or texts
            labels: names, English or Chinese: a list, or one text with commas
            label_files: sounds or pictures that show what is meant, each a label named as the file
            top: how many labels to give for a file
            none_of_these: also tell where none of the labels fits ("none", "none_margin")
            witness: how 3D files are seen: "point", "views" or "both"; null: the profile's own
        """
        paths, shown = arrange(files or []), arrange(label_files or [])
        with told([*paths, *shown]):
            return space.classify(paths, values.labels(labels), label_files=shown, top=top, none=none_of_these,
                                  witness=values.witness(witness))

    def retrieve(files: Files = None, texts: list[str] | None = None, minus_files: Files = None,
                 minus_texts: list[str] | None = None, weights: list[float] | None = None, gallery: Files = None,
                 modalities: list[str] | None = None, top: int = 0, witness: str | None = None) -> Json:
        """Find the files that fit best what is added and subtracted; scores are in standard deviations of chance.

        Args:
            files: what to look for, added up
            texts: sentences to look for, added too
            minus_files: files to subtract
            minus_texts: sentences to subtract
            weights: how much each counts: files, texts, minus_files, minus_texts, each in order; null: 1
            gallery: uploads to search among; empty: the gallery of this server, its samples as a rule
            modalities: only results of these kinds: point, image, audio, video, text
            top: how many results
            witness: how 3D files are seen: "point", "views" or "both"; null: the profile's own
        """
        paths, less, among = arrange(files or []), arrange(minus_files or []), arrange(gallery or [])
        with told([*paths, *less, *among]):
            query = {"text": values.words(texts, "texts"), "minus": less, "top": top,
                     "minus_text": values.words(minus_texts, "minus_texts"),
                     "weights": values.numbers(weights, "weights"), "witness": values.witness(witness)}
            return space.search(paths, **query, among=among, modalities=values.words(modalities, "modalities"))

    def embed(files: Files = None, texts: list[str] | None = None, witness: str | None = None) -> Json:
        """Vectors of the joint space, unit norm: similar things lie near each other, whatever kind of file they are.

        Args:
            files: 3D files, pictures, sounds, videos or texts
            texts: sentences
            witness: how 3D files are seen: "point", "views" or "both"; null: the profile's own
        """
        paths = arrange(files or [])
        with told(paths):
            return space.embed(paths, values.words(texts, "texts"), values.witness(witness))

    def generate(files: Files = None, texts: list[str] | None = None, weights: list[float] | None = None,
                 samples: int = 1, seed: int = 0, guidance: float | None = None, best_of: int | None = None,
                 witness: str | None = None) -> tuple[list[str], Json]:
        """Make new 3D shapes out of files and sentences, or a mix of them: coloured meshes as .glb files.

        Args:
            files: 3D files, pictures, sounds, videos or texts
            texts: sentences
            weights: how much each file and then each text counts; null: all alike
            samples: how many shapes
            seed: the same seed gives the same shapes
            guidance: how strictly the inputs are followed, at the cost of variety; null: the profile's own
            best_of: of so many tries keep the one whose pictures are most like the inputs; null: the profile's own
            witness: how 3D files are seen: "point", "views" or "both"; null: the profile's own
        """
        paths = arrange(files or [])
        with told(paths):
            rows = space.generate(paths, values.words(texts, "texts"), weights=values.numbers(weights, "weights"),
                                  samples=int(samples), seed=int(seed), guidance=guidance,
                                  best_of=None if best_of is None else int(best_of), witness=values.witness(witness))
            shapes = [row.pop("path") for row in rows]
            return shapes, [{"name": Path(path).name, **row} for path, row in zip(shapes, rows, strict=True)]

    def describe(files: Files = None) -> Json:
        """Measured facts of files: size, counts, colours and axis of 3D files; length or pixels of others. No guess.

        Args:
            files: 3D files, pictures, sounds, videos or texts
        """
        paths = arrange(files or [])
        with told(paths):
            if not paths:
                raise gr.Error("no file to describe; give one or more", print_exception=False)
            return each(paths, space.describe)

    def profiles() -> Json:
        """The sets of weights: which there are, whether they can be used, and which one answers here."""
        from pointllm.profiles import profiles

        with told():
            known = [{"name": profile.name, "answers": profile.answers, "embeds": profile.embeds,
                      "missing": list(profile.missing), "loaded": profile.name == engine.profile}
                     for profile in profiles()]
            if not any(row["loaded"] for row in known):
                known.append({"name": engine.profile_name, "answers": True, "embeds": True, "missing": [],
                              "loaded": True})
            return known

    with gr.Column(visible=False):
        rows, table = take.json("result", take.ROWS), take.json("result", take.OBJECT)
        calls = (
            (classify, rows, [take.files("files"), take.json("labels", take.TEXTS, []), take.files("label_files"),
                              take.top(5), gr.Checkbox(False, label="none_of_these"), take.witness()]),
            (retrieve, table, [take.files("files"), take.json("texts", take.TEXTS, []), take.files("minus_files"),
                               take.json("minus_texts", take.TEXTS, []), take.json("weights", take.NUMBERS),
                               take.files("gallery"), take.json("modalities", take.TEXTS), take.top(10),
                               take.witness()]),
            (embed, rows, [take.files("files"), take.json("texts", take.TEXTS, []), take.witness()]),
            (generate, [gr.File(file_count="multiple", label="shapes"), rows], [
                take.files("files"), take.json("texts", take.TEXTS, []), take.json("weights", take.NUMBERS),
                gr.Number(1, label="samples", precision=0, minimum=1, maximum=MOST_SHAPES),
                gr.Number(0, label="seed", precision=0), gr.Number(None, label="guidance", minimum=0, maximum=20),
                gr.Number(None, label="best_of", precision=0, minimum=1, maximum=MOST_SHAPES), take.witness()]),
            (describe, rows, [take.files("files")]),
            (profiles, rows, []),
        )
        for function, result, inputs in calls:
            gr.Button().click(function, inputs, result, api_name=function.__name__, concurrency_id="space",
                              concurrency_limit=READS_AT_ONCE, trigger_mode="multiple")
