"""What the pages have in common: a form, examples that work at one click, a run that tells how far it is, results to
take along, and a link that fills the form again.

A page says what its form is and what to do with it; this file has the events. Every handler gets its person's own
`Session` and changes it in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from weakref import WeakValueDictionary

import gradio as gr

from ..engine import Status
from ..labels import Labels
from ..language import text
from ..uploads import arrange, explain
from .link import Field, read_link, write_link
from .work import Changed, Finished, Job, Stopped, Tower, Worker

AT_ONCE = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
QUEUED = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "multiple",
          "concurrency_id": "pages", "concurrency_limit": 8}


@dataclass
class Session:
    """One person on one page. job: the last one; result: what it gave; more: what the page keeps beside it.

    language: in which the last result was asked for.
    """

    job: Job = field(default_factory=lambda: Job(stopped=True))
    result: object = None
    more: object = None
    language: str = "en"

    def begin(self) -> Job:
        """A new job in place of the one that may still run."""
        self.job.stopped = True
        self.job = Job()
        return self.job


@dataclass(frozen=True)
class Outcome:
    """What a job made: the result to keep, its HTML, and the files to take along by their suffix."""

    result: object
    html: str
    downloads: Mapping[str, str] = field(default_factory=dict)


class TaskPage:
    """A page; the ones that there are fill in what is marked with "of the page"."""

    key = ""
    fields: Sequence[Field] = ()
    examples: Sequence[tuple[str, Mapping[str, object]]] = ()  # key of the text on the button → values
    downloads: Sequence[str] = ("json", "csv")

    def __init__(self, worker: Worker, labels: Labels) -> None:
        self.worker, self.labels = worker, labels
        self.inputs: dict[str, gr.components.Component] = {}  # by the key of the field
        self.uploads: dict[str, gr.File] = {}
        # By gradio's session, to end a job when its reader has left.
        self.sessions: WeakValueDictionary[str, Session] = WeakValueDictionary()

    # -- of the page -------------------------------------------------------------------------------------------------

    def form(self) -> None:
        """Make the components of the form: fill `inputs` and `uploads`."""
        raise NotImplementedError

    def options(self) -> None:
        """Make the components below the buttons, which most people leave alone."""

    def show(self) -> list[gr.components.Component]:
        """Make what stands below the results, and give it: a run's further outputs."""
        return []

    def problem(self, values: dict[str, object], files: dict[str, list[str]], language: str) -> str | None:
        """Why nothing can be done yet, in words for the person, or None."""

    def work(self, tower: Tower, values: dict[str, object], files: dict[str, list[str]], session: Session,
             language: str) -> Outcome:
        """The job itself; runs in a thread of its own."""
        raise NotImplementedError

    # -- components --------------------------------------------------------------------------------------------------

    def build(self, language: gr.components.Component) -> None:
        """Make the page's components, in its tab, and their events."""
        of, key = self.labels.of, self.key
        self.session = gr.State(Session())
        with gr.Row(elem_classes="use", elem_id=f"use-{key}"):
            with gr.Column(scale=2, elem_classes="use-form"):
                of(gr.Markdown(elem_classes="use-intro"), value=f"{key}_intro")
                buttons = self._examples()
                self.form()
                with gr.Row(elem_classes="use-actions"):
                    run = of(gr.Button(variant="primary", elem_id=f"{key}-run"), value=f"{key}_run")
                    stop = of(gr.Button(elem_id=f"{key}-stop"), value="pages_stop")
                    link = of(gr.Button(elem_id=f"{key}-link"), value="pages_link")
                self.options()
                self.address = of(gr.Textbox(visible=False, interactive=False, buttons=["copy"],
                                             elem_id=f"{key}-address"), label="pages_address")
            with gr.Column(scale=3, elem_classes="use-results"):
                self.status = gr.HTML(elem_classes="use-status", elem_id=f"{key}-status")
                self.results = gr.HTML(elem_id=f"{key}-results", js_on_load=CLICKED)
                with gr.Row(elem_classes="use-downloads"):
                    self.files = {suffix: of(gr.DownloadButton(visible=False, size="sm", elem_id=f"{key}-{suffix}"),
                                             label=f"pages_{suffix}") for suffix in self.downloads}
                more = self.show()
        form = [*(self.inputs[known.key] for known in self.fields), *self.uploads.values()]
        self.components = form
        given = [self.session, language, *form]
        self.outputs = [self.status, self.results, *self.files.values(), *more]
        run.click(self.run, given, self.outputs, **QUEUED)
        stop.click(self.stop, self.session, None, **AT_ONCE)
        link.click(self.share, given, self.address, **AT_ONCE).then(
            None, self.address, self.address, js="(query) => window.pointllmPages.share(query)", **AT_ONCE)
        for button, (_, values) in zip(buttons, self.examples, strict=True):
            button.click(lambda values=values: self.fill(values), None, form, **AT_ONCE).then(
                self.run, given, self.outputs, **QUEUED)

    def _examples(self) -> list[gr.Button]:
        with gr.Row(elem_classes="use-examples"):
            return [self.labels.of(gr.Button(size="sm", elem_id=f"{self.key}-example-{number}"), value=key)
                    for number, (key, _) in enumerate(self.examples)]

    # -- handlers ----------------------------------------------------------------------------------------------------

    def run(self, session: Session, language: str, request: gr.Request, *given: object) -> Iterator[list]:
        """Do what the form says. Gives [status, results, *files]."""
        job = session.begin()
        self.sessions[request.session_hash], session.language = session, language
        values, files = self.read(given)
        problem = self.problem(values, files, language)
        if problem:
            job.stopped = True
            yield [said(problem, "problem"), *[gr.skip()] * (len(self.outputs) - 1)]
            return
        paths = [path for group in files.values() for path in group]
        waiting = [gr.skip()] * (len(self.outputs) - 1)
        shown = Status("pages_working", {})
        yield [self.busy(shown, language), *waiting]
        try:
            for step in self.worker.run(job, lambda tower: self.work(tower, values, files, session, language)):
                if isinstance(step, Finished):
                    yield self.done(session, step.result)
                elif step != shown:
                    shown = step
                    yield [self.busy(step, language), *waiting]
        except Stopped:
            if session.job is job:  # else the new job's words stand there
                yield [said(text(language, "stopped")), *waiting]
        except Changed:
            yield [said(text(language, "pages_changed"), "problem"), *waiting]
        except Exception as error:
            yield [said(explain(error, paths, language), "problem"), *waiting]

    def done(self, session: Session, outcome: Outcome) -> list:
        """The page with the result of a job."""
        session.result = outcome.result
        files = [gr.update(value=outcome.downloads.get(suffix), visible=suffix in outcome.downloads)
                 for suffix in self.files]
        return ["", outcome.html, *files, *[gr.skip()] * (len(self.outputs) - 2 - len(files))]

    def busy(self, status: Status, language: str) -> str:
        """What is being done."""
        return said(text(language, status.key, **status.values), "busy")

    def stop(self, session: Session) -> None:
        """End the job, within a file."""
        session.job.stopped = True

    def leave(self, request: gr.Request) -> None:
        """The page was closed: end the job."""
        session = self.sessions.pop(request.session_hash, None)
        if session is not None:
            session.job.stopped = True

    def share(self, session: Session, language: str, *given: object) -> dict:
        """A link to the page as it is filled in. Gives the box with it."""
        values, files = self.read(given)
        long = not all(known.fits(values[known.key]) for known in self.fields)
        note = "pages_link_long" if long else "pages_link_uploads" if any(files.values()) else "pages_link_info"
        return gr.update(value=write_link(self.key, self.fields, values), info=text(language, note), visible=True)

    def open(self, query: str) -> list:
        """The form as a link fills it. Gives [*inputs, *uploads]."""
        return self.fill(read_link(self.fields, query))

    def fill(self, values: Mapping[str, object]) -> list:
        """The form with these values, the page's own in the others, and no uploads. Gives [*inputs, *uploads]."""
        filled = [values.get(known.key, known.default) for known in self.fields]
        return [*[list(value) if isinstance(value, tuple) else value for value in filled], *[None] * len(self.uploads)]

    def read(self, given: Sequence[object]) -> tuple[dict[str, object], dict[str, list[str]]]:
        """The form's values by field, and its uploads by name with companions put beside what names them."""
        # None: an emptied number, say.
        values = {known.key: known.default if value is None else value
                  for known, value in zip(self.fields, given, strict=False)}
        files = {name: arrange(paths or []) for name, paths in
                 zip(self.uploads, given[len(self.fields):], strict=True)}
        return values, files


# Clicks on results go to the server with the number of the result, and nothing else does.
CLICKED = """element.addEventListener('click', (event) => {
  const hit = event.target.closest('[data-hit]');
  if (hit) trigger('select', { index: Number(hit.dataset.hit), value: null });
});"""


def said(words: str, kind: str = "") -> str:
    """A line of the page about itself."""
    return f'<p class="said {kind}">{escape(words)}</p>'
