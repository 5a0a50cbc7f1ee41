"""Object File Format: OFF with the prefixes for colours (C), normals (N) and texture coordinates (ST); text only.

Also reads what passes for OFF: counts stuck to the keyword (ModelNet), no keyword at all, colours without the C.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ...errors import InputError
from .columns import to_unit
from .geometry import Geometry, check_counts, check_room, read_text
from .numbers import numbers_of
from .ply import fan


def read(path: Path) -> Geometry:
    """Vertices, polygons cut into fans, colours of vertices or faces."""
    with path.open("rb") as file:
        head = file.read(4096)
    match = re.match(rb"\s*(ST)?(C)?(N)?(4)?OFF(\s*BINARY)?", head)
    if match is None or b"\0" in head:
        raise InputError(f"{path.name}: not a text OFF file (it does not start with 'OFF'); export it again")
    if match.group(4) or match.group(5):
        raise InputError(f"{path.name}: binary and four-dimensional OFF are not read; export it as plain OFF or PLY")
    text = read_text(path)[match.end():]
    if b"#" in text:
        text = re.sub(rb"#[^\n]*", b"", text)
    lines = [line for line in text.split(b"\n") if not line.isspace() and line]
    counts = lines[0].split() if lines else []
    if len(counts) < 2 or not all(c.isdigit() for c in counts):
        raise InputError(f"{path.name}: the OFF header has no counts of vertices and faces; export it again")
    vertex_count, face_count = int(counts[0]), int(counts[1])
    check_counts(path, vertices=vertex_count, faces=face_count)
    check_room(path, vertex_count + face_count, len(lines) - 1, "lines")
    vertex_lines = lines[1:1 + vertex_count]
    if not vertex_lines:
        raise InputError(f"{path.name}: holds no vertices; check that the export included the shape")
    width = len(vertex_lines[0].split())
    table = numbers_of(path, b"\n".join(vertex_lines))
    if width < 3 or len(table) != vertex_count * width:
        raise InputError(f"{path.name}: its vertex lines do not all hold {max(width, 3)} numbers; export it again")
    table = table.reshape(vertex_count, width)
    geometry = Geometry(np.ascontiguousarray(table[:, :3]))
    first_color = 6 if match.group(3) else 3
    if (match.group(2) or width in (6, 7)) and not (match.group(3) and width < 9) and width >= first_color + 3:
        colors = table[:, first_color:first_color + 3]
        if match.group(2) or colors.min() >= 0:
            geometry.vertex_colors = to_unit(colors)
    geometry.faces, geometry.face_colors = _faces(path, lines[1 + vertex_count:1 + vertex_count + face_count])
    return geometry


def _faces(path: Path, lines: list[bytes]) -> tuple[np.ndarray, np.ndarray | None]:
    """Triangles (F, 3) and, where all lines have them, colours (F, 3) in [0, 1]."""
    if not lines:
        return np.zeros((0, 3), np.int64), None
    width = len(lines[0].split())
    numbers = numbers_of(path, b"\n".join(lines))
    if len(numbers) == width * len(lines) and (numbers.reshape(len(lines), width)[:, 0] == numbers[0]).all():
        table = numbers.reshape(len(lines), width)
        size = int(numbers[0])
        polygons: np.ndarray | list[np.ndarray] = table[:, 1:1 + size].astype(np.int64)
        extra: np.ndarray | list[np.ndarray] = table[:, 1 + size:]
    else:
        polygons, extra = [], []
        for line in lines:
            row = numbers_of(path, line)
            size = int(row[0])
            check_room(path, size, len(row) - 1, "face indices")
            polygons.append(row[1:1 + size].astype(np.int64))
            extra.append(row[1 + size:])
    faces, owners = fan(polygons)
    if all(len(e) >= 3 for e in extra):
        colors = to_unit(np.stack([e[:3] for e in extra]))
        return faces, colors[owners]
    return faces, None
