"""All that can be said of a label or an object in words: names, other names, captions, filled into the templates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .records import Label, Record
from .templates import TEMPLATES, fill


def names_of(label: Label) -> list[str]:
    """A label's name and its synonyms, each once, the name first."""
    found = {}
    for name in (label.name, *label.synonyms):
        if name.strip():
            found.setdefault(" ".join(name.split()).lower(), " ".join(name.split()))
    return list(found.values())


def label_texts(label: Label, templates: Sequence[str] = TEMPLATES, captions: Iterable[str] = ()) -> list[str]:
    """Every sentence about a label: each of its names in each template, then the captions; each once.

    Each name gives `len(templates)` sentences in a row (64 by default), so that the mean over a name's templates, the
    aggregated text of Point-Bind's equation 3, can be taken from a reshape of the first `len(names) · len(templates)`.
    """
    filled = [sentence for name in names_of(label) for sentence in fill(name, templates)]
    return filled + [caption for caption in dict.fromkeys(captions) if caption not in filled]


def object_texts(record: Record, label: Label | None = None, templates: Sequence[str] = TEMPLATES) -> list[str]:
    """Every sentence about one object: its label's, and its own captions."""
    return label_texts(label or Label(record.label), templates, record.captions)
