"""Objects as they come in practice: the same shape as a bare cloud, without colours, lying, or thinned out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..inputs.orientation import UP_AXES, rotated
from ..inputs.point_cloud import PointCloud


def bare(cloud: PointCloud, points: int) -> PointCloud:
    """The shape as a scan of so many points, without its surface."""
    return replace(cloud.resampled(points), mesh=None)


def colorless(cloud: PointCloud) -> PointCloud:
    """The shape without colours."""
    mesh = cloud.mesh
    if mesh is not None:
        mesh = replace(mesh, vertex_colors=None, face_colors=None, uv=None, materials=(),
                       face_starts=np.zeros(0, np.int64))
    return replace(cloud, rgb=None, mesh=mesh)


def z_up(cloud: PointCloud) -> PointCloud:
    """The shape as a program with z up saves it, in a format that doesn't say so."""
    return replace(rotated(cloud, UP_AXES["z"].T), metadata=replace(cloud.metadata, up_axis=None))


# name → (what is done to the shape, in words for the report)
VARIANTS: dict[str, tuple[Callable[[PointCloud], PointCloud], str]] = {
    "mesh": (lambda cloud: cloud, "as the file is"),
    "plain": (colorless, "without colours"),
    "cloud8192": (lambda cloud: bare(cloud, 8192), "bare cloud of 8,192 points"),
    "cloud1024": (lambda cloud: bare(cloud, 1024), "bare cloud of 1,024 points"),
    "ten-percent": (lambda cloud: bare(bare(cloud, 8192), 819), "10 % of a cloud of 8,192 points"),
    "z-up": (z_up, "z up, in a format that doesn't say so"),
}


def parse_variants(given: str) -> tuple[str, ...]:
    """Names divided by commas, or "all". InputError for one that isn't known."""
    wanted = VARIANTS if given == "all" else (name.strip() for name in given.split(","))
    names = tuple(dict.fromkeys(name for name in wanted if name))
    for name in names:
        if name not in VARIANTS:
            raise InputError(f"variant {name!r} isn't known; choose of {', '.join(VARIANTS)}, or all")
    if not names:
        raise InputError(f"--variants {given!r} names none; choose of {', '.join(VARIANTS)}, or all")
    return names
