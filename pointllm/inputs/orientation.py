"""Turning shapes: files come with y up or with z up, and rarely say which; the models expect y up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .point_cloud import PointCloud

# Rotations that bring another axis up, row vectors times the transpose: xyz' = xyz @ R.T
UP_AXES = {
    "y": np.eye(3),
    "z": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
    "x": np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]),
}


def rotated(cloud: PointCloud, rotation: np.ndarray) -> PointCloud:
    """The same shape turned by `rotation` (3, 3) about the origin, points and surface alike."""
    rotation = np.asarray(rotation, np.float64)
    mesh = cloud.mesh
    if mesh is not None:
        mesh = replace(mesh, vertices=(mesh.vertices.astype(np.float64) @ rotation.T).astype(np.float32))
    return replace(cloud, xyz=(cloud.xyz.astype(np.float64) @ rotation.T).astype(np.float32), mesh=mesh)


def with_up(cloud: PointCloud, axis: str) -> PointCloud:
    """The shape turned such that its `axis` ("x", "y" or "z") points up, along y."""
    return cloud if axis == "y" else rotated(cloud, UP_AXES[axis])
