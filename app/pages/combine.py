"""The page that adds and subtracts: any number of inputs, each with a weight, and what each adds to every result.

The inputs are lines of text, which a link can hold: `2 × a tree`, `-0.5 × sofa.off`. `page/terms.js` draws them as rows
with a number and a name; without it the text can be edited as it is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from ..language import text
from .link import Field
from .page import AT_ONCE
from .samples import names, samples
from .search import GALLERY_FIELDS, MOST_TERMS, SearchPage, terms_of
from .work import Tower

if TYPE_CHECKING:
    from pointllm.tasks.arithmetic import Term

# A weight is a number with a sign of multiplication after it; a sign alone is ±1. "3 chairs" is words.
LINE = re.compile(r"^\s*(?P<sign>[+\-−–])?\s*(?:(?P<number>\d+(?:[.,]\d+)?|[.,]\d+)\s*[×*·]\s*)?(?P<what>.*?)\s*$")
MOST_WEIGHT = 1000.0


@dataclass(frozen=True)
class Line:
    """One input as written: its weight, and words or the name of a file."""

    weight: float
    what: str


def lines_of(written: str) -> list[Line]:
    """The inputs of a text, one a line; empty lines are passed over."""
    found = []
    for row in written.splitlines():
        match = LINE.match(row)
        if match is None or not match["what"]:
            continue
        weight = float(match["number"].replace(",", ".")) if match["number"] else 1.0
        sign = -1.0 if match["sign"] in ("-", "−", "–") else 1.0
        found.append(Line(sign * min(weight, MOST_WEIGHT), " ".join(match["what"].split())))
    return found


class CombinePage(SearchPage):
    """See the module."""

    key = "combine"
    fields = (Field("terms", ""), *GALLERY_FIELDS)
    examples = (
        ("combine_example_add", {"terms": "1 × chair.ply\n1 × a tree", "kinds": ("image",)}),
        ("combine_example_subtract", {"terms": "1 × sofa.off\n1 × a tree\n-0.5 × chair.ply"}),
        ("combine_example_sound", {"terms": "1 × car.obj\n1 × rooster.ogg", "kinds": ("image", "point")}),
    )

    def form(self) -> None:
        of = self.labels.of
        of(gr.HTML(elem_id="combine-rows"), value=_rows)
        self.inputs["terms"] = of(gr.Textbox(lines=4, max_lines=12, elem_id="combine-terms"), label="combine_terms",
                                  placeholder="combine_terms_placeholder", info="combine_terms_info")
        self.uploads["files"] = of(gr.File(file_count="multiple", height=120, elem_id="combine-files"),
                                   label="combine_files")
        self.gallery_form()

    def build(self, language: gr.components.Component) -> None:
        super().build(language)
        terms, files = self.inputs["terms"], self.uploads["files"]
        terms.change(None, terms, None, js="(text) => window.pointllmTerms.draw(text)", **AT_ONCE)
        files.change(None, files, None, js="(files) => window.pointllmTerms.offer(files)", **AT_ONCE)

    def problem(self, values: dict[str, object], files: dict[str, list[str]], language: str) -> str | None:
        lines = lines_of(values["terms"])
        if not lines:
            return text(language, "combine_nothing")
        if len(lines) > MOST_TERMS:
            return text(language, "error_too_many_files", count=len(lines), limit=MOST_TERMS)
        known = self._files(files)
        for line in lines:
            # What looks like a file but is none would be searched as words, which nobody wants.
            if line.what not in known and re.fullmatch(r"\S+\.[a-z0-9]{2,4}", line.what, re.IGNORECASE):
                return text(language, "combine_unknown", name=line.what)
        return None

    def query(self, tower: Tower, values: dict[str, object], files: dict[str, list[str]]) -> list[Term]:
        known = self._files(files)
        return terms_of(tower, [(line.what, known.get(line.what), line.weight) for line in lines_of(values["terms"])])

    @staticmethod
    def _files(files: dict[str, list[str]]) -> dict[str, str]:
        """Name → path of everything that a line may name; an upload comes before a sample of its name."""
        return {**samples(), **{Path(path).name: path for path in files["files"]}}


def _rows(language: str) -> str:
    """The place that `page/terms.js` draws rows into, with the words it needs."""
    words = {key: text(language, f"combine_{key}") for key in ("weight", "what", "add", "remove", "term", "text")}
    return (f'<div class="terms" data-words="{escape(json.dumps(words, ensure_ascii=False))}" '
            f'data-samples="{escape(json.dumps(names()))}"></div>')
