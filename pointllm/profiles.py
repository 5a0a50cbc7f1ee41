"""Names of profiles → folders that hold their weights and their config.json."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .errors import WeightsError

BUNDLED = ("embedded",)


def checkpoints_dir() -> Path:
    """Where the weights lie that come with the repository; `POINTLLM_CHECKPOINTS` overrides."""
    named = os.environ.get("POINTLLM_CHECKPOINTS")
    return Path(named) if named else Path(__file__).resolve().parents[1] / "checkpoints"


def default_profile() -> str:
    """The profile that is used when none is named."""
    return os.environ.get("POINTLLM_PROFILE", "embedded")


def resolve(profile: str) -> Path:
    """The folder of `profile` (a known name, or a folder that training wrote).

    Raises WeightsError when there is no such profile or its folder isn't there.
    """
    folder = checkpoints_dir() / profile if profile in BUNDLED else Path(profile)
    if not (folder / "config.json").is_file():
        raise WeightsError(f"profile {profile!r}: no config.json in {folder.name}/; known profiles: "
                           f"{', '.join(BUNDLED)}, or name a folder that `pointllm train` wrote")
    return folder


def read_config(folder: Path) -> dict:
    """config.json of a folder of weights."""
    try:
        return json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{Path(folder).name}/config.json can't be read ({type(error).__name__}); "
                           "restore it from the repository") from error
