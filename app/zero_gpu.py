"""Borrowing a card for one answer on a Hugging Face Space with ZeroGPU; elsewhere nothing happens.

There a process has no card but while a function runs that `spaces.GPU` has wrapped. Spaces install the package
`spaces` themselves; it is no requirement of ours.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator

SECONDS = 60  # a card is lent for, longer than any answer takes on one


def cards_are_lent() -> bool:
    """Whether this is such a Space: nothing can be tried out on a card before somebody asks."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def borrow_gpu(answer: Callable[..., Iterator[str]]) -> Callable[..., Iterator[str]]:
    """`answer`, a generator function, with a card for as long as it runs, where cards are lent.

    Called before the page is launched: ZeroGPU stops a Space that has wrapped nothing by then.
    """
    if importlib.util.find_spec("spaces") is None:
        return answer
    import spaces

    return spaces.GPU(duration=SECONDS)(answer)
