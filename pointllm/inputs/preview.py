"""A small GLB of any shape for the viewer in the browser: y up, centred, one unit large, whatever the file was.

Meshes keep their textures, at reduced size, and their colours; heavy ones are thinned on a grid. Points become little
octahedra, since viewers draw bare points as single pixels or not at all. Colours are written in linear light.
"""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np

from .mesh import Mesh, distinct_rows, srgb_to_linear
from .orientation import with_up
from .point_cloud import PointCloud

TEXTURE_SIDE = 1024
CREASE = 0.64  # cosine of 50°: edges that bend more stay sharp
MAX_NEIGHBOURS = 32  # faces around a place that are looked at
PLAIN = (0.62, 0.66, 0.72)  # sRGB of surfaces without colours
OCTAHEDRON = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float32)
OCTAHEDRON_FACES = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])


def write_preview(cloud: PointCloud, path: str | Path, max_points: int = 20_000, max_faces: int = 60_000) -> Path:
    """Writes `cloud` as a GLB of at most `max_faces` triangles, or `max_points` dots where it has no surface."""
    path = Path(path)
    cloud = with_up(cloud, cloud.metadata.up_axis or "y")
    writer = _Writer()
    if cloud.mesh is not None and len(cloud.mesh.faces):
        _add_mesh(writer, thinned(cloud.mesh, max_faces))
    else:
        _add_points(writer, cloud, max_points)
    path.write_bytes(writer.glb())
    return path


def thinned(mesh: Mesh, max_faces: int) -> Mesh:
    """The mesh with vertices merged on a grid, as coarse as it takes to keep `max_faces` triangles at most."""
    if len(mesh.faces) <= max_faces:
        return mesh
    low = mesh.vertices.min(axis=0)
    extent = max(float((mesh.vertices.max(axis=0) - low).max()), 1e-30)
    # a surface of one layer crosses about area / cell² cells and keeps two triangles in each
    cells = int(np.clip(np.sqrt(max_faces / 2 / max(mesh.face_areas().sum() / extent**2, 1e-3)), 8, 1024))
    while True:
        grid = np.minimum((mesh.vertices - low) / extent * cells, cells - 1).astype(np.int64)
        _, first, same = np.unique((grid[:, 0] * cells + grid[:, 1]) * cells + grid[:, 2],
                                   return_index=True, return_inverse=True)
        faces = first[same.ravel()].astype(np.int32)[mesh.faces]
        a, b, c = faces.T
        keep = np.flatnonzero((a != b) & (b != c) & (c != a))
        if len(keep) <= 2 * max_faces or cells <= 8:
            keep = np.sort(keep[distinct_rows(np.sort(faces[keep], axis=1))[0]])
        if len(keep) <= max_faces or cells <= 8:
            break
        cells = max(8, int(cells * 0.8))
    if len(keep) == 0:  # nothing spans a cell
        faces, keep = mesh.faces, np.arange(len(mesh.faces))
    if len(keep) > max_faces:
        keep = keep[np.linspace(0, len(keep) - 1, max_faces).astype(np.int64)]
    return replace(
        mesh,
        faces=np.ascontiguousarray(faces[keep]),
        face_starts=np.searchsorted(keep, mesh.face_starts) if len(mesh.materials) else mesh.face_starts,
        face_colors=None if mesh.face_colors is None else mesh.face_colors[keep],
    )


def _add_mesh(writer: _Writer, mesh: Mesh) -> None:
    corners = mesh.vertices[mesh.faces]  # (F, 3 corners, 3)
    low, high = corners.min(axis=(0, 1)).astype(np.float64), corners.max(axis=(0, 1)).astype(np.float64)
    positions = ((corners - (low + high) / 2) / max(float((high - low).max()), 1e-30)).astype(np.float32)
    normals = corner_normals(positions)
    ends = [*mesh.face_starts[1:], len(mesh.faces)] if mesh.materials else []
    textured = np.zeros(len(mesh.faces), bool)
    textures: dict[int, int] = {}
    for material, start, end in zip(mesh.materials, mesh.face_starts, ends, strict=True):
        if material.image is None or mesh.uv is None or start == end:
            continue
        textured[start:end] = True
        image = material.image
        if id(image) not in textures:
            textures[id(image)] = writer.texture(image)
        uv = mesh.uv[mesh.faces[start:end]].astype(np.float32)  # (f, 3, 2)
        colors = None
        if mesh.vertex_colors is not None or mesh.face_colors is not None:
            colors = _corner_colors(_without_materials(mesh), np.arange(start, end))
        writer.primitive(positions[start:end], normals[start:end], colors, uv,
                         writer.material(textures[id(image)], material.color, material.alpha_cutoff))
    plain = np.flatnonzero(~textured)
    if len(plain):
        colors = _corner_colors(mesh, plain)
        if colors is None:
            colors = np.broadcast_to(np.float32((*PLAIN, 1.0)), (len(plain), 3, 4))
        writer.primitive(positions[plain], normals[plain], colors, None, writer.material())


def _without_materials(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices, mesh.faces, mesh.vertex_colors, mesh.face_colors)


def _corner_colors(mesh: Mesh, face_ids: np.ndarray) -> np.ndarray | None:
    """(f, 3 corners, 4) sRGB at the corners of faces."""
    corners = [mesh.rgba_at(face_ids, np.tile(np.eye(3, dtype=np.float32)[i], (len(face_ids), 1))) for i in range(3)]
    return None if corners[0] is None else np.stack(corners, axis=1)


def corner_normals(corners: np.ndarray) -> np.ndarray:
    """Unit normals (F, 3, 3) for corners (F, 3 corners, 3): the mean of the faces around that bend less than CREASE."""
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])  # (F, 3), length: area × 2
    unit = face / np.maximum(np.linalg.norm(face, axis=1, keepdims=True), 1e-30)
    _, place = distinct_rows(corners.reshape(-1, 3))
    order = np.argsort(place, kind="stable")  # corners of one place next to each other
    place, weighted, unit = place[order], np.repeat(face, 3, axis=0)[order], np.repeat(unit, 3, axis=0)[order]
    total = weighted.copy()
    for step in range(1, MAX_NEIGHBOURS):
        meet = np.flatnonzero(place[:-step] == place[step:])
        if not len(meet):
            break
        meet = meet[np.einsum("kd,kd->k", unit[meet], unit[meet + step]) > CREASE]
        total[meet] += weighted[meet + step]
        total[meet + step] += weighted[meet]
    normals = np.empty_like(total)
    normals[order] = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)
    return normals.reshape(-1, 3, 3).astype(np.float32)


def _add_points(writer: _Writer, cloud: PointCloud, max_points: int) -> None:
    points, rgb = cloud.xyz.astype(np.float64), cloud.rgb
    if len(points) > max_points:
        chosen = np.sort(np.random.default_rng(0).choice(len(points), max_points, replace=False))
        points, rgb = points[chosen], None if rgb is None else rgb[chosen]
    low, high = points.min(axis=0), points.max(axis=0)
    points = (points - (low + high) / 2) / max(float((high - low).max()), 1e-30)
    if rgb is None:  # without colours, height tells near from far
        height = (points[:, 1:2] + 0.5).clip(0, 1)
        rgb = (1 - height) * np.array([[0.16, 0.29, 0.55]]) + height * np.array([[0.96, 0.74, 0.35]])
    radius = float(np.clip(0.5 / np.sqrt(len(points)), 0.0025, 0.02))
    vertices = (points[:, None] + OCTAHEDRON * radius).astype(np.float32).reshape(-1, 3)
    faces = (OCTAHEDRON_FACES + 6 * np.arange(len(points))[:, None, None]).reshape(-1, 3)
    colors = np.repeat(np.concatenate([rgb, np.ones((len(rgb), 1))], axis=1), 6, axis=0)
    writer.indexed(vertices, faces, _linear16(colors), writer.material(unlit=True))


def _linear16(colors: np.ndarray) -> np.ndarray:
    """sRGB RGBA (N, 4) in [0, 1] as linear uint16."""
    linear = np.concatenate([srgb_to_linear(colors[:, :3]), colors[:, 3:]], axis=1)
    return np.round(linear * 65535).astype("<u2")


class _Writer:
    """Collects one glTF mesh and packs it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.json: dict = {
            "asset": {"version": "2.0", "generator": "pointllm"}, "scene": 0, "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0}], "meshes": [{"primitives": []}], "accessors": [], "bufferViews": [],
            "materials": [], "textures": [], "images": [], "samplers": [{}],
        }

    def primitive(self, positions: np.ndarray, normals: np.ndarray, colors: np.ndarray | None, uv: np.ndarray | None,
                  material: int) -> None:
        """Faces by their corners (F, 3 corners, …); equal corners become one vertex."""
        attributes = {"POSITION": positions.reshape(-1, 3), "NORMAL": normals.reshape(-1, 3)}
        if colors is not None:
            attributes["COLOR_0"] = _linear16(colors.reshape(-1, 4))
        if uv is not None:
            attributes["TEXCOORD_0"] = uv.reshape(-1, 2)
        first, same = distinct_rows(*attributes.values())
        self._append({k: v[first] for k, v in attributes.items()}, same.reshape(-1, 3), material)

    def indexed(self, positions: np.ndarray, faces: np.ndarray, colors: np.ndarray, material: int) -> None:
        """Faces (F, 3) over positions (V, 3) float32 with colors (V, 4) uint16, linear."""
        self._append({"POSITION": positions, "COLOR_0": colors}, faces, material)

    def _append(self, attributes: dict[str, np.ndarray], faces: np.ndarray, material: int) -> None:
        small = len(attributes["POSITION"]) < 65535
        indices = faces.reshape(-1).astype("<u2" if small else "<u4")
        self.json["meshes"][0]["primitives"].append({
            "attributes": {name: self._accessor(values, 34962) for name, values in attributes.items()},
            "indices": self._accessor(indices, 34963), "material": material, "mode": 4,
        })

    def _accessor(self, values: np.ndarray, target: int) -> int:
        components = {"<u2": 5123, "<u4": 5125, "<f4": 5126}
        entry = {"bufferView": self._view(np.ascontiguousarray(values).tobytes(), target),
                 "componentType": components[values.dtype.newbyteorder("<").str], "count": len(values),
                 "type": "SCALAR" if values.ndim == 1 else f"VEC{values.shape[1]}"}
        if target == 34962 and values.dtype.kind == "u":
            entry["normalized"] = True
        if values.ndim == 2 and values.shape[1] == 3:
            entry |= {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}
        self.json["accessors"].append(entry)
        return len(self.json["accessors"]) - 1

    def _view(self, data: bytes, target: int | None = None) -> int:
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data)}
        if target:
            view["target"] = target
        self.data += data + b"\0" * (-len(data) % 4)
        self.json["bufferViews"].append(view)
        return len(self.json["bufferViews"]) - 1

    def texture(self, image: np.ndarray) -> int:
        """Index of a new texture from (H, W, 3 or 4) uint8: JPEG, or PNG where it has holes."""
        from PIL import Image

        picture, packed = Image.fromarray(image), BytesIO()
        picture.thumbnail((TEXTURE_SIDE, TEXTURE_SIDE))
        kind = "PNG" if image.shape[2] == 4 else "JPEG"
        picture.save(packed, kind, quality=85)
        self.json["images"].append({"bufferView": self._view(packed.getvalue()), "mimeType": f"image/{kind.lower()}"})
        self.json["textures"].append({"source": len(self.json["images"]) - 1, "sampler": 0})
        return len(self.json["textures"]) - 1

    def material(self, texture: int | None = None, color: tuple | None = None, alpha_cutoff: float | None = None,
                 unlit: bool = False) -> int:
        pbr: dict = {"metallicFactor": 0.0, "roughnessFactor": 0.9}
        if texture is not None:
            pbr["baseColorTexture"] = {"index": texture}
        if color is not None:
            pbr["baseColorFactor"] = [*map(float, srgb_to_linear(np.array(color[:3]))), float(color[3])]
        entry: dict = {"pbrMetallicRoughness": pbr, "doubleSided": True}
        if alpha_cutoff is not None:
            entry |= {"alphaMode": "MASK", "alphaCutoff": alpha_cutoff}
        if unlit:
            entry["extensions"] = {"KHR_materials_unlit": {}}
            self.json["extensionsUsed"] = ["KHR_materials_unlit"]
        if entry not in self.json["materials"]:
            self.json["materials"].append(entry)
        return self.json["materials"].index(entry)

    def glb(self) -> bytes:
        document = {k: v for k, v in self.json.items() if v != []}
        if "textures" not in document:
            del document["samplers"]
        document["buffers"] = [{"byteLength": len(self.data)}]
        text = json.dumps(document, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + len(self.data)
        return (struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(text), b"JSON") + text
                + struct.pack("<I4s", len(self.data), b"BIN\0") + bytes(self.data))
