"""The page that finds files: a gallery is searched by words, files, or both together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from ..language import text
from .link import Field
from .samples import names, paths_of
from .search import GALLERY_FIELDS, MOST_TERMS, SearchPage, terms_of
from .work import Tower

if TYPE_CHECKING:
    from pointllm.tasks.arithmetic import Term


class FindPage(SearchPage):
    """See the module."""

    key = "find"
    fields = (Field("words", ""), Field("samples", (), names()), *GALLERY_FIELDS)
    examples = (
        ("find_example_words", {"words": "an animal"}),
        ("find_example_picture", {"samples": ("cat.jpg",)}),
        ("find_example_sound", {"samples": ("rooster.ogg",), "kinds": ("image", "point")}),
        ("find_example_mix", {"samples": ("sofa.off",), "words": "red"}),
    )

    def form(self) -> None:
        of = self.labels.of
        self.inputs["words"] = of(gr.Textbox(lines=1, max_lines=3, elem_id="find-words"), label="find_words",
                                  placeholder="find_words_placeholder")
        self.uploads["files"] = of(gr.File(file_count="multiple", height=120, elem_id="find-files"),
                                   label="find_files")
        self.inputs["samples"] = of(gr.Dropdown(list(names()), multiselect=True, elem_id="find-samples"),
                                    label="pages_samples", info="find_mix_info")
        self.gallery_form()

    def problem(self, values: dict[str, object], files: dict[str, list[str]], language: str) -> str | None:
        count = len(files["files"]) + len(values["samples"])
        if not (count or values["words"].strip()):
            return text(language, "find_nothing")
        if count > MOST_TERMS:
            return text(language, "error_too_many_files", count=count, limit=MOST_TERMS)
        return None

    def query(self, tower: Tower, values: dict[str, object], files: dict[str, list[str]]) -> list[Term]:
        words = " ".join(values["words"].split())
        given = [(words, None, 1.0)] if words else []
        return terms_of(tower, [*given, *(("", path, 1.0) for path in [*paths_of(values["samples"]),
                                                                      *files["files"]])])
