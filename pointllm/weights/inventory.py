"""What weights there are: is each here, is it whole, and what brings it.

Three kinds: rows of the manifest that the embedded profile needs, rows that are published files to be converted, and
the parts of converted profiles. Used by `pointllm weights status|fetch|verify`; loading weights never asks here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..errors import WeightsError
from ..profiles import checkpoints_dir
from . import language_model, manifest, profile_parts, published


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


@dataclass(frozen=True)
class ProfilePart:
    """One part of an official profile, by the name `PROFILE/PART`."""

    profile: str
    part: str

    @property
    def name(self) -> str:
        """As `status` shows it and `verify` takes it."""
        return f"{self.profile}/{self.part}"


Item = manifest.Row | ProfilePart


def items() -> list[Item]:
    """Everything there is to know about, in the order in which it is shown."""
    parts = [ProfilePart(name, place.name) for name in profile_parts.PROFILES for place in profile_parts.PLACES]
    return [*manifest.read_manifest().values(), *parts]


def choose(names: Collection[str], action: str) -> list[Item]:
    """The items of these names: rows, parts (`official-i2pmae/point`), or all that belongs to a profile.

    Without names: all of them for "status"; for "fetch" what the embedded profile needs; for "verify" that and
    everything else that is here. Raises `WeightsError` listing the known names.
    """
    everything = items()
    if not names:
        if action == "status":
            return everything
        return [item for item in everything if isinstance(item, manifest.Row) and not item.published
                or action == "verify" and state_of(item).state != "missing"]
    by_name = {item.name: item for item in everything}
    chosen: dict[str, Item] = {}
    for name in names:
        if name in by_name:
            chosen[name] = by_name[name]
            continue
        if action == "fetch":
            group = [item for item in everything if isinstance(item, manifest.Row) and name in item.profiles]
        else:
            group = [item for item in everything if isinstance(item, ProfilePart) and item.profile == name]
        if not group:
            known = [item for item in by_name if action != "fetch" or "/" not in item]
            profiles = sorted({item.profile for item in everything if isinstance(item, ProfilePart)})
            raise WeightsError(f"unknown weights {name!r}; known: {', '.join(sorted([*known, *profiles]))}")
        chosen |= {item.name: item for item in group}
    return list(chosen.values())


def state_of(item: Item) -> State:
    """Quick look at presence and sizes; `verify` reads the contents."""
    if isinstance(item, ProfilePart):
        return _state_of_part(item)
    folder, files, source = _expected(item)
    sizes = [(folder / file.name).stat().st_size if (folder / file.name).is_file() else None for file in files]
    if files and all(size == file.size for size, file in zip(sizes, files, strict=True)):
        state = "ready"
    else:
        state = "damaged" if any(size is not None for size in sizes) else "missing"
    return State(item.name, item.title, item.licence, state, folder, sum(size or 0 for size in sizes), source)


def fetch(item: Item) -> None:
    """Makes weights ready, or raises `WeightsError` with what to do. Licences are `published.consent`'s matter."""
    if isinstance(item, ProfilePart):
        raise WeightsError(f"{item.name}: made by `pointllm weights convert`; fetch {item.profile} for its files")
    if item.published:
        published.fetch(item)
    elif item.sources[0].kind == "checkout":
        verify(item)
    else:
        language_model.ensure_language_model(item.name)


def verify(item: Item) -> None:
    """Reads every file and raises `WeightsError` for the first that is missing or damaged."""
    if isinstance(item, ProfilePart):
        return profile_parts.verify(profile_parts.profile_dir(item.profile), profile_parts.place_of(item.part))
    if item.published:
        return published.verify(item)
    folder, files, _ = _expected(item)
    if item.sources[0].kind != "checkout":
        return language_model.verify(folder)
    for file in files:
        if not (folder / file.name).is_file():
            raise WeightsError(f"{folder / file.name}: missing; restore it: git checkout -- checkpoints")
        manifest.check(folder / file.name, file, "restore it: git checkout -- checkpoints")


def _expected(row: manifest.Row) -> tuple[Path, tuple[manifest.File, ...], str]:
    """Folder, files and source of what should be, or is, here."""
    if row.sources[0].kind == "checkout":
        return checkpoints_dir(), row.sources[0].files, "checkout"
    folder = published.folder_of(row) if row.published else language_model.language_model_dir(row.name)
    try:
        record = language_model.read_record(folder)
    except WeightsError:
        return folder, (), ""
    return folder, record.files, record.source


def _state_of_part(item: ProfilePart) -> State:
    place = profile_parts.place_of(item.part)
    state = profile_parts.state_of(profile_parts.profile_dir(item.profile), place)
    return State(item.name, place.title, state.licence, state.state, state.folder, state.size, state.source)
