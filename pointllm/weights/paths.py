"""The folder of fetched weights. Those that come with the repository lie in `profiles.checkpoints_dir()`."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """The folder of fetched weights: `$POINTLLM_CACHE`, else `~/.cache/pointllm` (`$XDG_CACHE_HOME` is honoured).

    The folder need not exist yet.
    """
    named = os.environ.get("POINTLLM_CACHE")
    if named:
        return Path(named).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "pointllm"
