"""What is evaluated: objects with the labels that count as right for them, from a data folder, a file of rows, or a
public benchmark in its own layout.

Reading records is `pointllm.data.records`', foreign layouts are `pointllm.data.layouts`'.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..data.records import OBJECTS, Label, Record, Row, read_labels, read_records, read_rows
from ..errors import DataError

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


def read_objects(data: str | Path, split: str = "val", n: int | None = None, hold_out: str | None = None) -> Objects:
    """The objects of `data`: a folder with objects.jsonl, a .jsonl file of rows, or a benchmark's own folder.

    split: which part of a folder; n: only so many, drawn as the acceptance check draws them; hold_out: the objects of
    this source alone, of every split (for weights that were trained without it). Rows marked `in_vocab: false` are
    left out. Raises DataError where nothing is left, or the data can't be read.
    """
    data = Path(data)
    if data.is_file():
        targets, labels = _from_rows(data)
        origin = data.name
    elif (data / OBJECTS).is_file():
        targets, labels = _from_folder(data, None if hold_out else split)
        origin = f"{data.name}, {'all splits' if hold_out else f'split {split}'}"
    else:
        targets, labels = _from_layout(data, split)
        origin = f"{data.name}, split {split}"
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
    return Objects(tuple(targets), labels, origin)


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


def _from_layout(folder: Path, split: str) -> tuple[list[Target], dict[str, Label]]:
    """A benchmark's own folder (ModelNet40, ScanObjectNN, Objaverse-LVIS, …), by its layout."""
    try:
        from ..data.layouts import read_layout
    except ImportError:
        raise DataError(f"{folder}: holds no {OBJECTS}; make a data folder with: pointllm data build") from None
    records = read_layout(folder)
    labels = {name: Label(name) for name in sorted({record.label for record in records})}
    wanted = [r for r in records if r.split == split and r.path] or [r for r in records if r.split == "test" and r.path]
    return [_target(record, (), labels) for record in wanted], labels


def _target(record: Record, acceptable: Sequence[str], labels: dict[str, Label]) -> Target:
    category = record.category or label_of(record.label, labels).category or "object"
    return Target(record.id, record.path, record.label, frozenset((record.label, *acceptable)), category,
                  record.source or "unknown", record.colors, record.captions, record.images)


def _from_rows(file: Path) -> tuple[list[Target], dict[str, Label]]:
    """Rows with `path` (relative to the file) and `label` (+ `acceptable`), as the acceptance check reads them; labels
    from the labels.json beside the file where there is one."""
    rows: list[Row] = [row for row in read_rows(file) if row.fields.get("in_vocab", True)]
    beside = file.with_name("labels.json")
    labels = read_labels(file.parent) if beside.is_file() and (file.parent / OBJECTS).is_file() else {}
    targets = []
    for row in rows:
        label = row.text("label", needed=True)
        path = row.path_in(file.parent, row.text("path", needed=True))
        accepted = frozenset((label, *row.texts("acceptable")))
        category = row.text("category") or label_of(label, labels).category or "object"
        targets.append(Target(row.text("id") or path.stem, path, label, accepted, category,
                              row.text("source") or "unknown", row.texts("colors"), row.texts("captions")))
    if not labels:
        labels = {name: Label(name) for name in sorted({name for t in targets for name in t.accepted})}
    return targets, labels
