"""`Geometry`: what a reader hands over; limits on what a file may claim; and safe paths to files beside it.

Knows no format. `SceneBuilder` merges the parts of a scene for the readers of formats that have parts.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from ...errors import InputError
from ..mesh import Material

logger = logging.getLogger("pointllm")

MAX_VERTICES = 25_000_000
MAX_FACES = 25_000_000
MAX_TEXT_BYTES = 500_000_000
MAX_TEXTURE_PIXELS = 64_000_000  # of one image file, before it is scaled down
TEXTURE_SIDE = 2048  # pixels kept along the longer side of a texture
MAX_TEXTURES = 256


@dataclass
class Geometry:
    """vertices: (V, 3) float32 or float64; faces: (F, 3) int or None for a bare cloud

    vertex_colors: (V, 3 or 4) uint8 or float in [0, 1], sRGB, or None; face_colors: (F, 3 or 4) likewise
    uv: (V, 2), v down; materials with face_starts: see `mesh.Mesh`
    vertex_count: the file's own count, where the reader had to split vertices; up_axis: "y", "z" or None
    scattered: whether the format marks missing points with NaN (organised scans), so that any number may be dropped
    """

    vertices: np.ndarray
    faces: np.ndarray | None = None
    vertex_colors: np.ndarray | None = None
    face_colors: np.ndarray | None = None
    uv: np.ndarray | None = None
    materials: tuple[Material, ...] = ()
    face_starts: np.ndarray | None = None
    vertex_count: int | None = None
    up_axis: str | None = None
    scattered: bool = False


def check_counts(path: Path, *, vertices: int = 0, faces: int = 0) -> None:
    """InputError where a file claims more than can be worked on."""
    for what, count, limit in (("vertices", vertices, MAX_VERTICES), ("faces", faces, MAX_FACES)):
        if count < 0:
            raise InputError(f"{path.name}: it claims {count} {what}; the file is damaged, export it again")
        if count > limit:
            raise InputError(f"{path.name}: it claims {count:,} {what}, more than the {limit:,} accepted; "
                             "reduce it first (decimate or subsample)")


def read_text(path: Path) -> bytes:
    """The whole of a file of text; InputError where it is too large to be taken apart in memory."""
    size = path.stat().st_size
    if size > MAX_TEXT_BYTES:
        raise InputError(f"{path.name}: {size / 1e9:.1f} GB of text is too much; save it as binary PLY or GLB")
    return path.read_bytes()


def check_room(path: Path, needed: int, available: int, what: str) -> None:
    """InputError where the claimed data cannot fit into the bytes that are there."""
    if needed > available:
        raise InputError(f"{path.name}: claims {needed:,} {what} but holds only {available:,}; "
                         "the file is cut off or damaged, export or upload it again")


def beside(path: Path, reference: str) -> Path | None:
    """The file that `path` refers to, only if it lies in the same folder or below; None otherwise.

    Absolute paths, drive letters, `..` and links that lead out are never followed. A foreign absolute path such as
    `C:\\textures\\wood.png`, which exporters leave behind, stands for the file of that name beside `path`.
    """
    reference = reference.strip().replace("\\", "/")
    if not reference or "\0" in reference or re.match(r"^[a-zA-Z][a-zA-Z0-9+.-]+:", reference):  # URL
        return None
    folder = path.resolve().parent
    for name in (reference, unquote(reference), reference.rsplit("/", 1)[-1]):
        if name.startswith("/") or re.match(r"^[a-zA-Z]:", name):
            continue
        try:
            target = (folder / name).resolve()
            if target.is_relative_to(folder) and target.is_file():
                return target
        except (OSError, ValueError):
            continue
    return None


def read_texture(source: Path | bytes, name: str) -> np.ndarray | None:
    """An image file or its bytes as (H, W, 3 or 4) uint8; None, with a warning in the log, where it can't be read."""
    from io import BytesIO

    from PIL import Image

    try:
        with Image.open(BytesIO(source) if isinstance(source, bytes) else source) as image:
            if image.width * image.height > MAX_TEXTURE_PIXELS:
                raise ValueError(f"{image.width} × {image.height} pixels")
            image.draft("RGB", (TEXTURE_SIDE, TEXTURE_SIDE))  # JPEG only: decodes at reduced size
            transparent = "A" in image.getbands() or "transparency" in image.info
            image = image.convert("RGBA" if transparent else "RGB")
            image.thumbnail((TEXTURE_SIDE, TEXTURE_SIDE))
            return np.asarray(image)
    except Exception as error:  # Pillow raises many kinds on broken files
        logger.warning("texture %s of the shape is left out: %s", name, error)
        return None


class SceneBuilder:
    """Gathers the parts of a scene, already in scene coordinates, into one Geometry."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parts: list[dict] = []
        self.vertices = self.faces = 0

    def add(self, vertices: np.ndarray, faces: np.ndarray | None, material: Material | None = None,
            vertex_colors: np.ndarray | None = None, face_colors: np.ndarray | None = None,
            uv: np.ndarray | None = None) -> None:
        """One part: vertices (V, 3), faces (F, 3) indexing them or None for points, colours and uv as in Geometry."""
        self.vertices += len(vertices)
        self.faces += 0 if faces is None else len(faces)
        check_counts(self.path, vertices=self.vertices, faces=self.faces)
        if faces is not None and len(faces) and (faces.max() >= len(vertices) or faces.min() < 0):
            raise InputError(f"{self.path.name}: a face refers to vertex {int(faces.max())} of {len(vertices)}; "
                             "the file is damaged, export it again")
        self.parts.append({"vertices": vertices, "faces": faces, "material": material or Material(),
                           "vertex_colors": vertex_colors, "face_colors": face_colors, "uv": uv})

    def build(self, up_axis: str | None = None, vertex_count: int | None = None) -> Geometry:
        """All triangles of the scene; its points only where it has no triangles."""
        surfaces = [p for p in self.parts if p["faces"] is not None and len(p["faces"])]
        parts = surfaces or [p for p in self.parts if len(p["vertices"])]
        if not parts:
            raise InputError(f"{self.path.name}: holds no triangles and no points; "
                             "check that the export included the shape")
        vertex_counts = [len(p["vertices"]) for p in parts]
        geometry = Geometry(
            vertices=np.concatenate([p["vertices"] for p in parts]),
            vertex_colors=_filled([p["vertex_colors"] for p in parts], vertex_counts, 4),
            up_axis=up_axis,
            vertex_count=vertex_count,
        )
        if surfaces:
            face_counts = [len(p["faces"]) for p in parts]
            starts = np.cumsum([0, *vertex_counts[:-1]])
            faces = [p["faces"].astype(np.int64) + start for p, start in zip(parts, starts, strict=True)]
            geometry.faces = np.concatenate(faces).astype(np.int32)
            geometry.face_colors = _filled([p["face_colors"] for p in parts], face_counts, 4)
            geometry.uv = _filled([p["uv"] for p in parts], vertex_counts, 2)
            if any(p["material"].has_color for p in parts):
                geometry.materials = tuple(p["material"] for p in parts)
                geometry.face_starts = np.cumsum([0, *face_counts[:-1]])
        return geometry


def _filled(arrays: list[np.ndarray | None], counts: list[int], width: int) -> np.ndarray | None:
    """Arrays one after another as (sum, width) float32 (uint8 where all are); parts without one are filled with 1."""
    if all(a is None for a in arrays):
        return None
    as_bytes = all(a is None or a.dtype == np.uint8 for a in arrays)
    out = np.full((sum(counts), width), 255 if as_bytes else 1, np.uint8 if as_bytes else np.float32)
    row = 0
    for array, count in zip(arrays, counts, strict=True):
        if array is not None:
            scale = 1 / 255 if array.dtype == np.uint8 and not as_bytes else 1
            out[row:row + count, :array.shape[1]] = array * scale if scale != 1 else array
        row += count
    return out
