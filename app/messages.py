"""Turns of a conversation as the messages that the page draws. Pictures are shown, other files named.

What users, files and the model write is text here: it may be Markdown, never HTML, and it loads nothing from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from .conversation import Conversation, Turn
from .language import DEFAULT, text

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
    """Gradio chat messages. `picture` gives the preview image of a path, or None for what is not an image.

    The files of a question are a message of their own, so that editing a question shows its words alone.
    """
    return [message for turn in conversation.turns for message in _shown(turn, language, picture)]


def turn_of(conversation: Conversation, index: int) -> int | None:
    """The number of the turn that message `index` belongs to."""
    first = 0
    for number, turn in enumerate(conversation.turns):
        first += len(_shown(turn, DEFAULT, lambda path: None))
        if index < first:
            return number
    return None


def feedback(conversation: Conversation) -> list[str | None]:
    """Gradio's feedback, one for each answer that is shown."""
    return [turn.feedback or None for turn in conversation.turns if _answer(turn, DEFAULT)]


def _shown(turn: Turn, language: str, picture: Callable[[str], str | None]) -> list[dict]:
    said = [("user", _files(turn, picture)), ("user", harmless(turn.question)), ("assistant", _answer(turn, language))]
    return [{"role": role, "content": content} for role, content in said if content]


def _files(turn: Turn, picture: Callable[[str], str | None]) -> str:
    lines = []
    for path in turn.added:
        image, name = picture(path), literal(Path(path).name)
        # Not gradio's own picture message: that one comes with a button that shares it with the world.
        lines.append(f'<span class="name">{name}</span>' if image is None else
                     f'<img class="picture" src="{address(image)}" alt="{name}">')
    return "\n\n".join(lines)


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
