"""What happens to the inputs: files arrive, are read, ticked, weighed, looked at, taken out, or fetched by a link."""

from __future__ import annotations

import mimetypes
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import gradio as gr

from .. import remote
from ..conversation import Conversation
from ..keeping import keep
from ..language import text
from ..settings import MAX_FILE_MEGABYTES, MAX_FILES
from ..uploads import explain, groups
from .chips import find
from .parts import Parts


class Inputs:
    """The handlers of the chips, and of the files in the text box."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.engine = parts.engine

    def take(self, box: dict | None, conversation: Conversation, language: str) -> dict:
        """Files arrived in the text box: they become inputs at once, and leave the box."""
        files = (box or {}).get("files") or []
        if not files:
            return self.parts.nothing()
        conversation.add(self.kept(files, conversation, language))
        return self.parts.inputs(conversation, language)

    def kept(self, files: Sequence[str], conversation: Conversation, language: str) -> list[str]:
        """Uploads in folders of their own, each beside the files that it refers to; says what is too much."""
        found = groups(files)
        room = MAX_FILES - len(conversation.inputs)
        if len(found) > room:
            gr.Warning(text(language, "error_too_many_files", count=len(found), limit=MAX_FILES))
            found = found[:max(room, 0)]
        paths = [keep(path, companions) for path, companions in found]
        for path in paths:
            self.engine.look(path)  # all start now; they are waited for in order
        return paths

    def read(self, conversation: Conversation, language: str) -> Iterator[dict]:
        """Wait until what arrived is read, show it, and say what can't be used."""
        for item in conversation.inputs:
            if item.lost or self.engine.seen(item.path):
                continue
            try:
                for _ in self.engine.read(item.path, lambda: conversation.closed):
                    pass
            except Exception as error:
                if item not in conversation.inputs:
                    continue  # two uploads are waited for side by side; the other one told it already
                conversation.drop(item.path)
                conversation.note(explain(error, [item.path], language))
                yield self._drawn(conversation, language, talk=True)
            else:
                yield self._drawn(conversation, language)
        yield self._drawn(conversation, language)

    def _drawn(self, conversation: Conversation, language: str, talk: bool = False) -> dict:
        """The inputs, and the messages if asked; nothing where another conversation took this one's place."""
        if conversation.closed:
            return self.parts.nothing()
        said = self.parts.talk(conversation, language) if talk else {}
        return {**said, **self.parts.inputs(conversation, language)}

    def fetch(self, conversation: Conversation, language: str, event: gr.EventData) -> Iterator[dict]:
        """Bring the file behind a link, as an input."""
        link = getattr(event, "link", None)
        if not isinstance(link, str):
            return
        yield self.parts.inputs(conversation, language, text(language, "link_fetching", link=link[:60]))
        try:
            with tempfile.TemporaryDirectory(prefix="pointllm-link-") as folder:
                content, kind = remote.fetch(link, MAX_FILE_MEGABYTES * 10**6)
                file = Path(folder) / _name(link, kind)
                file.write_bytes(content)
                conversation.add(self.kept([str(file)], conversation, language))
        except Exception as error:
            conversation.note(explain(error, [], language))
        yield self._drawn(conversation, language, talk=True)
        yield from self.read(conversation, language)

    def change(self, conversation: Conversation, language: str, event: gr.EventData) -> dict:
        """A chip was ticked, weighed, shown or taken out."""
        item = find(conversation, getattr(event, "key", None))
        if item is None:
            return self.parts.inputs(conversation, language)
        action, value = getattr(event, "action", None), getattr(event, "value", None)
        if action == "tick":
            conversation.tick(item.path, not item.active)
        elif action == "weigh" and isinstance(value, int | float):
            conversation.weigh(item.path, value)
        elif action == "show" and not item.lost:
            conversation.shown = item.path
        elif action == "remove":
            conversation.drop(item.path)
        return self.parts.inputs(conversation, language)


def _name(link: str, kind: str) -> str:
    """A file name from the link's path; its suffix from the type that the server told, where it has none."""
    name = re.sub(r"[^\w .()+-]", "_", Path(unquote(urlsplit(link).path)).name).strip(" .")[-100:] or "download"
    return name if Path(name).suffix else name + (remote.SUFFIXES.get(kind) or mimetypes.guess_extension(kind) or "")
