"""Closed surfaces from a few numbers: boxes, things turned on a lathe, swept tubes, lofts, extruded outlines.

y is up and lengths are metres. Faces wind outwards where that costs nothing. Knows neither colours nor objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

AXES = {"x": 0, "y": 1, "z": 2}


@dataclass(frozen=True, eq=False)
class Solid:
    """vertices (V, 3) float64 and faces (F, 3) int64; every method gives a new one."""

    vertices: np.ndarray
    faces: np.ndarray

    def at(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Solid:
        """Moved."""
        return Solid(self.vertices + (x, y, z), self.faces)

    def scaled(self, x: float = 1.0, y: float = 1.0, z: float = 1.0) -> Solid:
        """Stretched along the axes."""
        return Solid(self.vertices * (x, y, z), self.faces)

    def turned(self, axis: str, degrees: float) -> Solid:
        """Turned about an axis through the origin, counter-clockwise seen against it."""
        angle = np.radians(degrees)
        i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        rotation = np.eye(3)
        rotation[i, i] = rotation[j, j] = np.cos(angle)
        rotation[i, j], rotation[j, i] = -np.sin(angle), np.sin(angle)
        return Solid(self.vertices @ rotation.T, self.faces)

    def mirrored(self, axis: str = "x") -> Solid:
        """Reflected at the plane through the origin across an axis."""
        vertices = self.vertices.copy()
        vertices[:, AXES[axis]] *= -1
        return Solid(vertices, self.faces[:, ::-1])

    def __add__(self, other: Solid) -> Solid:
        faces = np.concatenate([self.faces, other.faces + len(self.vertices)])
        return Solid(np.concatenate([self.vertices, other.vertices]), faces)

    @property
    def low(self) -> np.ndarray:
        """Lowest coordinates (3,)."""
        return self.vertices.min(axis=0)

    @property
    def high(self) -> np.ndarray:
        """Highest coordinates (3,)."""
        return self.vertices.max(axis=0)


def together(solids: Sequence[Solid]) -> Solid:
    """Several solids as one."""
    total = solids[0]
    for solid in solids[1:]:
        total = total + solid
    return total


def hull(points: Sequence) -> Solid:
    """The convex hull of points (N, 3)."""
    points = np.asarray(points, np.float64)
    shape = ConvexHull(points)
    used, faces = np.unique(shape.simplices, return_inverse=True)
    vertices, faces = points[used], faces.reshape(-1, 3)
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inwards = np.einsum("fd,fd->f", normals, corners.mean(1) - vertices.mean(0)) < 0
    faces[inwards] = faces[inwards, ::-1]
    return Solid(vertices, faces.astype(np.int64))


def box(width: float, height: float, depth: float, bevel: float = 0.0) -> Solid:
    """A box about the origin; its edges cut off by `bevel`, a share of the shortest side."""
    half = np.array([width, height, depth]) / 2
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    if bevel <= 0:
        return hull(signs * half)
    cut = min(bevel, 0.49) * half.min() * 2
    points = []
    for axis in range(3):
        inset = half - cut
        inset[axis] = half[axis]
        points.append(signs * inset)
    return hull(np.concatenate(points))


def wedge(width: float, height: float, depth: float, top: float = 0.0) -> Solid:
    """A box whose upper side is `top` times as wide (along x): a roof for 0."""
    x, y, z = width / 2, height / 2, depth / 2
    points = [(sx * x, -y, sz * z) for sx in (-1, 1) for sz in (-1, 1)]
    points += [(sx * x * top, y, sz * z) for sx in (-1, 1) for sz in (-1, 1)]
    return hull(np.array(points) + np.array([(0, 0, 0)]))


def frustum(width: float, height: float, depth: float, top: float) -> Solid:
    """A box whose upper side is `top` times as large both ways: a pyramid for 0."""
    x, y, z = width / 2, height / 2, depth / 2
    points = [
        (sx * x * s, h, sz * z * s) for h, s in ((-y, 1.0), (y, max(top, 1e-6))) for sx in (-1, 1) for sz in (-1, 1)
    ]
    return hull(points)


def loft(rings: Sequence, caps: bool = True) -> Solid:
    """A skin over rings (S, N, 3) of points, each joined to the next; the ends closed to their centres."""
    rings = np.asarray(rings, np.float64)
    count, size = rings.shape[:2]
    vertices = rings.reshape(-1, 3)
    i, j = np.meshgrid(np.arange(count - 1), np.arange(size), indexing="ij")
    a, b = i * size + j, i * size + (j + 1) % size
    faces = [np.stack([a, b, a + size], -1).reshape(-1, 3), np.stack([b, b + size, a + size], -1).reshape(-1, 3)]
    if caps:
        around, following = np.arange(size), (np.arange(size) + 1) % size
        first, last = len(vertices), len(vertices) + 1
        vertices = np.concatenate([vertices, rings[0].mean(0)[None], rings[-1].mean(0)[None]])
        base = (count - 1) * size
        faces.append(np.stack([following, around, np.full(size, first)], -1))
        faces.append(np.stack([base + around, base + following, np.full(size, last)], -1))
    return Solid(vertices, np.concatenate(faces).astype(np.int64))


def circle(radius_x: float, radius_z: float, segments: int, power: float = 2.0) -> np.ndarray:
    """(N, 2) points of a superellipse: round for power 2, nearly a rectangle for 6."""
    angle = 2 * np.pi * (np.arange(segments) + 0.5) / segments
    cos, sin = np.cos(angle), np.sin(angle)
    share = 2.0 / power
    return np.stack([radius_x * np.sign(cos) * np.abs(cos) ** share, radius_z * np.sign(sin) * np.abs(sin) ** share], 1)


def lathe(profile: Sequence[tuple[float, float]], segments: int = 16) -> Solid:
    """A profile of (radius, height) from below, turned about the y axis."""
    rings = []
    for radius, height in profile:
        ring = circle(max(radius, 1e-5), max(radius, 1e-5), segments)
        rings.append(np.stack([ring[:, 0], np.full(segments, height), -ring[:, 1]], 1))
    return loft(rings)


def cylinder(radius: float, height: float, segments: int = 16, top: float | None = None) -> Solid:
    """A cylinder or cone along y about the origin; `top` is the upper radius."""
    top = radius if top is None else top
    return lathe([(radius, -height / 2), (top, height / 2)], segments)


def ball(radius_x: float, radius_y: float | None = None, radius_z: float | None = None, segments: int = 16) -> Solid:
    """An ellipsoid about the origin."""
    radius_y = radius_x if radius_y is None else radius_y
    radius_z = radius_x if radius_z is None else radius_z
    steps = max(3, segments // 2)
    angles = np.linspace(-np.pi / 2, np.pi / 2, steps + 1)
    return lathe([(np.cos(a), np.sin(a)) for a in angles], segments).scaled(radius_x, radius_y, radius_z)


def tube(path: Sequence, radius: float | Sequence[float], segments: int = 8, flat: float = 1.0) -> Solid:
    """A round bar along a path (K, 3), with one radius or one a point; `flat` < 1 flattens it vertically."""
    path = np.asarray(path, np.float64)
    radii = np.broadcast_to(np.asarray(radius, np.float64), (len(path),))
    tangents = np.gradient(path, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True).clip(1e-9)
    side = np.cross(tangents[0], (0.0, 1.0, 0.0))
    if np.linalg.norm(side) < 1e-3:
        side = np.cross(tangents[0], (0.0, 0.0, 1.0))
    rings = []
    ring = circle(1.0, 1.0, segments)
    for point, tangent, r in zip(path, tangents, radii, strict=True):
        side = side - tangent * (side @ tangent)  # carried along without twist
        side /= max(np.linalg.norm(side), 1e-9)
        other = np.cross(tangent, side)
        rings.append(point + max(r, 1e-5) * (ring[:, :1] * side + flat * ring[:, 1:] * other))
    return loft(rings)


def torus(radius: float, thickness: float, segments: int = 20, around: int = 8, arc: float = 360.0) -> Solid:
    """A ring in the xz plane about the origin; an open arc for less than 360 degrees."""
    ring = circle(thickness, thickness, around)
    closed = arc >= 360
    angles = np.radians(np.linspace(0, arc, segments + 1))
    rings = [
        np.stack([(radius + ring[:, 0]) * np.cos(a), ring[:, 1], (radius + ring[:, 0]) * np.sin(a)], 1) for a in angles
    ]
    return loft(rings, caps=not closed)


def extrude(outline: Sequence, depth: float, taper: float = 1.0) -> Solid:
    """An outline (N, 2) in the xy plane, without crossings, given a thickness along z; `taper` scales its front."""
    outline = np.asarray(outline, np.float64)
    if _area(outline) < 0:
        outline = outline[::-1]
    centre = (outline.min(0) + outline.max(0)) / 2
    front = centre + (outline - centre) * taper
    size = len(outline)
    vertices = np.concatenate(
        [np.column_stack([outline, np.full(size, -depth / 2)]), np.column_stack([front, np.full(size, depth / 2)])]
    )
    triangles = _ears(outline)
    around, following = np.arange(size), (np.arange(size) + 1) % size
    faces = [
        triangles[:, ::-1],
        triangles + size,
        np.stack([around, following, following + size], -1),
        np.stack([around, following + size, around + size], -1),
    ]
    return Solid(vertices, np.concatenate(faces).astype(np.int64))


def _area(outline: np.ndarray) -> float:
    following = np.roll(outline, -1, axis=0)
    return float((outline[:, 0] * following[:, 1] - outline[:, 1] * following[:, 0]).sum() / 2)


def _ears(outline: np.ndarray) -> np.ndarray:
    """Triangles (N - 2, 3) of a simple polygon that runs counter-clockwise, by cutting off ears."""
    left, triangles = list(range(len(outline))), []
    guard = 0
    while len(left) > 3 and guard < 10_000:
        guard += 1
        for k in range(len(left)):
            a, b, c = left[k - 1], left[k], left[(k + 1) % len(left)]
            if _cross(outline[a], outline[b], outline[c]) <= 1e-12:
                continue
            others = outline[[v for v in left if v not in (a, b, c)]]
            inside = (
                (_cross(outline[a], outline[b], others) >= 0)
                & (_cross(outline[b], outline[c], others) >= 0)
                & (_cross(outline[c], outline[a], others) >= 0)
            )
            if not inside.any():
                triangles.append((a, b, c))
                del left[k]
                break
        else:
            break  # touching corners: the rest as a fan
    triangles += [(left[0], left[k], left[k + 1]) for k in range(1, len(left) - 1)]
    return np.array(triangles)


def _cross(a: np.ndarray, b: np.ndarray, points: np.ndarray) -> np.ndarray:
    return (b[0] - a[0]) * (points[..., 1] - a[1]) - (b[1] - a[1]) * (points[..., 0] - a[0])


def between(
    start: Sequence[float], end: Sequence[float], radius: float, segments: int = 8, end_radius: float | None = None
) -> Solid:
    """A straight bar from one point to another."""
    return tube([start, end], [radius, radius if end_radius is None else end_radius], segments)


def curve(points: Sequence, steps: int = 12) -> np.ndarray:
    """(steps, 3) points of a smooth curve through control points (K, 3)."""
    points = np.asarray(points, np.float64)
    knots = np.linspace(0, 1, len(points))
    where = np.linspace(0, 1, steps)
    if len(points) < 3:
        return np.stack([np.interp(where, knots, points[:, d]) for d in range(points.shape[1])], 1)
    from scipy.interpolate import PchipInterpolator

    return PchipInterpolator(knots, points)(where)


def roughened(solid: Solid, amount: float, rng: np.random.Generator) -> Solid:
    """Vertices moved at random by up to `amount`, those at one place together."""
    keys, inverse = np.unique(np.round(solid.vertices, 6), axis=0, return_inverse=True)
    moves = rng.uniform(-amount, amount, keys.shape)
    return Solid(solid.vertices + moves[inverse.ravel()], solid.faces)
