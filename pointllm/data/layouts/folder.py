"""A folder of any 3D files: labels from sub-folders, or from a table beside them.

    models/                      models/
      chair/oak.glb                metadata.csv      path,label,split
      chair/stool_02.obj           a.glb
      lamp/desk/model.gltf         b.ply
"""

from __future__ import annotations

from pathlib import Path

from ...errors import DataError
from ...inputs.formats import READERS
from ..files import plain_name, slug
from . import tables
from .found import SPLIT_NAMES, Found, Options, is_shape, source_name, walk

NAME, TITLE = "folder", "folder of 3D files"
# File names that say nothing: the folder is the object then, and its parent the label.
HOLLOW = {"model", "mesh", "scene", "object", "untitled", "model normalized", "textured", "source", "export"}
# Folders that say nothing about what is in them.
PASSED = {"models", "meshes", "objects", "glb", "glbs", "gltf", "obj", "ply", "data", "files", "3d", "assets",
          "samples", "examples"}
# Of several files of one name, the first of these is taken: what carries most comes first.
PREFERRED = (".glb", ".gltf", ".obj", ".3mf", ".dae", ".ply", ".off", ".stl")


def recognise(root: Path) -> bool:
    """Whether there is any 3D file below."""
    return any(is_shape(folder / name) for folder, _, names in walk(root) for name in names)


def scan(root: Path, options: Options) -> Found:
    """Rows for all 3D files below `root`."""
    found = Found(TITLE, root)
    table = options.table or next((root / name for name in tables.NAMES if (root / name).is_file()), None)
    if table is not None and not table.is_file():
        raise DataError(f"{table}: no such table; name a CSV or JSONL file with --table")
    source = source_name(root, options)
    if table is not None:
        found.detail = f"labels from {table.name}"
        _by_table(found, root, table, source)
    else:
        found.detail = f"labels from {'file names' if options.label_from == 'name' else 'folders'}"
        _by_folders(found, root, source, options.label_from == "name")
    return found


def _by_table(found: Found, root: Path, table: Path, source: str) -> None:
    seen: set[str] = set()
    for row in tables.read_table(table):
        where, value, label = row.pop("where"), row.pop("path"), row.pop("label")
        if not value:
            found.skip(where, "no path in this row")
            continue
        path = (root / value).resolve()
        if not Path(value).is_absolute() and not path.is_relative_to(root.resolve()):
            found.skip(where, f"path {value!r} leaves the folder")
            continue
        if not label:
            found.skip(path, "no label in the table")
            continue
        identifier = row.pop("id", None) or f"{slug(source)}_{slug(str(Path(value).with_suffix('')))}"
        if identifier in seen:
            found.skip(path, f"id {identifier!r} is in the table before")
            continue
        seen.add(identifier)
        synonyms = row.pop("synonyms", [])
        if "split" in row:
            row["split"] = SPLIT_NAMES.get(row["split"].lower(), "train")
        row["images"] = [str((root / image).resolve()) for image in row.get("images", [])]
        found.add(identifier, path, label, **{"source": source, **row})
        known = found.labels[label].setdefault("synonyms", [])
        known += [s for s in synonyms if s not in known and s != label]


def _by_folders(found: Found, root: Path, source: str, by_name: bool) -> None:
    taken: dict[str, Path] = {}
    for folder, _, names in walk(root):
        stems: dict[str, Path] = {}
        for path in sorted((folder / name for name in names), key=_rank):
            if not is_shape(path):
                continue
            first = stems.setdefault(path.stem, path)
            if first is not path:
                found.skip(path, f"the same name as {first.name}, which is taken")
                continue
            label, split, category = _place(path.relative_to(root))
            if by_name and plain_name(path.stem) not in ("", *HOLLOW):
                label = plain_name(path.stem)
            if label is None:
                found.skip(path, "no label: put it into a folder named after what it is, or give a --table")
                continue
            base = f"{slug(source)}_{slug(str(path.relative_to(root).with_suffix('')))}"
            identifier, number = base, 2
            while identifier in taken:
                identifier, number = f"{base}_{number}", number + 1
            taken[identifier] = path
            found.add(identifier, path.resolve(), label, source=source, split=split, category=category,
                      name=plain_name(path.stem) or None)


def _rank(path: Path) -> tuple[int, str]:
    suffix = path.suffix.lower()
    return (PREFERRED.index(suffix) if suffix in PREFERRED else len(READERS), path.name)


def _place(relative: Path) -> tuple[str | None, str | None, str | None]:
    """Label, split and category that a path says: `furniture/chair/train/oak.glb` → chair, train, furniture."""
    parts = list(relative.parts[:-1])
    split = next((SPLIT_NAMES[p.lower()] for p in parts if p.lower() in SPLIT_NAMES), None)
    parts = [p for p in parts if p.lower() not in SPLIT_NAMES]
    stem = plain_name(relative.stem)
    if stem in HOLLOW:
        # models/chair/oak/model.obj: "oak" names the object; model.obj alone in "chair": the folder names it
        parts = parts[:-1] if len([p for p in parts if p.lower() not in PASSED]) > 1 else parts
    parts = [name for part in parts if (name := plain_name(part)) and name not in PASSED]
    if parts:
        return parts[-1], split, parts[-2] if len(parts) > 1 else None
    return (stem if stem and stem not in HOLLOW else None), split, None
