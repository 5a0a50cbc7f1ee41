"""Folders of the weights: the user's cache and the repository's `checkpoints/`.

Knows environment variables and nothing else; what lies in the folders is the business of `manifest`.
"""

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


def checkpoints_dir() -> Path:
    """The folder of the weights that come with the repository: `$POINTLLM_CHECKPOINTS`, else `checkpoints/` beside
    the package."""
    named = os.environ.get("POINTLLM_CHECKPOINTS")
    if named:
        return Path(named).expanduser().absolute()
    return Path(__file__).resolve().parents[2] / "checkpoints"
