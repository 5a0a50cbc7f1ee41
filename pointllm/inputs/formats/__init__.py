"""Readers of 3D files, one module a format family; `READERS` maps a suffix to its module.

A reader is a function `read(path) -> Geometry` with the file's own coordinates, precision and colours. It checks every
count that a file claims against what the file can hold before it allocates. Sampling, centring and the search for
unusable numbers are `shape`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from .geometry import Geometry

# suffix → module of this package, imported when first used
READERS = {
    ".ply": "ply",
    ".glb": "gltf",
    ".gltf": "gltf",
    ".obj": "obj",
    ".stl": "stl",
    ".off": "off",
    ".dae": "collada",
    ".3mf": "threemf",
    ".pcd": "pcd",
    ".xyz": "table",
    ".txt": "table",
    ".csv": "table",
    ".pts": "table",
    ".npy": "arrays",
    ".npz": "arrays",
    ".pt": "tensors",
    ".las": "las",
    ".laz": "las",
}


def reader_for(suffix: str) -> Callable[[Path], Geometry]:
    """The `read` function for a suffix such as ".ply"; KeyError for one that is not in READERS."""
    return import_module(f".{READERS[suffix]}", __name__).read
