"""Turns of a conversation as the messages that the page draws. Pictures are shown, other files named.

What users, files and the model write is text here: it may be Markdown, never HTML, and it loads nothing from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from .conversation import Conversation, Turn
from .language import text

IMAGE_LINK = re.compile(r"!\[")


def literal(words: str) -> str:
    """`words` with every character that HTML or Markdown could read as markup written as an entity."""
    return "".join(c if c.isalnum() or c.isspace() or ord(c) > 126 else f"&#{ord(c)};" for c in words)


def harmless(markdown: str) -> str:
    """Markdown whose HTML is shown as text and whose pictures stay links: an answer must not make a browser fetch."""
    return IMAGE_LINK.sub(r"!\\[", markdown.replace("<", "&lt;"))


def address(path: str) -> str:
    """Where a browser finds a file that gradio serves; relative, since the app may stand below a path."""
    return f"gradio_api/file={quote(path)}"


def messages(conversation: Conversation, language: str, picture: Callable[[str], str | None]) -> list[dict]:
    """Gradio chat messages. `picture` gives the preview image of a path, or None for what is not an image."""
    shown = []
    for turn in conversation.turns:
        if turn.question or turn.added:
            shown.append({"role": "user", "content": _question(turn, picture)})
        answer = _answer(turn, language)
        if answer:
            shown.append({"role": "assistant", "content": answer})
    return shown


def _question(turn: Turn, picture: Callable[[str], str | None]) -> str:
    lines = []
    for path in turn.added:
        image, name = picture(path), literal(Path(path).name)
        # Not gradio's own picture message: that one comes with a button that shares it with the world.
        lines.append(f'<span class="name">{name}</span>' if image is None else
                     f'<img class="picture" src="{address(image)}" alt="{name}">')
    return "\n\n".join([*lines, harmless(turn.question)])


def _answer(turn: Turn, language: str) -> str:
    parts = [f'<span class="error" role="alert">{literal(note)}</span>' for note in turn.notes]
    if turn.answer:
        parts.append(harmless(turn.answer))
    if turn.open and not turn.answer:
        parts.append(f'<span class="status" role="status">{literal(turn.status)}</span>')
    elif turn.state == "stopped":
        parts.append(f'<span class="status">{literal(text(language, "stopped"))}</span>')
    elif turn.state == "done" and not turn.answer.strip():
        parts.append(f'<span class="status">{literal(text(language, "no_answer"))}</span>')
    return "\n\n".join(parts)
