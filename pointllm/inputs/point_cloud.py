"""`PointCloud`: what every 3D file becomes, with the one definition of normalisation and of resampling.

Knows arrays only; reading files is `shape.read_shape`, meshes and their sampling are `mesh`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .mesh import Mesh

__all__ = ["Mesh", "PointCloud", "ShapeMetadata"]

# Farthest point sampling looks at this many random candidates per wanted point: even cover at bounded cost.
CANDIDATES_PER_POINT = 4


@dataclass(frozen=True)
class ShapeMetadata:
    """What the file said, before sampling.

    format: suffix without dot; vertices, faces: counts in the file; points: points of a bare cloud, 0 for a mesh
    bounds_min, bounds_max: corners of the bounding box, file units and file axes, full precision
    up_axis: "y" or "z" where format or file define it, else None
    has_color: whether the file carries colours; watertight: None for clouds and very large meshes
    dropped: points or vertices left out because a coordinate was not finite
    offset: (3,) to add to `PointCloud.xyz` to get file coordinates (zero but for far-away, geo-referenced files)
    """

    format: str
    vertices: int
    faces: int
    points: int
    bounds_min: tuple[float, float, float]
    bounds_max: tuple[float, float, float]
    up_axis: str | None = None
    has_color: bool = False
    watertight: bool | None = None
    name: str = ""
    dropped: int = 0
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def size(self) -> tuple[float, float, float]:
        """Extent along x, y and z in file units."""
        return tuple(high - low for low, high in zip(self.bounds_min, self.bounds_max, strict=True))


@dataclass(frozen=True)
class PointCloud:
    """Points of a shape.

    xyz: (N, 3) float32, file units less `metadata.offset`
    rgb: (N, 3) float32 in [0, 1], sRGB, or None
    mesh: the surface that was sampled, in the same coordinates, or None for a bare cloud
    """

    xyz: np.ndarray
    rgb: np.ndarray | None
    metadata: ShapeMetadata
    mesh: Mesh | None = None

    def __len__(self) -> int:
        return len(self.xyz)

    def normalized(self) -> PointCloud:
        """Centred on the centroid of the points and scaled into the unit sphere, as the point encoders were trained.

        The mesh moves along. A shape without extent stays at the origin.
        """
        points = self.xyz.astype(np.float64)
        centroid = points.mean(axis=0)
        points -= centroid
        radius = float(np.sqrt((points**2).sum(axis=1).max()))
        scale = 1.0 / radius if radius > 0 else 1.0
        mesh = None if self.mesh is None else self.mesh.moved(centroid, scale)
        return replace(self, xyz=(points * scale).astype(np.float32), mesh=mesh)

    def resampled(self, count: int, seed: int = 0) -> PointCloud:
        """Exactly `count` points, the same for the same seed.

        More points than wanted: a random subset, then farthest point sampling, which evens out the density of scans.
        Fewer: every point is kept, and points are repeated.
        """
        rng = np.random.default_rng(seed)
        total = len(self.xyz)
        if total > count:
            chosen = rng.choice(total, min(total, count * CANDIDATES_PER_POINT), replace=False)
            chosen = chosen[farthest_points(self.xyz[chosen], count)]
        elif total < count:
            repeats = [np.arange(total)] + [rng.permutation(total) for _ in range(count // total)]
            chosen = np.concatenate(repeats)[:count]
        else:
            return self
        return replace(self, xyz=self.xyz[chosen], rgb=None if self.rgb is None else self.rgb[chosen])


def farthest_points(xyz: np.ndarray, count: int) -> np.ndarray:
    """Indices (count,) of farthest point sampling over xyz (N, 3), N ≥ count; deterministic.

    The bucketed sampler is exact and quick; it starts at a corner of its tree rather than at a given point. Where
    `fpsample` isn't installed (it has no wheels for Python 3.13 and later) a plain loop does the same, more slowly.
    """
    points = xyz - xyz.mean(axis=0)
    points /= max(float(np.abs(points).max()), 1e-30)
    points = np.ascontiguousarray(points)
    if len(points) < 8:  # fewer than a bucket holds
        return _farthest_points_plain(points, count)
    try:
        import fpsample
    except ImportError:
        return _farthest_points_plain(points, count)
    depth = 7 if len(points) >= 4096 else 3
    return fpsample.bucket_fps_kdline_sampling(points, count, h=depth, start_idx=0).astype(np.int64)


def _farthest_points_plain(points: np.ndarray, count: int) -> np.ndarray:
    """Farthest point sampling of points (N, 3) by its definition, from the point farthest from the origin."""
    chosen = np.empty(count, np.int64)
    columns = points.T.copy()  # (3, N): each coordinate in one run of memory
    nearest = np.full(len(points), np.inf, points.dtype)  # squared distance to the chosen ones
    following = int((columns**2).sum(axis=0).argmax())
    for step in range(count):
        chosen[step] = following
        offset = columns - columns[:, following, None]
        np.minimum(nearest, np.einsum("cn,cn->n", offset, offset), out=nearest)
        following = int(nearest.argmax())
    return chosen
