"""Point Cloud Library files: ascii, binary, and binary compressed with LZF; packed and separate colours.

NaN marks the missing pixels of an organised scan, so any number of points may be dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from .columns import to_unit
from .geometry import Geometry, check_counts, check_room
from .numbers import parse_numbers

MAX_HEADER = 16 * 1024
LZF_RATIO = 90  # three bytes stand for at most 264


@dataclass(frozen=True)
class _Header:
    fields: list[str]
    dtypes: list[np.dtype]
    counts: list[int]
    points: int
    data: str
    start: int


def read(path: Path) -> Geometry:
    """Points with colours where a field `rgb`, `rgba` or fields r, g, b are there."""
    header = _header(path)
    check_counts(path, vertices=header.points)
    available = path.stat().st_size - header.start
    if header.data == "ascii":
        columns = _read_ascii(path, header, available)
    elif header.data == "binary":
        names = [f"{i}" for i in range(len(header.fields))]
        dtype = np.dtype([(n, d, (c,)) for n, d, c in zip(names, header.dtypes, header.counts, strict=True)])
        check_room(path, header.points * dtype.itemsize, available, "bytes of points")
        rows = np.memmap(path, dtype, "r", header.start, (header.points,)) if header.points else np.zeros(0, dtype)
        columns = {f: np.array(rows[n][:, 0]) for f, n in zip(header.fields, names, strict=True) if rows[n].shape[1]}
    else:
        columns = _read_compressed(path, header)
    if not {"x", "y", "z"} <= columns.keys():
        raise InputError(f"{path.name}: its points have no x, y, z but {', '.join(header.fields[:8])}; export it again")
    vertices = np.stack([columns[a] for a in "xyz"], axis=1)
    return Geometry(vertices, vertex_colors=_colors(columns), scattered=True)


def _header(path: Path) -> _Header:
    with path.open("rb") as file:
        head = file.read(MAX_HEADER)
    entries: dict[str, list[str]] = {}
    position = 0
    for line in head.splitlines(keepends=True):
        position += len(line)
        words = line.split(b"#")[0].decode("latin-1").split()
        if words:
            entries[words[0].upper()] = words[1:]
            if words[0].upper() == "DATA":
                break
    try:
        fields = [f.lower() for f in entries["FIELDS"]]
        data = entries["DATA"][0].lower()
        counts = [int(c) for c in entries.get("COUNT", ["1"] * len(fields))]
        kinds = {"F": "f", "I": "i", "U": "u"}
        dtypes = [np.dtype(f"<{kinds[k.upper()]}{int(s)}")
                  for k, s in zip(entries["TYPE"], entries["SIZE"], strict=True)]
        points = int(entries["POINTS"][0]) if "POINTS" in entries else int(entries["WIDTH"][0]) * int(
            entries["HEIGHT"][0])
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise InputError(f"{path.name}: not a PCD file (no FIELDS, SIZE, TYPE, POINTS and DATA in its header); "
                         "export it again") from error
    if not len(fields) == len(dtypes) == len(counts) or any(not 0 <= c <= 4096 for c in counts):
        raise InputError(f"{path.name}: FIELDS, SIZE, TYPE and COUNT do not fit together; export it again")
    if data not in ("ascii", "binary", "binary_compressed"):
        raise InputError(f"{path.name}: unknown PCD data {data[:40]!r}; export it as binary")
    return _Header(fields, dtypes, counts, points, data, position)


def _read_ascii(path: Path, header: _Header, available: int) -> dict[str, np.ndarray]:
    width = sum(header.counts)
    check_room(path, header.points * width * 2 - 1, available, "bytes of text")
    numbers = parse_numbers(path, header.start)
    check_room(path, header.points * width, len(numbers), "numbers")
    table = numbers[:header.points * width].reshape(header.points, width)
    starts = np.cumsum([0, *header.counts[:-1]])
    columns = {}
    for name, dtype, count, start in zip(header.fields, header.dtypes, header.counts, starts, strict=True):
        if count:
            column = table[:, start]
            # packed colours keep all their bits only in their own type
            columns[name] = column.astype(dtype) if name in ("rgb", "rgba") else column
    return columns


def _read_compressed(path: Path, header: _Header) -> dict[str, np.ndarray]:
    with path.open("rb") as file:
        file.seek(header.start)
        data = file.read()
    check_room(path, 8, len(data), "bytes of sizes")
    packed, full = (int.from_bytes(data[i:i + 4], "little") for i in (0, 4))
    check_room(path, packed, len(data) - 8, "bytes of compressed points")
    needed = header.points * sum(d.itemsize * c for d, c in zip(header.dtypes, header.counts, strict=True))
    if full < needed or full > packed * LZF_RATIO:
        raise InputError(f"{path.name}: claims {full:,} bytes of points out of {packed:,} compressed ones, "
                         f"where {needed:,} are due; the file is damaged, export it again")
    raw = lzf_decompress(data[8:8 + packed], full)
    check_room(path, needed, len(raw), "bytes of points")
    columns, position = {}, 0
    for name, dtype, count in zip(header.fields, header.dtypes, header.counts, strict=True):  # one field after another
        if count:
            values = np.frombuffer(raw, dtype, header.points * count, position)
            columns[name] = values.reshape(header.points, count)[:, 0]
        position += header.points * count * dtype.itemsize
    return columns


def lzf_decompress(data: bytes, size: int) -> bytearray:
    """LZF: a control byte below 32 precedes as many literals plus one, else it is a copy of earlier output."""
    out = bytearray()
    position, end = 0, len(data)
    while position < end and len(out) < size:
        control = data[position]
        position += 1
        if control < 32:
            out += data[position:position + control + 1]
            position += control + 1
            continue
        length = control >> 5
        if length == 7:
            length += data[position]
            position += 1
        start = len(out) - ((control & 31) << 8) - data[position] - 1
        position += 1
        length += 2
        if start < 0:
            raise ValueError("compressed data refers to bytes before its start")
        if start + length <= len(out):
            out += out[start:start + length]
        else:  # the copy overlaps what it writes: a repeated pattern
            pattern = out[start:]
            out += (pattern * (length // len(pattern) + 1))[:length]
    return out


def _colors(columns: dict[str, np.ndarray]) -> np.ndarray | None:
    """(N, 3) uint8 from packed 0x00RRGGBB, stored as a float's bits or as an integer; or float32 from r, g, b."""
    for name in ("rgb", "rgba"):
        if name in columns:
            packed = np.ascontiguousarray(columns[name])
            packed = packed.view(np.uint32) if packed.dtype == np.float32 else packed.astype(np.int64).astype(np.uint32)
            return np.stack([packed >> 16 & 255, packed >> 8 & 255, packed & 255], axis=1).astype(np.uint8)
    for names in (("r", "g", "b"), ("red", "green", "blue")):
        if set(names) <= columns.keys():
            return to_unit(np.stack([columns[n] for n in names], axis=1))
    return None
