"""LAS and LAZ of airborne and terrestrial scanners, z up. An extra: needs `laspy` (and `lazrs` for .laz)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import InputError
from .geometry import Geometry, check_counts, check_room

CHUNK = 1_000_000


def read(path: Path) -> Geometry:
    """Points in float64, with colours where the point format has them."""
    with path.open("rb") as file:
        if file.read(4) != b"LASF":
            raise InputError(f"{path.name}: not a LAS file (it does not start with 'LASF'); export it again")
    try:
        import laspy
    except ImportError as error:
        raise InputError(f"{path.name}: reading .las and .laz needs the package laspy; "
                         "run: pip install 'laspy[lazrs]'") from error
    try:
        return _read(path, laspy)
    except laspy.errors.LaspyException as error:
        if path.suffix.lower() == ".laz" and "backend" in str(error).lower():
            raise InputError(f"{path.name}: reading .laz needs the package lazrs; run: pip install lazrs") from error
        raise InputError(f"{path.name}: damaged or not a LAS file ({error}); export it again") from error


def _read(path: Path, laspy: object) -> Geometry:
    with laspy.open(path) as reader:
        header = reader.header
        count = header.point_count
        check_counts(path, vertices=count)
        if not header.are_points_compressed:
            check_room(path, count * header.point_format.size,
                       path.stat().st_size - header.offset_to_point_data, "bytes of points")
        has_color = "red" in header.point_format.dimension_names
        xyz, colors = [np.zeros((0, 3))], [np.zeros((0, 3), np.uint16)]
        for chunk in reader.chunk_iterator(CHUNK):  # memory grows with the data, not with the claim
            xyz.append(np.stack([chunk.x, chunk.y, chunk.z], axis=1))
            if has_color:
                colors.append(np.stack([chunk.red, chunk.green, chunk.blue], axis=1))
    rgb = None
    if has_color and sum(map(len, colors)):
        rgb = np.concatenate(colors).astype(np.float32)
        top = rgb.max()  # 16 bits by the standard; many writers store bytes. All zero: no colours
        rgb = rgb / (255.0 if top <= 255 else 65535.0) if top > 0 else None
    return Geometry(np.concatenate(xyz), vertex_colors=rgb, up_axis="z")
