"""ScanObjectNN (Uy et al., arXiv 1908.04616): scans of 15 kinds of objects, in HDF5; needs h5py.

    ScanObjectNN/main_split/training_objectdataset.h5, test_objectdataset.h5          with background: OBJ_BG
    ScanObjectNN/main_split_nobg/…                                                    without: OBJ_ONLY
    ScanObjectNN/main_split/training_objectdataset_augmentedrot_scale75.h5            the hardest: PB_T50_RS
"""

from __future__ import annotations

from pathlib import Path

from ..files import slug
from . import hdf5
from .found import Found, Options, source_name

NAME, TITLE = "scanobjectnn", "ScanObjectNN"
LICENSE = "ScanObjectNN terms of use (research)"
CLASSES = ("bag", "bin", "box", "cabinet", "chair", "desk", "display", "door", "shelf", "table", "bed", "pillow",
           "sink", "sofa", "toilet")


def recognise(root: Path) -> bool:
    """Whether files of the set lie here or one folder below."""
    return bool(_files(root))


def scan(root: Path, options: Options) -> Found:
    """Rows for all scans; where several variants lie side by side, of the plain one (give a sub-folder for another)."""
    found = Found(TITLE, root)
    source = source_name(root, options, NAME)
    files = _files(root)
    folder = files[0].parent
    chosen = [p for p in files if p.parent == folder]
    plain = [p for p in chosen if "augmented" not in p.name] or chosen
    for path in chosen:
        if path not in plain:
            found.skip(path, "a variant of the same scans; build it from a folder of its own")
    for path in plain:
        split = "train" if path.name.startswith("train") else "test"
        hdf5.add(found, path, dict(enumerate(CLASSES)), prefix=f"{slug(source)}_{slug(folder.name)}_{split}",
                 split=split, source=source, license=options.license or LICENSE)
    found.detail = folder.name
    return found


def _files(root: Path) -> list[Path]:
    folders = [root, *(root / name for name in ("main_split", "main_split_nobg", "h5_files/main_split"))]
    return [p for f in folders if f.is_dir() for p in sorted(f.glob("*objectdataset*.h5"))]
