"""The file format of prepared objects: safetensors, some dozens of objects a file.

Why safetensors: it is one self-describing file that is read in part through a memory map (one object costs one object),
holds no code to execute, and every language of the field reads it. Arrays of n objects with m pictures:

    xyz (n, P, 3) float16; rgb (n, P, 3) uint8; has_cloud, has_color (n,) uint8
    pictures (bytes,) uint8, encoded one after the other; picture_starts (m + 1,) int64 into them
    object_pictures (n + 1,) int64 into picture_starts; rendered (n,) int64: how many of an object's are ours

and in the header, as JSON: `ids`, `keys` (what each depends on), `sums` (of each object's bytes), `facts`, `format`.
A shard is written beside its name and renamed, so one that has its name is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ...errors import DataError
from ..files import write_atomic
from .objects import Prepared

FORMAT = "pointllm-prepared-1"
PATTERN = "*-[0-9]*.safetensors"


@dataclass(frozen=True)
class Entry:
    """One object in a shard: what is to be known without reading it."""

    id: str
    key: str
    sum: str
    facts: dict


def write_shard(path: Path, ids: Sequence[str], keys: Sequence[str], objects: Sequence[Prepared], points: int) -> None:
    """Write the objects as one shard, atomically."""
    xyz = np.zeros((len(ids), points, 3), np.float16)
    rgb = np.zeros((len(ids), points, 3), np.uint8)
    for row, item in enumerate(objects):
        if item.xyz is not None:
            xyz[row], rgb[row] = item.xyz, item.rgb
    encoded = [picture for item in objects for picture in item.pictures]
    arrays = {
        "xyz": xyz, "rgb": rgb,
        "has_cloud": np.array([item.xyz is not None for item in objects], np.uint8),
        "has_color": np.array([item.has_color for item in objects], np.uint8),
        "pictures": np.frombuffer(b"".join(encoded), np.uint8),
        "picture_starts": np.cumsum([0, *(len(data) for data in encoded)], dtype=np.int64),
        "object_pictures": np.cumsum([0, *(len(item.pictures) for item in objects)], dtype=np.int64),
        "rendered": np.array([item.rendered for item in objects], np.int64),
    }
    sums = [checksum(xyz[row], rgb[row], b"".join(item.pictures)) for row, item in enumerate(objects)]
    header = {"format": FORMAT, "ids": json.dumps(list(ids)), "keys": json.dumps(list(keys)),
              "sums": json.dumps(sums), "facts": json.dumps([item.facts for item in objects])}
    write_atomic(path, save(arrays, metadata=header))


def checksum(xyz: np.ndarray, rgb: np.ndarray, pictures: bytes) -> str:
    """16 hexadecimal digits over an object's cloud and pictures."""
    total = hashlib.sha256()
    for part in (np.ascontiguousarray(xyz), np.ascontiguousarray(rgb), pictures):
        total.update(part)
    return total.hexdigest()[:16]


class Shard:
    """An open shard; arrays are read when they are asked for, and only as far as they are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.file = safe_open(str(path), framework="np")
            header = self.file.metadata() or {}
            if header.get("format") != FORMAT:
                raise DataError(f"{path}: of format {header.get('format')!r}, not {FORMAT}; prepare the data again")
            columns = (json.loads(header[name]) for name in ("ids", "keys", "sums", "facts"))
            self.entries = [Entry(*values) for values in zip(*columns, strict=True)]
            self.picture_starts = self.file.get_tensor("picture_starts")
            self.object_pictures = self.file.get_tensor("object_pictures")
            self.rendered = self.file.get_tensor("rendered")
            self.has_cloud = self.file.get_tensor("has_cloud").astype(bool)
            self.has_color = self.file.get_tensor("has_color").astype(bool)
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise DataError(f"{path}: a damaged shard ({str(error)[:100]}); delete it and prepare the data again"
                            ) from error

    def __len__(self) -> int:
        return len(self.entries)

    def array(self, name: str, start: int | None = None, stop: int | None = None) -> np.ndarray:
        """`xyz` or `rgb` of a run of objects, of all by default."""
        return self.file.get_slice(name)[start:stop] if start is not None else self.file.get_tensor(name)

    def pictures(self, row: int) -> list[bytes]:
        """The encoded pictures of an object, ours first."""
        first, last = self.object_pictures[row:row + 2].tolist()
        starts = self.picture_starts[first:last + 1].tolist()
        if first == last:
            return []
        data = self.file.get_slice("pictures")[starts[0]:starts[-1]].tobytes()
        return [data[a - starts[0]:b - starts[0]] for a, b in zip(starts, starts[1:], strict=False)]

    def object(self, row: int) -> Prepared:
        """An object as it was prepared."""
        xyz, rgb = self.array("xyz", row, row + 1)[0], self.array("rgb", row, row + 1)[0]
        cloud = (xyz, rgb) if self.has_cloud[row] else (None, None)
        return Prepared(*cloud, bool(self.has_color[row]), tuple(self.pictures(row)), int(self.rendered[row]),
                        self.entries[row].facts)

    def is_sound(self, row: int) -> bool:
        """Whether an object's bytes are those that were written."""
        xyz, rgb = self.array("xyz", row, row + 1)[0], self.array("rgb", row, row + 1)[0]
        return checksum(xyz, rgb, b"".join(self.pictures(row))) == self.entries[row].sum


def shard_paths(folder: Path) -> list[Path]:
    """The shards of a folder, sorted by name."""
    return sorted(folder.glob(PATTERN)) if folder.is_dir() else []


def remove_remains(folder: Path) -> None:
    """Delete what killed runs were writing when they ended."""
    for path in folder.glob(".*.part"):
        try:
            path.unlink()
        except OSError:
            pass


def next_number(folder: Path) -> int:
    """A number that no shard of the folder has."""
    numbers = [int(path.stem.rpartition("-")[2]) for path in shard_paths(folder) if
               path.stem.rpartition("-")[2].isdigit()]
    return max(numbers, default=-1) + 1


def replace_index(path: Path, lines: list[dict]) -> None:
    """Write the index atomically: the moment at which new shards count."""
    write_atomic(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())


def file_stamp(path: Path) -> list[int]:
    """[size, time of change in ns] of a file, zeros where it is absent: a quick look whether it changed."""
    try:
        status = os.stat(path)
    except OSError:
        return [0, 0]
    return [status.st_size, status.st_mtime_ns]
