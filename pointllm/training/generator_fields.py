"""What the shape generator learns to draw: each object as a small grid of signed distances with a grid of colours.

Files in the wild are rarely watertight, so the inside is what a flood from the border of the grid doesn't reach, and
surfaces are given a thickness: sheets and wires stay on a coarse grid, and every field bounds a solid. Which way the
objects of one label face is made the same by `align`. Learns nothing; the cache is `shards`' matter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from ..errors import DataError
from ..inputs.mesh import Mesh
from ..tasks.generation.grids import Grids

PLAIN = 184  # of 255: the grey of surfaces without colours, as the renderer draws them
TURNS = 4  # quarter turns about the up axis


def field_of(mesh: Mesh, grids: Grids) -> dict[str, np.ndarray]:
    """A mesh with y up → distance (G, G, G) int8 and color (C, C, C, 3) uint8 sRGB, axes in the order x, y, z.

    The bounding box is centred and its longest side fills the grid but for a margin. distance: to the thickened
    surface, negative inside, cut off at ± `grids.reach`, which is ± 127. color: of the surface's nearest place.
    DataError for a mesh without extent.
    """
    import open3d as o3d

    corners = mesh.vertices[np.unique(mesh.faces)].astype(np.float64)
    low, high = corners.min(0), corners.max(0)
    side = float((high - low).max())
    if not side > 0 or not np.isfinite(side):
        raise DataError("has no extent")
    vertices = (mesh.vertices - (low + high) / 2) * (2 * grids.extent / side)
    scene = o3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(o3d.core.Tensor(np.ascontiguousarray(vertices, np.float32)),
                        o3d.core.Tensor(np.ascontiguousarray(mesh.faces, np.uint32)))
    coarse = grids.centres(grids.color_size)
    nearest = scene.compute_closest_points(o3d.core.Tensor(coarse), nthreads=1)
    distance = signed(_fine(scene, np.linalg.norm(nearest["points"].numpy() - coarse, axis=-1), grids), grids)
    uv = nearest["primitive_uvs"].numpy().reshape(-1, 2)
    corners = np.concatenate([1 - uv.sum(1, keepdims=True), uv], 1)
    rgb = mesh.colors_at(nearest["primitive_ids"].numpy().reshape(-1).astype(np.int64), corners)
    color = np.full((grids.color_size**3, 3), PLAIN, np.uint8) if rgb is None else np.round(rgb * 255).astype(np.uint8)
    return {"distance": np.round(distance / grids.reach * 127).astype(np.int8),
            "color": color.reshape(*(grids.color_size,) * 3, 3)}


def _fine(scene, coarse: np.ndarray, grids: Grids) -> np.ndarray:
    """Unsigned distances (G, G, G) float32, exact as far as they matter; elsewhere those of the coarse cells (C, C, C),
    which say as well that a place is far from the surface."""
    import open3d as o3d

    factor = grids.size // grids.color_size
    distance = coarse.repeat(factor, 0).repeat(factor, 1).repeat(factor, 2).astype(np.float32)
    half_diagonal = np.sqrt(3) / grids.color_size
    near = distance <= grids.reach + grids.thickness + half_diagonal
    places = np.ascontiguousarray(grids.centres(grids.size)[near])
    distance[near] = scene.compute_distance(o3d.core.Tensor(places), nthreads=1).numpy()
    return distance


def signed(distance: np.ndarray, grids: Grids) -> np.ndarray:
    """Distances to a surface (G, G, G) → to the solid that it bounds, made thicker by `grids.thickness` all round.

    A cell of the grid within half its side of the surface blocks the flood; that half is less than the thickness, so
    blocked cells are part of the solid whichever side they are on.
    """
    blocked = distance <= grids.cell / 2 * 1.01
    open_cells, _ = ndimage.label(~blocked)
    outside = np.isin(open_cells, np.setdiff1d(np.unique(_border(open_cells)), 0))
    inside = ~outside & ~blocked
    return np.clip(np.where(inside, -distance, distance) - grids.thickness, -grids.reach, grids.reach)


def _border(cells: np.ndarray) -> np.ndarray:
    return np.concatenate([side.ravel() for axis in range(3) for side in (cells.take(0, axis), cells.take(-1, axis))])


def turned(grid: np.ndarray, turns: int) -> np.ndarray:
    """A grid with axes x, y, z first, turned about y by quarters."""
    return np.rot90(grid, turns, axes=(2, 0))


def mirrored(grid: np.ndarray) -> np.ndarray:
    """A grid with axes x, y, z first, with left and right exchanged."""
    return grid[::-1]


def align(distances: Sequence[np.ndarray], labels: Sequence[int], likeness: np.ndarray,
          rounds: int = 6) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Quarter turns (N,) that make objects of one label face the same way, and labels that mean similar things too;
    and by label what its objects look like on average, (g, g, g).

    Each label by itself: every object is turned to agree best with the mean of the others, in rounds. Then the labels,
    those with most objects first, are turned as wholes to agree with what the labels before them look like, by
    likeness (L, L) of their names.
    """
    labels = np.asarray(labels)
    found = np.zeros(len(labels), np.int64)
    means: dict[int, np.ndarray] = {}
    names, counts = np.unique(labels, return_counts=True)
    for name in names[np.argsort(-counts, kind="stable")].tolist():
        rows = np.flatnonzero(labels == name)
        turns = np.stack([_all_turns(coarse(distances[row])) for row in rows])  # (n, 4, g, g, g)
        found[rows] = _agreed(turns, rounds)
        mean = turns[np.arange(len(rows)), found[rows]].mean(0)
        if means:
            others = sorted(means, key=lambda other: -likeness[name, other])[:5]
            shares = np.exp((likeness[name, others] - likeness[name, others].max()) / 0.1)
            extra = towards(mean, np.tensordot(shares, np.stack([means[other] for other in others]), 1))
            found[rows] = (found[rows] + extra) % TURNS
            mean = turned(mean, extra)
        means[name] = mean
    return found, means


def towards(small: np.ndarray, model: np.ndarray) -> int:
    """The quarter turns with which a coarse shape (g, g, g) agrees best with another."""
    return int(np.argmax((_all_turns(small) * model).sum((1, 2, 3))))


def _all_turns(small: np.ndarray) -> np.ndarray:
    return np.stack([turned(small, turns) for turns in range(TURNS)])


def _agreed(turns: np.ndarray, rounds: int) -> np.ndarray:
    """Turns (n,) for objects in all their turns (n, 4, g, g, g)."""
    count = len(turns)
    flat = turns.reshape(count, TURNS, -1)
    chosen = np.zeros(count, np.int64)
    for _ in range(rounds if count > 1 else 0):
        before = chosen.copy()
        total = flat[np.arange(count), chosen].sum(0)
        for row in range(count):
            others = total - flat[row, chosen[row]]
            chosen[row] = int(np.argmax(flat[row] @ others))
            total = others + flat[row, chosen[row]]
        if np.array_equal(before, chosen):
            break
    return chosen


def coarse(distance: np.ndarray, factor: int = 2) -> np.ndarray:
    """How full each block of cells is, a little blurred: distances (G, G, G) → (G / factor, …) float32."""
    full = (np.asarray(distance) < 0).astype(np.float32)
    size = len(full) // factor
    return ndimage.gaussian_filter(full.reshape(size, factor, size, factor, size, factor).mean((1, 3, 5)), 0.7)
