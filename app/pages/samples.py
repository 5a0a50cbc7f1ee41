"""The sample files that a page offers by name. A browser and a link give names only, never paths."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from ..examples import FOLDER

NO_SAMPLES = (".mtl", ".md", ".json")


@cache
def samples() -> dict[str, str]:
    """Name → path, in the order of the names."""
    return {file.name: str(file) for file in sorted(FOLDER.iterdir())
            if file.is_file() and file.suffix not in NO_SAMPLES}


def names() -> tuple[str, ...]:
    """The names of all samples."""
    return tuple(samples())


def paths_of(chosen: Iterable[str] | None) -> list[str]:
    """The paths of samples; a name that is none is passed over."""
    return [samples()[name] for name in chosen or () if name in samples()]
