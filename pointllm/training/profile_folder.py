"""Folders of profiles: finished weights go in, and what was not trained comes from the profile that was built on."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from ..profiles import resolve

logger = logging.getLogger("pointllm")
COPIED = 1 << 30  # bytes; larger parts are linked to


def complete(folder: Path, profile: str, without: str) -> None:
    """Give `folder` the parts of `profile` that it lacks, but for the part `without`, which the caller writes."""
    source = resolve(profile)
    if folder.resolve() == source.resolve():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for part in sorted(source.iterdir(), key=lambda part: part.name == "config.json"):  # last: then it is a profile
        if part.name != without and not (folder / part.name).exists():
            place(part, folder / part.name)


def place(source: Path, target: Path) -> None:
    """A copy of a file or folder that appears under its name when it is whole; of a large one a link."""
    files = [source] if source.is_file() else [file for file in source.rglob("*") if file.is_file()]
    if sum(file.stat().st_size for file in files) > COPIED:
        target.symlink_to(source.resolve())
        return
    partial = target.with_name(f".{target.name}.partial")
    if partial.is_dir():
        shutil.rmtree(partial)
    shutil.copyfile(source, partial) if source.is_file() else shutil.copytree(source, partial)
    os.replace(partial, target)


def write_tensors(tensors: dict[str, Tensor], file: Path) -> None:
    """Half precision safetensors, under its name only once whole; integers as they are."""
    halves = {name: value.detach().half().contiguous() if value.is_floating_point() else value.contiguous()
              for name, value in tensors.items()}
    partial = file.with_suffix(".partial")
    save_file(halves, partial)
    partial.chmod(0o644)  # the library writes for its owner only
    partial.replace(file)
