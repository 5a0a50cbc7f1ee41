"""NumPy arrays as shapes, `.npy` and `.npz`; pickled objects in them are never loaded.

Accepts (N, 3 or more), (1, N, 3), (3, N), organised scans (H, W, 3), structured arrays with x, y, z, and for files of
several arrays the usual names. `from_arrays` serves the reader of tensors too.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ...errors import InputError
from .archive import check_archive
from .columns import guess_colors, named_columns, to_unit
from .geometry import Geometry, check_counts, check_room

POINT_NAMES = ("points", "xyz", "vertices", "verts", "pos", "positions", "coords", "coord", "point_cloud", "pointcloud",
               "pc", "cloud", "data", "arr_0", "x")
COLOR_NAMES = ("colors", "rgb", "color", "colours", "colour", "vertex_colors", "arr_1")
FACE_NAMES = ("faces", "face", "triangles")
MAX_VALUES = 150_000_000  # numbers of one array that is turned to float64
MAX_BYTES = 1_600_000_000  # of all arrays of a file together


def read(path: Path) -> Geometry:
    """Points (or a mesh, where an array of faces lies beside them) from arrays by shape and name."""
    return _read_npy(path) if path.suffix.lower() == ".npy" else _read_npz(path)


def _read_npy(path: Path) -> Geometry:
    with path.open("rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise InputError(f"{path.name}: not a NumPy file; save it with numpy.save")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise InputError(f"{path.name}: {_numpy_cause(error)}; save plain numbers with numpy.save") from error
    return from_arrays(path, {"": array})


def _read_npz(path: Path) -> Geometry:
    check_archive(path, "NumPy archive")
    with zipfile.ZipFile(path) as archive:
        members = {i.filename.removesuffix(".npy"): i for i in archive.infolist() if i.filename.endswith(".npy")}
        known = {*POINT_NAMES, *COLOR_NAMES, *FACE_NAMES}
        chosen = {n: i for n, i in members.items() if n.lower() in known or len(members) == 1}
        if not chosen:
            found = ", ".join(list(members)[:8])[:120] or "nothing"
            raise InputError(f"{path.name}: holds no array of points but {found}; name it 'points' (and 'colors')")
        if sum(i.file_size for i in chosen.values()) > MAX_BYTES:
            raise InputError(f"{path.name}: unpacks to more than {MAX_BYTES:,} bytes; subsample the points first")
        try:
            arrays = {name: _member(path, archive, info) for name, info in chosen.items()}
        except (ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"{path.name}: {_numpy_cause(error)}; save plain numbers with numpy.savez") from error
    return from_arrays(path, arrays)


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    """One array, after a look at what its header claims."""
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(file)
        if not dtype.hasobject:
            needed = math.prod(shape) * dtype.itemsize
            check_room(path, needed, info.file_size, f"bytes of array {info.filename[:40]!r}")
    with archive.open(info) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _numpy_cause(error: Exception) -> str:
    text = str(error)
    if "pickle" in text or "bject" in text:
        return "holds pickled Python objects, which are never loaded"
    if "mmap" in text or "reshape" in text or "EOF" in text:
        return "its header claims more numbers than the file holds"
    return f"cannot be read ({text.splitlines()[0][:80]})"


def from_arrays(path: Path, arrays: dict[str, np.ndarray]) -> Geometry:
    """Geometry from arrays by name, case ignored: one of points, and of colours and faces where they are there."""
    lowered = {k.lower(): v for k, v in arrays.items()}
    points = next((lowered[n] for n in POINT_NAMES if n in lowered), None)
    if points is None and len(arrays) == 1:
        points = next(iter(arrays.values()))
    if points is None:
        names = ", ".join(list(arrays)[:8])
        raise InputError(f"{path.name}: holds no array of points but {names}; name it 'points' (and 'colors')")
    table, colors = _table(path, points)
    named = next((lowered[n] for n in COLOR_NAMES if n in lowered), None)
    if named is not None:
        named = np.squeeze(named)
        if named.ndim == 2 and named.shape[0] == len(table) and named.shape[1] in (3, 4) and named.dtype.kind in "fiub":
            colors = named[:, :3]
    if colors is None and table.shape[1] >= 6:
        columns = guess_colors(table)
        colors = None if columns is None else table[:, columns]
    geometry = Geometry(np.ascontiguousarray(table[:, :3]))
    geometry.vertex_colors = None if colors is None else to_unit(colors)
    faces = next((lowered[n] for n in FACE_NAMES if n in lowered), None)
    if faces is not None and faces.ndim == 2 and 3 in faces.shape and faces.dtype.kind in "iuf":
        faces = faces if faces.shape[1] == 3 else faces.T
        check_counts(path, faces=len(faces))
        geometry.faces = np.asarray(faces, np.int64)
    return geometry


def _table(path: Path, array: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """(N, ≥ 3) float32 or float64 from an array of any accepted shape, and colours of structured ones."""
    if array.dtype.names:
        check_counts(path, vertices=array.size)
        names, array = array.dtype.names, array.ravel()
        xyz, rgb = named_columns(names)
        if xyz is None:
            raise InputError(f"{path.name}: its fields are {', '.join(names)[:80]}; name them x, y, z")
        table = np.stack([array[names[i]] for i in xyz], axis=1)
        return table, None if rgb is None else np.stack([array[names[i]] for i in rgb], axis=1)
    shape = "of shape " + " × ".join(map(str, array.shape)) if array.ndim else "a single number"
    if array.dtype.kind not in "fiu":
        raise InputError(f"{path.name}: holds {array.dtype.name[:20]}, not numbers; save points as floats (N, 3)")
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 2 and array.shape[0] == 3 and array.shape[1] >= 32:
        array = array.T  # one row a coordinate
    organised = array.ndim == 3 and array.shape[2] == 3 and array.dtype.kind == "f" and min(array.shape[:2]) >= 32
    if organised and path.suffix.lower() == ".npy":
        array = array.reshape(-1, 3)  # rows and columns of a depth camera
    if array.ndim != 2 or not 3 <= array.shape[1] <= 256:
        raise InputError(f"{path.name}: its array is {shape}; save one cloud of points as (N, 3) or (N, 6)")
    check_counts(path, vertices=len(array))
    if array.size > MAX_VALUES:
        array = array[:, :6]
    precision = np.float32 if array.dtype in (np.float32, np.float16) else np.float64
    return np.asarray(array, precision), None
