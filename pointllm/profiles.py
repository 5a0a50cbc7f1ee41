"""Names of profiles → folders that hold their weights and their config.json, and what of a profile is there.

A profile's folder has a config.json (its joint space, see `pointllm.bind`) and the towers; `llm/` with the language
model's part makes it answer. Published models are converted into the cache (`pointllm.weights`), part by part: a part
is there when its own config.json is.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from .errors import WeightsError

BUNDLED = ("embedded",)
CONVERTED = ("official-i2pmae", "official-pointbert")
PARTS = {"imagebind": "ImageBind", "point": "the point branch", "llm": "the Point-LLM adapters",
         "llm/base": "the language model"}


@dataclass(frozen=True)
class Profile:
    """A named profile: what of it is there. missing: the parts that are not, in words."""

    name: str
    missing: tuple[str, ...] = ()

    @property
    def embeds(self) -> bool:
        """Whether its joint space can be used."""
        return not {PARTS["imagebind"], PARTS["point"]} & set(self.missing)

    @property
    def answers(self) -> bool:
        """Whether all of it is there."""
        return not self.missing


def checkpoints_dir() -> Path:
    """Where the weights lie that come with the repository; `POINTLLM_CHECKPOINTS` overrides."""
    named = os.environ.get("POINTLLM_CHECKPOINTS")
    return Path(named) if named else Path(__file__).resolve().parents[1] / "checkpoints"


def converted_dir(name: str) -> Path:
    """Where the converted weights of a published profile are kept."""
    from .weights.paths import cache_dir

    return cache_dir() / "profiles" / name


def default_profile() -> str:
    """The profile that is used when none is named."""
    return os.environ.get("POINTLLM_PROFILE", "embedded")


def profiles() -> list[Profile]:
    """Every named profile, and what of it is missing."""
    return [Profile(name) for name in BUNDLED] + [Profile(name, _missing(converted_dir(name))) for name in CONVERTED]


def resolve(profile: str, needs: tuple[str, ...] = ()) -> Path:
    """The folder of `profile` (a known name, a folder that training wrote, or one in the layout of the converted).

    needs: parts (keys of `PARTS`) that a converted profile must have. Raises WeightsError, with what to do, when there
    is no such profile, or a part isn't there.
    """
    converted = profile in CONVERTED
    folder = checkpoints_dir() / profile if profile in BUNDLED else converted_dir(profile) if converted \
        else Path(profile)
    if not (folder / "config.json").is_file():
        if converted:
            raise WeightsError(f"profile {profile!r} is not on this machine: {how_to_get(profile)}")
        raise WeightsError(f"profile {profile!r}: no config.json in {folder.name}/; known profiles: "
                           f"{', '.join(BUNDLED + CONVERTED)}, or name a folder that `pointllm train` or "
                           "`pointllm weights convert` wrote")
    if read_config(folder).get("space") == "imagebind":
        missing = [PARTS[part] for part in needs if not (folder / part / "config.json").is_file()]
        if missing:
            raise WeightsError(f"profile {profile!r} lacks {' and '.join(missing)}: "
                               f"{how_to_get(profile if converted else CONVERTED[0])}")
    return folder


def how_to_get(profile: str) -> str:
    """The commands that bring a published profile here."""
    return f"run `pointllm weights fetch {profile}`, then the `pointllm weights convert` that it names " \
           "(see docs/official.md)"


def _missing(folder: Path) -> tuple[str, ...]:
    return tuple(title for part, title in PARTS.items()
                 if not all((folder / place / "config.json").is_file() for place in ("", part)))


def read_config(folder: Path) -> dict:
    """config.json of a folder of weights."""
    try:
        config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{Path(folder).name}/config.json can't be read ({type(error).__name__}); "
                           "restore it from the repository") from error
    if not isinstance(config, dict):
        raise WeightsError(f"{Path(folder).name}/config.json holds no table of settings; restore it")
    return config
