"""Which objects are trained on and which are held out: by share within each label, or by whole sources.

Works on rows of `objects.jsonl`; deterministic given a seed, and independent of the order of the rows.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch

from ..errors import DataError


def order_key(identifier: str, seed: int) -> str:
    """A key that shuffles ids the same way every time."""
    return hashlib.sha256(f"{seed}/{identifier}".encode()).hexdigest()


def by_share(rows: Sequence[dict], share: float, seed: int = 0) -> dict[str, str]:
    """Split by id: about `share` of the objects in val, spread over the labels; every label keeps one in train.

    What a label's number of objects leaves over is carried to the next label, so that rare labels get their turn.
    """
    if not 0 <= share < 1:
        raise DataError(f"--val-share {share} is not between 0 and 1; give a share such as 0.15")
    groups: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        groups[row["label"]].append(row["id"])
    splits, carry = {}, 0.0
    for label in sorted(groups, key=lambda name: order_key(name, seed)):
        ids = sorted(groups[label], key=lambda identifier: order_key(identifier, seed))
        carry += share * len(ids)
        held = min(int(carry + 1e-9), len(ids) - 1)
        carry -= held
        splits |= {identifier: "val" if i < held else "train" for i, identifier in enumerate(ids)}
    return splits


def by_source(rows: Sequence[dict], held_out: Iterable[str], everything: bool = False) -> dict[str, str]:
    """Split by id: the objects of some sources in val, all others in train.

    Objects of the held-out sources whose label no other source has join train, since nothing could teach that label
    otherwise, unless `everything` is held out. Names may hold wildcards: `kenney-*`.

    Raises:
        DataError: a name that fits no source; nothing would be left to train on.
    """
    sources = Counter(row.get("source") or "" for row in rows)
    chosen = set()
    for name in held_out:
        fitting = {source for source in sources if fnmatch(source, name)}
        if not fitting:
            known = ", ".join(sorted(filter(None, sources))) or "none"
            raise DataError(f"--hold-out {name}: no object comes from this source; sources: {known}")
        chosen |= fitting
    taught = {row["label"] for row in rows if (row.get("source") or "") not in chosen}
    if not taught:
        raise DataError("--hold-out takes every source; leave at least one to train on")
    return {row["id"]: "val" if (row.get("source") or "") in chosen and (everything or row["label"] in taught)
            else "train" for row in rows}


def untaught(rows: Iterable[dict]) -> list[str]:
    """Labels that occur in val but not in train."""
    labels: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        labels[row.get("split") or "train"].add(row["label"])
    return sorted(labels["val"] - labels["train"])
