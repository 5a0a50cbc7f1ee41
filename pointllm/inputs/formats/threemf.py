"""3D Manufacturing Format: meshes and components placed by the build, with base materials, colours and textures.

Knows the core specification, its `p:path` parts, and the materials extension as far as single colours go.
"""

from __future__ import annotations

import posixpath
import zipfile
from array import array
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import InputError
from ..mesh import Material
from .archive import check_archive
from .geometry import MAX_TEXTURE_PIXELS, Geometry, SceneBuilder, check_counts, read_texture
from .safe_xml import parse

MAX_DEPTH = 32
MAX_INSTANCES = 20_000
MAX_MODEL_BYTES = 1_000_000_000


@dataclass
class _Object:
    vertices: array = field(default_factory=lambda: array("d"))
    faces: array = field(default_factory=lambda: array("i"))
    properties: list[tuple[int, str, tuple[int, ...]]] = field(default_factory=list)  # face, group, an index a corner
    components: list[tuple[str, str, np.ndarray]] = field(default_factory=list)  # part of the archive, object, matrix
    default: tuple[str, int] | None = None


@dataclass
class _Model:
    """One .model part: its objects, its property groups, and what the build places."""

    objects: dict[str, _Object] = field(default_factory=dict)
    colors: dict[str, list[tuple[float, ...]]] = field(default_factory=dict)
    coordinates: dict[str, tuple[str, list[tuple[float, float]]]] = field(default_factory=dict)
    textures: dict[str, str] = field(default_factory=dict)
    items: list[tuple[str, str, np.ndarray]] = field(default_factory=list)


def read(path: Path) -> Geometry:
    """The build as one Geometry, z up."""
    check_archive(path, "3MF file")
    with zipfile.ZipFile(path) as archive:
        return _Reader(path, archive).geometry()


class _Reader:
    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path, self.archive = path, archive
        self.members = {name.lstrip("/").lower(): name for name in archive.namelist()}
        self.models: dict[str, _Model] = {}
        self.images: dict[str, np.ndarray | None] = {}
        self.scene = SceneBuilder(path)
        self.instances = 0

    def geometry(self) -> Geometry:
        roots = [n for n in self.members if n.endswith(".model")]
        if not roots:
            raise InputError(f"{self.path.name}: holds no .model part; export it again as 3MF")
        root = "3d/3dmodel.model" if "3d/3dmodel.model" in roots else min(roots, key=len)
        model = self._model(root)
        items = model.items or [("", name, np.eye(4)) for name in model.objects]
        for part, name, matrix in items:
            self._place(part or root, name, matrix, 0)
        return self.scene.build(up_axis="z")

    def _model(self, part: str) -> _Model:
        part = part.lstrip("/").lower()
        if part not in self.models:
            if part not in self.members:
                raise InputError(f"{self.path.name}: refers to {part[:60]!r}, which it does not hold; export it again")
            info = self.archive.getinfo(self.members[part])
            if info.file_size > MAX_MODEL_BYTES:
                raise InputError(f"{self.path.name}: a model of {info.file_size:,} bytes; decimate it first")
            self.models[part] = _parse_model(self.path, self.archive.read(info))
        return self.models[part]

    def _place(self, part: str, name: str, matrix: np.ndarray, depth: int) -> None:
        self.instances += 1
        if depth > MAX_DEPTH or self.instances > MAX_INSTANCES:
            raise InputError(f"{self.path.name}: its components are nested too deeply or too often; merge them first")
        model = self._model(part)
        if name not in model.objects:
            raise InputError(f"{self.path.name}: refers to object {name[:40]!r}, which is not in it; export it again")
        entry = model.objects[name]
        if entry.faces:
            vertices = np.frombuffer(entry.vertices, np.float64).reshape(-1, 3)
            placed = vertices @ matrix[:3, :3].T + matrix[:3, 3]
            self._add(model, entry, placed, np.frombuffer(entry.faces, np.int32).reshape(-1, 3))
        for child_part, child, child_matrix in entry.components:
            self._place(child_part or part, child, matrix @ child_matrix, depth + 1)

    def _add(self, model: _Model, entry: _Object, vertices: np.ndarray, faces: np.ndarray) -> None:
        """One object: coloured faces as face colours, textured ones with vertices of their own."""
        colors = np.ones((len(faces), 4), np.float32)
        colored = np.zeros(len(faces), bool)
        if entry.default and entry.default[0] in model.colors:
            group = model.colors[entry.default[0]]
            colors[:] = group[min(entry.default[1], len(group) - 1)] if group else 1.0
            colored[:] = bool(group)
        textured: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
        for face, group_name, indices in entry.properties:
            if group := model.colors.get(group_name):
                colors[face] = np.mean([group[i] for i in indices if 0 <= i < len(group)] or [group[0]], axis=0)
                colored[face] = True
            elif group_name in model.coordinates:
                textured.setdefault(group_name, []).append((face, indices))
        plain = np.ones(len(faces), bool)
        for group_name, rows in textured.items():
            texture, coordinates = model.coordinates[group_name]
            image = self._image(model.textures.get(texture, ""))
            if image is None:
                continue
            ids = np.array([face for face, _ in rows])
            corners = np.array([[(i + (i[0],) * 2)[c] for c in range(3)] for _, i in rows])
            table = np.array(coordinates)
            if corners.max() >= len(table) or corners.min() < 0:
                continue
            uv = table[corners.ravel()]
            uv[:, 1] = 1 - uv[:, 1]  # 3MF counts v upwards
            self.scene.add(vertices[faces[ids].ravel()], np.arange(len(ids) * 3).reshape(-1, 3),
                           Material(image=image), uv=uv.astype(np.float32))
            plain[ids] = False
        if plain.any():
            self.scene.add(vertices, faces[plain], face_colors=colors[plain] if colored[plain].any() else None)

    def _image(self, part: str) -> np.ndarray | None:
        part = posixpath.normpath(part).lstrip("/").lower()
        if part not in self.images:
            info = self.archive.getinfo(self.members[part]) if part in self.members else None
            small = info is not None and info.file_size <= MAX_TEXTURE_PIXELS
            self.images[part] = read_texture(self.archive.read(info), part) if small else None
        return self.images[part]


def _parse_model(path: Path, data: bytes) -> _Model:
    model = _Model()
    current = _Object()
    group: list = []

    def start(name: str, a: dict[str, str]) -> None:
        nonlocal current, group
        if name == "vertex":
            current.vertices.extend((float(a["x"]), float(a["y"]), float(a["z"])))
        elif name == "triangle":
            current.faces.extend((int(a["v1"]), int(a["v2"]), int(a["v3"])))
            if "p1" in a:
                owner = a.get("pid") or (current.default[0] if current.default else "")
                indices = tuple(int(a[k]) for k in ("p1", "p2", "p3") if k in a)
                current.properties.append((len(current.faces) // 3 - 1, owner, indices))
        elif name == "object":
            current = model.objects[a["id"]] = _Object()
            if "pid" in a:
                current.default = (a["pid"], int(a.get("pindex", 0)))
        elif name == "component":
            current.components.append((a.get("path", ""), a["objectid"], _matrix(a.get("transform"))))
        elif name == "item":
            model.items.append((a.get("path", ""), a["objectid"], _matrix(a.get("transform"))))
        elif name in ("basematerials", "colorgroup"):
            group = model.colors[a["id"]] = []
        elif name in ("base", "color"):
            group.append(_color(a.get("displaycolor") or a.get("color", "")))
        elif name == "texture2d":
            model.textures[a["id"]] = a.get("path", "")
        elif name == "texture2dgroup":
            group = []
            model.coordinates[a["id"]] = (a.get("texid", ""), group)
        elif name == "tex2coord":
            group.append((float(a["u"]), float(a["v"])))

    def end(name: str) -> None:
        if name == "mesh":
            check_counts(path, vertices=len(current.vertices) // 3, faces=len(current.faces) // 3)

    parse(path, data, start, end)
    return model


def _matrix(text: str | None) -> np.ndarray:
    """(4, 4) from twelve numbers, written row by row for row vectors."""
    matrix = np.eye(4)
    if text:
        matrix[:3] = np.array(text.split(), np.float64).reshape(4, 3).T
    return matrix


def _color(text: str) -> tuple[float, ...]:
    """#RRGGBB or #RRGGBBAA as RGBA in [0, 1], sRGB; white where it is neither."""
    digits = text.strip().lstrip("#")
    if len(digits) not in (6, 8):
        return (1.0, 1.0, 1.0, 1.0)
    digits = digits.ljust(8, "f")
    return tuple(int(digits[i:i + 2], 16) / 255 for i in range(0, 8, 2))
