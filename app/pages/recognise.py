"""The page that recognises files: which of some labels each is, with probabilities that were calibrated.

Labels are words (English or Chinese), files that show or sound like what is meant, or all names the program knows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from ..language import text
from ..uploads import explain
from .charts import Named, notes, recognised
from .downloads import write_csv, write_json
from .link import Field
from .page import Outcome, Session, TaskPage
from .samples import names, paths_of
from .work import Tower

if TYPE_CHECKING:
    from pointllm.tasks.labels import Labels as GivenLabels

MOST_FILES = 200
MOST_LABELS = 2000
MOST_LABEL_FILES = 64
TEMPLATES = {"quick": "recognise_templates_quick", "none": "recognise_templates_none"}


@dataclass(frozen=True)
class Recognised:
    """What was found, for files to take along: in the order of the inputs."""

    rows: tuple[Named, ...]

    def objects(self) -> list[dict]:
        """As `pointllm classify --json` writes them."""
        return [_object(row) for row in self.rows]

    def table(self) -> list[list]:
        """A line for each label of each file."""
        lines: list[list] = []
        for row in self.rows:
            none = "" if row.none is None else int(row.none)
            lines += [[row.name, rank, label, round(share, 6), none, ""]
                      for rank, (label, share) in enumerate(row.top, start=1)]
            if row.error:
                lines.append([row.name, "", "", "", "", row.error])
        return lines


def _object(row: Named) -> dict:
    if row.error:
        return {"input": row.name, "error": row.error}
    found: dict[str, object] = {"input": row.name}
    found["top"] = [{"label": label, "score": round(share, 6)} for label, share in row.top]
    if row.none is not None:
        found |= {"none": row.none, "none_margin": round(row.none_margin or 0.0, 4)}
    return found


COLUMNS = ("input", "rank", "label", "probability", "none_of_these", "error")


class RecognisePage(TaskPage):
    """See the module."""

    key = "recognise"
    fields = (
        Field("samples", (), names()),
        Field("labels", ""),
        Field("all", False),
        Field("label_samples", (), names()),
        Field("top", 5, least=1, most=20),
        Field("none", False),
        Field("templates", "quick", tuple(TEMPLATES)),
    )
    examples = (
        ("recognise_example_words", {"samples": ("chair.ply", "cat.jpg", "rooster.ogg"),
                                     "labels": "chair, cat, rooster, submarine"}),
        ("recognise_example_chinese", {"samples": ("chair.ply", "cup.xyz"), "labels": "椅子, 红色的杯子, 摩托车"}),
        ("recognise_example_sound", {"samples": ("cat.jpg", "rooster.ogg"), "labels": "chair",
                                     "label_samples": ("rooster.ogg", "cat.jpg")}),
        ("recognise_example_none", {"samples": ("guitar.glb",), "labels": "hammer, teapot, bicycle", "none": True}),
        ("recognise_example_all", {"samples": ("guitar.glb", "airplane.stl", "tree.pcd"), "all": True}),
    )

    def form(self) -> None:
        of = self.labels.of
        self.uploads["files"] = of(gr.File(file_count="multiple", height=120, elem_id="recognise-files"),
                                   label="recognise_files")
        self.inputs["samples"] = of(gr.Dropdown(list(names()), multiselect=True, elem_id="recognise-samples"),
                                    label="pages_samples")
        self.inputs["labels"] = of(gr.Textbox(lines=2, max_lines=8, elem_id="recognise-labels"),
                                   label="recognise_labels", placeholder="recognise_labels_placeholder",
                                   info="recognise_labels_info")
        self.inputs["all"] = of(gr.Checkbox(elem_id="recognise-all"), label="recognise_all", info="recognise_all_info")

    def options(self) -> None:
        of = self.labels.of
        with of(gr.Accordion(open=False), label="recognise_by_example"):
            self.uploads["label_files"] = of(gr.File(file_count="multiple", height=110), label="recognise_label_files")
            self.inputs["label_samples"] = of(gr.Dropdown(list(names()), multiselect=True),
                                              label="recognise_label_samples", info="recognise_by_example_info")
        with of(gr.Accordion(open=False), label="pages_options"):
            self.inputs["top"] = of(gr.Slider(1, 20, 5, step=1), label="recognise_top")
            self.inputs["none"] = of(gr.Checkbox(), label="recognise_none", info="recognise_none_info")
            self.inputs["templates"] = of(gr.Radio(value="quick"), label="recognise_templates", choices=TEMPLATES,
                                          info="recognise_templates_info")

    def problem(self, values: dict[str, object], files: dict[str, list[str]], language: str) -> str | None:
        by_files = len(files["label_files"]) + len(values["label_samples"])
        given = len(files["files"]) + len(values["samples"])
        words = words_of(values["labels"])
        if not given:
            return text(language, "recognise_no_files")
        if given > MOST_FILES:
            return text(language, "error_too_many_files", count=given, limit=MOST_FILES)
        if not (by_files or values["all"] or words):
            return text(language, "recognise_no_labels")
        if by_files > MOST_LABEL_FILES:
            return text(language, "error_too_many_files", count=by_files, limit=MOST_LABEL_FILES)
        if len(words) > MOST_LABELS:
            return text(language, "recognise_too_many_labels", count=len(words), limit=MOST_LABELS)
        if by_files and values["none"]:
            return text(language, "recognise_none_words_only")
        return None

    def work(self, tower: Tower, values: dict[str, object], files: dict[str, list[str]], session: Session,
             language: str) -> Outcome:
        from pointllm.errors import InputError
        from pointllm.tasks.labels import read_templates
        from pointllm.tasks.recognition import Recogniser

        given = labels_of(values, files["label_files"], language)
        recognise = Recogniser(tower, tower.profile, given.labels, templates=read_templates(values["templates"]),
                               none=bool(values["none"]))
        reading = [_own_names(line, files["label_files"]) for line in recognise.errors]
        paths = [*paths_of(values["samples"]), *files["files"]]
        rows = []
        for number, path in enumerate(paths, start=1):
            name = Path(path).name
            try:
                found = tower.embed_file(path)
                best = recognise(found.vector, found.modality, int(values["top"]))
                rows.append(Named(name, tuple((one.label, one.score) for one in best.top), best.none, best.none_margin))
            except (InputError, MemoryError, OSError) as error:
                rows.append(Named(name, error=explain(error, [path], language)))
            if len(paths) > 1:
                tower.job.say("pages_done_of", number=number, total=len(paths))
        result = Recognised(tuple(rows))
        return Outcome(result, notes([*given.errors, *reading]) + recognised(rows, language), {
            "json": write_json("recognition.json", result.objects()),
            "csv": write_csv("recognition.csv", COLUMNS, result.table()),
        })


def words_of(labels: str) -> list[str]:
    """Labels between commas or lines, Chinese commas too."""
    return [word for word in (" ".join(piece.split()) for piece in re.split(r"[,，、;；\n]", labels)) if word]


def labels_of(values: dict[str, object], uploads: Sequence[str], language: str) -> GivenLabels:
    """All labels of the form, those of one meaning merged. Words are never taken for files."""
    from pointllm.tasks.labels import Label, Labels, known_labels, word_labels

    found = Labels()
    words = words_of(values["labels"])
    shown = [Label(Path(path).stem.replace("_", " "), "", (path,))
             for path in [*paths_of(values["label_samples"]), *uploads]]
    if words and (shown or values["all"]):
        from pointllm.errors import InputError

        try:
            given = word_labels(words)
        except InputError as error:  # none of the words can be used, but there are other labels
            given = Labels(errors=[str(error)])
    else:
        given = word_labels(words) if words else Labels()
    found.labels += given.labels + shown
    found.errors += given.errors
    if values["all"]:
        found.labels += known_labels(language).labels
    return found.merged()


def _own_names(line: str, paths: Sequence[str]) -> str:
    for path in paths:
        line = line.replace(path, Path(path).name)
    return line
