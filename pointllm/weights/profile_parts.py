"""The parts of a converted profile: where each lies, whether it is here, and whether it is whole.

A part is described by its record, `STEM.conversion.json` beside its files, which `convert` writes. The layout is
described in docs/weights.md; loading a profile is left to `pointllm.bind` and `pointllm.llm`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import WeightsError
from . import manifest
from .paths import cache_dir

# profile → the encoder that its point part must have
PROFILES = {"official-i2pmae": "i2p_mae", "official-pointbert": "point_bert"}


@dataclass(frozen=True)
class Place:
    """Where a part lies: its folder, what its files are called after, and whether it has a config.json of its own."""

    name: str
    folder: str
    stem: str
    title: str
    licence: str
    own_config: bool = True


PLACES = (
    Place("imagebind", "imagebind", "model", "images, sounds, video, text, depth, heat, motion", "CC-BY-NC-4.0"),
    Place("point", "point", "model", "the 3D encoder and its way into the joint space", "CC-BY-NC-4.0"),
    Place("llm/base", "llm/base", "model", "the language model", "LLaMA"),
    Place("llm/adapters", "llm", "adapters", "bind network, gates, LoRA, norms and biases", "LLaMA"),
    Place("llm/cache", "llm", "knn", "the visual cache", "CC-BY-NC-4.0", own_config=False),
)


@dataclass(frozen=True)
class State:
    """state: "ready", "missing" or "damaged" (sizes differ, or not all of it is there)."""

    state: str
    folder: Path
    size: int
    source: str
    licence: str


def profile_dir(name: str) -> Path:
    """Where the converted files of a profile lie. WeightsError lists the known names otherwise."""
    if name not in PROFILES:
        raise WeightsError(f"unknown profile {name!r}; known: {', '.join(PROFILES)}, or give --out FOLDER")
    return cache_dir() / "profiles" / name


def place_of(name: str) -> Place:
    """The place of a part by its name."""
    return next(place for place in PLACES if place.name == name)


def record_path(profile: Path, place: Place) -> Path:
    """Where the record of a part lies."""
    return profile / place.folder / f"{place.stem}.conversion.json"


def read_record(profile: Path, place: Place) -> dict | None:
    """The record of a part, or None where there is none. WeightsError for one that can't be read as such."""
    path = record_path(profile, place)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        for file in record["files"]:
            manifest.File(file["name"], file["size"], file["sha256"])
        if not all(isinstance(record[key], dict if key == "facts" else str) for key in ("facts", "licence", "dtype")):
            raise ValueError("of another form")
        record["sources"][0]["name"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise WeightsError(f"{path}: not a record of a conversion; delete it and convert again") from error
    return record


def state_of(profile: Path, place: Place) -> State:
    """A quick look at a part: presence and sizes."""
    folder = profile / place.folder
    try:
        record = read_record(profile, place)
    except WeightsError:
        return State("damaged", folder, 0, "", place.licence)
    if record is None:
        return State("missing", folder, 0, "", place.licence)
    wanted = [file["size"] for file in record["files"]]
    paths = [folder / file["name"] for file in record["files"]]
    sizes = [path.stat().st_size if path.is_file() else None for path in paths]
    whole = sizes == wanted and (not place.own_config or (folder / "config.json").is_file())
    source = record["sources"][0]["name"]
    return State("ready" if whole else "damaged", folder, sum(size or 0 for size in sizes), source, record["licence"])


def verify(profile: Path, place: Place) -> None:
    """Reads every file of a part. WeightsError for the first that is missing or differs from its record."""
    record = read_record(profile, place)
    folder = profile / place.folder
    if record is None:
        raise WeightsError(f"{folder}: {place.name} is not converted; run `pointllm weights convert`")
    if place.own_config and not (folder / "config.json").is_file():
        raise WeightsError(f"{folder / 'config.json'}: missing; convert again")
    for entry in record["files"]:
        path = folder / entry["name"]
        if not path.is_file():
            raise WeightsError(f"{path}: missing; convert again")
        manifest.check(path, manifest.File(entry["name"], entry["size"], entry["sha256"]), "convert again")
