"""Sentences in files: a `.txt` that holds prose rather than points."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from .files import check_file
from .formats.table import sniff

SUFFIXES = (".txt",)  # shared with tables of points: `is_prose` tells them apart
MAX_CHARACTERS = 20_000


def is_prose(path: Path) -> bool:
    """Whether a file looks like text in words: readable characters and no table of numbers."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip() or b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    letters = sum(c.isalpha() for c in _decode(head))
    return letters > 0.3 * len(_decode(head)) and sniff(path) is None


def read_text(path: str | Path) -> str:
    """The text, at most MAX_CHARACTERS of it. InputError with one line."""
    path = Path(path)
    check_file(path)
    with path.open("rb") as file:
        text = _decode(file.read(4 * MAX_CHARACTERS)).strip()[:MAX_CHARACTERS]
    if not text:
        raise InputError(f"{path.name}: holds no text; write something into it")
    return text


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "ignore")
    return data.decode("utf-8-sig", "ignore")
