"""Stanford PLY: ascii and binary of both byte orders, meshes and bare points, colours and any further properties.

Texture files named in comments are not read; 3D Gaussian splats are read as points with their zeroth-order colour.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import InputError
from .geometry import Geometry, check_counts, check_room
from .numbers import parse_numbers

TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8", "int64": "i8", "uint64": "u8",
}
COLOR_NAMES = (("red", "green", "blue"), ("r", "g", "b"), ("diffuse_red", "diffuse_green", "diffuse_blue"))
MAX_HEADER = 64 * 1024
SPHERICAL_HARMONIC_0 = 0.28209479177387814  # 1 / (2 √π): what splats multiply their base colour with


@dataclass
class _Element:
    name: str
    count: int
    properties: list[tuple[str, str, str | None]] = field(default_factory=list)  # name, type, type of the list count

    @property
    def has_lists(self) -> bool:
        return any(count_type for _, _, count_type in self.properties)


def read(path: Path) -> Geometry:
    """Vertices, faces (polygons cut into fans) and colours of vertices or faces."""
    with path.open("rb") as file:
        head = file.read(MAX_HEADER)
    if not head.startswith(b"ply"):
        raise InputError(f"{path.name}: not a PLY file (it does not start with 'ply'); export it again as PLY")
    layout, elements, start = _header(path, head)
    check_counts(path, vertices=sum(e.count for e in elements if e.name == "vertex"),
                 faces=sum(e.count for e in elements if e.name in ("face", "tristrips")))
    if layout == "ascii":
        tables = _read_ascii(path, elements, start)
    else:
        tables = _read_binary(path, elements, start, "<" if layout == "binary_little_endian" else ">")
    return _geometry(path, tables)


def _header(path: Path, head: bytes) -> tuple[str, list[_Element], int]:
    """Format name, elements in file order, and the offset at which data starts."""
    end = head.find(b"end_header")
    if end < 0:
        raise InputError(f"{path.name}: the PLY header has no 'end_header'; the file is cut off, export it again")
    newline = head.find(b"\n", end)
    if newline < 0:  # old Mac line ends
        newline = head.find(b"\r", end)
    lines = head[:end].decode("latin-1").replace("\r", "\n").split("\n")
    layout, elements = "", []
    try:
        for words in (line.split() for line in lines[1:]):
            if not words:
                continue
            if words[0] == "format":
                layout = words[1]
            elif words[0] == "element":
                elements.append(_Element(words[1], int(words[2])))
            elif words[0] == "property" and words[1] == "list":
                elements[-1].properties.append((words[4], TYPES[words[3]], TYPES[words[2]]))
            elif words[0] == "property":
                elements[-1].properties.append((words[2], TYPES[words[1]], None))
    except (IndexError, KeyError, ValueError) as error:
        raise InputError(f"{path.name}: the PLY header cannot be understood near {' '.join(words)[:60]!r}; "
                         "export it again") from error
    if layout not in ("ascii", "binary_little_endian", "binary_big_endian"):
        raise InputError(f"{path.name}: unknown PLY format {layout[:40]!r}; export it again as binary PLY")
    if not any(e.name == "vertex" for e in elements):
        raise InputError(f"{path.name}: the PLY header names no vertices; export it again")
    return layout, elements, (newline if newline >= 0 else end + 9) + 1


def _read_binary(path: Path, elements: list[_Element], start: int, order: str) -> dict[str, dict]:
    data = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)
    tables, position = {}, start
    for element in elements:
        if element.has_lists:
            tables[element.name], position = _binary_lists(path, element, data, position, order)
            continue
        names = [f"{i}:{name}" for i, (name, _, _) in enumerate(element.properties)]  # names may repeat
        dtype = np.dtype([(n, order + kind) for n, (_, kind, _) in zip(names, element.properties, strict=True)])
        needed = element.count * dtype.itemsize
        check_room(path, needed, len(data) - position, f"bytes of {element.name} data")
        rows = data[position:position + needed].view(dtype)
        tables[element.name] = {n.split(":", 1)[1]: rows[n] for n in reversed(names)}
        position += needed
    return tables


def _binary_lists(path: Path, element: _Element, data: np.ndarray, start: int, order: str) -> tuple[dict, int]:
    """Rows with lists in them: at once where all lists are as long as the first row's, else row by row."""
    smallest = sum(np.dtype(count_type or kind).itemsize for _, kind, count_type in element.properties)
    check_room(path, element.count * smallest, len(data) - start, f"bytes of {element.name} data")
    if element.count == 0:
        return {name: [] for name, _, _ in element.properties}, start
    first = _list_row(path, element, data, start, order)[0]
    fields = []
    for name, kind, count_type in element.properties:
        if count_type:
            fields += [(f"{name}#", order + count_type), (name, order + kind, (len(first[name]),))]
        else:
            fields.append((name, order + kind))
    dtype = np.dtype(fields)
    needed = element.count * dtype.itemsize
    if needed <= len(data) - start:
        rows = data[start:start + needed].view(dtype)
        if all((rows[f"{n}#"] == len(first[n])).all() for n, _, count_type in element.properties if count_type):
            return {name: rows[name] for name, _, _ in element.properties}, start + needed
    columns: dict[str, list] = {name: [] for name, _, _ in element.properties}
    for _ in range(element.count):
        row, start = _list_row(path, element, data, start, order)
        for name, value in row.items():
            columns[name].append(value)
    kinds = zip(element.properties, columns.values(), strict=True)
    return {n: v if count_type else np.array(v) for (n, _, count_type), v in kinds}, start


def _list_row(path: Path, element: _Element, data: np.ndarray, at: int, order: str) -> tuple[dict, int]:
    row = {}
    for name, kind, count_type in element.properties:
        length = 1
        if count_type:
            size = np.dtype(count_type).itemsize
            check_room(path, size, len(data) - at, f"bytes of {element.name} data")
            length = int(data[at:at + size].view(order + count_type)[0])
            at += size
        size = np.dtype(kind).itemsize * max(length, 0)
        check_room(path, size, len(data) - at, f"bytes of {element.name} data")
        values = data[at:at + size].view(order + kind)
        row[name] = values if count_type else values[0]
        at += size
    return row, at


def _read_ascii(path: Path, elements: list[_Element], start: int) -> dict[str, dict]:
    smallest = sum(e.count * 2 * len(e.properties) for e in elements) - 1  # a digit and a space each
    check_room(path, smallest, path.stat().st_size - start, "bytes of text")
    numbers = parse_numbers(path, start)
    tables, position = {}, 0
    for element in elements:
        width = len(element.properties)
        if not element.has_lists:
            needed = element.count * width
            check_room(path, needed, len(numbers) - position, f"{element.name} numbers")
            rows = numbers[position:position + needed].reshape(element.count, width)
            tables[element.name] = {n: rows[:, i].astype(k) if k in ("u1", "u2") else rows[:, i]
                                    for i, (n, k, _) in enumerate(element.properties)}
            position += needed
        else:
            tables[element.name], position = _ascii_lists(path, element, numbers, position)
    return tables


def _ascii_lists(path: Path, element: _Element, numbers: np.ndarray, at: int) -> tuple[dict, int]:
    properties = element.properties
    if len(properties) == 1 and element.count and at < len(numbers):
        length = int(numbers[at])
        needed = element.count * (length + 1)
        if 0 < length and needed <= len(numbers) - at:
            rows = numbers[at:at + needed].reshape(element.count, length + 1)
            if (rows[:, 0] == length).all():
                return {properties[0][0]: rows[:, 1:]}, at + needed
    columns: dict[str, list] = {name: [] for name, _, _ in properties}
    for _ in range(element.count):
        for name, _, count_type in properties:
            check_room(path, at + 1, len(numbers), f"{element.name} numbers")
            length = 1
            if count_type:
                length = max(int(numbers[at]), 0)
                at += 1
            check_room(path, at + length, len(numbers), f"{element.name} numbers")
            columns[name].append(numbers[at:at + length] if count_type else numbers[at])
            at += length
    return {n: v if c else np.array(v) for (n, _, c), v in zip(properties, columns.values(), strict=True)}, at


def _geometry(path: Path, tables: dict[str, dict]) -> Geometry:
    vertex = tables["vertex"]
    if not {"x", "y", "z"} <= vertex.keys():
        raise InputError(f"{path.name}: its vertices have no x, y, z but {', '.join(list(vertex)[:8])}; "
                         "export it again")
    precision = np.float64 if any(vertex[a].dtype.itemsize == 8 for a in "xyz") else np.float32
    vertices = np.stack([vertex[a] for a in "xyz"], axis=1).astype(precision)
    geometry = Geometry(vertices, vertex_colors=_colors(vertex))
    if geometry.vertex_colors is None and {"f_dc_0", "f_dc_1", "f_dc_2"} <= vertex.keys():
        harmonics = np.stack([vertex[f"f_dc_{i}"] for i in range(3)], axis=1)
        geometry.vertex_colors = np.clip(0.5 + SPHERICAL_HARMONIC_0 * harmonics, 0, 1).astype(np.float32)
    face = tables.get("face", {})
    polygons = face.get("vertex_indices", face.get("vertex_index"))
    if polygons is not None and len(polygons):
        geometry.faces, owners = fan(polygons)
        colors = _colors({k: v for k, v in face.items() if isinstance(v, np.ndarray) and v.ndim == 1})
        if colors is not None and len(geometry.faces):
            geometry.face_colors = colors[owners]
    elif tables.get("tristrips"):
        strips = next(iter(tables["tristrips"].values()))
        geometry.faces = _unwound(strips)
    return geometry


def _colors(columns: dict[str, np.ndarray]) -> np.ndarray | None:
    """(N, 3) uint8, or float32 in [0, 1]; whole numbers above 1 in wider types are bytes or shorts."""
    for names in COLOR_NAMES:
        if set(names) <= columns.keys():
            colors = np.stack([columns[n] for n in names], axis=1)
            if colors.dtype == np.uint8:
                return colors
            if len(colors) == 0:
                return None
            top = float(np.nanmax(colors))
            scale = 1.0 if top <= 1.0 else 255.0 if top <= 255.0 else 65535.0
            return (np.clip(np.nan_to_num(colors), 0, scale) / scale).astype(np.float32)
    return None


def fan(polygons: np.ndarray | list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Polygons, (P, n) or a list of index arrays, cut into triangles (F, 3), and the polygon of each triangle (F,)."""
    if isinstance(polygons, np.ndarray):
        groups = [(np.arange(len(polygons)), polygons)]
    else:
        lengths = np.array([len(p) for p in polygons])
        groups = [(rows, np.stack([polygons[i] for i in rows]))
                  for rows in (np.flatnonzero(lengths == n) for n in np.unique(lengths))]
    faces, owners = [np.zeros((0, 3), np.int64)], [np.zeros(0, np.int64)]
    for rows, group in groups:
        for corner in range(1, group.shape[1] - 1):
            faces.append(group[:, [0, corner, corner + 1]].astype(np.int64))
            owners.append(rows)
    return np.concatenate(faces), np.concatenate(owners)


def _unwound(strips: list[np.ndarray] | np.ndarray) -> np.ndarray:
    """Triangles (F, 3) of strips whose runs are parted by -1."""
    faces = [np.zeros((0, 3), np.int64)]
    for strip in strips:
        strip = np.asarray(strip).astype(np.int64)
        for run in np.split(strip, np.flatnonzero(strip < 0)):
            run = run[run >= 0]
            if len(run) >= 3:
                triangles = np.stack([run[:-2], run[1:-1], run[2:]], axis=1)
                triangles[1::2] = triangles[1::2, ::-1]
                faces.append(triangles)
    return np.concatenate(faces)
