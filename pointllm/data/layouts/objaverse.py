"""Objaverse 1.0 (Deitke et al., arXiv 2212.08051) as its downloader leaves it.

    hf-objaverse-v1/
      glbs/000-023/8476c4170df24cf5bbe6967222d1a42d.glb
      lvis-annotations.json.gz         category → uids: the labels
      metadata/000-023.json.gz         uid → name, tags, licence, user
"""

from __future__ import annotations

import re
from pathlib import Path

from ..files import plain_name, slug
from .found import Found, Options, first_of, open_json, source_name, walk

NAME, TITLE = "objaverse", "Objaverse"
LVIS = ("lvis-annotations.json.gz", "lvis-annotations.json", "lvis_annotations.json")
LICENSES = {"by": "CC-BY-4.0", "by-sa": "CC-BY-SA-4.0", "by-nc": "CC-BY-NC-4.0", "by-nc-sa": "CC-BY-NC-SA-4.0",
            "by-nd": "CC-BY-ND-4.0", "by-nc-nd": "CC-BY-NC-ND-4.0", "cc0": "CC0-1.0"}
SENSE = re.compile(r"\s*\(([^)]*)\)")
MAX_TAGS = 12


def recognise(root: Path) -> bool:
    """Whether GLBs lie in numbered folders of `glbs`, or LVIS annotations beside them."""
    glbs = root / "glbs"
    numbered = glbs.is_dir() and any(re.fullmatch(r"\d{3}-\d{3}", p.name) for p in glbs.iterdir())
    return numbered or first_of(root, LVIS) is not None


def scan(root: Path, options: Options) -> Found:
    """Rows for all GLBs that LVIS names; with `options.unlabelled` also the others, labelled by their own names."""
    found = Found(TITLE, root)
    source = source_name(root, options, NAME)
    annotations = first_of(root, LVIS)
    labels = _labels(annotations) if annotations else {}
    metadata = _metadata(root)
    unnamed = 0
    for folder, _, names in walk(root):
        for name in names:
            path = folder / name
            if path.suffix.lower() not in (".glb", ".gltf", ".npy", ".npz"):
                continue
            about = metadata.get(path.stem, {})
            label = labels.get(path.stem)
            if label is None and options.unlabelled:
                label = plain_name(str(about.get("name") or "")) or None
            if label is None:
                unnamed += 1
                continue
            _add(found, path, label, about, source, options)
    found.detail = f"labels from {annotations.name}" if annotations else "no LVIS annotations"
    if unnamed:
        found.skip(root, f"{unnamed:,} objects that no LVIS category names; --unlabelled keeps those with a name")
    return found


def _add(found: Found, path: Path, label: str, about: dict, source: str, options: Options) -> None:
    name, *sense = spoken(label)
    user = about.get("user") if isinstance(about.get("user"), dict) else {}
    tags = [t.get("name") if isinstance(t, dict) else t for t in about.get("tags") or []]
    found.add(f"{slug(source)}_{slug(path.stem)}", path.absolute(), name, source=source,
              name=about.get("name") or None, license=LICENSES.get(about.get("license"), about.get("license"))
              or options.license, creator=user.get("displayName") or user.get("username") or options.creator,
              tags=[t for t in tags if isinstance(t, str)][:MAX_TAGS])
    if sense:
        found.labels[name].setdefault("synonyms", sense)


def spoken(category: str) -> list[str]:
    """An LVIS category as a label and its bare name: `bow_(weapon)` → `bow (weapon)`, `bow`."""
    name = " ".join(category.replace("_", " ").split())
    bare = SENSE.sub("", name)
    return [name] if bare == name or not bare else [name, bare]


def _labels(path: Path) -> dict[str, str]:
    entries = open_json(path)
    return {uid: category for category, uids in entries.items() for uid in uids} if isinstance(entries, dict) else {}


def _metadata(root: Path) -> dict[str, dict]:
    found: dict[str, dict] = {}
    folder = root / "metadata"
    for path in sorted(folder.glob("*.json*")) if folder.is_dir() else []:
        entries = open_json(path)
        if isinstance(entries, dict):
            found.update({uid: about for uid, about in entries.items() if isinstance(about, dict)})
    return found
