"""A page of the app over a joint space without weights: its form is filled and run as the browser would."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import gradio as gr
from tiny_space import TinyBind, write_profile

from app.labels import Labels
from app.looking import look_at
from app.pages.page import Session
from app.pages.work import Worker


class TinyEngine:
    """As `app.engine.Engine`, with a loaded `TinyBind`."""

    failure = None

    def __init__(self, folder, bind=None):
        self.profile, self.bind, self.answering = write_profile(folder), bind or TinyBind(), 0
        self._embedder = ThreadPoolExecutor(1)
        self._looks = ThreadPoolExecutor(1)

    def wait(self, timeout=None):
        return True

    def with_space(self, job):
        return self._embedder.submit(lambda: job(self.bind)).result()

    def look(self, path):
        return self._looks.submit(look_at, path)


class Visit:
    """One person on one page."""

    def __init__(self, kind, engine, *more):
        self.page = kind(Worker(engine), Labels(), *more)
        with gr.Blocks():
            self.page.build(gr.Textbox())
        self.session = Session()

    def given(self, values, uploads):
        filled = dict(zip([field.key for field in self.page.fields], self.page.fill(values), strict=False))
        return [*filled.values(), *([str(path) for path in uploads.get(name, ())] for name in self.page.uploads)]

    def run(self, values, language="en", **uploads):
        """Every update of the page: [status, results, …]."""
        request = SimpleNamespace(session_hash="somebody")
        return list(self.page.run(self.session, language, request, *self.given(values, uploads)))

    def result(self, values, language="en", **uploads):
        """HTML of the results; AssertionError with the page's line where there are none."""
        *_, last = self.run(values, language, **uploads)
        assert isinstance(last[1], str), last[0]
        self.last = last
        return last[1]

    def line(self, values, language="en", **uploads):
        """What the page says about itself at the end."""
        *_, last = self.run(values, language, **uploads)
        return last[0]

    def download(self, suffix):
        """The path of the file that can be taken along."""
        return self.last[list(self.page.files).index(suffix) + 2]["value"]
