"""For each row of the manifest: is it here, is it whole, and what brings it.

Used by `pointllm weights status|fetch|verify`; loading weights never asks here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import WeightsError
from ..profiles import checkpoints_dir
from . import language_model, manifest


@dataclass(frozen=True)
class State:
    """state: "ready", "missing" or "damaged"; folder: where the files are or would be; size in bytes of those there."""

    name: str
    title: str
    licence: str
    state: str
    folder: Path
    size: int
    source: str


def state_of(row: manifest.Row) -> State:
    """Quick look at presence and sizes; `verify` reads the contents."""
    folder, files, source = _expected(row)
    sizes = [(folder / file.name).stat().st_size if (folder / file.name).is_file() else None for file in files]
    if files and all(size == file.size for size, file in zip(sizes, files, strict=True)):
        state = "ready"
    else:
        state = "damaged" if any(size is not None for size in sizes) else "missing"
    return State(row.name, row.title, row.licence, state, folder, sum(size or 0 for size in sizes), source)


def fetch(row: manifest.Row) -> None:
    """Makes the weights of `row` ready, or raises `WeightsError` with what to do."""
    if row.sources[0].kind == "checkout":
        verify(row)
    else:
        language_model.ensure_language_model(row.name)


def verify(row: manifest.Row) -> None:
    """Reads every file of `row` and raises `WeightsError` for the first that is missing or damaged."""
    folder, files, _ = _expected(row)
    if row.sources[0].kind != "checkout":
        return language_model.verify(folder)
    for file in files:
        if not (folder / file.name).is_file():
            raise WeightsError(f"{folder / file.name}: missing; restore it: git checkout -- checkpoints")
        manifest.check(folder / file.name, file, "restore it: git checkout -- checkpoints")


def _expected(row: manifest.Row) -> tuple[Path, tuple[manifest.File, ...], str]:
    """Folder, files and source of what should be, or is, here."""
    if row.sources[0].kind == "checkout":
        return checkpoints_dir(), row.sources[0].files, "checkout"
    folder = language_model.language_model_dir(row.name)
    try:
        record = language_model.read_record(folder)
    except WeightsError:
        return folder, (), ""
    return folder, record.files, record.source
