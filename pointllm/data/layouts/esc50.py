"""ESC-50 (Piczak, 2015): 2,000 recordings of five seconds in 50 classes, with the licence of each.

    ESC-50-master/
      meta/esc50.csv                    filename, fold, target, category, esc10, src_file, take
      audio/1-100032-A-0.wav
      LICENSE                           a line a clip: source, author, licence
"""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import DataError
from . import tables
from .found import Found, Options

NAME, TITLE = "esc50", "ESC-50"
SET_LICENSE, ESC10_LICENSE = "CC-BY-NC-3.0", "CC-BY-3.0"
CLIP_LICENSES = {"CC0": "CC0-1.0", "CC-BY": "CC-BY-3.0", "CC-BY-NC": "CC-BY-NC-3.0", "CC-SAMPLING+": "CC-Sampling+",
                 "SAMPLING+": "CC-Sampling+"}
CLIP = re.compile(r"- \[(\d-\d+-[A-Z])\.\w+\]:.*\((https?://\S+)\) by (.+?) \[([^\]]+)\]")

# Point-Bind (arXiv 2309.00615, section 3.2) pairs sounds with the ShapeNet categories that can make a sound and are
# within ESC-50 too: nine of the 55. It names four of them (airplane, clock, washing machine, keyboard) and lists the
# rest nowhere; the other five follow here from its criterion. ESC-50 class → ShapeNetCore category.
SHAPENET_SOUNDS = {
    "airplane": "airplane",              # named in the paper
    "clock_tick": "clock",               # named in the paper
    "clock_alarm": "clock",
    "washing_machine": "washing machine",  # named in the paper
    "keyboard_typing": "keyboard",       # named in the paper
    "car_horn": "car",                   # the paper's any-to-3D example
    "engine": "motorcycle",
    "train": "train",
    "can_opening": "can",
    "pouring_water": "faucet",
}
# The objects that make the other sounds, where one thing does; null where nothing solid does (rain, wind).
OTHER_SOUNDS = {
    "dog": "dog", "rooster": "chicken", "pig": "pig", "cow": "cow", "frog": "frog", "cat": "cat", "hen": "chicken",
    "insects": "bee", "sheep": "sheep", "crow": "bird", "chirping_birds": "bird", "crickets": "cricket",
    "crackling_fire": "campfire", "crying_baby": "child", "sneezing": "person", "clapping": "person",
    "breathing": "person", "coughing": "person", "footsteps": "person", "laughing": "person", "snoring": "person",
    "drinking_sipping": "person", "brushing_teeth": "toothbrush", "toilet_flush": "toilet", "door_wood_knock": "door",
    "door_wood_creaks": "door", "mouse_click": "computer mouse", "vacuum_cleaner": "vacuum cleaner",
    "glass_breaking": "glass", "helicopter": "helicopter", "chainsaw": "chainsaw", "siren": "ambulance",
    "church_bells": "bell", "fireworks": "firework", "hand_saw": "saw", "water_drops": "faucet",
}


def recognise(root: Path) -> bool:
    """Whether its table is there."""
    return (root / "meta" / "esc50.csv").is_file()


def scan(root: Path, options: Options) -> Found:
    """Rows of `audio.jsonl` for all clips that are there."""
    found = Found(TITLE, root)
    credits = _credits(root / "LICENSE")
    rows = tables.read_csv(root / "meta" / "esc50.csv")
    if rows and not {"filename", "category"} <= rows[0].keys():
        raise DataError(f"{root / 'meta' / 'esc50.csv'}: has no columns filename and category; download it again")
    for row in rows:
        path = root / "audio" / Path(row.get("filename", "")).name
        if not row.get("filename") or not path.is_file():
            found.skip(path, "named in esc50.csv, but there is no such file")
            continue
        category = row["category"].strip()
        clip = credits.get("-".join(path.stem.split("-")[:3]), {})
        part = ESC10_LICENSE if row.get("esc10", "").lower() == "true" else SET_LICENSE
        fold = row.get("fold", "")
        found.sounds.append({
            "path": str(path.absolute()), "class": category, "fold": int(fold) if fold.isdigit() else None,
            "object_label": SHAPENET_SOUNDS.get(category) or OTHER_SOUNDS.get(category),
            "license": clip.get("license", options.license or part), "creator": clip.get("creator", options.creator),
            "source_url": clip.get("source_url"),
        })
    shared = {s["object_label"] for s in found.sounds if s["class"] in SHAPENET_SOUNDS}
    classes = {s["class"] for s in found.sounds}
    found.detail = f"{len(classes)} classes, {len(shared)} of the 9 categories shared with ShapeNet"
    return found


def _credits(path: Path) -> dict[str, dict]:
    """Clip (fold-id-take) → license, creator, source_url."""
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8", errors="replace")
    return {m[1]: {"license": CLIP_LICENSES.get(m[4].upper(), m[4]), "creator": m[3], "source_url": m[2]}
            for m in CLIP.finditer(text)}
