"""`PreparedData`: reads what `prepare` wrote, one object at a time or a shard at a time.

Shards are opened when they are first needed and stay open as memory maps, so that random access costs one object and
several processes share the page cache. Instances may be pickled (for loader processes); open files don't travel.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...errors import DataError
from .objects import Parameters, decode
from .shards import Shard

INDEX = "index.jsonl"
OPEN_SHARDS = 128


class StoredCloud(NamedTuple):
    """xyz (P, 3) float16 in the unit sphere, y up; rgb (P, 3) uint8 sRGB, 128 where `has_color` is false."""

    xyz: np.ndarray
    rgb: np.ndarray
    has_color: bool


class PreparedData:
    """Prepared objects by id.

    Raises:
        DataError: the folder holds no index, or one that isn't ours.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.parameters, self.rows = read_index(self.folder)
        self._open: OrderedDict[str, Shard] = OrderedDict()

    @property
    def ids(self) -> list[str]:
        """All ids, in the order of the data folder's records."""
        return list(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self.rows

    def __getstate__(self) -> dict:
        return {"folder": self.folder, "parameters": self.parameters, "rows": self.rows, "_open": OrderedDict()}

    def cloud(self, identifier: str) -> StoredCloud:
        """The cloud of an object; DataError for one without a 3D file."""
        shard, row = self._find(identifier)
        if not shard.has_cloud[row]:
            raise DataError(f"{identifier}: has pictures but no 3D file")
        return StoredCloud(shard.array("xyz", row, row + 1)[0], shard.array("rgb", row, row + 1)[0],
                           bool(shard.has_color[row]))

    def clouds(self, identifiers: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """Many clouds at once: ids (N,), xyz (N, P, 3) float16, rgb (N, P, 3) uint8, has_color (N,) bool.

        All objects that have one by default. Read shard by shard; 72 KB an object of 8,192 points.
        """
        wanted = [i for i in (self.ids if identifiers is None else identifiers) if self._has_cloud(i)]
        points = self.parameters.points
        xyz = np.empty((len(wanted), points, 3), np.float16)
        rgb = np.empty((len(wanted), points, 3), np.uint8)
        has_color = np.empty(len(wanted), bool)
        for place, identifier in sorted(enumerate(wanted), key=lambda pair: self.rows[pair[1]][:2]):
            xyz[place], rgb[place], has_color[place] = self.cloud(identifier)
        return {"ids": np.array(wanted), "xyz": xyz, "rgb": rgb, "has_color": has_color}

    def views(self, identifier: str) -> np.ndarray:
        """Rendered views (V, S, S, 3) uint8 sRGB; V may be 0."""
        shard, row = self._find(identifier)
        return self._decoded(shard.pictures(row)[:shard.rendered[row]])

    def pictures(self, identifier: str) -> np.ndarray:
        """Pictures that came with the object (K, S, S, 3) uint8 sRGB; K is often 0."""
        shard, row = self._find(identifier)
        return self._decoded(shard.pictures(row)[shard.rendered[row]:])

    def facts(self, identifier: str) -> dict:
        """What was measured on the file: format, counts, size, colours by area."""
        shard, row = self._find(identifier)
        return shard.entries[row].facts

    def key(self, identifier: str) -> str:
        """Changes when the prepared object does; for caches of what is computed from it."""
        self._row(identifier)
        return self.rows[identifier][2]

    def shards(self) -> Iterator[tuple[list[str], Shard, np.ndarray]]:
        """Shard by shard: the ids that are current, the open shard, their rows in it (n,)."""
        groups: dict[str, list[tuple[int, str]]] = {}
        for identifier, (name, row, _) in self.rows.items():
            groups.setdefault(name, []).append((row, identifier))
        for name, members in sorted(groups.items()):
            members.sort()
            yield [identifier for _, identifier in members], self._shard(name), np.array([row for row, _ in members])

    def _has_cloud(self, identifier: str) -> bool:
        shard, row = self._find(identifier)
        return bool(shard.has_cloud[row])

    def _decoded(self, encoded: list[bytes]) -> np.ndarray:
        size = self.parameters.size
        return np.stack([decode(data) for data in encoded]) if encoded else np.zeros((0, size, size, 3), np.uint8)

    def _row(self, identifier: str) -> tuple[str, int, str]:
        if identifier not in self.rows:
            raise DataError(f"{self.folder}: holds no object {identifier!r}; was it left out, or added since? "
                            "See report.jsonl, or prepare the data again")
        return self.rows[identifier]

    def _find(self, identifier: str) -> tuple[Shard, int]:
        name, row, key = self._row(identifier)
        shard = self._shard(name)
        if row >= len(shard) or shard.entries[row].key != key:
            raise DataError(f"{shard.path}: isn't the shard that the index means; prepare the data again")
        return shard, row

    def _shard(self, name: str) -> Shard:
        if name not in self._open:
            self._open[name] = Shard(self.folder / name)
            if len(self._open) > OPEN_SHARDS:
                self._open.popitem(last=False)
        self._open.move_to_end(name)
        return self._open[name]


def read_index(folder: Path) -> tuple[Parameters, dict[str, tuple[str, int, str]]]:
    """Parameters, and id → (shard, row, key). DataError without a sound index."""
    path = folder / INDEX
    if not path.is_file():
        raise DataError(f"{folder}: holds no prepared data; make it with: pointllm data prepare DIR")
    try:
        head, *lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return (Parameters(**head["parameters"]),
                {line["id"]: (line["shard"], line["row"], line["key"]) for line in lines})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: a damaged index ({str(error)[:80]}); prepare the data again") from error
