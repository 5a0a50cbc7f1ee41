"""LAS and LAZ of airborne and terrestrial scanners, z up. An extra: needs `laspy` (and `lazrs` for .laz).

The decompressor of .laz aborts the whole process on some damaged files, so it works in a process of its own.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from ...errors import InputError
from .geometry import Geometry, check_counts, check_room

CHUNK = 1_000_000
RECORD, EXTENDED_RECORD = 54, 60  # bytes of the head of a variable length record
MAX_SECONDS = 300  # for the process that decompresses
PACKAGE_ROOT = Path(__file__).resolve().parents[3]


def read(path: Path) -> Geometry:
    """Points in float64, with colours where the point format has them."""
    _check_header(path)
    packages = ("laspy", "lazrs") if path.suffix.lower() == ".laz" else ("laspy",)
    for package in packages:
        try:
            __import__(package)
        except ImportError as error:
            raise InputError(f"{path.name}: reading {path.suffix.lower()} needs the package {package}; "
                             "run: pip install 'laspy[lazrs]'") from error
    xyz, colors = _points_apart(path) if "lazrs" in packages else _points(path)
    if colors is not None:
        top = colors.max(initial=0)  # 16 bits by the standard; many writers store bytes. All zero: no colours
        colors = colors.astype(np.float32) / (255.0 if top <= 255 else 65535.0) if top > 0 else None
    return Geometry(xyz, vertex_colors=colors, up_axis="z")


def _check_header(path: Path) -> None:
    """InputError where the header claims more than the file holds: laspy would believe it, and read for hours."""
    with path.open("rb") as file:
        head = file.read(375)
    if not head.startswith(b"LASF"):
        raise InputError(f"{path.name}: not a LAS file (it does not start with 'LASF'); export it again")
    check_room(path, 227, len(head), "bytes of header")
    header_size, data_start, records, _, point_size, points = struct.unpack_from("<HIIBHI", head, 94)
    size = path.stat().st_size
    check_room(path, max(data_start, header_size + records * RECORD), min(size, max(data_start, 1)), "bytes of records")
    if head[24:26] >= b"\x01\x04" and len(head) == 375:
        first, records, points = struct.unpack_from("<QIQ", head, 235)
        check_room(path, records * EXTENDED_RECORD, max(size - first, 0), "bytes of extended records")
    check_counts(path, vertices=points)
    if not head[104] & 0x80:  # the bit that marks compression
        check_room(path, points * point_size, size - data_start, "bytes of points")


def _points(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """xyz (N, 3) float64 and colours (N, 3) uint16 or None."""
    import laspy

    try:
        with laspy.open(path) as reader:
            has_color = "red" in reader.header.point_format.dimension_names
            xyz, colors = [np.zeros((0, 3))], [np.zeros((0, 3), np.uint16)]
            for chunk in reader.chunk_iterator(CHUNK):  # memory grows with the data, not with the claim
                xyz.append(np.stack([chunk.x, chunk.y, chunk.z], axis=1))
                if has_color:
                    colors.append(np.stack([chunk.red, chunk.green, chunk.blue], axis=1))
    except laspy.errors.LaspyException as error:
        raise InputError(f"{path.name}: damaged or not a LAS file ({error}); export it again") from error
    return np.concatenate(xyz), np.concatenate(colors) if has_color else None


def _points_apart(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """As `_points`, from a process that may die of the file."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(PACKAGE_ROOT), os.environ.get("PYTHONPATH", "")])}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "points.npz"
        command = [sys.executable, "-m", __name__, str(path.resolve()), str(target)]
        try:
            done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  timeout=MAX_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise InputError(f"{path.name}: takes too long to decompress; save it as .las") from error
        if done.returncode or not target.is_file():
            raise InputError(f"{path.name}: damaged or not a LAZ file; export it again, or save it as .las")
        with np.load(target, allow_pickle=False) as arrays:
            return arrays["xyz"], arrays["colors"] if "colors" in arrays else None


if __name__ == "__main__":
    _xyz, _colors = _points(Path(sys.argv[1]))
    np.savez(sys.argv[2], xyz=_xyz, **({} if _colors is None else {"colors": _colors}))
