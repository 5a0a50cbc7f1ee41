"""Results as files that a person can take along: JSON, and CSV for tables."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..uploads import scratch, sweep

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a table program would take what begins so for a formula


def place(name: str) -> Path:
    """Where to write a file of that name for one person: a folder of its own, swept after a day."""
    sweep()
    folder = scratch() / f"download-{uuid.uuid4().hex}"
    folder.mkdir()
    return folder / name


def write_json(name: str, result: object) -> str:
    """The path of a JSON file that holds `result`."""
    target = place(name)
    target.write_text(json.dumps(result, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return str(target)


def write_csv(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The path of a CSV file, UTF-8 with a mark for table programs. Text that looks like a formula is quoted by '."""
    target = place(name)
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_text(cell) for cell in row])
    return str(target)


def _text(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
