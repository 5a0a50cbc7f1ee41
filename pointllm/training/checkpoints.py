"""Checkpoints of a run: folders `step-00000120` that are whole or not there, the newest of which is found again.

A checkpoint is written under another name, flushed to the disk and then renamed, so a kill at any moment leaves the
one before. What is in it is the trainer's matter; files are read with `weights_only`, so they can't run code.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any

import torch

logger = logging.getLogger("pointllm")
STATE = "state.pt"
PARTIAL = ".partial"


class Checkpoints:
    """The checkpoints in `folder`, of which the newest `keep` are kept. Several processes may write one together."""

    def __init__(self, folder: Path, keep: int):
        self.folder, self.keep = Path(folder), keep

    def path(self, step: int) -> Path:
        """Where the checkpoint after `step` steps lies once it is whole."""
        return self.folder / f"step-{step:08d}"

    def steps(self) -> list[int]:
        """Steps with a whole checkpoint, ascending."""
        found = [path.name.removeprefix("step-") for path in self.folder.glob("step-*") if (path / STATE).is_file()]
        return sorted(int(name) for name in found if name.isdigit())

    def begin(self, step: int) -> Path:
        """An empty folder to write into; leftovers of earlier attempts are removed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.glob(f"*{PARTIAL}"):
            shutil.rmtree(leftover, ignore_errors=True)
        partial = self.folder / f"step-{step:08d}{PARTIAL}"
        partial.mkdir()
        return partial

    def finish(self, step: int) -> None:
        """Give what was written its name, and remove the oldest checkpoints."""
        target = self.path(step)
        partial = target.with_name(target.name + PARTIAL)
        for file in partial.iterdir():
            flush(file)
        if target.exists():  # damaged, or of a run that was resumed before it
            shutil.rmtree(target)
        os.replace(partial, target)
        flush(self.folder)
        for old in self.steps()[: -self.keep]:
            shutil.rmtree(self.path(old), ignore_errors=True)

    def newest(self, names: tuple[str, ...] = (STATE,)) -> tuple[int, dict[str, Any]] | None:
        """Step and contents, {file name: object}, of the newest checkpoint that can be read; None without any."""
        for step in reversed(self.steps()):
            try:
                contents = {name: torch.load(self.path(step) / name, map_location="cpu", weights_only=True)
                            for name in names}
            except Exception as error:  # a damaged disk: torch raises whatever it stumbles over
                logger.warning("%s can't be read (%s); trying the one before", self.path(step).name,
                               type(error).__name__)
                continue
            return step, contents
        return None


def flush(path: Path) -> None:
    """Have the system write a file or folder to the disk now."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, data: bytes) -> None:
    """A file that is either the old one or the whole new one."""
    partial = path.with_name(path.name + PARTIAL)
    with partial.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(partial, path)
