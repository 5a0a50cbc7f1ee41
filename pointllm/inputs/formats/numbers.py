"""Numbers out of text, quickly: the part that the ascii readers share."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np

from ...errors import InputError

# Above this size the C parser of pandas pays for its import.
LARGE_TEXT = 8_000_000


def parse_numbers(path: Path, start: int = 0) -> np.ndarray:
    """All numbers of a text file from byte `start`, whitespace between them, (K,) float64; nan and inf are numbers."""
    with path.open("rb") as file:
        file.seek(start)
        return numbers_of(path, file.read().decode("latin-1"))


def numbers_of(path: Path, text: str) -> np.ndarray:
    """All numbers of a text, whitespace between them, (K,) float64."""
    try:
        return np.fromstring(text, dtype=np.float64, sep=" ")
    except ValueError as error:
        raise InputError(f"{path.name}: holds text where numbers should be; export it again") from error


def parse_table(path: Path, text: str, columns: int, separator: str | None) -> np.ndarray:
    """Lines of `columns` numbers as (rows, columns) float64; separator None stands for whitespace."""
    if len(text) > LARGE_TEXT:
        import pandas

        try:
            table = pandas.read_csv(StringIO(text), sep=separator or r"\s+", header=None, dtype=np.float64,
                                    usecols=range(columns), comment="#")
            return table.to_numpy()
        except ValueError:
            pass  # ragged or odd: the way below says what is wrong
    if separator:
        text = text.replace(separator, " ")
    numbers = numbers_of(path, text)
    if len(numbers) % columns:
        raise InputError(f"{path.name}: its lines do not all hold {columns} numbers; export it again")
    return numbers.reshape(-1, columns)
