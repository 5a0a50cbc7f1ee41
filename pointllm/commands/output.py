"""Results go to stdout, all else to stderr, also what compiled libraries print past Python."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_results = sys.stdout


@contextmanager
def results_on_stdout() -> Iterator[None]:
    """Keeps the real stdout for `emit` and `write`, and points file descriptor 1 to stderr meanwhile."""
    global _results
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    _results = os.fdopen(kept, "w", encoding="utf-8", errors="backslashreplace")
    try:
        yield
        _results.flush()
    finally:
        os.dup2(kept, 1)
        try:
            _results.close()
        except BrokenPipeError:  # reported by the flush above
            pass
        _results = sys.stdout


def emit(entry: dict[str, object]) -> None:
    """One JSON object on a line of its own."""
    write(json.dumps(entry, allow_nan=False) + "\n")


def write(text: str) -> None:
    """Text as it is, at once."""
    _results.write(text)
    _results.flush()


def one_line(message: object) -> str:
    """A message without line breaks and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(message)).split())
