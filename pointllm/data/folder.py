"""Writing and extending a data folder: rows of new sources are merged with those that are there.

Rows are kept as they are, with keys that this version doesn't know. Reading with checks is `records`' business.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import DataError
from .files import write_atomic, write_rows
from .records import AUDIO, LABELS, OBJECTS, read_labels, read_records, read_rows, read_sounds

REPORT = "report.jsonl"


@dataclass
class Merged:
    """How many rows a merge added, changed, and found as they were."""

    added: int = 0
    changed: int = 0
    same: int = 0


class DataFolder:
    """The rows of a data folder in memory; `save` writes what differs, each file atomically."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.objects: dict[str, dict] = {}
        self.labels: dict[str, dict] = {}
        self.sounds: dict[str, dict] = {}
        if (self.path / OBJECTS).is_file():
            read_records(self.path)  # refuses broken rows before anything is added to them
            self.objects = {row.fields["id"].strip(): row.fields for row in read_rows(self.path / OBJECTS)}
        if (self.path / LABELS).is_file():
            read_labels(self.path)
            self.labels = json.loads((self.path / LABELS).read_text(encoding="utf-8-sig"))
        if (self.path / AUDIO).is_file():
            read_sounds(self.path)
            self.sounds = {row.fields["path"]: row.fields for row in read_rows(self.path / AUDIO)}

    def merge_objects(self, rows: Iterable[dict]) -> Merged:
        """Add rows, or bring those that are there up to date.

        A row keeps the split that it has. Where an id is taken by another file, the new one gets an id of its own.
        """
        counts = Merged()
        paths = {row.get("path"): identifier for identifier, row in self.objects.items() if row.get("path")}
        for row in rows:
            row = {**row, "path": self.relative(row.get("path")), "images": self._images(row)}
            if not row["images"]:
                del row["images"]
            identifier = paths.get(row["path"]) if row["path"] else None
            identifier = identifier or row["id"]
            if identifier in self.objects and self.objects[identifier].get("path") != row["path"]:
                identifier = f"{identifier}_{zlib.crc32(str(row['path']).encode()):08x}"
            row["id"] = identifier
            old = self.objects.get(identifier)
            if old is None:
                counts.added += 1
            else:
                kept = {key: value for key, value in old.items() if key not in row or key == "split"}
                row = {**row, **kept}
                counts.same += row == old
                counts.changed += row != old
            self.objects[identifier] = row
            paths[row["path"]] = identifier
        return counts

    def merge_labels(self, labels: dict[str, dict]) -> None:
        """Add labels and other names; what is there stays."""
        for name, entry in labels.items():
            ours = self.labels.setdefault(name, {})
            for key, value in entry.items():
                if key == "synonyms":
                    known = ours.setdefault("synonyms", [])
                    known += [other for other in dict.fromkeys(value) if other not in known and other != name]
                else:
                    ours.setdefault(key, value)

    def merge_sounds(self, rows: Iterable[dict]) -> Merged:
        """Add sounds, or bring those of the same path up to date."""
        counts = Merged()
        for row in rows:
            row = {**row, "path": self.relative(row["path"])}
            old = self.sounds.get(row["path"])
            row = row if old is None else {**old, **row}
            counts.added += old is None
            counts.same += row == old
            counts.changed += old is not None and row != old
            self.sounds[row["path"]] = row
        return counts

    def relative(self, path: str | None) -> str | None:
        """A path inside the folder relative to it, any other absolute."""
        if path is None or not Path(path).is_absolute():
            return path
        for base in (self.path.absolute(), self.path.resolve()):
            if Path(path).is_relative_to(base):
                return Path(path).relative_to(base).as_posix()
        return path

    def _images(self, row: dict) -> list[str]:
        return [self.relative(image) for image in row.get("images", [])]

    def store(self, path: str, data: bytes) -> None:
        """Write a file of the folder unless it is there already, as it is."""
        if ".." in PurePosixPath(path).parts or PurePosixPath(path).is_absolute():
            raise DataError(f"{path}: leaves the data folder; the source is damaged or hostile, leave it out")
        target = self.path / path
        if not target.is_file() or target.stat().st_size != len(data):
            write_atomic(target, data)

    def save(self) -> None:
        """Write the three files; counts of labels are brought up to date, labels of objects and sounds are there."""
        counts = Counter(row["label"] for row in self.objects.values())
        for row in self.objects.values():
            entry = self.labels.setdefault(row["label"], {})
            if row.get("category"):
                entry.setdefault("category", row["category"])
        for name, entry in self.labels.items():
            entry.setdefault("synonyms", [])
            entry["count"] = counts[name]
        write_rows(self.path / OBJECTS, self.objects.values())
        text = json.dumps(dict(sorted(self.labels.items())), ensure_ascii=False, indent=1)
        write_atomic(self.path / LABELS, (text + "\n").encode())
        if self.sounds or (self.path / AUDIO).is_file():
            write_rows(self.path / AUDIO, self.sounds.values())


def write_report(path: Path, stage: str, rows: Iterable[tuple[str, str]]) -> None:
    """Replace what a stage ("build" or "prepare") left out in `report.jsonl`: (path, reason) each."""
    kept = [row.fields for row in read_rows(path) if row.fields.get("stage") != stage] if path.is_file() else []
    new = [{"stage": stage, "path": where, "reason": " ".join(reason.split())} for where, reason in rows]
    if kept or new or path.is_file():
        write_rows(path, [*kept, *new])
