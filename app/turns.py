"""Whose turn it is to be answered: first come, first served, over the page's queue and the programs beside it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turn:
    """A place in the line."""

    def __init__(self) -> None:
        self._come = threading.Event()

    def has_come(self) -> bool:
        """Whether everybody before is done."""
        return self._come.is_set()

    def wait(self) -> None:
        """Block until it has."""
        self._come.wait()


class Turns:
    """The line. A turn may be begun in one thread and ended in another, as generators are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: deque[Turn] = deque()

    def __len__(self) -> int:
        """How many are served or wait."""
        return len(self._line)

    @contextmanager
    def one(self) -> Iterator[Turn]:
        """A place at the end of the line, given up at the end of the block, whether its turn has come or not."""
        turn = Turn()
        with self._lock:
            self._line.append(turn)
            self._line[0]._come.set()
        try:
            yield turn
        finally:
            with self._lock:
                self._line.remove(turn)
                if self._line:
                    self._line[0]._come.set()
