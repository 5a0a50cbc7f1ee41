"""What a layout finds in a source: rows for a data folder, not yet written, and what had to be left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import DataError
from ...inputs.formats import READERS
from ..files import slug

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
SPLIT_NAMES = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
               "test": "test", "testing": "test"}


@dataclass(frozen=True)
class Options:
    """How a source is to be read.

    source: the name that its objects carry; table: CSV or JSONL with a row an object; captions: CSV or JSON, id to
    sentences; license, creator: of everything that doesn't say its own; unlabelled: whether to keep objects that
    only have a name, labelled by it; label_from: "folder", or "name" where files of all kinds lie in one folder;
    limit: objects to take of each source, spread over all
    """

    source: str | None = None
    table: Path | None = None
    captions: Path | None = None
    license: str | None = None
    creator: str | None = None
    unlabelled: bool = False
    label_from: str = "folder"
    limit: int | None = None


@dataclass
class Found:
    """Rows of `objects.jsonl` and `audio.jsonl` with absolute paths, labels, and (path, reason) of what was skipped.

    files: path inside the data folder → function that gives the bytes to store there, for sources that keep many
    objects in one file
    """

    layout: str
    root: Path
    objects: list[dict] = field(default_factory=list)
    labels: dict[str, dict] = field(default_factory=dict)
    sounds: list[dict] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    files: dict[str, Callable[[], bytes]] = field(default_factory=dict)
    detail: str = ""

    def summary(self) -> str:
        """One line for the user: what was recognised and how much of it there is."""
        parts = [f"{len(self.objects):,} objects"] if self.objects or not self.sounds else []
        parts += [f"{len(self.labels):,} labels"] if self.labels else []
        parts += [f"{len(self.sounds):,} sounds"] if self.sounds else []
        parts += [f"{len(self.skipped):,} left out"] if self.skipped else []
        return f"{self.root}: {self.layout}{f' ({self.detail})' if self.detail else ''}, {', '.join(parts)}"

    def add(self, identifier: str, path: Path | None, label: str, **fields: object) -> dict:
        """Append the row of an object; fields that are None or empty are left out."""
        row: dict = {"id": identifier, "path": None if path is None else str(path), "label": label}
        row |= {key: value for key, value in fields.items() if value not in (None, [], ())}
        self.objects.append(row)
        self.labels.setdefault(label, {})
        return row

    def keep(self, limit: int) -> None:
        """Reduce to `limit` objects spread evenly over all, with the labels and files that they need."""
        if len(self.objects) > limit:
            step = len(self.objects) / limit
            self.objects = [self.objects[int(i * step)] for i in range(limit)]
            used = {row["label"] for row in self.objects}
            self.labels = {name: entry for name, entry in self.labels.items() if name in used}
            folders = {str(Path(row["path"]).parent) for row in self.objects if row["path"]}
            self.files = {path: make for path, make in self.files.items() if str(Path(path).parent) in folders}

    def skip(self, path: object, reason: str) -> None:
        """Note what is left out and why."""
        self.skipped.append((str(path), reason))


def source_name(root: Path, options: Options, default: str | None = None) -> str:
    """The name that a source's objects carry: as asked for, else the layout's, else the folder's."""
    return slug(options.source or default or root.resolve().name).replace("_", "-")


def walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """`os.walk` in sorted order, without hidden folders and files, and without following links out of the tree."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield Path(folder), folders, sorted(name for name in names if not name.startswith("."))


def is_shape(path: Path) -> bool:
    """Whether a file may be a shape, by its suffix and, where others use the suffix too, by its first lines."""
    suffix = path.suffix.lower()
    if suffix not in READERS:
        return False
    if suffix in (".txt", ".csv"):
        from ...inputs.formats.table import sniff

        try:
            return sniff(path) is not None
        except OSError:
            return True  # reported when it is read
    return True


def pictures_in(folder: Path, limit: int = 24) -> list[str]:
    """Pictures in a folder, sorted, at most `limit` spread over all."""
    if not folder.is_dir():
        return []
    found = sorted(str(path) for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    step = max(1, len(found) / limit)
    return [found[int(i * step)] for i in range(min(limit, len(found)))]


def first_of(root: Path, names: Iterable[str]) -> Path | None:
    """The first of `names` that exists in `root`."""
    return next((root / name for name in names if (root / name).exists()), None)


def open_json(path: Path) -> object:
    """The content of a .json or .json.gz file; DataError names it."""
    import gzip
    import json
    import zlib

    try:
        data = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
        return json.loads(data)
    except (OSError, EOFError, ValueError, RecursionError, zlib.error) as error:
        raise DataError(f"{path}: can't be read as JSON ({error}); download it again") from error
