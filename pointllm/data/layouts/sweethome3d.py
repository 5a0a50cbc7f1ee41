"""Furniture libraries of Sweet Home 3D, `.sh3f`: ZIP archives of OBJ models with a catalogue, and folders of them.

    furniture/
      KatorLegaz.sh3f
        PluginFurnitureCatalog.properties      name#1, category#1, model#1, width#1 … depth#1 … height#1 (cm), creator#1
        katorlegaz/futon-couch/futon-couch.obj, .mtl, textures

The models are unpacked beside the data folder's other files when it is built.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

from ...errors import DataError
from ..files import plain_name, slug
from .found import Found, Options

NAME, TITLE = "sweethome3d", "Sweet Home 3D libraries"
CATALOG = "PluginFurnitureCatalog.properties"
ENTRY = re.compile(r"(\w+)#(\d+)\s*=\s*(.*)")
NEEDED = (".obj", ".mtl", ".dae", ".png", ".jpg", ".jpeg", ".bmp", ".tga")
MAX_MEMBER = 400_000_000
# Tags that name no thing.
PASSED_TAGS = {"blend swap", "double", "single", "outside", "kator legaz"}


def recognise(root: Path) -> bool:
    """Whether it is a library, or a folder that holds some."""
    return bool(libraries(root))


def libraries(root: Path) -> list[Path]:
    """The library files at or below `root`."""
    if root.is_file():
        return [root] if root.suffix.lower() == ".sh3f" else []
    return sorted(root.rglob("*.sh3f"))


def scan(root: Path, options: Options) -> Found:
    """Rows for all models; `files` says what to unpack."""
    found = Found(TITLE, root)
    for path in libraries(root):
        try:
            with zipfile.ZipFile(path) as archive:
                text = archive.read(CATALOG).decode("latin-1")
                names = archive.namelist()
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise DataError(f"{path}: damaged or no library of Sweet Home 3D ({error}); download it again") from error
        _add_library(found, path, parse(text), names, options)
    found.detail = ", ".join(path.name for path in libraries(root))
    return found


def parse(text: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """A catalogue's own properties, and those of each numbered entry."""
    head, entries = {}, {}
    for line in re.sub(r"\\\r?\n\s*", "", text).splitlines():
        line = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), line)
        if match := ENTRY.match(line):
            entries.setdefault(match[2], {})[match[1]] = match[3].strip()
        elif "=" in line and not line.lstrip().startswith(("#", "!")):
            key, _, value = line.partition("=")
            head[key.strip()] = value.strip()
    return head, entries


def license_of(text: str) -> str:
    """SPDX-like name from the sentence that a catalogue has."""
    lowered = text.lower()
    if "public domain" in lowered or "cc-0" in lowered or "cc0" in lowered:
        return "CC0-1.0"
    if "attribution" in lowered or "unported" in lowered:
        version = (re.search(r"\b(\d\.\d)\b", lowered) or ["", "3.0"])[1]
        return f"CC-BY-{version}{'-US' if 'united states' in lowered else ''}"
    return text.split("\u00a9")[0].strip() or "unknown"


def _add_library(found: Found, path: Path, catalog: tuple[dict, dict], names: list[str], options: Options) -> None:
    head, entries = catalog
    source = options.source or f"sweethome3d-{slug(path.stem).replace('_', '-')}"
    members = set(names)
    for number, entry in entries.items():
        model = entry.get("model", "").lstrip("/")
        if model not in members:
            found.skip(f"{path}: entry {number}", f"model {model or '(none)'} isn't in the library")
            continue
        if not model.lower().endswith((".obj", ".dae")):
            found.skip(f"{path}: {model}", "neither OBJ nor COLLADA")
            continue
        size = [entry.get(key, "") for key in ("width", "height", "depth")]
        numbers = all(re.fullmatch(r"\d+(\.\d+)?", value) for value in size)
        label = plain_name(entry.get("name", "")) or "object"
        tags = [t.strip().lower() for t in entry.get("tags", "").split(",") if t.strip()]
        identifier = slug(f"{source}_{Path(model).parent.name}_{Path(model).stem}_{number}")
        target = f"objects/{slug(source)}/{model}"
        found.add(identifier, Path(target), label, source=source, name=entry.get("name"),
                  license=options.license or license_of(head.get("license", "")),
                  creator=entry.get("creator") or options.creator, category=plain_name(entry.get("category", "")),
                  tags=[t for t in tags if t not in PASSED_TAGS],
                  size_m=[round(float(v) / 100, 4) for v in size] if numbers else None)
        folder = f"{Path(model).parent.as_posix()}/"
        for name in [n for n in names if n.startswith(folder) and n.lower().endswith(NEEDED)] or [model]:
            found.files[f"objects/{slug(source)}/{name}"] = Member(path, name)


class Member:
    """Reads one file of a library when called."""

    def __init__(self, archive: Path, name: str) -> None:
        self.archive, self.name = archive, name

    def __call__(self) -> bytes:
        try:
            with zipfile.ZipFile(self.archive) as archive, archive.open(self.name) as file:
                data = file.read(MAX_MEMBER + 1)
        except (OSError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self.archive}: {self.name} can't be unpacked ({error}); download it again") from error
        if len(data) > MAX_MEMBER:
            raise DataError(f"{self.archive}: {self.name} unpacks to more than {MAX_MEMBER:,} bytes; leave it out")
        return data
