"""What the two pages that search a gallery share: which gallery, the grid of results, and one result large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from ..labels import Labels
from ..language import text
from ..looking import look_at
from ..uploads import explain
from .charts import notes
from .downloads import write_csv, write_json
from .drawing import Found, grid, large
from .galleries import Own, ServerGallery, own_gallery
from .link import Field
from .page import AT_ONCE, Outcome, Session, TaskPage, said
from .work import Tower, Worker

if TYPE_CHECKING:
    from pointllm.tasks.arithmetic import Query, Term
    from pointllm.tasks.gallery import Gallery, Hit

KINDS = ("point", "image", "audio", "video", "text")
MOST_TERMS = 64
GALLERIES = {"server": "find_gallery_server", "own": "find_gallery_own"}
GALLERY_FIELDS = (
    Field("kinds", (), KINDS),
    Field("top", 12, least=1, most=60),
    Field("gallery", "server", tuple(GALLERIES)),
)


@dataclass(frozen=True)
class Results:
    """A finished search: the inputs with kind and weight, how many files were searched, and what was found."""

    terms: tuple[tuple[str, str, float], ...]
    searched: int
    found: tuple[Found, ...]

    def object(self) -> dict:
        """As `pointllm retrieve --json` writes it, with names in place of paths."""
        return {
            "inputs": [{"input": name, "modality": kind, "weight": weight} for name, kind, weight in self.terms],
            "searched": self.searched,
            "top": [{"name": hit.name, "modality": hit.modality, "score": round(hit.score, 6),
                     "shares": [round(share, 6) for share in hit.shares]} for hit in self.found],
        }

    def table(self) -> tuple[list[str], list[list]]:
        """Columns and rows: what was found, with each input's share."""
        columns = ["rank", "name", "kind", "score", *(f"share of {name}" for name, _, _ in self.terms)]
        return columns, [[rank, hit.name, hit.modality, round(hit.score, 6), *(round(s, 6) for s in hit.shares)]
                         for rank, hit in enumerate(self.found, start=1)]


class SearchPage(TaskPage):
    """A page with a query of its own (`query`) over a gallery."""

    def __init__(self, worker: Worker, labels: Labels, server: ServerGallery) -> None:
        super().__init__(worker, labels)
        self.server = server

    # -- of the page -------------------------------------------------------------------------------------------------

    def query(self, tower: Tower, values: dict[str, object], files: dict[str, list[str]]) -> list[Term]:
        """The inputs of the search."""
        raise NotImplementedError

    # -- components --------------------------------------------------------------------------------------------------

    def gallery_form(self) -> None:
        """The gallery's part of the form."""
        of = self.labels.of
        self.inputs["gallery"] = of(gr.Radio(value="server", elem_id=f"{self.key}-gallery"), label="find_gallery",
                                    choices=GALLERIES)
        self.uploads["gallery_files"] = of(gr.File(file_count="multiple", height=120, visible=False,
                                                   elem_id=f"{self.key}-gallery-files"), label="find_gallery_files")

    def options(self) -> None:
        of = self.labels.of
        with of(gr.Accordion(open=False), label="pages_options"):
            self.inputs["kinds"] = of(gr.CheckboxGroup(value=[]), label="find_kinds", info="find_kinds_info",
                                      choices={kind: f"kind_{kind}" for kind in KINDS})
            self.inputs["top"] = of(gr.Slider(1, 60, 12, step=1), label="find_top")

    def show(self) -> list[gr.components.Component]:
        self.view = gr.HTML(elem_id=f"{self.key}-view", elem_classes="use-view")
        return [self.view]

    def build(self, language: gr.components.Component) -> None:
        super().build(language)
        self.inputs["gallery"].change(lambda which: gr.update(visible=which == "own"), self.inputs["gallery"],
                                      self.uploads["gallery_files"], **AT_ONCE)
        self.results.select(self.look, [self.session, language], self.view, api_visibility="private",
                            show_progress="hidden", concurrency_limit=8)

    # -- handlers ----------------------------------------------------------------------------------------------------

    def work(self, tower: Tower, values: dict[str, object], files: dict[str, list[str]], session: Session,
             language: str) -> Outcome:
        from pointllm.tasks.arithmetic import Query
        from pointllm.tasks.calibration import Calibration

        query = Query(self.query(tower, values, files), Calibration.of(tower.profile))
        gallery, errors = self._gallery(tower, values, files, session, language)
        hits = gallery.search(query, int(values["top"]), list(values["kinds"]) or None)
        result = Results(tuple((term.name, term.modality, term.weight) for term in query.terms), len(gallery),
                         tuple(self._found(hit, values["gallery"] == "server") for hit in hits))
        columns, rows = result.table()
        return Outcome(result, notes(errors) + self.summary(query, gallery, language) +
                       grid(result.found, [name for name, _, _ in result.terms], language), {
            "json": write_json(f"{self.key}.json", result.object()),
            "csv": write_csv(f"{self.key}.csv", columns, rows),
        })

    def summary(self, query: Query, gallery: Gallery, language: str) -> str:
        """What was searched, and how to read the scores."""
        key = "find_scores" if gallery.calibration.is_measured else "find_scores_plain"
        return said(f"{text(language, 'find_searched', count=len(gallery))} {text(language, key)}")

    def done(self, session: Session, outcome: Outcome) -> list:
        """As of every page; the result that was looked at is put away."""
        return [*super().done(session, outcome)[:-1], ""]

    def look(self, session: Session, language: str, chosen: gr.EventData) -> str:
        """A result was clicked: show it large. Only its number is taken from the browser."""
        found = session.result.found if isinstance(session.result, Results) else ()
        index = chosen.index if isinstance(chosen.index, int) else -1
        if not 0 <= index < len(found):
            return ""
        try:
            return large(look_at(found[index].path), found[index].name, language)
        except Exception as error:
            return said(explain(error, [found[index].path], language), "problem")

    def _gallery(self, tower: Tower, values: dict[str, object], files: dict[str, list[str]], session: Session,
                 language: str) -> tuple[Gallery, list[str]]:
        if values["gallery"] == "server":
            return self.server.open(tower), []
        if not isinstance(session.more, Own):
            session.more = Own()
        return own_gallery(tower, session.more, files["gallery_files"], language)

    def _found(self, hit: Hit, of_server: bool) -> Found:
        name = self.server.name(hit.path) if of_server else hit.path.name
        return Found(name, str(hit.path), hit.modality, hit.score, hit.shares, hit.thumbnail)


def terms_of(tower: Tower, given: Sequence[tuple[str, str | None, float]]) -> list[Term]:
    """The terms of a query from (words or name, path or None, weight). InputError for a file that can't be read."""
    from pointllm.tasks.arithmetic import Term

    terms = []
    for name, path, weight in given:
        if path is None:
            terms.append(Term(name, "text", tower.embed_text([name])[0], weight))
        else:
            found = tower.embed_file(path)
            terms.append(Term(Path(path).name, found.modality, found.vector, weight))
    return terms
