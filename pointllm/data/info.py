"""What a data folder holds, counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from .records import read_labels, read_records, read_sounds

UNKNOWN = "(unknown)"


def describe(folder: str | Path) -> dict:
    """Counts as plain values, ready for JSON.

    "objects", "labels", "sounds"; "splits", "categories", "sources", "licenses", "labels_by_count": name → count,
    largest first; "labels_of_one", "labels_without_objects": how many; "with_colors", "with_captions",
    "with_images", "with_file": how many objects; "sound_classes": class → count
    """
    records, labels, sounds = read_records(folder), read_labels(folder), read_sounds(folder)
    by_label = Counter(r.label for r in records)
    return {
        "folder": str(folder),
        "objects": len(records),
        "labels": len(by_label),
        "sounds": len(sounds),
        "splits": _counts(r.split for r in records),
        "categories": _counts(r.category for r in records),
        "sources": _counts(r.source for r in records),
        "licenses": _counts(r.license for r in records),
        "labels_by_count": _counts(r.label for r in records),
        "labels_of_one": sum(count == 1 for count in by_label.values()),
        "labels_without_objects": len(set(labels) - set(by_label)),
        "with_file": sum(r.path is not None for r in records),
        "with_colors": sum(bool(r.colors) for r in records),
        "with_captions": sum(bool(r.captions) for r in records),
        "with_images": sum(bool(r.images) for r in records),
        "sound_classes": _counts(s.name for s in sounds),
    }


def _counts(values) -> dict[str, int]:
    return dict(Counter(value or UNKNOWN for value in values).most_common())
