"""Writes a mesh with vertex colours as binary glTF 2.0: one mesh, `COLOR_0` in sRGB bytes, as our data folders have it.

Bytes rather than floats, because readers of this project take bytes as sRGB and floats as linear light.
"""

from __future__ import annotations

import json
import struct

import numpy as np


def glb_bytes(vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray, name: str = "object",
              generator: str = "pointllm data procedural") -> bytes:
    """A .glb file of vertices (V, 3), faces (F, 3) and colors (V, 3) uint8."""
    positions = np.ascontiguousarray(vertices, "<f4")
    indices = np.ascontiguousarray(faces.reshape(-1), "<u2" if len(positions) < 65_536 else "<u4")
    rgba = np.full((len(positions), 4), 255, np.uint8)
    rgba[:, :3] = colors
    chunks, views, offset = [], [], 0
    for data, target in ((positions.tobytes(), 34962), (rgba.tobytes(), 34962), (indices.tobytes(), 34963)):
        views.append({"buffer": 0, "byteOffset": offset, "byteLength": len(data), "target": target})
        data += b"\0" * (-len(data) % 4)
        chunks.append(data)
        offset += len(data)
    document = {
        "asset": {"version": "2.0", "generator": generator},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": name}],
        "meshes": [
            {"name": name, "primitives": [{"attributes": {"POSITION": 0, "COLOR_0": 1}, "indices": 2, "material": 0}]}
        ],
        "materials": [{"doubleSided": True, "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.9}}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": len(positions),
                "type": "VEC3",
                "min": positions.min(0).tolist(),
                "max": positions.max(0).tolist(),
            },
            {"bufferView": 1, "componentType": 5121, "normalized": True, "count": len(positions), "type": "VEC4"},
            {
                "bufferView": 2,
                "componentType": 5123 if indices.dtype.itemsize == 2 else 5125,
                "count": len(indices),
                "type": "SCALAR",
            },
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": offset}],
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + offset
    return b"".join(
        [
            struct.pack("<4sII", b"glTF", 2, total),
            struct.pack("<I4s", len(text), b"JSON"),
            text,
            struct.pack("<I4s", offset, b"BIN\0"),
            *chunks,
        ]
    )
