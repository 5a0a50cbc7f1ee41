"""Conversations as JSON: for the browser that keeps them, and as files that people save and bring back.

What a browser sends back is a stranger's: everything is checked and cut to size, and files are named by tickets
(`keeping`), never by paths. A saved file carries its inputs within itself, as data URLs.
"""

from __future__ import annotations

import base64
import binascii
import logging
import math
import mimetypes
import re
import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .conversation import Conversation, Item, Turn
from .keeping import keep, redeem, ticket
from .language import text

logger = logging.getLogger("pointllm.app")

FORMAT = "point-llm conversation"
VERSION = 1
MAX_ITEMS = 200
MAX_TURNS = 1000
MAX_CHARACTERS = 50_000  # of one text
EMBED_BYTES = 100 * 2**20  # of all inputs in a saved file
FEEDBACK = ("Like", "Dislike")
STATES = ("done", "stopped", "failed")
ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class ArchiveError(ValueError):
    """A file that is no saved conversation."""


def to_browser(conversation: Conversation) -> dict:
    """What the browser keeps: texts, and tickets instead of files."""
    return _written(conversation, [{"file": ticket(item.path)} for item in conversation.items])


def from_browser(kept: object) -> Conversation | None:
    """The conversation that a browser kept; None for what is none."""
    if not isinstance(kept, dict) or kept.get("format") != FORMAT:
        return None
    return _read(kept, [redeem(row.get("file")) for row in _rows(kept, "inputs", MAX_ITEMS)])


def to_file(conversation: Conversation, title: str) -> dict:
    """A conversation that stands by itself: its inputs as data URLs, as long as they fit into EMBED_BYTES.

    What was too large or is no longer here is named without content.
    """
    room, files = EMBED_BYTES, []
    for item in conversation.items:
        contents = []
        for path in _with_companions(item.path):
            size = path.stat().st_size
            if size > room:
                continue
            room -= size
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            contents.append({"name": path.name, "data": f"data:{kind};base64,"
                             + base64.b64encode(path.read_bytes()).decode()})
        files.append({"files": contents})
    return {**_written(conversation, files), "title": title}


def from_file(saved: object) -> tuple[Conversation, str]:
    """The conversation of a saved file, its inputs unpacked into new folders, and its title. Raises ArchiveError."""
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise ArchiveError("not a saved conversation")
    paths = [_unpacked(row) for row in _rows(saved, "inputs", MAX_ITEMS)]
    conversation = _read(saved, paths)
    conversation.id = Conversation().id  # beside the one that it may have come from, not in its place
    return conversation, _text(saved.get("title"))[:200]


def markdown(conversation: Conversation, title: str, language: str) -> str:
    """The conversation to be read by people."""
    lines = [f"# {title}", ""]
    for turn in conversation.turns:
        if turn.question:
            lines += [f"**{text(language, 'export_question')}** {turn.question}", ""]
        if turn.paths:
            lines += [", ".join(f"`{Path(path).name}`{_shown_weight(weight)}" for path, weight in
                                zip(turn.paths, turn.weights or [1.0] * len(turn.paths), strict=False)), ""]
        lines += [f"> {note}\n" for note in turn.notes]
        if turn.answer:
            lines += [f"**{text(language, 'export_answer')}** {turn.answer}", ""]
        if turn.state == "stopped":
            lines += [f"*{text(language, 'stopped')}*", ""]
        if turn.feedback:
            lines += [f"*{text(language, 'export_' + turn.feedback.lower())}*", ""]
    return "\n".join(lines).rstrip() + "\n"


def _shown_weight(weight: float) -> str:
    return "" if weight == 1 else f" × {weight:g}"


# -- writing ---------------------------------------------------------------------------------------------------------


def _written(conversation: Conversation, files: list[dict]) -> dict:
    number = {item.path: index for index, item in enumerate(conversation.items)}

    def numbers(paths: list[str]) -> list[int]:
        return [number[path] for path in paths if path in number]

    inputs = [{**file, "name": item.name, "ticked": item.active, "sent": item.sent, "weight": item.weight,
               "removed": item.removed} for item, file in zip(conversation.items, files, strict=True)]
    turns = [{"question": turn.question, "added": numbers(turn.added), "about": numbers(turn.paths),
              "weights": turn.weights, "answer": turn.answer, "notes": turn.notes,
              "state": "stopped" if turn.open else turn.state, "feedback": turn.feedback}
             for turn in conversation.turns]
    return {"format": FORMAT, "version": VERSION, "id": conversation.id, "started": conversation.started,
            "inputs": inputs, "turns": turns, "shown": number.get(conversation.shown, -1)}


def _with_companions(path: str) -> Iterator[Path]:
    """The file, and what was kept beside it (materials, textures)."""
    main = Path(path)
    if main.is_file():
        yield main
        yield from (other for other in sorted(main.parent.iterdir()) if other != main and other.is_file())


# -- reading ---------------------------------------------------------------------------------------------------------


def _read(kept: dict, paths: list[str | None]) -> Conversation:
    """From a kept dictionary and the path of each of its inputs, None where there can be none."""
    started = kept.get("started")
    items: list[Item | None] = []
    for row, path in zip(_rows(kept, "inputs", MAX_ITEMS), paths, strict=True):
        known = path is not None and all(item is None or item.path != path for item in items)
        items.append(Item(path, bool(row.get("ticked")), bool(row.get("sent")), _weight(row.get("weight")),
                          bool(row.get("removed"))) if known else None)

    def paths_of(row: dict, name: str) -> list[str]:
        numbers = row.get(name) if isinstance(row.get(name), list) else []
        return [items[n].path for n in numbers if type(n) is int and 0 <= n < len(items) and items[n]]

    conversation = Conversation(items=[item for item in items if item])
    if isinstance(kept.get("id"), str) and ID.fullmatch(kept["id"]):
        conversation.id = kept["id"]
    if isinstance(started, int | float) and 0 < started < time.time() + 86400:
        conversation.started = float(started)
    for row in _rows(kept, "turns", MAX_TURNS):
        about = paths_of(row, "about")
        weights = row.get("weights") if isinstance(row.get("weights"), list) else []
        notes = row.get("notes") if isinstance(row.get("notes"), list) else []
        conversation.turns.append(Turn(
            _text(row.get("question")), paths_of(row, "added"), about,
            [_weight(weight) for weight in weights] if len(weights) == len(about) else [1.0] * len(about),
            answer=_text(row.get("answer")), notes=[_text(note) for note in notes[:20]],
            state=row.get("state") if row.get("state") in STATES else "stopped",
            feedback=row.get("feedback") if row.get("feedback") in FEEDBACK else "",
        ))
    shown = kept.get("shown")
    there = [item.path for item in conversation.inputs if not item.lost]
    if type(shown) is int and 0 <= shown < len(items) and items[shown] and items[shown].path in there:
        conversation.shown = items[shown].path
    elif there:
        conversation.shown = there[-1]
    return conversation


def _rows(kept: dict, name: str, limit: int) -> list[dict]:
    rows = kept.get(name)
    return [row if isinstance(row, dict) else {} for row in rows[:limit]] if isinstance(rows, list) else []


def _text(value: object) -> str:
    return value[:MAX_CHARACTERS] if isinstance(value, str) else ""


def _weight(value: object) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and 0 <= value <= 2 else 1.0


def _unpacked(row: dict) -> str | None:
    """Write the files of one input and keep them; the path of the first, or one that names what is missing."""
    with tempfile.TemporaryDirectory(prefix="pointllm-import-") as place:
        written = []
        for file in (row.get("files") if isinstance(row.get("files"), list) else [])[:MAX_ITEMS]:
            name, data = (file.get("name"), file.get("data")) if isinstance(file, dict) else (None, None)
            if not redeem({"key": "x" * 32, "name": name}) or not isinstance(data, str):
                continue
            try:
                content = base64.b64decode(data.partition(";base64,")[2], validate=True)
            except (binascii.Error, ValueError):
                continue
            target = Path(place) / name
            target.write_bytes(content)
            written.append(str(target))
        if written:
            return keep(written[0], written[1:])
    return redeem({"key": secrets.token_urlsafe(24), "name": row.get("name")})
