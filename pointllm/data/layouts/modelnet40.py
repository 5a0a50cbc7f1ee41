"""ModelNet40 (Wu et al., arXiv 1406.5670) in its three common forms.

    ModelNet40/chair/train/chair_0001.off                           meshes, z up
    modelnet40_normal_resampled/chair/chair_0001.txt                10,000 points with normals, y up
      modelnet40_train.txt, modelnet40_test.txt                     names of its models
    modelnet40_ply_hdf5_2048/ply_data_train0.h5, shape_names.txt    2,048 points each, y up; needs h5py
"""

from __future__ import annotations

from pathlib import Path

from ..files import slug
from . import hdf5
from .found import SPLIT_NAMES, Found, Options, source_name

NAME, TITLE = "modelnet40", "ModelNet40"
LICENSE = "ModelNet terms of use (research)"
# Names in the set, and how they are said.
SPOKEN = {"night_stand": "nightstand", "xbox": "game console", "tv_stand": "tv stand", "glass_box": "glass box",
          "flower_pot": "flower pot", "range_hood": "range hood", "cone": "cone", "mantel": "mantel"}


def recognise(root: Path) -> bool:
    """Whether it is one of the three forms."""
    return bool(_lists(root) or _hdf5_files(root) or _split_folders(root))


def scan(root: Path, options: Options) -> Found:
    """Rows for all its models, with the official split."""
    found = Found(TITLE, root)
    source = source_name(root, options, NAME)
    fields = {"source": source, "license": options.license or LICENSE}
    if files := _hdf5_files(root):
        found.detail = "points in HDF5"
        names = [n for n in (root / "shape_names.txt").read_text(encoding="utf-8").split("\n") if n.strip()]
        for path, split in files:
            labels = dict(enumerate(spoken(name.strip()) for name in names))
            hdf5.add(found, path, labels, prefix=f"{slug(source)}_{slug(path.stem)}", split=split, **fields)
    elif lists := _lists(root):
        found.detail = "resampled points"
        _resampled(found, root, lists, fields)
    else:
        found.detail = "meshes"
        for category, split, path in _split_folders(root):
            found.add(f"{slug(source)}_{slug(path.stem)}", path.absolute(), spoken(category), split=split,
                      up_axis="z" if path.suffix.lower() == ".off" else None, **fields)
    return found


def spoken(category: str) -> str:
    """A category as it is said: `night_stand` → `nightstand`."""
    return SPOKEN.get(category.lower(), category.replace("_", " ").strip().lower())


def _resampled(found: Found, root: Path, lists: dict[str, Path], fields: dict) -> None:
    for split, path in lists.items():
        for line in path.read_text(encoding="utf-8").split():
            category = line.rpartition("_")[0]
            target = root / category / f"{Path(line).name}.txt"
            if not category or not target.is_file():
                found.skip(target, f"named in {path.name}, but there is no such file")
                continue
            found.add(f"{slug(fields['source'])}_{slug(line)}", target.absolute(), spoken(category), split=split,
                      **fields)


def _lists(root: Path) -> dict[str, Path]:
    """split → list of model names; the list of 40 categories where there is one, else that of 10."""
    for stem in ("modelnet40", "modelnet10"):
        found = {split: root / f"{stem}_{split}.txt" for split in ("train", "test")}
        if all(path.is_file() for path in found.values()):
            return found
    return {}


def _hdf5_files(root: Path) -> list[tuple[Path, str]]:
    if not (root / "shape_names.txt").is_file():
        return []
    return [(path, split) for split in ("train", "test") for path in sorted(root.glob(f"*{split}*.h5"))]


def _split_folders(root: Path) -> list[tuple[str, str, Path]]:
    """(category, split, file) of `category/train/…`, if all models lie like that."""
    rows = []
    for category in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
        for folder in sorted(p for p in category.iterdir() if p.is_dir() and p.name in ("train", "test")):
            rows += [(category.name, SPLIT_NAMES[folder.name], path) for path in sorted(folder.glob("*.off"))]
    return rows
