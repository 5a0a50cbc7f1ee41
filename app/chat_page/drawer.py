"""The conversations that a browser keeps: one is opened, saved as a file, or brought back from one.

The list itself lives in the browser (`page/drawer.js`); here is only what needs the files.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from ..archive import ArchiveError, from_browser, from_file, markdown, to_file
from ..chat import Chat
from ..conversation import Conversation
from ..language import text
from ..messages import address
from ..uploads import scratch, sweep
from .parts import Parts

MAX_IMPORT_MEGABYTES = 150


class Drawer:
    """The handlers of the drawer."""

    def __init__(self, parts: Parts, chat: Chat) -> None:
        self.parts = parts
        self.chat = chat

    def open(self, conversation: Conversation, language: str, event: gr.EventData) -> dict:
        """A kept conversation was chosen; it takes the place of the one on the page."""
        chosen = from_browser(_json(getattr(event, "kept", None)))
        if chosen is None:
            gr.Warning(text(language, "drawer_unreadable"))
            return self.parts.nothing()
        return self.chat.exchange(conversation, chosen, language)

    def back(self, conversation: Conversation, language: str, event: gr.EventData) -> dict:
        """The connection is back."""
        return self.chat.resume(getattr(event, "kept", None) or "", conversation, language)

    def save(self, language: str, event: gr.EventData) -> str:
        """Write a kept conversation into a file; gives its address and name, for the browser to fetch."""
        conversation = from_browser(_json(getattr(event, "kept", None)))
        if conversation is None:
            raise gr.Error(text(language, "drawer_unreadable"), print_exception=False)
        title = str(getattr(event, "title", "") or text(language, "drawer_untitled"))[:200]
        sweep()
        folder = scratch() / secrets.token_urlsafe(18)
        folder.mkdir()
        as_text = getattr(event, "kind", None) == "markdown"
        stem = re.sub(r"[^\w .()-]+", "-", title).replace(" - ", " ").strip(" .-")[:60] or "chat"
        file = folder / f"{stem}.{'md' if as_text else 'json'}"
        if as_text:
            file.write_text(markdown(conversation, title, language), encoding="utf-8")
        else:
            file.write_text(json.dumps(to_file(conversation, title), ensure_ascii=False), encoding="utf-8")
        return json.dumps({"address": address(str(file)), "name": file.name})

    def bring(self, file: str | None, conversation: Conversation, language: str) -> Iterator[dict]:
        """A saved conversation was brought back: open it."""
        if file is None:
            return
        try:
            if Path(file).stat().st_size > MAX_IMPORT_MEGABYTES * 10**6:
                raise ArchiveError("too large")
            chosen, title = from_file(json.loads(Path(file).read_text(encoding="utf-8")))
        except (ArchiveError, ValueError, OSError, RecursionError):
            gr.Warning(text(language, "drawer_not_a_chat", name=Path(file).name))
            yield {self.parts.chatbot: gr.skip()}
            return
        update = self.chat.exchange(conversation, chosen, language)
        kept = json.loads(update[self.parts.kept]) | {"title": title}
        yield {**update, self.parts.kept: json.dumps(kept, ensure_ascii=False)}


def _json(kept: object) -> object:
    try:
        return json.loads(kept) if isinstance(kept, str) else kept
    except (ValueError, RecursionError):
        return None
