"""From a grid of signed distances to a triangle mesh: marching cubes, clean-up, colours.

The surface is a closed one by construction: the grid's border is outside. Marching cubes is Open3D's, which takes a
volume of ours; everything else is NumPy and SciPy. Knows nothing of the networks that drew the grid.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ...errors import PointLLMError
from ...inputs.mesh import Mesh

SMALLEST_PART = 0.02  # of the largest part's cells: what is smaller was not meant
MOST_PARTS = 8


class EmptyShape(PointLLMError):
    """Nothing is inside."""

    def __init__(self) -> None:
        super().__init__("the generator drew an empty shape; try another seed or another prompt")


def fine(grid: np.ndarray, size: int) -> np.ndarray:
    """A grid of values at cells' centres (G, G, G, …) at more cells (size, size, size, …), by cubic splines."""
    factor = size / grid.shape[0]
    if factor == 1:
        return grid
    zoom = (factor, factor, factor, *(1,) * (grid.ndim - 3))
    order = 3 if grid.ndim == 3 else 1
    return ndimage.zoom(grid, zoom, order=order, mode="nearest", grid_mode=True)


def cleaned(distance: np.ndarray) -> np.ndarray:
    """The same distances (G, G, G) with specks removed, holes inside closed, and the border outside."""
    distance = np.array(distance, np.float32)
    least = float(np.abs(distance).max()) or 1.0
    for axis in range(3):
        edge = [slice(None)] * 3
        for side in (0, -1):
            edge[axis] = side
            distance[tuple(edge)] = np.maximum(distance[tuple(edge)], least / 2)
    solid = distance < 0
    parts, count = ndimage.label(solid)
    if not count:
        raise EmptyShape
    sizes = np.bincount(parts.ravel())[1:]
    order = np.argsort(-sizes)[:MOST_PARTS]
    kept = 1 + order[sizes[order] >= SMALLEST_PART * sizes.max()]
    distance[solid & ~np.isin(parts, kept)] = least / 2
    outside, _ = ndimage.label(distance >= 0)
    hidden = (distance >= 0) & (outside != outside[0, 0, 0])
    distance[hidden] = -least / 2
    return distance


def extract(distance: np.ndarray, color: np.ndarray, level: float = 0.0) -> Mesh:
    """Distances (G, G, G) and sRGB colours in [0, 1] (G, G, G, 3) on a cube from -1 to 1, axes x, y, z → the mesh where
    the distance is `level`, cleaned, closed, with colours at vertices (V, 3) uint8 and faces turned outwards.

    EmptyShape where nothing is inside.
    """
    import open3d as o3d

    size = len(distance)
    values = cleaned(distance - level)
    # A cell's value of exactly nought would put several vertices at one place.
    values = np.where(np.abs(values) < 1e-5, np.float32(1e-5), values)
    integration = o3d.pipelines.integration
    volume = integration.UniformTSDFVolume(2.0, size, 1.0, integration.TSDFVolumeColorType.RGB8, -np.ones((3, 1)))
    table = np.stack([values.ravel(), np.ones(size**3)], 1).astype(np.float64)
    volume.inject_volume_tsdf(o3d.utility.Vector2dVector(table))
    volume.inject_volume_color(o3d.utility.Vector3dVector(color.reshape(-1, 3).clip(0, 1).astype(np.float64) * 255))
    found = volume.extract_triangle_mesh()
    vertices, faces = np.asarray(found.vertices, np.float32), np.asarray(found.triangles, np.int32)
    colors = np.round(np.asarray(found.vertex_colors).clip(0, 1) * 255).astype(np.uint8)
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    if np.einsum("fi,fi->", a, np.cross(b, c)) < 0:  # six times the volume: negative where faces look inwards
        faces = np.ascontiguousarray(faces[:, ::-1])
    return Mesh(vertices, faces, vertex_colors=colors)
