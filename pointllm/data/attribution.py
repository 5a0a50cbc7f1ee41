"""ATTRIBUTION.md of a data folder: who made what, and under which licence, as CC-BY asks for."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from .files import write_atomic
from .packs.table import PACKS, pack_of
from .records import Record, Sound, read_records, read_sounds

NAME = "ATTRIBUTION.md"
ADDRESSES = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY-3.0": "https://creativecommons.org/licenses/by/3.0/",
    "CC-BY-3.0-US": "https://creativecommons.org/licenses/by/3.0/us/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "CC-BY-NC-3.0": "https://creativecommons.org/licenses/by-nc/3.0/",
    "CC-BY-NC-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
    "CC-BY-NC-SA-4.0": "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    "CC-Sampling+": "https://creativecommons.org/licenses/sampling+/1.0/",
}
NAMED = 12  # works of one author that are named one by one


def attribution(folder: str | Path) -> str:
    """The text, in Markdown."""
    records, sounds = read_records(folder), read_sounds(folder)
    lines = ["# Attribution", "", "Every object's own licence and creator are in `objects.jsonl`"
             + (", every sound's in `audio.jsonl`." if sounds else "."), ""]
    if records:
        lines += ["## 3D objects", ""]
        groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for record in records:
            groups[record.source or "unknown source", record.license or ""].append(record)
        for (source, license), members in sorted(groups.items()):
            lines += _source(source, license, members)
    if sounds:
        lines += ["## Sounds", ""]
        by_license: dict[str, list[Sound]] = defaultdict(list)
        for sound in sounds:
            by_license[sound.license or ""].append(sound)
        for license, members in sorted(by_license.items()):
            makers = sorted({sound.creator for sound in members if sound.creator}, key=str.lower)
            lines += [f"- {_license(license)}: {len(members)} sounds{f', by {_listed(makers)}' if makers else ''}"]
        lines.append("")
    return "\n".join(lines)


def write_attribution(folder: str | Path, out: str | Path | None = None) -> Path:
    """Write it into the folder, or to `out`, and return where."""
    path = Path(out) if out else Path(folder) / NAME
    write_atomic(path, attribution(folder).encode())
    return path


def _source(source: str, license: str, members: list[Record]) -> list[str]:
    count = f"{len(members)} object{'s' if len(members) != 1 else ''}"
    lines = [f"### {source}: {count}, {_license(license)}", ""]
    pack = pack_of(source)
    if pack is not None:
        lines += [f"{PACKS[pack].title}, <{PACKS[pack].address}>", ""]
    by_creator: dict[str, list[Record]] = defaultdict(list)
    for record in members:
        by_creator[record.creator or ""].append(record)
    makers = sorted(filter(None, by_creator), key=str.lower)
    if license.startswith("CC0") or not license.startswith("CC-"):
        return [*lines, f"By {_listed(makers)}.", ""] if makers else lines
    for maker in makers:
        names = sorted({record.name or record.label for record in by_creator[maker]}, key=str.lower)
        works = ", ".join(names) if len(names) <= NAMED else f"{len(by_creator[maker])} models"
        lines.append(f"- {maker}: {works}")
    if unnamed := len(by_creator.get("", [])):
        lines.append(f"- creator not known: {unnamed} models")
    return [*lines, ""]


def _license(name: str) -> str:
    if not name:
        return "licence not known"
    return f"[{name}]({ADDRESSES[name]})" if name in ADDRESSES else name


def _listed(makers: list[str]) -> str:
    return ", ".join(maker.replace("\n", " ") for maker in makers)
