"""The pages in the app: a tab each beside the chat, which stays the front page, and what opens them by a link.

Tabs rather than gradio's routes: a route is loaded anew at every visit, which takes as long as the app's first load and
loses the conversation; a tab is made when it is first looked at, and the chat's answer goes on being written meanwhile.
"""

from __future__ import annotations

import gradio as gr

from ..engine import Engine
from ..labels import Labels
from .combine import CombinePage
from .find import FindPage
from .galleries import ServerGallery
from .generate import GeneratePage, sampler_of
from .page import AT_ONCE, TaskPage
from .recognise import RecognisePage
from .work import Worker


class Site:
    """Makes the tabs where it is called: `with site.tabs, site.chat:` holds the chat, `site.build(…)` adds the rest."""

    def __init__(self, engine: Engine, labels: Labels, gallery: str | None = None) -> None:
        """gallery: a folder or an index to search, None for the samples."""
        self.labels = labels
        worker, server = Worker(engine), ServerGallery(gallery)
        self.engine, self.generate = engine, GeneratePage(worker, labels)
        self.pages: list[TaskPage] = [RecognisePage(worker, labels), FindPage(worker, labels, server),
                                      CombinePage(worker, labels, server), self.generate]
        self.tabs = gr.Tabs(elem_id="pages", overflow_behavior="wrap")
        with self.tabs:
            self.chat = labels.of(gr.Tab(elem_id="tab-chat", render_children=True), label="pages_chat")

    def build(self, language: gr.components.Component) -> None:
        """The tabs of the pages. language: the component that says in which language results are written."""
        with self.tabs:
            for page in self.pages:
                tab = self.labels.of(gr.Tab(elem_id=f"tab-{page.key}", visible=page is not self.generate or
                                            self._can_generate()), label=f"{page.key}_title")
                with tab:
                    page.build(language)
        self._generate_tab = tab  # the last one
        self._query = gr.Textbox(visible="hidden", elem_id="pages-query")

    def listen(self, blocks: gr.Blocks, arrived: gr.events.Dependency) -> None:
        """Open the page that the address names, after the app has `arrived` in its visitor's language."""
        for page in self.pages:
            blocks.unload(page.leave)
        outputs = [component for page in self.pages for component in page.components]
        blocks.load(lambda: gr.update(visible=self._can_generate()), None, self._generate_tab, **AT_ONCE)
        # Without a page in the address nothing changes, and the server hears of nothing.
        arrived.then(None, None, self._query, js="() => window.pointllmPages.query()", **AT_ONCE)
        self._query.change(self.open, self._query, outputs, **AT_ONCE).then(
            None, None, None, js="() => window.pointllmPages.opened()", **AT_ONCE)

    def _can_generate(self) -> bool:
        """Whether the profile in use makes shapes; visitors may have loaded another."""
        return bool(sampler_of(self.engine.profile))

    def open(self, query: str) -> list:
        """Every page's form; that of the page in the link as the link fills it, the others as they are."""
        from .link import page_of

        wanted = page_of(query)
        return [update for page in self.pages for update in
                (page.open(query) if page.key == wanted else [gr.skip()] * len(page.components))]
