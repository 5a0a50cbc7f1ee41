"""Another data folder: `objects.jsonl`, with `labels.json` and `audio.jsonl` where they are there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ..records import AUDIO, OBJECTS, read_labels, read_records, read_sounds
from .found import Found, Options

NAME, TITLE = "pack", "data folder"


def recognise(root: Path) -> bool:
    """Whether it holds objects.jsonl or audio.jsonl."""
    return (root / OBJECTS).is_file() or (root / AUDIO).is_file()


def scan(root: Path, options: Options) -> Found:
    """Its rows, paths made absolute."""
    found = Found(TITLE, root)
    if (root / OBJECTS).is_file():
        for record in read_records(root):
            row = dataclasses.asdict(record)
            row["path"] = None if record.path is None else str(record.path.absolute())
            row["images"] = [str(image.absolute()) for image in record.images]
            row["source"] = options.source or record.source or root.resolve().name
            row = {k: list(v) if isinstance(v, tuple) else v for k, v in row.items() if v not in (None, (), [])}
            found.objects.append({"path": None, **row})
        for label in read_labels(root).values():
            entry = {"category": label.category, "zh": label.zh, "synonyms": list(label.synonyms)}
            found.labels[label.name] = {k: v for k, v in entry.items() if v}
    for sound in read_sounds(root):
        row = dataclasses.asdict(sound)
        row["class"] = row.pop("name")
        found.sounds.append({k: v for k, v in row.items() if v is not None} | {"path": str(sound.path.absolute())})
    return found
