"""A small GLB of any shape for the viewer in the browser: y up, centred, one unit large, whatever the file was.

Meshes keep their textures, at reduced size, and their colours; heavy ones are thinned on a grid. The points that were
sampled from a surface lie beside it as a second scene, which other viewers leave out. What was measured in the file's
own units stands in the scene's extras, so that the viewer can draw a scale. Colours are written in linear light.
"""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np

from .mesh import Mesh, distinct_rows, srgb_to_linear
from .point_cloud import PointCloud

TEXTURE_SIDE = 1024
CREASE = 0.64  # cosine of 50°: edges that bend more stay sharp
NEIGHBOURS = 10  # points that tell the direction of the surface at one of them
MAX_NEIGHBOURS = 32  # faces around a place that are looked at
PLAIN = (0.62, 0.66, 0.72)  # sRGB of surfaces without colours
MAX_POINTS, MAX_FACES = 80_000, 60_000
# Quaternions (x, y, z, w) that bring the named axis up; positions keep the file's own axes.
TURNS = {"z": [-(0.5**0.5), 0.0, 0.0, 0.5**0.5], "x": [0.0, 0.0, 0.5**0.5, 0.5**0.5]}


def write_preview(cloud: PointCloud, path: str | Path, max_points: int = MAX_POINTS,
                  max_faces: int = MAX_FACES) -> Path:
    """Writes `cloud` as a GLB of at most `max_faces` triangles, or `max_points` points where it has no surface.

    Positions have the file's axes, centred and divided by the longest side; the nodes turn the upward axis to y.
    Extras of scene 0: "size" [x, y, z] and "scale" (length of one unit of the preview) in file units, "up" ("x", "y"
    or "z"), "colored", and "faces" and "points" as [shown, in the file].
    """
    path = Path(path)
    metadata, has_surface = cloud.metadata, cloud.mesh is not None and len(cloud.mesh.faces) > 0
    up = metadata.up_axis or "y"
    corners = cloud.mesh.vertices[cloud.mesh.faces].reshape(-1, 3) if has_surface else cloud.xyz
    low, high = (corners.min(axis=0).astype(np.float64), corners.max(axis=0).astype(np.float64))
    centre, scale = (low + high) / 2, max(float((high - low).max()), 1e-30)
    writer = _Writer(TURNS.get(up))
    extras: dict = {"size": [float(f"{side:.6g}") for side in high - low], "scale": float(f"{scale:.6g}"), "up": up,
                    "colored": bool(metadata.has_color)}
    if has_surface:
        mesh = thinned(cloud.mesh, max_faces)
        _add_mesh(writer, mesh.moved(centre, 1 / scale))
        extras["faces"] = [len(mesh.faces), metadata.faces]
        writer.scene("points")
    shown = _add_points(writer, cloud, centre, scale, max_points)
    extras["points"] = [shown, shown if has_surface else metadata.points]
    writer.json["scenes"][0]["extras"] = extras
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
    positions = mesh.vertices[mesh.faces]  # (F, 3 corners, 3)
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


def _add_points(writer: _Writer, cloud: PointCloud, centre: np.ndarray, scale: float, max_points: int) -> int:
    """Adds at most `max_points` points; gives how many."""
    points, rgb = cloud.xyz, cloud.rgb
    if len(points) > max_points:
        chosen = np.sort(np.random.default_rng(0).choice(len(points), max_points, replace=False, shuffle=False))
        points, rgb = points[chosen], None if rgb is None else rgb[chosen]
    positions = ((points.astype(np.float64) - centre) / scale).astype(np.float32)
    colors = None if rgb is None else _linear16(np.concatenate([rgb, np.ones((len(rgb), 1), np.float32)], axis=1))
    writer.points(positions, surface_directions(positions), colors, writer.material())
    return len(points)


def surface_directions(points: np.ndarray) -> np.ndarray:
    """The direction across the surface at each of points (N, 3): (N, 3) float32, unit length, of either sign.

    That in which its NEIGHBOURS spread least; it is what lights a point in the viewer.
    """
    from scipy.spatial import cKDTree

    points = points.astype(np.float64)
    _, nearest = cKDTree(points, compact_nodes=False, balanced_tree=False).query(points, min(NEIGHBOURS, len(points)))
    offsets = points[nearest.reshape(len(points), -1)] - points[:, None]  # (N, k, 3)
    offsets -= offsets.mean(axis=1, keepdims=True)
    spread = np.einsum("nki,nkj->nij", offsets, offsets)
    return np.linalg.eigh(spread)[1][:, :, 0].astype(np.float32)


def _linear16(colors: np.ndarray) -> np.ndarray:
    """sRGB RGBA (N, 4) in [0, 1] as linear uint16."""
    linear = np.concatenate([srgb_to_linear(colors[:, :3]), colors[:, 3:]], axis=1)
    return np.round(linear * 65535).astype("<u2")


class _Writer:
    """Collects glTF scenes of one mesh each and packs them."""

    def __init__(self, turn: list[float] | None) -> None:
        """turn: the rotation of every node, a quaternion."""
        self.data = bytearray()
        self.turn = turn
        self.json: dict = {
            "asset": {"version": "2.0", "generator": "pointllm"}, "scene": 0, "scenes": [], "nodes": [], "meshes": [],
            "accessors": [], "bufferViews": [], "materials": [], "textures": [], "images": [], "samplers": [{}],
        }
        self.scene("shape")

    def scene(self, name: str) -> None:
        """Begin a scene; what is added from now on belongs to it."""
        index = len(self.json["scenes"])
        self.json["scenes"].append({"name": name, "nodes": [index]})
        self.json["nodes"].append({"mesh": index} | ({"rotation": self.turn} if self.turn else {}))
        self.json["meshes"].append({"primitives": []})

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

    def points(self, positions: np.ndarray, normals: np.ndarray, colors: np.ndarray | None, material: int) -> None:
        """Points at positions (N, 3) float32 with normals likewise and colors (N, 4) uint16, linear, or None."""
        attributes = {"POSITION": positions, "NORMAL": normals} | ({} if colors is None else {"COLOR_0": colors})
        self._add({"attributes": self._attributes(attributes), "material": material, "mode": 0})

    def _append(self, attributes: dict[str, np.ndarray], faces: np.ndarray, material: int) -> None:
        small = len(attributes["POSITION"]) < 65535
        indices = faces.reshape(-1).astype("<u2" if small else "<u4")
        self._add({"attributes": self._attributes(attributes), "indices": self._accessor(indices, 34963),
                   "material": material, "mode": 4})

    def _attributes(self, attributes: dict[str, np.ndarray]) -> dict[str, int]:
        return {name: self._accessor(values, 34962) for name, values in attributes.items()}

    def _add(self, primitive: dict) -> None:
        self.json["meshes"][-1]["primitives"].append(primitive)

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

    def material(self, texture: int | None = None, color: tuple | None = None,
                 alpha_cutoff: float | None = None) -> int:
        pbr: dict = {"metallicFactor": 0.0, "roughnessFactor": 0.9}
        if texture is not None:
            pbr["baseColorTexture"] = {"index": texture}
        if color is not None:
            pbr["baseColorFactor"] = [*map(float, srgb_to_linear(np.array(color[:3]))), float(color[3])]
        entry: dict = {"pbrMetallicRoughness": pbr, "doubleSided": True}
        if alpha_cutoff is not None:
            entry |= {"alphaMode": "MASK", "alphaCutoff": alpha_cutoff}
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
