"""Whether the parts of a profile belong together, and the configs that are put together from several parts.

Which parts there are and where they lie is `profile_parts`' matter; the layout is described in docs/weights.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pointllm.errors import WeightsError
from pointllm.weights.convert.part_folder import write_json
from pointllm.weights.convert.plan import Part
from pointllm.weights.profile_parts import PLACES, PROFILES, Place, place_of, profile_dir, read_record

FACTS = {  # what parts of one profile share, in words
    "dim": "joint dimension", "width": "width of the language model", "layers": "layers of the language model",
    "heads": "attention heads", "key_rows": "rows of the key projection", "feed_forward": "width of the feed-forward",
}


def records(profile: Path) -> Iterator[tuple[Place, dict]]:
    """The finished parts of a folder and their records."""
    for place in PLACES:
        record = read_record(profile, place)
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
        if place == part.place:
            continue  # about to be replaced
        for fact in [name for name in FACTS if name in part.facts and name in record["facts"]]:
            ours, theirs = part.facts[fact], record["facts"][fact]
            if ours != theirs:
                source = record["sources"][0]["name"]
                raise WeightsError(f"{given}: its {FACTS[fact]} is {ours}, but {place.name} (from {source}) in "
                                   f"{profile} has {theirs}; they belong to different models: give the matching file, "
                                   "or another folder with --out")


def twin_of(profile: Path, part: Part, sources: list[dict], dtype: str) -> Path | None:
    """Another profile in the cache with the same part from the same sources, whose files can be shared.

    Two official profiles have ImageBind and the language model in common, some 34 GB.
    """
    for name in PROFILES:
        other = profile_dir(name)
        if other == profile or profile.parent != other.parent:
            continue
        record = read_record(other, part.place)
        if record and record["sources"] == sources and record["dtype"] == dtype:
            return other
    return None


def adapters_config(profile: Path, part: Part, sources: list[dict]) -> dict | None:
    """config.json of `llm/`, from the records of adapters and cache; None while there are no adapters.

    part, sources: the one of the two that is about to be written.
    """
    found = {place.name: {"config": record.get("config"), "facts": record["facts"], "sources": record["sources"]}
             for name in ("llm/adapters", "llm/cache") if (record := read_record(profile, place := place_of(name)))}
    found[part.place.name] = {"config": part.config, "facts": part.facts, "sources": sources}
    adapters, cache = found.get("llm/adapters"), found.get("llm/cache")
    if not adapters or not adapters["config"]:
        return None
    rows = [cache["facts"]["cache"]] if cache else []
    return adapters["config"] | {"cache": rows, "source": adapters["sources"][0]}


def update_config(profile: Path) -> None:
    """Writes config.json of the whole profile once both towers are there; what it says comes from the records."""
    found = {place.name: record for place, record in records(profile)}
    if not {"imagebind", "point"} <= found.keys():
        return
    facts = found["imagebind"]["facts"]
    licences = {name: record["licence"] for name, record in found.items()}
    write_json(profile / "config.json", {"space": "imagebind", "dim": facts["dim"],
                                         "temperature": facts["temperature"], "licences": licences})
