"""Where a run's weights come from: versions, data, seed and command, written beside them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .. import __version__

PACKAGES = ("torch", "accelerate", "transformers", "peft", "numpy", "scipy", "safetensors", "tokenizers", "open3d-cpu",
            "open3d", "fpsample", "pillow", "soxr")
DATA_FILES = ("objects.jsonl", "labels.json", "audio.jsonl")


def provenance(data: Path | None, seed: int, extra: dict[str, Any] | None = None) -> dict[str, Any]:
    """A table ready for JSON; `data_sha256` covers the data folder's lists, not the files they name."""
    versions = {"pointllm": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    table: dict[str, Any] = {"versions": versions, "platform": platform.platform(), "seed": seed,
                             "command": ["pointllm", *sys.argv[1:]]}
    if data is not None:
        table["data_sha256"] = files_hash(Path(data) / name for name in DATA_FILES)
    return table | (extra or {})


def files_hash(files: Iterable[Path]) -> str:
    """sha256 over names and contents of the files that exist; a folder counts as its files in order of name."""
    total = hashlib.sha256()
    for file in files:
        for part in sorted(file.iterdir()) if file.is_dir() else [file]:
            if part.is_file():
                total.update(part.name.encode() + b"\0")
                with part.open("rb") as stream:
                    total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()
