"""Is a data folder fit to train on? Rows, files, labels, prepared shards, and copies across the splits.

Finds and names; changes nothing. Problems spoil a training run, remarks are for the user to judge.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from ..errors import DataError
from . import splits
from .prepared import PreparedData
from .prepared.shards import Shard, shard_paths
from .records import Record, read_labels, read_records, read_sounds

SAME = 2e-3  # largest difference between two clouds' profiles that are one shape, in radii
QUANTILES = np.linspace(0, 1, 33)


@dataclass
class Findings:
    """problems and remarks: (kind, text) each; counts: what was looked at."""

    problems: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def problem(self, kind: str, text: str) -> None:
        self.problems.append((kind, text))

    def remark(self, kind: str, text: str) -> None:
        self.remarks.append((kind, text))


def check(folder: str | Path, prepared: str | Path | None = None, thorough: bool = True) -> Findings:
    """Check a data folder, and what was prepared from it where that is there.

    thorough: compare every prepared object with its checksum, and look for the same shape in train and val

    Raises:
        DataError: the folder's rows can't be read at all.
    """
    folder = Path(folder)
    records, labels, sounds = read_records(folder), read_labels(folder), read_sounds(folder)
    findings = Findings(counts={"objects": len(records), "labels": len(labels), "sounds": len(sounds)})
    _check_files(records, sounds, findings)
    _check_labels(records, labels, sounds, findings)
    store = _store(folder, prepared)
    if store is not None:
        findings.counts["prepared"] = len(store)
        _check_prepared(records, store, thorough, findings)
    elif prepared is None:
        findings.remark("prepared", "nothing is prepared yet: pointllm data prepare")
    return findings


def _check_files(records: list[Record], sounds: list, findings: Findings) -> None:
    hashes: dict[str, list[Record]] = defaultdict(list)
    by_size: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        if record.path is None and not record.images:
            findings.problem("file", f"{record.id}: has neither a 3D file nor pictures")
        for path in [*([record.path] if record.path else []), *record.images]:
            if not path.is_file():
                findings.problem("file", f"{record.id}: no such file {path}")
        if record.path is not None and record.path.is_file():
            by_size[record.path.stat().st_size].append(record)
    for group in (g for g in by_size.values() if len(g) > 1):  # only files of one size can be the same
        for record in group:
            hashes[hashlib.sha256(record.path.read_bytes()).hexdigest()].append(record)
    for group in (g for g in hashes.values() if len(g) > 1):
        names = ", ".join(record.id for record in group[:4])
        if len({record.split for record in group}) > 1:
            findings.problem("leak", f"the same file in several splits: {names}")
        else:
            findings.remark("duplicate", f"the same file under several ids: {names}")
    for sound in sounds:
        if not sound.path.is_file():
            findings.problem("file", f"sound {sound.name}: no such file {sound.path}")


def _check_labels(records: list[Record], labels: dict, sounds: list, findings: Findings) -> None:
    used = Counter(record.label for record in records)
    for name in sorted(set(used) - set(labels)):
        findings.problem("label", f"{used[name]} objects have the label {name!r}, which labels.json lacks")
    if idle := sorted(set(labels) - set(used)):
        findings.remark("label", f"{len(idle)} labels without objects: {_some(idle)}")
    if untaught := splits.untaught([{"label": r.label, "split": r.split} for r in records]):
        findings.problem("split", f"{len(untaught)} labels of val that train lacks: {_some(untaught)}")
    if absent := sorted({s.object_label for s in sounds if s.object_label} - set(used)):
        findings.remark("sound", f"sounds of things that no object is: {_some(absent)}")
    by_name: dict[str, list[str]] = defaultdict(list)
    for label in labels.values():
        by_name[label.name.lower()].append(label.name)
    for names in (n for n in by_name.values() if len(n) > 1):
        findings.problem("label", f"labels that differ in case only: {', '.join(names)}")
    if unlicensed := sum(record.license is None for record in records):
        findings.remark("license", f"{unlicensed} objects without a licence")
    if not any(record.split == "val" for record in records):
        findings.remark("split", "no object is held out in val: pointllm data split DIR --val-share 0.15")


def _store(folder: Path, prepared: str | Path | None) -> PreparedData | None:
    if prepared is None and not (folder / "prepared").is_dir():
        return None
    return PreparedData(prepared or folder / "prepared")


def _check_prepared(records: list[Record], store: PreparedData, thorough: bool, findings: Findings) -> None:
    ids = {record.id for record in records}
    if missing := [record.id for record in records if record.id not in store]:
        findings.problem("prepared", f"{len(missing)} objects aren't prepared: {_some(missing)}; see report.jsonl")
    if surplus := [identifier for identifier in store.ids if identifier not in ids]:
        findings.remark("prepared", f"{len(surplus)} prepared objects are no longer listed: {_some(surplus)}")
    damaged = set()
    for path in shard_paths(store.folder):
        try:
            shard = Shard(path)
            unsound = [e.id for row, e in enumerate(shard.entries) if thorough and not shard.is_sound(row)]
        except (DataError, ValueError, OSError) as error:
            findings.problem("shard", str(error))
            damaged.add(path.name)
            continue
        if unsound:
            findings.problem("shard", f"{path}: {len(unsound)} objects differ from what was written: {_some(unsound)}")
            damaged.add(path.name)
    for identifier, (name, row, key) in store.rows.items():
        if name not in damaged and not _is_there(store, name, row, key):
            findings.problem("index", f"{identifier}: isn't where the index says, {name} row {row}")
            damaged.add(name)
    if damaged or not thorough:
        return
    by_id = {record.id: record for record in records}
    for first, second in twins(store, [i for i in store.ids if i in by_id]):
        one, two = by_id[first], by_id[second]
        if one.split != two.split:
            findings.problem("leak", f"the same shape in {one.split} and {two.split}: {one.id} ({one.label}), "
                                     f"{two.id} ({two.label})")
        elif one.label != two.label:
            findings.remark("duplicate", f"the same shape under two labels: {one.id} ({one.label}), "
                                         f"{two.id} ({two.label})")


def _is_there(store: PreparedData, name: str, row: int, key: str) -> bool:
    try:
        shard = store._shard(name)
    except DataError:
        return False
    return row < len(shard) and shard.entries[row].key == key


def twins(store: PreparedData, ids: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of objects with one shape, whatever their colours, size, place, and turn about the up axis.

    Clouds are compared by how far their points lie from the centre, from the up axis, and up: the quantiles of each.
    Finds copies of a mesh; another triangulation of the same surface differs more than `SAME` by its sampling.
    """
    names, profiles = [], []
    for identifier in ids:
        try:
            xyz = store.cloud(identifier).xyz.astype(np.float64)
        except DataError:
            continue
        xyz -= xyz.mean(axis=0)
        xyz /= max(np.linalg.norm(xyz, axis=1).max(), 1e-9)
        measures = (np.linalg.norm(xyz, axis=1), np.hypot(xyz[:, 0], xyz[:, 2]), xyz[:, 1])
        names.append(identifier)
        profiles.append(np.concatenate([np.quantile(measure, QUANTILES) for measure in measures]))
    if len(names) < 2:
        return []
    pairs = cKDTree(np.stack(profiles)).query_pairs(SAME, p=np.inf)
    return [(names[a], names[b]) for a, b in sorted(pairs)]


def _some(names: list[str], limit: int = 6) -> str:
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + rest
