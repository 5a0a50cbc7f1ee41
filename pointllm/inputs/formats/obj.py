"""Wavefront OBJ with its .mtl: polygons, textures, vertex colours, or vertices only.

Lines are read in groups of one shape (as many corners, the same slashes), each group at once. Curves, lines, groups
and smoothing are left out. Files named by `mtllib` and `map_Kd` are read only from the OBJ's own folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ..mesh import Material, distinct_rows
from .columns import to_unit
from .geometry import MAX_TEXTURES, Geometry, beside, check_counts, logger, read_text, read_texture
from .numbers import numbers_of
from .ply import fan

MAX_MATERIAL_FILE = 16_000_000
# options of map_Kd, and how many words follow each
MAP_OPTIONS = {"-blendu": 1, "-blendv": 1, "-bm": 1, "-boost": 1, "-cc": 1, "-clamp": 1, "-imfchan": 1, "-mm": 2,
               "-o": 3, "-s": 3, "-t": 3, "-texres": 1, "-type": 1, "-colorspace": 1}


@dataclass
class _Lines:
    """The lines that matter, without their keywords.

    seen: (F, 2) vertices and texture vertices before each face, None where no face counts from its own line
    material_of: (F,) index into material_names
    """

    vertices: list[bytes]
    textures: list[bytes]
    faces: list[bytes]
    seen: np.ndarray | None
    material_of: np.ndarray
    material_names: list[str]
    libraries: list[str]


def read(path: Path) -> Geometry:
    """Triangles sorted by material, vertices split where their texture coordinates differ; or bare vertices."""
    lines = _collect(path)
    if not lines.vertices:
        raise InputError(f"{path.name}: holds no vertices (no lines that start with 'v'); export it again as OBJ")
    check_counts(path, vertices=len(lines.vertices), faces=len(lines.faces))
    vertices, colors = _vertices(path, lines.vertices)
    if not lines.faces:
        return Geometry(vertices, vertex_colors=colors)
    corners, uv_corners, owners = _faces(path, lines)
    if corners.max(initial=0) >= len(vertices) or corners.min(initial=0) < 0:
        raise InputError(f"{path.name}: a face refers to vertex {int(corners.max()) + 1} of {len(vertices):,}; "
                         "the file is damaged, export it again")
    materials = _materials(path, lines)
    runs = lines.material_of[owners]
    order = np.argsort(runs, kind="stable")
    corners, uv_corners, runs = corners[order], uv_corners[order], runs[order]
    used, starts = np.unique(runs, return_index=True)
    geometry = Geometry(vertices, corners, vertex_colors=colors, vertex_count=len(vertices))
    chosen = [materials.get(lines.material_names[i], Material()) for i in used]
    if any(m.has_color for m in chosen):
        geometry.materials, geometry.face_starts = tuple(chosen), starts
        if any(m.image is not None for m in chosen) and lines.textures:
            _split_by_uv(path, geometry, lines.textures, uv_corners)
    return geometry


def _collect(path: Path) -> _Lines:
    data = read_text(path)
    if b"\0" in data[:65536]:
        raise InputError(f"{path.name}: not a text OBJ file; export it again as OBJ")
    if b"\\\n" in data or b"\\\r\n" in data:  # a backslash continues a line
        data = data.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    names, faces, material_of = {"": 0}, [], []
    switches = list(re.finditer(rb"^[ \t]*usemtl\b([^\r\n]*)", data, re.MULTILINE))
    ends = [*(m.start() for m in switches), len(data)]
    for switch, start, end in zip([None, *switches], [0, *ends[:-1]], ends, strict=True):
        name = "" if switch is None else _text(switch.group(1))
        found = _matching(b"f", data[start:end])
        faces.extend(found)
        material_of.append(np.full(len(found), names.setdefault(name, len(names))))
    seen = None
    if re.search(rb"^[ \t]*f[ \t][^\r\n]*-", data, re.MULTILINE):
        at = {k: [m.start() for m in re.finditer(_pattern(k), data, re.MULTILINE)] for k in (b"f", b"v", b"vt")}
        seen = np.stack([np.searchsorted(at[k], at[b"f"]) for k in (b"v", b"vt")], axis=1)
    libraries = [_text(name) for name in re.findall(rb"^[ \t]*mtllib\b([^\r\n]*)", data, re.MULTILINE)]
    return _Lines(_matching(b"v", data), _matching(b"vt", data), faces, seen, np.concatenate(material_of),
                  list(names), libraries)


def _pattern(keyword: bytes) -> bytes:
    return rb"^[ \t]*" + keyword + rb"[ \t]+([^\r\n]*)"


def _matching(keyword: bytes, data: bytes) -> list[bytes]:
    """What follows `keyword` on the lines that start with it."""
    return re.findall(_pattern(keyword), data, re.MULTILINE)


def _text(name: bytes) -> str:
    return name.strip().decode("utf-8", "replace")


def _table(path: Path, lines: list[bytes], wanted: int) -> np.ndarray:
    """Lines of numbers as (rows, columns ≥ wanted); where lines differ, the first `wanted` of each."""
    if any(b"#" in line for line in lines[:1000]):
        lines = [line.split(b"#")[0] for line in lines]
    width = len(lines[0].split())
    numbers = numbers_of(path, b"\n".join(lines))
    if width >= wanted and len(numbers) == width * len(lines):
        return numbers.reshape(len(lines), width)
    rows = [(line.split() + [b"0"] * wanted)[:wanted] for line in lines]
    return np.array(rows).astype(np.float64)


def _vertices(path: Path, lines: list[bytes]) -> tuple[np.ndarray, np.ndarray | None]:
    """Positions (V, 3) float64, and colours (V, 3) where lines hold x y z r g b (or x y z w r g b)."""
    table = _table(path, lines, 3)
    first = {6: 3, 7: 3}.get(table.shape[1])
    if table.shape[1] == 7 and (table[:, 3] == 1).all():  # x y z w r g b
        first = 4
    colors = None if first is None else to_unit(table[:, first:first + 3])
    return np.ascontiguousarray(table[:, :3]), colors


def _faces(path: Path, lines: _Lines) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertex indices (F, 3), texture vertex indices (F, 3) with -1 for none, and each triangle's face line (F,)."""
    corners, uv_corners, owners = [np.zeros((0, 3), np.int64)], [np.zeros((0, 3), np.int64)], [np.zeros(0, np.int64)]
    kinds = _line_kinds(lines.faces)
    first, kind_of = distinct_rows(kinds)
    for kind, (size, slashes, doubles) in enumerate(kinds[first].tolist()):
        rows = np.flatnonzero(kind_of == kind)
        if size < 3:
            continue
        table = _corner_table(path, [lines.faces[i] for i in rows], size, slashes, doubles > 0)
        vertex, texture = table[..., 0], table[..., 1]  # (R, size) each, counted from 1, from the end if negative
        if lines.seen is not None:
            vertex = np.where(vertex < 0, vertex + lines.seen[rows, :1] + 1, vertex)
            texture = np.where(texture < 0, texture + lines.seen[rows, 1:] + 1, texture)
        triangles, owner = fan(np.arange(len(rows) * size).reshape(len(rows), size))
        corners.append(vertex.ravel()[triangles] - 1)
        uv_corners.append(texture.ravel()[triangles] - 1)
        owners.append(rows[owner])
    return np.concatenate(corners), np.concatenate(uv_corners), np.concatenate(owners)


def _line_kinds(lines: list[bytes]) -> np.ndarray:
    """For each line: words, slashes, double slashes, (F, 3)."""
    text = np.frombuffer(b"\n".join(lines) + b"\n", np.uint8)
    blank, slash = text <= 32, text == ord("/")
    starts = np.concatenate([[0], np.flatnonzero(text == ord("\n"))[:-1] + 1])
    word_ends = ~blank[:-1] & blank[1:]
    doubles = slash[:-1] & slash[1:]
    columns = [np.append(word_ends, False), slash, np.append(doubles, False)]
    return np.stack([np.add.reduceat(c, starts, dtype=np.int64) for c in columns], axis=1)


def _corner_table(path: Path, lines: list[bytes], size: int, slashes: int, double: bool) -> np.ndarray:
    """(R, size, 2) int64: vertex and texture vertex of each corner of lines of one shape; 0 where there is none."""
    numbers_per_corner = {0: 1, size: 2, size * 2: 2 if double else 3}.get(slashes)
    text = b"\n".join(lines)
    if numbers_per_corner and (not double or text.count(b"//") == size * len(lines)):
        numbers = numbers_of(path, text.replace(b"/", b" "))
        if len(numbers) == len(lines) * size * numbers_per_corner:
            table = numbers.reshape(len(lines), size, numbers_per_corner).astype(np.int64)
            texture = table[..., 1] if numbers_per_corner > 1 and not double else np.zeros_like(table[..., 0])
            return np.stack([table[..., 0], texture], axis=-1)
    rows = []
    for line in lines:  # corners of mixed shapes, such as 1/2 3 4//5
        for word in line.split():
            parts = word.split(b"/")
            rows.append((int(parts[0]), int(parts[1]) if len(parts) > 1 and parts[1] else 0))
    return np.array(rows, np.int64).reshape(len(lines), size, 2)


def _split_by_uv(path: Path, geometry: Geometry, lines: list[bytes], uv_corners: np.ndarray) -> None:
    """Gives each pair of vertex and texture vertex a vertex of its own, and the geometry its uv."""
    uv = _table(path, lines, 2)[:, :2].copy()
    uv[:, 1] = 1 - uv[:, 1]  # OBJ counts v upwards
    uv = np.concatenate([uv, np.zeros((1, 2))])
    uv_corners = np.where((uv_corners < 0) | (uv_corners >= len(lines)), len(lines), uv_corners)
    pairs = geometry.faces.ravel() * np.int64(len(uv)) + uv_corners.ravel()
    distinct, same = np.unique(pairs, return_inverse=True)
    kept = distinct // len(uv)
    geometry.faces = same.reshape(-1, 3)
    geometry.vertices = geometry.vertices[kept]
    if geometry.vertex_colors is not None:
        geometry.vertex_colors = geometry.vertex_colors[kept]
    geometry.uv = uv[distinct % len(uv)].astype(np.float32)


def _materials(path: Path, lines: _Lines) -> dict[str, Material]:
    """Materials by name, from the libraries that lie beside the file."""
    materials: dict[str, Material] = {}
    for entry in lines.libraries[:64]:
        names = [entry] if beside(path, entry) else entry.split()
        for name in names:
            library = beside(path, name)
            if library is None:
                logger.warning("%s: material file %r is not in its folder", path.name, name[:80])
            elif library.stat().st_size <= MAX_MATERIAL_FILE:
                materials.update(_read_library(library))
    return materials


def _read_library(path: Path) -> dict[str, Material]:
    """Diffuse colour (Kd, taken as sRGB) or texture (map_Kd, which then stands alone) of each material."""
    materials: dict[str, Material] = {}
    images: dict[str, np.ndarray | None] = {}
    name = None
    for line in path.read_text("utf-8", "replace").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        key = words[0].lower()
        if key == "newmtl":
            name = line.split(None, 1)[1].strip() if len(words) > 1 else ""
            materials[name] = Material()
        elif name is not None and key == "kd" and materials[name].image is None:
            try:
                color = [min(max(float(w), 0.0), 1.0) for w in words[1:4]]
            except ValueError:
                continue
            if len(color) == 3:
                materials[name] = Material(color=(*color, 1.0))
        elif name is not None and key == "map_kd" and len(words) > 1:
            reference = _map_name(line.split(None, 1)[1])
            if reference not in images and len(images) < MAX_TEXTURES:
                target = beside(path, reference)
                if target is None:
                    logger.warning("%s: texture %r is not in its folder", path.name, reference[:80])
                images[reference] = None if target is None else read_texture(target, reference)
            image = images.get(reference)
            if image is not None:
                materials[name] = Material(image=image, alpha_cutoff=0.05 if image.shape[2] == 4 else None)
    return materials


def _map_name(text: str) -> str:
    """The file name at the end of a map line, after its options; names may hold blanks."""
    words = text.split()
    while words and words[0].lower() in MAP_OPTIONS:
        count = MAP_OPTIONS[words.pop(0).lower()]
        while count and len(words) > 1:
            try:
                float(words[0])
            except ValueError:
                if words[0].lower() not in ("on", "off"):
                    break
            words.pop(0)
            count -= 1
    if len(words) == len(text.split()):
        return text.strip()
    return " ".join(words)
