"""`Shape`: a generated mesh, and the files that it can be written to."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...data.procedural.glb import glb_bytes
from ...errors import InputError
from ...inputs.mesh import Mesh, sample_surface
from ...inputs.point_cloud import PointCloud, ShapeMetadata

FORMATS = (".glb", ".obj", ".ply")


def check_format(path: str | Path) -> Path:
    """The path, if its ending is one that shapes can be written to; InputError otherwise."""
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path.name}: can't be written as {path.suffix or 'a file without suffix'}; "
                         f"end it in {', '.join(FORMATS)}")
    return path


@dataclass(frozen=True)
class Shape:
    """A generated shape, y up, its longest side about 2.

    mesh: a closed surface with vertex_colors (V, 3) uint8 sRGB, faces turned outwards
    seed: what its noise was drawn with; number: which of the samples it is, from 0
    score: cosine of its views with what was asked for, where the best of several was chosen; else None
    """

    mesh: Mesh
    seed: int
    number: int = 0
    score: float | None = None

    def write(self, path: str | Path) -> Path:
        """Write a .glb, .obj or .ply file, whole or not at all. InputError when it can't be."""
        path = check_format(path)
        partial = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix.lower()}")
        try:
            if path.suffix.lower() == ".glb":
                mesh = self.mesh
                partial.write_bytes(glb_bytes(mesh.vertices, mesh.faces, mesh.vertex_colors, path.stem,
                                              generator="pointllm generate"))
            else:
                _write_with_open3d(self.mesh, partial)
            partial.replace(path)
        except OSError as error:
            raise InputError(f"{path}: can't be written ({error.strerror or error}); choose another place") from error
        finally:
            partial.unlink(missing_ok=True)
        return path

    def cloud(self, points: int = 8192, seed: int = 0) -> PointCloud:
        """The shape as the readers would give it: points of its surface, and the surface."""
        xyz, rgb = sample_surface(self.mesh, points, seed)
        low, high = self.mesh.vertices.min(0), self.mesh.vertices.max(0)
        metadata = ShapeMetadata("glb", len(self.mesh.vertices), len(self.mesh.faces), 0, tuple(map(float, low)),
                                 tuple(map(float, high)), up_axis="y", has_color=True, watertight=True)
        return PointCloud(xyz, rgb, metadata, self.mesh)

    def scored(self, score: float) -> Shape:
        """The same with a score."""
        return replace(self, score=float(score))


def _write_with_open3d(mesh: Mesh, path: Path) -> None:
    import open3d as o3d

    vectors = o3d.utility
    found = o3d.geometry.TriangleMesh(vectors.Vector3dVector(mesh.vertices.astype(np.float64)),
                                      vectors.Vector3iVector(mesh.faces))
    found.vertex_colors = vectors.Vector3dVector(mesh.vertex_colors.astype(np.float64) / 255)
    if not path.parent.is_dir() or not o3d.io.write_triangle_mesh(str(path), found, write_vertex_normals=False):
        raise OSError("the folder is missing or full")
