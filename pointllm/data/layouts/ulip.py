"""Triplets as ULIP's (Xue et al., arXiv 2212.05171; 2305.08275): point clouds, rendered images, captions, by one id.

    triplets/
      shapenet_pc/02691156-10155655850468db78d106ce0a280f87.npy     (or point_clouds/, pc/, objaverse_pc_parallel/…)
      rendered_images/02691156-10155655850468db78d106ce0a280f87/*.png
      captions.json            id → sentence, list of sentences, or {"label": …, "captions": […]}
      labels.json              id → label; else the synset in the id, or the folder, says it
      train.txt, test.txt      ids or file names of the splits
"""

from __future__ import annotations

import re
from pathlib import Path

from ..files import plain_name, slug
from . import tables
from .found import PICTURES, Found, Options, first_of, open_json, pictures_in, source_name, walk
from .shapenet import CORE, read_taxonomy, split_names

NAME, TITLE = "ulip", "ULIP triplets"
CLOUDS = ("point_clouds", "pointclouds", "shapenet_pc", "objaverse_pc_parallel", "pc", "clouds", "points")
IMAGES = ("rendered_images", "images", "renders", "views")
POINTS_SUFFIX = re.compile(r"_\d{3,6}$")  # of names such as <uid>_8192.npz


def recognise(root: Path) -> bool:
    """Whether a folder of clouds lies beside one of images or beside captions."""
    return first_of(root, CLOUDS) is not None and (first_of(root, IMAGES) is not None or bool(_caption_files(root)))


def scan(root: Path, options: Options) -> Found:
    """Rows for all clouds that something labels, with their images and captions."""
    found = Found(TITLE, root)
    source = source_name(root, options, "ulip-triplets")
    clouds, images = first_of(root, CLOUDS), first_of(root, IMAGES)
    captions, said = _captions(root)
    labels = _labels(root) | said
    taxonomy = read_taxonomy(root)
    synsets = taxonomy | {synset: f"{ours},{taxonomy.get(synset, '')}" for synset, ours in CORE.items()}
    splits = _splits(root)
    pictures = _pictures(images)
    for folder, _, names in walk(clouds):
        for name in names:
            path = folder / name
            if path.suffix.lower() not in (".npy", ".npz", ".ply"):
                continue
            key = POINTS_SUFFIX.sub("", path.stem)
            label, synonyms = labels.get(key), []
            if label is None and (match := re.match(r"(\d{8})-", key)) and match[1] in synsets:
                label, *synonyms = split_names(synsets[match[1]])
            if label is None and folder != clouds and folder.name != key:
                label = plain_name(folder.name) or None
            if label is None:
                found.skip(path, "no label: neither labels.json, nor captions, nor synset, nor folder say what it is")
                continue
            found.add(f"{slug(source)}_{slug(key)}", path.absolute(), label, source=source, split=splits.get(key),
                      license=options.license, images=pictures.get(key), captions=captions.get(key))
            if synonyms:
                found.labels[label].setdefault("synonyms", synonyms)
    with_images = sum("images" in row for row in found.objects)
    with_captions = sum("captions" in row for row in found.objects)
    found.detail = f"{with_images:,} with images, {with_captions:,} with captions"
    return found


def _caption_files(root: Path) -> list[Path]:
    files = sorted(p for p in root.glob("*caption*") if p.suffix.lower() in (".json", ".jsonl", ".csv"))
    for folder in sorted(p for p in root.glob("*caption*") if p.is_dir()):
        files += sorted(folder.glob("*.json"))
    return files


def _captions(root: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """id → sentences, and id → label where an entry has one; a folder of captions holds one file an id."""
    captions, labels = {}, {}
    for path in _caption_files(root):
        if path.parent != root:
            entries = {path.stem: open_json(path)}
            captions[path.stem] = tables.sentences(entries[path.stem])
        else:
            captions |= tables.read_captions(path)
            entries = open_json(path) if path.suffix.lower() == ".json" else {}
        for key, entry in entries.items():
            if isinstance(entry, dict) and isinstance(entry.get("label"), str):
                labels[key] = entry["label"].strip()
    return captions, labels


def _labels(root: Path) -> dict[str, str]:
    path = root / "labels.json"
    entries = open_json(path) if path.is_file() else {}
    return {k: v.strip() for k, v in entries.items() if isinstance(v, str)} if isinstance(entries, dict) else {}


def _splits(root: Path) -> dict[str, str]:
    found = {}
    for split in ("train", "val", "test"):
        path = root / f"{split}.txt"
        if path.is_file():
            for word in path.read_text(encoding="utf-8", errors="replace").split():
                name = Path(word).name
                name = Path(name).stem if name.endswith((".npy", ".npz", ".ply")) else name
                found[POINTS_SUFFIX.sub("", name)] = split
    return found


def _pictures(images: Path | None) -> dict[str, list[str]]:
    """id → pictures: a folder an id, or files that begin with it and a number."""
    found: dict[str, list[str]] = {}
    for entry in sorted(images.iterdir()) if images else []:
        if entry.is_dir():
            found[entry.name] = pictures_in(entry)
        elif entry.suffix.lower() in PICTURES:
            found.setdefault(re.sub(r"_r?_?\d+$", "", entry.stem), []).append(str(entry))
    return found
