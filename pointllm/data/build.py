"""From sources to a data folder: scan each, name things by one vocabulary, split, merge with what is there, write.

Shapes are not read here: `prepared` does that, once the folder lists them; `add_colors` writes back what it measured.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import DataError
from . import splits
from .folder import REPORT, DataFolder, Merged, write_report
from .layouts import Options, scan
from .layouts.found import Found
from .layouts.tables import read_captions
from .prepared import PreparedData
from .records import Label, read_labels

logger = logging.getLogger("pointllm")


@dataclass
class Built:
    """What a build did: counts of objects and sounds, and (path, reason) of what it left out."""

    objects: Merged = field(default_factory=Merged)
    sounds: Merged = field(default_factory=Merged)
    labels: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    found: list[str] = field(default_factory=list)


def build(sources: Sequence[str | Path], out: str | Path, *, layout: str = "auto", options: Options | None = None,
          vocabulary: str | Path | None = None, val_share: float = 0.1, seed: int = 0) -> Built:
    """Make or extend the data folder `out` from `sources`.

    vocabulary: a data folder or a `labels.json`; names that it has as synonyms become its labels
    val_share: share of the objects that goes to val, of those whose source has no split of its own; objects that
    were there before keep theirs

    Raises:
        DataError: a source that isn't there or isn't understood; a damaged data folder. Nothing is written then.
    """
    options = options or Options()
    folder, built = DataFolder(Path(out)), Built()
    captions = read_captions(options.captions) if options.captions else {}
    known = Vocabulary.read(vocabulary) if vocabulary else None
    scanned = [scan(Path(source), layout, options) for source in sources]
    for found in scanned:
        if options.limit is not None:
            found.keep(options.limit)
        built.found.append(found.summary())
        logger.info("%s", found.summary())
        _fill(found, options, captions)
        if known is not None:
            known.apply(found, loosely=options.label_from == "name")
        _split(found, folder, val_share, seed)
    if not any(found.objects or found.sounds for found in scanned):
        raise DataError(f"nothing to build from: {'; '.join(built.found)}")
    folder.path.mkdir(parents=True, exist_ok=True)
    for found in scanned:
        _merge(folder, found, built)
    folder.save()
    built.labels = len(folder.labels)
    write_report(folder.path / REPORT, "build", built.skipped)
    return built


def _merge(folder: DataFolder, found: Found, built: Built) -> None:
    lost = set()
    for path, make in found.files.items():
        try:
            folder.store(path, make())
        except DataError as error:
            lost.add(path)
            found.skip(path, str(error))
    objects = folder.merge_objects(row for row in found.objects if row.get("path") not in lost)
    sounds = folder.merge_sounds(found.sounds)
    for total, new in ((built.objects, objects), (built.sounds, sounds)):
        total.added, total.changed, total.same = (
            total.added + new.added, total.changed + new.changed, total.same + new.same)
    folder.merge_labels(found.labels)
    built.skipped += found.skipped


def _fill(found: Found, options: Options, captions: dict[str, list[str]]) -> None:
    """What the command line says of all objects, and captions by id, by file name, or by the folder's."""
    for row in found.objects:
        for key, value in (("license", options.license), ("creator", options.creator)):
            if value and not row.get(key):
                row[key] = value
        path = Path(row["path"]) if row.get("path") else Path(row["id"])
        said = captions.get(row["id"]) or captions.get(path.stem) or captions.get(path.parent.name) or []
        if said:
            row["captions"] = [*row.get("captions", []), *(s for s in said if s not in row.get("captions", []))]


def _split(found: Found, folder: DataFolder, val_share: float, seed: int) -> None:
    """Give rows without a split one; where the source has its own, rows that it forgot belong to train."""
    missing = [row for row in found.objects if not row.get("split")]
    if not missing:
        return
    own = len(missing) < len(found.objects)
    chosen = {} if own else splits.by_share(missing, val_share, seed)
    for row in missing:
        row["split"] = chosen.get(row["id"], "train")


def add_colors(folder: str | Path, prepared: PreparedData) -> int:
    """Write the colours that were measured on the files into rows that name none; how many rows that were."""
    data = DataFolder(Path(folder))
    count = 0
    for identifier, row in data.objects.items():
        if not row.get("colors") and identifier in prepared and (colors := prepared.facts(identifier).get("colors")):
            row["colors"] = colors
            count += 1
    if count:
        data.save()
    return count


class Vocabulary:
    """Labels that names of other sources are brought to."""

    def __init__(self, labels: dict[str, Label]) -> None:
        self.labels = labels
        self.by_name: dict[str, str] = {}
        for label in labels.values():  # a label's own name counts before anyone's synonym
            self.by_name[label.name.lower()] = label.name
        for label in labels.values():
            for other in label.synonyms:
                self.by_name.setdefault(other.lower(), label.name)

    @classmethod
    def read(cls, path: str | Path) -> Vocabulary:
        """From a data folder or a `labels.json`."""
        path = Path(path)
        if path.is_file():
            path = path.parent
        return cls(read_labels(path))

    def name(self, text: str, loosely: bool = False) -> str:
        """The label that is known by a name, else the name itself.

        loosely: also by the longest run of words in it, the last where several are as long: `common tree autumn` → tree
        """
        if (exact := self.by_name.get(text.lower())) is not None or not loosely:
            return exact or text
        words = text.lower().split()
        for length in range(len(words) - 1, 0, -1):
            for start in range(len(words) - length, -1, -1):
                if (label := self.by_name.get(" ".join(words[start:start + length]))) is not None:
                    return label
        return text

    def apply(self, found: Found, loosely: bool = False) -> None:
        """Rename labels that are known by another name; the name they came with stays as a synonym."""
        renamed: dict[str, dict] = {}
        for name, entry in found.labels.items():
            label = self.name(name, loosely)
            ours = renamed.setdefault(label, {})
            if label in self.labels:
                known = self.labels[label]
                ours |= {k: v for k, v in (("category", known.category), ("zh", known.zh)) if v}
            exact = name.lower() in self.by_name and name.lower() != label.lower()
            others = [*entry.get("synonyms", []), *([name] if exact else [])]
            ours["synonyms"] = list(dict.fromkeys([*ours.get("synonyms", []), *others]))
        found.labels = renamed
        for row in found.objects:
            row["label"] = self.name(row["label"], loosely)
            if row["label"] in self.labels and self.labels[row["label"]].category:
                row["category"] = self.labels[row["label"]].category
        for row in found.sounds:
            if row.get("object_label"):
                row["object_label"] = self.name(row["object_label"])
