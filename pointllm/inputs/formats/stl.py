"""STL, binary and ascii, with the two customs of storing face colours in the attribute bytes of binary files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ...errors import InputError
from ..mesh import distinct_rows
from .geometry import Geometry, check_counts, check_room, read_text
from .numbers import numbers_of

TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
HEADER = 84  # 80 bytes of anything, then the count


def read(path: Path) -> Geometry:
    """Triangles with shared vertices joined."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEADER)
    count = int.from_bytes(head[80:84], "little") if len(head) == HEADER else -1
    # Some binary files start with "solid" too: only the size tells.
    if size == HEADER + count * TRIANGLE.itemsize or (count >= 0 and not head.lstrip().lower().startswith(b"solid")):
        corners, face_colors = _binary(path, head, count, size)
    else:
        corners, face_colors = _ascii(path), None
    check_counts(path, faces=len(corners))
    if not len(corners):
        raise InputError(f"{path.name}: holds no triangles; check that the export included the shape")
    vertices = corners.reshape(-1, 3)
    first, same = distinct_rows(vertices)
    return Geometry(vertices[first], same.reshape(-1, 3), face_colors=face_colors)


def _binary(path: Path, head: bytes, count: int, size: int) -> tuple[np.ndarray, np.ndarray | None]:
    if count > (size - HEADER) // TRIANGLE.itemsize:
        if size < HEADER + TRIANGLE.itemsize or not _has_zero_bytes(path):
            raise InputError(f"{path.name}: not an STL file; export it again as binary STL")
        check_room(path, count * TRIANGLE.itemsize, size - HEADER, "bytes of triangles")
    check_counts(path, faces=count)
    if count == 0:
        return np.zeros((0, 3, 3), np.float32), None
    triangles = np.memmap(path, TRIANGLE, "r", HEADER, (count,))
    return np.array(triangles["corners"]), _face_colors(head, np.array(triangles["attribute"]))


def _has_zero_bytes(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\0" in file.read(4096)


def _face_colors(head: bytes, attribute: np.ndarray) -> np.ndarray | None:
    """(F, 3) uint8 from 5-bit channels: Magics (red lowest, bit 15 clear) or VisCAM (blue lowest, bit 15 set)."""
    channels = np.stack([attribute & 31, attribute >> 5 & 31, attribute >> 10 & 31], axis=1) * 255 // 31
    marked = attribute >> 15 == 1
    at = head.find(b"COLOR=")
    if 0 <= at <= 70:
        whole = np.frombuffer(head[at + 6:at + 9], np.uint8)
        return np.where(marked[:, None], whole, channels).astype(np.uint8)
    if marked.all():
        return channels[:, ::-1].astype(np.uint8)
    return None


def _ascii(path: Path) -> np.ndarray:
    """(F, 3 corners, 3) float64."""
    text = read_text(path)
    if b"facet" not in text[:65536].lower() and b"endsolid" not in text[-4096:].lower():
        raise InputError(f"{path.name}: not an STL file; export it again as binary STL")
    found = re.findall(rb"vertex[ \t]+([^\r\n]*)", text, re.IGNORECASE)
    numbers = numbers_of(path, b" ".join(found))
    if len(numbers) != len(found) * 3 or len(found) % 3:
        raise InputError(f"{path.name}: an STL facet without three corners; the file is cut off, export it again")
    return numbers.reshape(-1, 3, 3)
