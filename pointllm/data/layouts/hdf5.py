"""Sets that keep many point clouds in one HDF5 file, as ModelNet40's and ScanObjectNN's points are published.

`h5py` is imported where a file is opened; without it the error says how to get it. Clouds become files of the data
folder when it is written.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...errors import DataError
from .found import Found


def open_file(path: Path):
    """The opened file; DataError without h5py or for a damaged file."""
    try:
        import h5py
    except ImportError as error:
        raise DataError(f"{path}: HDF5 files need h5py; install it with: pip install h5py") from error
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path}: damaged or not an HDF5 file ({str(error)[:80]}); download it again") from error


def add(found: Found, path: Path, labels: Mapping[int, str], prefix: str, **fields: object) -> None:
    """A row for each of the arrays `data` (n, N, 3 or more) with `label` (n,) or (n, 1)."""
    with open_file(path) as file:
        if "data" not in file or "label" not in file:
            raise DataError(f"{path}: holds no arrays 'data' and 'label'; is it a set of point clouds?")
        shape, classes = file["data"].shape, np.asarray(file["label"]).reshape(-1)
    if len(shape) != 3 or shape[2] < 3 or shape[0] != len(classes):
        raise DataError(f"{path}: 'data' has shape {shape} for {len(classes)} labels; expected (objects, points, 3)")
    for index, number in enumerate(classes.tolist()):
        label = labels.get(int(number))
        if label is None:
            found.skip(f"{path}[{index}]", f"class {number} has no name")
            continue
        identifier = f"{prefix}_{index:05d}"
        row = found.add(identifier, None, label, **fields)
        row["path"] = f"objects/{fields['source']}/{identifier}.npy"
        found.files[row["path"]] = Cloud(path, index)


class Cloud:
    """Reads one cloud when called: the bytes of an .npy file of points (N, 3) float32."""

    def __init__(self, path: Path, index: int) -> None:
        self.path, self.index = path, index

    def __call__(self) -> bytes:
        stream = io.BytesIO()
        with open_file(self.path) as file:
            np.save(stream, np.asarray(file["data"][self.index, :, :3], np.float32))
        return stream.getvalue()
