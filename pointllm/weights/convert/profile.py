"""A profile's folder: which parts lie in it, whether they belong together, and its config.json.

The same table serves `convert`, `status` and `verify`. The layout is described in docs/weights.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pointllm.errors import WeightsError
from pointllm.weights import manifest
from pointllm.weights.convert.part_folder import read_record, write_json
from pointllm.weights.convert.plan import Part
from pointllm.weights.paths import cache_dir

# profile → the encoder that its point part must have
PROFILES = {"official-i2pmae": "i2p_mae", "official-pointbert": "point_bert"}
FACTS = {  # what parts of one profile share, in words
    "dim": "joint dimension", "width": "width of the language model", "layers": "layers of the language model",
    "heads": "attention heads", "key_rows": "rows of the key projection", "feed_forward": "width of the feed-forward",
}


@dataclass(frozen=True)
class Place:
    """Where a part lies: its folder, what its files are called after, and whether it has a config.json of its own."""

    name: str
    folder: str
    stem: str
    own_config: bool = True


PLACES = (
    Place("imagebind", "imagebind", "model"),
    Place("point", "point", "model"),
    Place("llm/base", "llm/base", "model"),
    Place("llm/adapters", "llm", "adapters"),
    Place("llm/cache", "llm", "knn", own_config=False),
)


def profile_dir(name: str) -> Path:
    """Where the converted files of a profile lie. WeightsError lists the known names otherwise."""
    if name not in PROFILES:
        raise WeightsError(f"unknown profile {name!r}; known: {', '.join(PROFILES)}, or give --out FOLDER")
    return cache_dir() / "profiles" / name


def name_of(part: Part) -> str:
    """A part's name, as `status` shows it."""
    return next(place.name for place in PLACES if (place.folder, place.stem) == (part.folder, part.stem))


def records(profile: Path) -> Iterator[tuple[Place, dict]]:
    """The finished parts of a folder and their records."""
    for place in PLACES:
        record = read_record(profile, place.folder, place.stem)
        if record and (not place.own_config or (profile / place.folder / "config.json").is_file()):
            yield place, record


def check_belongs(profile: Path, part: Part, encoder: str | None) -> None:
    """WeightsError when a part's sizes contradict those of the parts that are there, or the profile's encoder."""
    given = part.sources[0].name
    if encoder and part.facts.get("encoder", encoder) != encoder:
        other = next(name for name, kind in PROFILES.items() if kind != encoder)
        raise WeightsError(f"{given}: its point encoder is {part.facts['encoder']}, this profile's is {encoder}; give "
                           f"the other pointbind file, or --profile {other}")
    for place, record in records(profile):
        if place.name == name_of(part):
            continue  # about to be replaced
        for fact in FACTS.keys() & part.facts.keys() & record["facts"].keys():
            ours, theirs = part.facts[fact], record["facts"][fact]
            if ours != theirs:
                source = record["sources"][0]["name"]
                raise WeightsError(f"{given}: its {FACTS[fact]} is {ours}, but {place.name} (from {source}) in "
                                   f"{profile} has {theirs}; they belong to different models: give the matching file, "
                                   "or another folder with --out")


def adapters_config(profile: Path, changed: tuple[str, dict] | None = None) -> dict | None:
    """config.json of `llm/`, from the records of adapters and cache; None while there are no adapters.

    changed: (name of a part, its record) that is about to be written.
    """
    found = {place.name: record for place, record in records(profile)}
    adapters = read_record(profile, "llm", "adapters") or {}
    config, sources = adapters.get("config"), adapters.get("sources")
    if changed and changed[0] == "llm/adapters":
        config, sources = changed[1]["config"], changed[1]["sources"]
    if not config:
        return None
    cache = changed[1] if changed and changed[0] == "llm/cache" else found.get("llm/cache")
    rows = [cache["facts"]["cache"]] if cache else []
    return config | {"cache": rows, "source": sources[0]}


def update_config(profile: Path) -> None:
    """Writes config.json of the whole profile once both towers are there; what it says comes from the records."""
    found = {place.name: record for place, record in records(profile)}
    if not {"imagebind", "point"} <= found.keys():
        return
    facts = found["imagebind"]["facts"]
    licences = {name: record["licence"] for name, record in found.items()}
    write_json(profile / "config.json", {"space": "imagebind", "dim": facts["dim"],
                                         "temperature": facts["temperature"], "licences": licences})


@dataclass(frozen=True)
class State:
    """state: "ready", "missing" or "damaged" (sizes differ, or only a part of it is there)."""

    place: Place
    state: str
    folder: Path
    size: int
    source: str
    licence: str


def states(profile: Path) -> list[State]:
    """A quick look at every part: presence and sizes."""
    found = []
    for place in PLACES:
        folder = profile / place.folder
        try:
            record = read_record(profile, place.folder, place.stem)
        except WeightsError:
            found.append(State(place, "damaged", folder, 0, "", ""))
            continue
        if record is None:
            found.append(State(place, "missing", folder, 0, "", ""))
            continue
        files = [(folder / file["name"], file["size"]) for file in record["files"]]
        sizes = [path.stat().st_size if path.is_file() else None for path, _ in files]
        whole = sizes == [size for _, size in files]
        whole = whole and (not place.own_config or (folder / "config.json").is_file())
        total = sum(size or 0 for size in sizes)
        found.append(State(place, "ready" if whole else "damaged", folder, total, record["sources"][0]["name"],
                           record.get("licence", "")))
    return found


def verify(profile: Path, place: Place) -> None:
    """Reads every file of a part. WeightsError for the first that is missing or differs from its record."""
    record = read_record(profile, place.folder, place.stem)
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
