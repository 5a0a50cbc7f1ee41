"""Small shapes and writers that several tests of the readers share."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

# A box of 2 × 3 × 4 with one corner at the origin: 8 vertices, 12 triangles, area 52.
BOX_VERTICES = np.array([(x, y, z) for x in (0, 2) for y in (0, 3) for z in (0, 4)], np.float64)
BOX_FACES = np.array([(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1), (2, 3, 7), (2, 7, 6),
                      (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)])
BOX_AREA = 52.0
# Left half red, right half blue: the colours of the vertices at x = 0 and x = 2.
BOX_COLORS = np.where(BOX_VERTICES[:, :1] > 0, [[0, 0, 255]], [[255, 0, 0]]).astype(np.uint8)


def cloud_points(count: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points (count, 3) float64 with a negative coordinate or two, and colours (count, 3) uint8."""
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(size=(count, 3)), 4), rng.integers(0, 256, (count, 3)).astype(np.uint8)


def two_colored_image(left=(255, 0, 0), right=(0, 0, 255), size: int = 64) -> Image.Image:
    """Left half of one colour, right half of another."""
    pixels = np.zeros((size, size, len(left)), np.uint8)
    pixels[:, :size // 2], pixels[:, size // 2:] = left, right
    return Image.fromarray(pixels)


def data_uri(data: bytes) -> str:
    return "data:application/octet-stream;base64," + base64.b64encode(data).decode()


def png(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


class Gltf:
    """Builds a glTF document piece by piece, buffers embedded as data: URIs."""

    COMPONENTS = {"u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}

    def __init__(self) -> None:
        self.json: dict = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
                           "meshes": [{"primitives": []}], "accessors": [], "bufferViews": [], "buffers": []}

    def view(self, data: bytes, **more: object) -> int:
        self.json["buffers"].append({"byteLength": len(data), "uri": data_uri(data)})
        self.json["bufferViews"].append({"buffer": len(self.json["buffers"]) - 1, "byteLength": len(data), **more})
        return len(self.json["bufferViews"]) - 1

    def accessor(self, values: np.ndarray, **more: object) -> int:
        values = np.ascontiguousarray(values)
        kind = "SCALAR" if values.ndim == 1 else {2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}[values.shape[1]]
        self.json["accessors"].append({
            "bufferView": self.view(values.tobytes()), "count": len(values), "type": kind,
            "componentType": self.COMPONENTS[values.dtype.str[1:]], **more})
        return len(self.json["accessors"]) - 1

    def primitive(self, vertices: np.ndarray, faces: np.ndarray | None = None, **more: object) -> dict:
        entry = {"attributes": {"POSITION": self.accessor(np.asarray(vertices, "<f4"))}, **more}
        if faces is not None:
            entry["indices"] = self.accessor(np.asarray(faces, "<u2").ravel())
        self.json["meshes"][0]["primitives"].append(entry)
        return entry

    def write(self, path: Path) -> Path:
        path.write_text(json.dumps(self.json))
        return path
