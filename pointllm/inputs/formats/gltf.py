"""glTF 2.0, `.glb` and `.gltf`: triangles and points of the default scene with transforms, skins, colours, textures.

Follows the Khronos glTF 2.0 specification. COLOR_0 of bytes is taken as sRGB and of floats or shorts as linear: the
specification says linear for all, but eight bits are what exporters use who write plain sRGB.
Left out: animation, morph targets, lines, compressed geometry (Draco, meshopt), which is refused by name.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
from pathlib import Path

import numpy as np

from ...errors import InputError
from ..mesh import Material, linear_to_srgb
from .geometry import (
    MAX_TEXTURES,
    MAX_VERTICES,
    Geometry,
    SceneBuilder,
    beside,
    check_counts,
    check_room,
    logger,
    read_texture,
)

COMPONENTS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
POINTS, TRIANGLES, STRIP, FAN = 0, 4, 5, 6
COMPRESSED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression")
MAX_DEPTH = 200
MAX_JSON_ENTRIES = 5_000_000


def read(path: Path) -> Geometry:
    """The default scene as one Geometry, y up."""
    return _Document(path).geometry()


class _Document:
    """One open file: the JSON, its buffers and textures as they are asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        data = path.read_bytes()
        self.binary = b""
        if data[:4] == b"glTF":
            data = self._glb(data)
        elif path.suffix.lower() == ".glb":
            raise InputError(f"{path.name}: not a GLB file (it does not start with 'glTF'); export it again as .glb")
        if data.count(b",") > MAX_JSON_ENTRIES or data.count(b"[") > MAX_JSON_ENTRIES:
            raise InputError(f"{path.name}: its JSON holds too much; export it as .glb")
        try:
            self.json = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path.name}: not a glTF file, its JSON cannot be read; export it again") from error
        if not isinstance(self.json, dict) or not str(self.json.get("asset", {}).get("version", "2")).startswith("2"):
            raise InputError(f"{path.name}: not glTF 2.0; export it again as glTF 2.0")
        for name in COMPRESSED:
            if name in self.json.get("extensionsRequired", []):
                raise InputError(f"{path.name}: its geometry is compressed with {name}, which is not read; "
                                 "export it without compression")
        self.buffers: dict[int, bytes] = {}
        self.textures: dict[int, np.ndarray | None] = {}
        self.scene = SceneBuilder(path)
        self.worlds: dict[int, np.ndarray] = {}

    def _glb(self, data: bytes) -> bytes:
        """JSON of a GLB container; keeps its binary chunk."""
        if len(data) < 20:
            raise InputError(f"{self.path.name}: the GLB file is cut off; upload it again")
        version, _ = struct.unpack_from("<II", data, 4)
        if version != 2:
            raise InputError(f"{self.path.name}: GLB version {version}; export it again as glTF 2.0")
        text, position = None, 12
        while position + 8 <= len(data):
            length, kind = struct.unpack_from("<I4s", data, position)
            check_room(self.path, length, len(data) - position - 8, "bytes in a GLB chunk")
            chunk = data[position + 8:position + 8 + length]
            if kind == b"JSON" and text is None:
                text = chunk
            elif kind == b"BIN\0" and not self.binary:
                self.binary = chunk
            position += 8 + length
        if text is None:
            raise InputError(f"{self.path.name}: the GLB file has no JSON chunk; export it again")
        return text

    def geometry(self) -> Geometry:
        nodes = self.json.get("nodes", [])
        scenes = self.json.get("scenes", [])
        roots = list(range(len(nodes)))
        if scenes:
            roots = scenes[self.json.get("scene", 0)].get("nodes", [])
        elif nodes:
            roots = sorted(set(roots) - {c for n in nodes for c in n.get("children", [])})
        self._place(roots)
        for index, world in list(self.worlds.items()):
            node = nodes[index]
            if "mesh" in node:
                joints = self._joints(node["skin"]) if "skin" in node else None
                for primitive in self.json["meshes"][node["mesh"]]["primitives"]:
                    self._primitive(primitive, world, joints)
        if not nodes:  # a bare list of meshes
            for mesh in self.json.get("meshes", []):
                for primitive in mesh["primitives"]:
                    self._primitive(primitive, np.eye(4), None)
        return self.scene.build(up_axis="y")

    def _place(self, roots: list[int]) -> None:
        """World matrices of all nodes below the roots; the specification makes them trees, so each is placed once."""
        nodes = self.json.get("nodes", [])
        stack = [(root, np.eye(4), 0) for root in reversed(roots)]
        while stack:
            index, parent, depth = stack.pop()
            if index in self.worlds or depth > MAX_DEPTH:
                continue
            self.worlds[index] = parent @ _local_matrix(nodes[index])
            children = nodes[index].get("children", [])
            stack.extend((child, self.worlds[index], depth + 1) for child in reversed(children))

    def _joints(self, skin_index: int) -> np.ndarray:
        """(J, 4, 4) rest-pose matrices of a skin."""
        skin = self.json["skins"][skin_index]
        worlds = np.stack([self.worlds.get(j, np.eye(4)) for j in skin["joints"]])
        if "inverseBindMatrices" not in skin:
            return worlds
        # stored column by column
        inverse = self.accessor(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
        return worlds @ inverse[:len(worlds)]

    def _primitive(self, primitive: dict, world: np.ndarray, joints: np.ndarray | None) -> None:
        attributes = primitive.get("attributes", {})
        mode = primitive.get("mode", TRIANGLES)
        if "POSITION" not in attributes or mode not in (POINTS, TRIANGLES, STRIP, FAN):
            return
        for name in COMPRESSED:
            if name in primitive.get("extensions", {}):
                raise InputError(f"{self.path.name}: its geometry is compressed with {name}, which is not read; "
                                 "export it without compression")
        positions = self.accessor(attributes["POSITION"])[:, :3]
        if joints is not None and {"JOINTS_0", "WEIGHTS_0"} <= attributes.keys():
            bones = self.accessor(attributes["JOINTS_0"]).astype(np.int64)
            weights = self.accessor(attributes["WEIGHTS_0"])[..., None, None]  # (V, 4, 1, 1)
            blended = (joints[np.minimum(bones, len(joints) - 1)] * weights).sum(axis=1)  # (V, 4, 4)
            positions = np.einsum("vij,vj->vi", blended[:, :3, :3], positions) + blended[:, :3, 3]
        elif not np.array_equal(world, np.eye(4)):
            positions = positions @ world[:3, :3].T + world[:3, 3]
        colors = None
        if "COLOR_0" in attributes:
            colors = self.accessor(attributes["COLOR_0"], raw=True)
            if colors.dtype != np.uint8:
                scale = 65535.0 if colors.dtype == np.uint16 else 1.0
                colors = colors.astype(np.float32) / scale
                colors = np.concatenate([linear_to_srgb(colors[:, :3]), colors[:, 3:]], axis=1)
        faces = None if mode == POINTS else self._faces(primitive, mode, len(positions))
        material, uv = self._material(primitive, attributes)
        if faces is None and colors is None and material.color is not None:
            colors = np.tile(np.float32(material.color), (len(positions), 1))
        self.scene.add(positions, faces, material, vertex_colors=colors, uv=uv)

    def _faces(self, primitive: dict, mode: int, count: int) -> np.ndarray:
        """(F, 3) int64 of a list, strip or fan of triangles."""
        if "indices" in primitive:
            index = self.accessor(primitive["indices"], raw=True)[:, 0].astype(np.int64)
        else:
            index = np.arange(count)
        if mode == TRIANGLES:
            return index[:len(index) // 3 * 3].reshape(-1, 3)
        if mode == FAN:
            return np.stack([np.full(max(len(index) - 2, 0), index[0]), index[1:-1], index[2:]], axis=1)
        faces = np.stack([index[:-2], index[1:-1], index[2:]], axis=1)
        faces[1::2] = faces[1::2, ::-1]  # every second triangle of a strip winds the other way
        return faces

    def _material(self, primitive: dict, attributes: dict) -> tuple[Material, np.ndarray | None]:
        """Base colour and texture of a primitive, and the uv (V, 2) that the texture uses."""
        if "material" not in primitive:
            return Material(), None
        entry = self.json["materials"][primitive["material"]]
        pbr = entry.get("pbrMetallicRoughness", {})
        factor, texture = pbr.get("baseColorFactor"), pbr.get("baseColorTexture")
        older = entry.get("extensions", {}).get("KHR_materials_pbrSpecularGlossiness")
        if older and not pbr:
            factor, texture = older.get("diffuseFactor"), older.get("diffuseTexture")
        factor = [*(factor or []), 1.0, 1.0, 1.0, 1.0][:4] if factor else [1.0] * 4
        color = (*(float(c) for c in linear_to_srgb(np.array(factor[:3]))), float(factor[3]))
        image = uv = None
        if texture is not None:
            moved = texture.get("extensions", {}).get("KHR_texture_transform", {})
            channel = f"TEXCOORD_{moved.get('texCoord', texture.get('texCoord', 0))}"
            image = self._texture(texture["index"]) if channel in attributes else None
            if image is not None:
                uv = _transformed(self.accessor(attributes[channel])[:, :2], moved).astype(np.float32)
        has_holes = image is not None and image.shape[2] == 4 and entry.get("alphaMode") in ("MASK", "BLEND")
        cutoff = (entry.get("alphaCutoff", 0.5) if entry.get("alphaMode") == "MASK" else 0.05) if has_holes else None
        return Material(color=color, image=image, alpha_cutoff=cutoff), uv

    def _texture(self, index: int) -> np.ndarray | None:
        texture = self.json["textures"][index]
        source = texture.get("extensions", {}).get("EXT_texture_webp", texture).get("source")
        if source is None or (len(self.textures) >= MAX_TEXTURES and source not in self.textures):
            return None
        if source not in self.textures:
            image = self.json["images"][source]
            try:
                inside = "bufferView" in image
                data = self._view(image["bufferView"]) if inside else self._resource(image.get("uri", ""))
                self.textures[source] = read_texture(bytes(data), image.get("name", str(source)))
            except InputError as error:
                logger.warning("a texture is left out: %s", error)
                self.textures[source] = None
        return self.textures[source]

    def _resource(self, uri: str) -> bytes:
        """Bytes behind a data: URI or of a file in this file's folder; nothing else is ever opened."""
        match = re.match(r"data:[^,]{0,200};base64,", uri)
        if match:
            try:
                return base64.b64decode(uri[match.end():])
            except binascii.Error as error:
                raise InputError(f"{self.path.name}: embedded data is damaged; export it again") from error
        target = beside(self.path, uri)
        if target is None:
            raise InputError(f"{self.path.name}: refers to {uri[:80]!r}, which is not a file in its own folder; "
                             "upload a .glb, which holds everything in one file")
        return target.read_bytes()

    def _buffer(self, index: int) -> bytes:
        if index not in self.buffers:
            uri = self.json["buffers"][index].get("uri")
            self.buffers[index] = self.binary if uri is None else self._resource(uri)
        return self.buffers[index]

    def _view(self, index: int) -> memoryview:
        view = self.json["bufferViews"][index]
        buffer, start = self._buffer(view["buffer"]), view.get("byteOffset", 0)
        check_room(self.path, start + view["byteLength"], len(buffer), "bytes of buffer")
        if min(start, view["byteLength"]) < 0:
            raise InputError(f"{self.path.name}: a negative offset; the file is damaged, export it again")
        return memoryview(buffer)[start:start + view["byteLength"]]

    def accessor(self, index: int, raw: bool = False) -> np.ndarray:
        """(count, width): as stored if raw, else float64 with normalised integers brought to [-1, 1]."""
        entry = self.json["accessors"][index]
        count, width = int(entry["count"]), WIDTHS[entry["type"]]
        dtype = np.dtype(COMPONENTS[entry["componentType"]])
        check_counts(self.path, vertices=count if count < 0 else (count + 5) // 6)  # six: indices of a closed mesh
        if "bufferView" in entry:
            values = self._strided(entry["bufferView"], entry.get("byteOffset", 0), dtype, count, width)
        elif count * width <= MAX_VERTICES:
            values = np.zeros((count, width), dtype)
        else:
            raise InputError(f"{self.path.name}: claims {count:,} values and stores none; the file is damaged")
        if "sparse" in entry:
            sparse = entry["sparse"]
            where, what = sparse["indices"], sparse["values"]
            rows = self._strided(where["bufferView"], where.get("byteOffset", 0),
                                 np.dtype(COMPONENTS[where["componentType"]]), sparse["count"], 1)[:, 0]
            values = values.copy()
            values[rows] = self._strided(what["bufferView"], what.get("byteOffset", 0), dtype, sparse["count"], width)
        if raw:
            return values
        if entry.get("normalized") and dtype.kind in "iu":
            return np.maximum(values / float(np.iinfo(dtype).max), -1.0)
        return values.astype(np.float64)

    def _strided(self, view_index: int, offset: int, dtype: np.dtype, count: int, width: int) -> np.ndarray:
        view = self.json["bufferViews"][view_index]
        data = self._view(view_index)
        size = dtype.itemsize * width
        stride = view.get("byteStride") or size
        check_room(self.path, offset + stride * (count - 1) + size if count else 0, len(data), "bytes of vertex data")
        if offset < 0 or stride < 1:
            raise InputError(f"{self.path.name}: a negative offset; the file is damaged, export it again")
        return np.ndarray((count, width), dtype, data, offset, (stride, dtype.itemsize))


def _local_matrix(node: dict) -> np.ndarray:
    """(4, 4) of a node, from its matrix or its translation, rotation (quaternion x y z w) and scale."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = np.array(node.get("rotation", (0, 0, 0, 1)), np.float64)
    rotation = np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.array(node.get("scale", (1, 1, 1)), np.float64)
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def _transformed(uv: np.ndarray, moved: dict) -> np.ndarray:
    """uv (V, 2) after KHR_texture_transform: scale, then rotation, then offset."""
    if not moved:
        return uv
    angle = float(moved.get("rotation", 0.0))
    cos, sin = np.cos(angle), np.sin(angle)
    return uv * moved.get("scale", (1, 1)) @ np.array([[cos, sin], [-sin, cos]]).T + moved.get("offset", (0, 0))
