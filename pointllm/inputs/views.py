"""Pictures of a shape from several sides, drawn on the CPU: the second witness of the embedded profile.

Meshes are ray-cast (Open3D), clouds are drawn as depth-tested splats; both with one headlight-like lamp, so that a
picture tower trained on photos has shading to go by. Expects clouds with y up. Knows nothing of models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from .point_cloud import Mesh, PointCloud

FIELD_OF_VIEW = 30.0  # degrees, of the square picture
MARGIN = 1.08  # the shape's bounding sphere against the picture's half width
PLAIN_RGB = (0.72, 0.72, 0.72)  # shapes without colours, sRGB
SPLAT_POINTS = 16_384  # more points than this add time, not detail, at the sizes used here
HOLES_DEEP = 16  # holes of cut-out textures (leaves, fences) that a ray goes through at most
LIGHT = np.array([-0.35, 0.55, 0.76])  # of the lamp in the camera's frame: right, up, towards the viewer


@dataclass(frozen=True)
class Camera:
    """A viewpoint on a sphere around the shape; angles in degrees, yaw about the up axis (y)."""

    yaw: float
    elevation: float

    def axes(self) -> np.ndarray:
        """(3, 3) float64: rows are the camera's right, up and backward (towards the viewer) directions."""
        yaw, elevation = np.radians([self.yaw, self.elevation])
        back = np.array([np.sin(yaw) * np.cos(elevation), np.sin(elevation), np.cos(yaw) * np.cos(elevation)])
        right = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
        return np.stack([right, np.cross(back, right), back])


def ring(count: int, elevations: tuple[float, ...] = (20.0,), start: float = 30.0) -> list[Camera]:
    """`count` cameras evenly around the up axis, their elevations taken in turn."""
    return [Camera(start + 360.0 * i / count, elevations[i % len(elevations)]) for i in range(count)]


def render_views(cloud: PointCloud, cameras: list[Camera], size: int,
                 background: tuple[float, float, float] = (1, 1, 1), use_colors: bool = True,
                 ambient: float = 0.45) -> np.ndarray:
    """Pictures of `cloud` from `cameras` → (V, size, size, 3) uint8 sRGB.

    A shape with a surface is ray-cast, one without is drawn point by point. `background` is sRGB in [0, 1];
    `ambient` is the share of the light that doesn't depend on the surface's direction.
    """
    if cloud.mesh is not None and len(cloud.mesh.faces):
        draw = _ray_caster(cloud.mesh, size, use_colors)
    else:
        draw = _splatter(cloud, size, use_colors)
    pictures = np.empty((len(cameras), size, size, 3), np.uint8)
    for index, camera in enumerate(cameras):
        rgb, normals, hit = draw(camera.axes())
        light = LIGHT / np.linalg.norm(LIGHT)
        lambert = np.abs(normals @ light)  # winding can't be trusted in files found in the wild
        shaded = rgb * (ambient + (1 - ambient) * lambert)[..., None]
        picture = np.where(hit[..., None], shaded, np.asarray(background))
        pictures[index] = (picture.clip(0, 1) * 255 + 0.5).astype(np.uint8)
    return pictures


def _frame(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre and radius of the bounding box's sphere, tightened to the points: what the pictures are fitted to."""
    centre = (points.min(0) + points.max(0)) / 2
    radius = float(np.linalg.norm(points - centre, axis=1).max())
    return centre, radius or 1.0


def _distance() -> float:
    """Distance of the camera in radii, such that the unit sphere with its margin fills the picture."""
    return MARGIN / np.sin(np.radians(FIELD_OF_VIEW / 2))


def _ray_caster(mesh: Mesh, size: int, use_colors: bool):
    """→ draw(axes) → (rgb (S, S, 3), normals in the camera's frame (S, S, 3), hit (S, S))."""
    import open3d as o3d  # seconds to import: only where a mesh is drawn

    centre, radius = _frame(mesh.vertices[np.unique(mesh.faces)].astype(np.float64))
    vertices = ((mesh.vertices - centre) / radius).astype(np.float32)
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(np.ascontiguousarray(vertices)),
                        o3d.core.Tensor(np.ascontiguousarray(mesh.faces, dtype=np.uint32)))
    half = np.tan(np.radians(FIELD_OF_VIEW / 2))
    grid = (np.arange(size) + 0.5) / size * 2 - 1
    u, v = np.meshgrid(grid * half, -grid * half)
    directions = np.stack([u, v, -np.ones_like(u)], -1)
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)

    def draw(axes: np.ndarray):
        rays = np.empty((size * size, 6), np.float32)
        rays[:, :3] = axes[2] * _distance()
        rays[:, 3:] = (directions @ axes).reshape(-1, 3)
        hit = np.zeros(size * size, bool)
        normals = np.zeros((size * size, 3), np.float32)
        rgb = np.broadcast_to(np.asarray(PLAIN_RGB, np.float32), (size * size, 3)).copy()
        going = np.arange(size * size)  # rays that haven't met anything solid yet
        for _ in range(HOLES_DEEP if mesh.has_holes else 1):
            answer = scene.cast_rays(o3d.core.Tensor(rays[going]))
            depth = answer["t_hit"].numpy()
            met = np.isfinite(depth)
            if not met.any():
                break
            going, depth = going[met], depth[met]
            uv = answer["primitive_uvs"].numpy()[met]
            barycentric = np.concatenate([1 - uv.sum(1, keepdims=True), uv], 1)
            rgba = mesh.rgba_at(answer["primitive_ids"].numpy()[met].astype(np.int64), barycentric)
            solid = np.ones(len(going), bool) if rgba is None or not mesh.has_holes else rgba[:, 3] > 0
            seen = going[solid]
            hit[seen] = True
            normals[seen] = answer["primitive_normals"].numpy()[met][solid]
            if use_colors and rgba is not None:
                rgb[seen] = rgba[solid, :3]
            going = going[~solid]
            if not len(going):
                break
            rays[going, :3] += rays[going, 3:] * (depth[~solid, None] + 1e-4)
        normals = normals @ axes.T
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True).clip(1e-6)
        return (part.reshape(size, size, *part.shape[1:]) for part in (rgb, normals, hit))

    return draw


def _splatter(cloud: PointCloud, size: int, use_colors: bool):
    """→ draw(axes), as `_ray_caster`: every point a disc about as wide as the gap to its neighbours."""
    cloud = cloud if len(cloud.xyz) <= SPLAT_POINTS else cloud.resampled(SPLAT_POINTS)
    centre, radius = _frame(cloud.xyz.astype(np.float64))
    xyz = ((cloud.xyz - centre) / radius).astype(np.float64)
    neighbours = min(12, len(xyz))
    distances, index = cKDTree(xyz).query(xyz, k=neighbours)
    gaps = distances[:, min(5, neighbours - 1)]
    # A few stray points would otherwise become blots.
    gaps = gaps.clip(np.median(gaps) * 0.5, np.median(gaps) * 2)
    local = xyz[index] - xyz[index].mean(1, keepdims=True)
    normals = np.linalg.eigh(np.einsum("nki,nkj->nij", local, local))[1][:, :, 0]
    colors = cloud.rgb if use_colors and cloud.rgb is not None else np.broadcast_to(np.asarray(PLAIN_RGB), xyz.shape)
    half = np.tan(np.radians(FIELD_OF_VIEW / 2))
    reach = max(1, int(np.ceil(gaps.max() / (half * _distance()) * size / 2 * 1.6)))
    reach = min(reach, size // 8)
    offsets = np.mgrid[-reach:reach + 1, -reach:reach + 1].reshape(2, -1).T  # (row, column)
    offset_length = np.linalg.norm(offsets, axis=1)

    def draw(axes: np.ndarray):
        seen = xyz @ axes.T
        depth = _distance() - seen[:, 2]
        scale = size / 2 / (half * depth)
        column = seen[:, 0] * scale + size / 2
        row = size / 2 - seen[:, 1] * scale
        width = (gaps * scale * 0.8).clip(0.7, reach)
        far_first = np.argsort(-depth)  # nearer discs are written later, over the farther ones
        rgb = np.zeros((size, size, 3), np.float32)
        turned = np.zeros((size, size, 3))
        hit = np.zeros((size, size), bool)
        inside = offset_length[None, :] <= width[far_first, None]
        point, offset = np.nonzero(inside)
        point = far_first[point]
        rows = np.floor(row[point]).astype(int) + offsets[offset, 0]
        columns = np.floor(column[point]).astype(int) + offsets[offset, 1]
        good = (rows >= 0) & (rows < size) & (columns >= 0) & (columns < size)
        rows, columns, point = rows[good], columns[good], point[good]
        rgb[rows, columns] = colors[point]
        turned[rows, columns] = (normals @ axes.T)[point]
        hit[rows, columns] = True
        return rgb, turned, hit

    return draw
