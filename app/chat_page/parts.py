"""The components of the chat page that handlers redraw, and what they should show for a conversation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from ..archive import to_browser
from ..conversation import Conversation
from ..engine import Engine
from ..messages import feedback, messages
from ..panel import Panel
from .chips import chips_html

IDLE = {"submit_btn": True, "stop_btn": False}
BUSY = {"submit_btn": False, "stop_btn": True}


@dataclass
class Parts:
    """state: this person's conversation; kept: the JSON that the browser keeps of it; download: the address of a file
    that the browser is to save."""

    state: gr.State
    chatbot: gr.Chatbot
    box: gr.MultimodalTextbox
    chips: gr.HTML
    kept: gr.Textbox
    download: gr.Textbox
    panel: Panel
    engine: Engine

    @property
    def shown(self) -> list[gr.components.Component]:
        """What `whole` redraws."""
        return [self.chatbot, self.box, self.chips, self.kept, *self.panel.components]

    def whole(self, conversation: Conversation, language: str, **box: object) -> dict:
        """Everything; `box`: other properties of the text box."""
        return {**self.talk(conversation, language), **self.inputs(conversation, language),
                self.box: gr.update(**(BUSY if conversation.pending else IDLE), **box)}

    def talk(self, conversation: Conversation, language: str) -> dict:
        """The messages."""
        drawn = messages(conversation, language, self._picture)
        return {self.chatbot: gr.update(value=drawn, feedback_value=feedback(conversation)),
                self.kept: keepable(conversation)}

    def words(self, conversation: Conversation, language: str) -> dict:
        """The messages while an answer grows."""
        return {self.chatbot: messages(conversation, language, self._picture)}

    def inputs(self, conversation: Conversation, language: str, busy: str = "") -> dict:
        """The chips and the panel; `busy`: what is being done that has no chip yet."""
        return {self.chips: chips_html(conversation, language, self.engine, busy), self.kept: keepable(conversation),
                **dict(zip(self.panel.components, self.panel.updates(conversation, language), strict=True))}

    def _picture(self, path: str) -> str | None:
        """The preview of what is a picture, and still there."""
        return self.panel.picture(path) if Path(path).is_file() else None

    def nothing(self) -> dict:
        """No change."""
        return {self.chatbot: gr.skip()}


def keepable(conversation: Conversation) -> str:
    """What the browser keeps."""
    return json.dumps(to_browser(conversation), ensure_ascii=False)
