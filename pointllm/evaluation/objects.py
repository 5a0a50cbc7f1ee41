"""What is evaluated: objects with the labels that count as right for them, from a data folder, a file of rows, or a
public benchmark in its own layout.

Reading records is `pointllm.data.records`', foreign layouts are `pointllm.data.layouts`'.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..data.files import write_atomic
from ..data.records import OBJECTS, Label, Record, Row, read_labels, read_records, read_rows
from ..errors import DataError
from ..inputs import PointCloud, read_shape
from ..inputs.orientation import with_up

ORDER_SEED = 7  # of the order in which `--n` takes objects: the same as the acceptance check's


@dataclass(frozen=True)
class Target:
    """One object to be recognised or asked about; `accepted`: labels that count as right, its own among them."""

    id: str
    path: Path
    label: str
    accepted: frozenset[str]
    category: str = "object"
    source: str = "unknown"
    colors: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    images: tuple[Path, ...] = ()
    up_axis: str | None = None


@dataclass(frozen=True)
class Objects:
    """The objects of one evaluation, the labels that they are chosen from, and where they come from, in words."""

    targets: tuple[Target, ...]
    labels: dict[str, Label]
    origin: str

    @property
    def names(self) -> list[str]:
        """The labels, sorted."""
        return sorted(self.labels)


def read_objects(data: str | Path, split: str = "val", n: int | None = None, hold_out: str | None = None,
                 unpack: Path | None = None) -> Objects:
    """The objects of `data`: a folder with objects.jsonl, a .jsonl file of rows, or a benchmark's own folder.

    split: which part of a folder; n: only so many, drawn as the acceptance check draws them; hold_out: the objects of
    this source alone, of every split (for weights that were trained without it); unpack: where objects go that a
    benchmark keeps many to a file. Rows marked `in_vocab: false` are left out. Raises DataError where nothing is
    left, or the data can't be read.
    """
    make: dict[Path, Callable[[], bytes]] = {}
    data = Path(data)
    if data.is_file():
        targets, labels = _from_rows(data)
        origin = data.name
    elif (data / OBJECTS).is_file():
        targets, labels = _from_folder(data, None if hold_out else split)
        origin = f"{data.name}, {'all splits' if hold_out else f'split {split}'}"
    else:
        targets, labels, make, origin = _from_layout(data, split, unpack)
    if hold_out:
        sources = sorted({target.source for target in targets})
        targets = [target for target in targets if target.source == hold_out]
        if not targets:
            raise DataError(f"{data}: no object of source {hold_out!r}; sources: {', '.join(sources)}")
        origin += f", source {hold_out} alone"
    if not targets:
        raise DataError(f"{data}: no object with a 3D file in split {split!r}; choose another --split")
    if n is not None:
        targets = list(targets)
        random.Random(ORDER_SEED).shuffle(targets)
        targets = targets[:n]
        origin += f", {len(targets)} drawn"
    for target in targets:
        if target.path in make and not target.path.is_file():
            write_atomic(target.path, make[target.path]())
    return Objects(tuple(targets), labels, origin)


def read_target(target: Target) -> PointCloud:
    """The object's shape; with y up where the data, rather than the file, says which axis points up."""
    cloud = read_shape(target.path)
    return with_up(cloud, target.up_axis) if target.up_axis else cloud


def label_of(name: str, labels: dict[str, Label]) -> Label:
    """The label's entry, or one without synonyms."""
    return labels.get(name) or Label(name)


def _from_folder(folder: Path, split: str | None) -> tuple[list[Target], dict[str, Label]]:
    labels = read_labels(folder)
    targets = []
    for record, row in zip(read_records(folder), read_rows(folder / OBJECTS), strict=True):
        if record.path is None or (split and record.split != split) or row.fields.get("in_vocab") is False:
            continue
        targets.append(_target(record, row.texts("acceptable"), labels))
    return targets, labels


def _from_layout(folder: Path, split: str, unpack: Path | None
                 ) -> tuple[list[Target], dict[str, Label], dict[Path, Callable[[], bytes]], str]:
    """A benchmark's own folder (ModelNet40, ScanObjectNN, Objaverse-LVIS, …): the asked split, else its test split,
    else all of it where it has no splits. Objects that lie many to a file get paths under `unpack`, and functions that
    make them."""
    from ..data.layouts import scan

    found = scan(folder)
    place = Path(unpack or folder)
    make = {place / path: function for path, function in found.files.items()}
    labels = {name: Label(name, entry.get("category"), entry.get("zh"), tuple(entry.get("synonyms", ())))
              for name, entry in found.labels.items()}
    rows = [row for row in found.objects if row["path"]]
    splits = {row.get("split") for row in rows}
    part = next((s for s in (split, "test") if s in splits), None)
    if part is None and splits - {None}:
        raise DataError(f"{folder}: {found.layout} has no split {split!r}; it has {', '.join(sorted(splits - {None}))}")
    targets = []
    for row in rows:
        if row.get("split") == part or part is None:
            path = place / row["path"] if row["path"] in found.files else Path(row["path"])
            category = row.get("category") or labels[row["label"]].category or "object"
            targets.append(Target(
                row["id"], path, row["label"], frozenset([row["label"]]), category, row.get("source") or "unknown",
                tuple(row.get("colors", ())), tuple(row.get("captions", ())),
                tuple(map(Path, row.get("images", ()))), row.get("up_axis")))
    return targets, labels, make, f"{found.layout}, {f'split {part}' if part else 'all of it'}"


def _target(record: Record, acceptable: Sequence[str], labels: dict[str, Label]) -> Target:
    category = record.category or label_of(record.label, labels).category or "object"
    return Target(record.id, record.path, record.label, frozenset((record.label, *acceptable)), category,
                  record.source or "unknown", record.colors, record.captions, record.images,
                  getattr(record, "up_axis", None))


def _from_rows(file: Path) -> tuple[list[Target], dict[str, Label]]:
    """Rows with `path` (relative to the file) and `label` (+ `acceptable`), as the acceptance check reads them; labels
    from the labels.json beside the file where there is one."""
    rows: list[Row] = [row for row in read_rows(file) if row.fields.get("in_vocab", True)]
    beside = file.with_name("labels.json")
    labels = read_labels(file.parent) if beside.is_file() and (file.parent / OBJECTS).is_file() else {}
    targets = []
    for row in rows:
        label = row.text("label", needed=True)
        path = file.parent / row.text("path", needed=True)
        accepted = frozenset((label, *row.texts("acceptable")))
        category = row.text("category") or label_of(label, labels).category or "object"
        targets.append(Target(row.text("id") or path.stem, path, label, accepted, category,
                              row.text("source") or "unknown", row.texts("colors"), row.texts("captions")))
    if not labels:
        labels = {name: Label(name) for name in sorted({name for t in targets for name in t.accepted})}
    return targets, labels
