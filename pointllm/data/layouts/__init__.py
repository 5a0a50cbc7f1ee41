"""Layouts of public and private collections of 3D objects, one module each, and the choice among them.

A layout has `NAME`, `TITLE`, `recognise(root) -> bool` and `scan(root, options) -> Found`: rows for a data folder.
Nothing is written here, and no shape is read: `build` writes, `prepared` reads.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import DataError
from . import esc50, folder, modelnet40, objaverse, pack, scanobjectnn, shapenet, sweethome3d, ulip
from .found import Found, Options

__all__ = ["LAYOUTS", "Found", "Options", "recognise", "scan"]

# The particular before the general: any of these is a folder of 3D files too.
LAYOUTS = {module.NAME: module for module in
           (pack, esc50, sweethome3d, shapenet, modelnet40, scanobjectnn, objaverse, ulip, folder)}


def recognise(root: Path) -> str:
    """The name of the layout that a folder (or a library file) has.

    Raises:
        DataError: there is no such folder, or it holds nothing that is known.
    """
    if not root.exists():
        raise DataError(f"{root}: no such file or folder; check the path")
    for name, layout in LAYOUTS.items():
        if root.is_dir() or layout is sweethome3d:
            try:
                if layout.recognise(root):
                    return name
            except OSError as error:
                raise DataError(f"{root}: can't be read ({error.strerror}); check its permissions") from error
    what = "folder" if root.is_dir() else "file"
    raise DataError(f"{root}: the {what} holds no 3D file and none of the layouts {', '.join(LAYOUTS)}; check the path")


def scan(root: Path, layout: str = "auto", options: Options | None = None) -> Found:
    """What is in a source, by the layout named, or by the one it is recognised to have.

    Raises:
        DataError: as `recognise`; an unknown layout; a source that doesn't have the layout named.
    """
    if layout == "auto":
        layout = recognise(root)
    elif layout not in LAYOUTS:
        raise DataError(f"unknown layout {layout!r}; known: auto, {', '.join(LAYOUTS)}")
    elif not root.exists():
        raise DataError(f"{root}: no such file or folder; check the path")
    elif not LAYOUTS[layout].recognise(root):
        raise DataError(f"{root}: doesn't look like {LAYOUTS[layout].TITLE}; try --layout auto, or another folder")
    return LAYOUTS[layout].scan(root, options or Options())
