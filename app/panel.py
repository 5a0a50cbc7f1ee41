"""The right-hand side: the inputs of the conversation, a preview of one of them, and its measured facts.

Previews are plain HTML, and shapes are drawn by `page/viewer.js`: gradio's own Model3D stays empty when an event gives
it a file soon after the page has loaded (gradio 6.31), and its viewers bring megabytes where previews need little.
"""

from __future__ import annotations

from html import escape

import gradio as gr

from .conversation import Conversation
from .engine import Engine
from .facts import table
from .language import DEFAULT, text
from .looking import Look
from .messages import address
from .shape_view import shape_view


class Panel:
    """Builds its components where it is called, and says how they should look for a conversation."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.preview = gr.HTML(_hint(DEFAULT), elem_id="preview")
        self.inputs = gr.CheckboxGroup(visible=False, elem_id="inputs")
        self.facts = gr.HTML(visible=False, elem_id="facts")
        self.components = [self.preview, self.inputs, self.facts]

    def updates(self, conversation: Conversation, language: str) -> list:
        """One update per component, in their order."""
        look = self._look(conversation.shown)
        preview = self._waiting(conversation, language) if look is None else _preview(look, language)
        unchanged = preview == conversation.drawn
        conversation.drawn = preview
        names = [(item.name, str(index)) for index, item in enumerate(conversation.items)]
        ticked = [str(index) for index, item in enumerate(conversation.items) if item.active]
        facts = "" if look is None else f"<h2>{escape(look.name)}</h2>{table(look.facts, language)}"
        return [
            # A player that is given the same file again would start from its beginning.
            gr.skip() if unchanged else gr.update(value=preview),
            # One input needs no choice.
            gr.update(choices=names, value=ticked, visible=len(names) > 1, label=text(language, "inputs_label"),
                      info=text(language, "inputs_info")),
            gr.update(value=facts, visible=look is not None),
        ]

    def picture(self, path: str) -> str | None:
        """The preview of a path that is a picture and has been read, else None."""
        look = self._look(path)
        return look.preview if look and look.modality == "image" else None

    def _look(self, path: str | None) -> Look | None:
        if path is None:
            return None
        future = self.engine.look(path)
        return future.result() if future.done() and future.exception() is None else None

    @staticmethod
    def _waiting(conversation: Conversation, language: str) -> str:
        name = next((item.name for item in conversation.items if item.path == conversation.shown), None)
        return _hint(language, name and text(language, "status_reading", name=name))


def _preview(look: Look, language: str) -> str:
    """HTML that shows a file by its modality."""
    name = escape(look.name)
    if look.modality == "point":
        return shape_view(address(look.preview), look.name, language, "view")
    if look.modality == "image":
        return f'<img class="view" src="{address(look.preview)}" alt="{name}">'
    if look.modality == "audio":
        source = f'src="{address(look.path)}" aria-label="{name}"'
        return f'<audio class="view" controls preload="metadata" {source}></audio>'
    if look.modality == "video":
        source = f'src="{address(look.path)}" poster="{address(look.preview)}" aria-label="{name}"'
        return f'<video class="view" controls playsinline preload="metadata" {source}></video>'
    return f'<blockquote class="view">{escape(look.words)}</blockquote>'


def _hint(language: str, words: str | None = None) -> str:
    return f'<div class="view hint" role="status">{escape(words or text(language, "preview_empty"))}</div>'
