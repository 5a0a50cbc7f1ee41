"""`read_shape`: any 3D file to a `PointCloud`.

Picks the reader, turns whatever goes wrong into one line for the user, drops unusable coordinates, keeps precision far
from the origin, samples surfaces. Formats are `formats`' business, resampling and scaling `point_cloud`'s.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from ..errors import InputError
from .files import check_file
from .formats import READERS, Geometry, reader_for
from .mesh import Mesh, is_watertight, sample_surface
from .point_cloud import PointCloud, ShapeMetadata

logger = logging.getLogger("pointllm")

MIN_POINTS = 32
MAX_CLOUD_POINTS = 262_144  # kept of a bare cloud: a seeded random subset beyond
FEW_UNUSABLE = 0.01  # share of NaN or infinite vertices that is dropped rather than refused
HUGE = 1e15  # coordinates beyond are as good as infinite: their squares leave float32
FAR = 1e3  # a box this many times its own size away from the origin is centred before float32


def read_shape(path: str | Path, samples: int = 16384, seed: int = 0) -> PointCloud:
    """Read a 3D file.

    A mesh is sampled at `samples` points by area; a cloud keeps its points (up to MAX_CLOUD_POINTS, a random subset
    beyond). Same file and seed, same points. InputError names the file, the cause and the remedy.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise InputError(f"{path.name}: unknown 3D format {suffix or 'without suffix'}; known: {' '.join(READERS)}")
    check_file(path)
    try:
        with np.errstate(all="ignore"):  # nonsense numbers are dealt with as such
            return _point_cloud(path, reader_for(suffix)(path), samples, seed)
    except InputError:
        raise
    except Exception as error:  # whatever a broken file leads to; a mistake of ours shows in the log
        logger.debug("reading %s failed", path, exc_info=True)
        cause = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise InputError(f"{path.name}: damaged or not a {suffix[1:]} file ({cause}); export it again") from error


def _point_cloud(path: Path, geometry: Geometry, samples: int, seed: int) -> PointCloud:
    vertices = geometry.vertices
    usable = _usable(vertices)
    dropped = len(vertices) - int(usable.sum())
    if dropped and not usable.any():
        raise InputError(f"{path.name}: no coordinate is a finite number (all NaN or infinite); export it again")
    if dropped > FEW_UNUSABLE * len(vertices) and not geometry.scattered:
        raise InputError(f"{path.name}: {dropped:,} of {len(vertices):,} points have NaN or infinite coordinates; "
                         "remove them and upload it again")
    kept_faces = _kept_faces(path, geometry, usable)
    if kept_faces.any():
        used = np.zeros(len(vertices), bool)
        used[geometry.faces[kept_faces].ravel()] = True
    else:
        used = usable
        if (points := int(usable.sum())) < MIN_POINTS:
            raise InputError(f"{path.name}: {points} {'point' if points == 1 else 'points'} and no faces; "
                             f"a shape needs faces or at least {MIN_POINTS} points")
    low, high = _bounds(vertices if used.all() else vertices[used])
    offset = np.zeros(3)
    middle, extent = (low + high) / 2, float((high - low).max())
    if np.abs(middle).max() > FAR * extent and vertices.dtype == np.float64:
        offset = np.round(middle, 3)
    count = len(vertices) if geometry.vertex_count is None else geometry.vertex_count
    metadata = {
        "format": path.suffix.lower()[1:], "vertices": count, "faces": len(kept_faces),
        "points": 0 if kept_faces.any() else count, "bounds_min": tuple(map(float, low)),
        "bounds_max": tuple(map(float, high)), "up_axis": geometry.up_axis, "name": path.stem, "dropped": dropped,
        "offset": tuple(map(float, offset)),
    }
    if not kept_faces.any():
        return _cloud(geometry, usable, offset, seed, metadata)
    mesh = _mesh(geometry, usable, kept_faces, offset)
    xyz, rgb = sample_surface(mesh, samples, seed)
    metadata.update(has_color=mesh.has_color, watertight=is_watertight(mesh))
    return PointCloud(xyz, rgb, ShapeMetadata(**metadata), mesh)


def _kept_faces(path: Path, geometry: Geometry, usable: np.ndarray) -> np.ndarray:
    """Which faces have three usable corners, (F,) bool; InputError for a face that refers to no vertex."""
    faces = geometry.faces
    if faces is None or not len(faces):
        return np.zeros(0, bool)
    if faces.max() >= len(usable) or faces.min() < 0:
        worst = int(faces.max() if faces.max() >= len(usable) else faces.min())
        raise InputError(f"{path.name}: a face refers to vertex {worst} of {len(usable):,}; "
                         "the file is damaged, export it again")
    return np.ones(len(faces), bool) if usable.all() else usable[faces].all(axis=1)


def _cloud(geometry: Geometry, usable: np.ndarray, offset: np.ndarray, seed: int, metadata: dict) -> PointCloud:
    rows = np.arange(len(usable)) if usable.all() else np.flatnonzero(usable)
    if len(rows) > MAX_CLOUD_POINTS:
        chosen = np.random.default_rng(seed).choice(len(rows), MAX_CLOUD_POINTS, replace=False, shuffle=False)
        rows = rows[np.sort(chosen)]
    xyz = (geometry.vertices[rows] - offset).astype(np.float32)
    rgb = geometry.vertex_colors
    if rgb is not None:
        rgb = rgb[rows, :3]
        rgb = rgb.astype(np.float32) / 255.0 if rgb.dtype == np.uint8 else np.clip(rgb, 0, 1).astype(np.float32)
        rgb = np.nan_to_num(rgb)
    return PointCloud(xyz, rgb, ShapeMetadata(**metadata, has_color=rgb is not None))


def _mesh(geometry: Geometry, usable: np.ndarray, keep: np.ndarray, offset: np.ndarray) -> Mesh:
    """The surface in float32, without faces that touch unusable vertices."""
    vertices = np.where(usable[:, None], geometry.vertices, 0.0) - offset
    face_starts = np.zeros(0, np.int64) if geometry.face_starts is None else np.asarray(geometry.face_starts)
    if not keep.all():  # runs of materials move up by what was dropped before them
        face_starts = np.concatenate([[0], np.cumsum(keep)])[face_starts]
    face_colors = geometry.face_colors
    return Mesh(
        vertices=vertices.astype(np.float32),
        faces=np.ascontiguousarray(geometry.faces[keep].astype(np.int32)),
        vertex_colors=geometry.vertex_colors,
        face_colors=None if face_colors is None else face_colors[keep],
        uv=geometry.uv,
        materials=geometry.materials,
        face_starts=face_starts,
    )


def _usable(vertices: np.ndarray) -> np.ndarray:
    """Which vertices (V, 3) have three finite coordinates of sane size, (V,) bool."""
    if not len(vertices):
        return np.zeros(0, bool)
    low, high = _bounds(vertices)
    if (low > -HUGE).all() and (high < HUGE).all():  # false for NaN
        return np.ones(len(vertices), bool)
    with np.errstate(invalid="ignore"):
        return (np.abs(vertices) < HUGE).all(axis=1)


def _bounds(vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest coordinates of (V, 3), (3,) float64 each; column by column, which is quicker."""
    columns = vertices.T
    return np.array([c.min() for c in columns], np.float64), np.array([c.max() for c in columns], np.float64)
