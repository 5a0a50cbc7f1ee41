"""Numbers out of text, quickly and in bounded memory: the part that the ascii readers share."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np

from ...errors import InputError

CHUNK = 16 * 1024 * 1024
WORKERS = 4
# Above this many bytes the C parser of pandas, four times as fast, pays for its import.
LARGE_TEXT = 8_000_000


def parse_numbers(path: Path, start: int = 0, replace: tuple[tuple[bytes, bytes], ...] = ()) -> np.ndarray:
    """All numbers of a text file from byte `start`, whitespace between them, (K,) float64; nan and inf are numbers.

    `replace` are pairs of bytes exchanged first, such as (b",", b" ").
    """
    if path.stat().st_size - start <= LARGE_TEXT:
        return np.concatenate([np.zeros(0), *(numbers_of(path, chunk) for chunk in chunks(path, start, replace))])
    parts, waiting = [np.zeros(0)], deque()
    with ThreadPoolExecutor(WORKERS) as pool:  # pandas parses without holding the interpreter
        for chunk in chunks(path, start, replace):
            waiting.append(pool.submit(_fast_numbers, path, chunk))
            if len(waiting) > WORKERS:  # so that no more than a few pieces are in memory
                parts.append(waiting.popleft().result())
        parts.extend(task.result() for task in waiting)
    return np.concatenate(parts)


def chunks(path: Path, start: int, replace: tuple[tuple[bytes, bytes], ...]) -> Iterator[bytes]:
    """The file from byte `start` in pieces that end at ends of lines, with the bytes of `replace` exchanged."""
    with path.open("rb") as file:
        file.seek(start)
        while piece := file.read(CHUNK):
            piece += file.readline()
            for old, new in replace:
                piece = piece.replace(old, new)
            yield piece


def numbers_of(path: Path, text: bytes | str) -> np.ndarray:
    """All numbers of a text, whitespace between them, (K,) float64."""
    try:
        return np.fromstring(text, dtype=np.float64, sep=" ")
    except ValueError as error:
        raise InputError(f"{path.name}: holds text where numbers should be; export it again") from error


def _fast_numbers(path: Path, text: bytes) -> np.ndarray:
    """As `numbers_of`, quicker where all lines hold equally many numbers."""
    import pandas

    width = len(text[:text.find(b"\n")].split())
    try:
        table = pandas.read_csv(BytesIO(text), sep=r"\s+", header=None, names=range(width), index_col=False,
                                dtype=np.float64, on_bad_lines="error", engine="c").to_numpy()
    except ValueError:  # words, or a line longer than the first
        return numbers_of(path, text)
    if np.isnan(table[:, -1]).any():  # a shorter line, or a real nan
        return numbers_of(path, text)
    return table.ravel()
