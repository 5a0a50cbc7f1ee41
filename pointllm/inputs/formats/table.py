"""Points as lines of numbers: `.xyz`, `.txt`, `.csv`, `.pts`, with or without a header, colours and further columns.

Separators are blanks, tabs, commas or semicolons (with decimal commas); the first line of a `.pts` may be a count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from .columns import guess_colors, named_columns, to_unit
from .geometry import MAX_VERTICES, Geometry, check_counts
from .numbers import parse_numbers

HEAD = 64 * 1024
MAX_HEADER_LINES = 40


@dataclass(frozen=True)
class Layout:
    """How the lines of a file are to be read: where data starts, columns, their names, bytes to exchange."""

    start: int
    columns: int
    names: tuple[str, ...] | None
    replace: tuple[tuple[bytes, bytes], ...]
    claimed: int | None


def read(path: Path) -> Geometry:
    """Points, with colours where three columns hold some; further columns are left out."""
    layout = sniff(path)
    if layout is None:
        raise InputError(f"{path.name}: its lines are not points (three or more numbers each); "
                         "save one point a line as x y z [r g b]")
    if layout.claimed is not None:
        check_counts(path, vertices=layout.claimed)
    size = path.stat().st_size - layout.start
    if size > MAX_VERTICES * layout.columns * 20:
        raise InputError(f"{path.name}: {size / 1e9:.1f} GB of text is too much; save it as binary PLY or subsample it")
    numbers = parse_numbers(path, layout.start, layout.replace)
    if len(numbers) % layout.columns:
        raise InputError(f"{path.name}: its lines do not all hold {layout.columns} numbers; "
                         "the file is cut off or mixes tables, export it again")
    table = numbers.reshape(-1, layout.columns)
    if layout.claimed is not None and layout.claimed > len(table):
        raise InputError(f"{path.name}: its first line claims {layout.claimed:,} points but {len(table):,} follow; "
                         "the file is cut off, export it again")
    xyz_columns, color_columns = named_columns(layout.names) if layout.names else (None, None)
    if color_columns is None and not (layout.names and xyz_columns):
        color_columns = guess_colors(table, intensity_first=path.suffix.lower() == ".pts")
    vertices = table[:, :3] if xyz_columns is None else table[:, xyz_columns]
    colors = None if color_columns is None else to_unit(table[:, color_columns])
    return Geometry(np.ascontiguousarray(vertices), vertex_colors=colors)


def sniff(path: Path) -> Layout | None:
    """The layout of the file from its first lines; None where they are not a table of three or more numbers."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if b"\0" in head:
        return None
    position, names, claimed = (3 if head.startswith(b"\xef\xbb\xbf") else 0), None, None
    lines = head[position:].splitlines(keepends=True)
    if len(lines) > 1 and len(head) == HEAD:
        lines.pop()  # cut off
    for line in lines[:MAX_HEADER_LINES]:
        text = line.decode("latin-1").strip()
        separator = _separator(text)
        words = _words(text, separator)
        values = _numbers(words, separator)
        if values is not None and len(values) >= 3:
            replace = _replacements(separator, text)
            return Layout(position, len(values), names, replace, claimed)
        if values is not None and len(values) == 1 and claimed is None and values[0] == int(values[0]):
            claimed = int(values[0])
        elif values is None and words:
            comment = text.startswith(("#", "//", ";"))
            words = [w for w in words if w not in ("#", "//")]
            if named_columns(words)[0]:
                names = tuple(words)
            elif not comment and names is None and position and claimed is None:
                return None  # prose: words that are neither a comment nor names of columns, and not the first line
        position += len(line)
    return None


def _separator(text: str) -> str | None:
    """The character between the numbers of a line; None for blanks."""
    for mark in (";", "\t", ","):
        if mark in text:
            return mark
    return None


def _words(text: str, separator: str | None) -> list[str]:
    words = text.split(separator) if separator else text.split()
    if separator:
        words = [inner for w in words for inner in (w.split() or [""])]
    return words[:-1] if words and words[-1] == "" else words  # a separator may end the line


def _numbers(words: list[str], separator: str | None) -> list[float] | None:
    """The words as numbers, or None where one isn't; decimal commas where the separator leaves commas free."""
    if not words:
        return None
    pattern = re.compile(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|nan|inf(inity)?)", re.IGNORECASE)
    values = []
    for word in words:
        word = word.replace(",", ".") if separator in (";", "\t") else word
        if not pattern.fullmatch(word):
            return None
        values.append(float(word))
    return values


def _replacements(separator: str | None, text: str) -> tuple[tuple[bytes, bytes], ...]:
    if separator is None:
        return ()
    pairs = [(b",", b".")] if separator in (";", "\t") and "," in text else []
    return (*pairs, (separator.encode(), b" "))
