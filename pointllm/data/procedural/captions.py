"""Sentences that are true of a generated object: its parts, how many of each, their colours, and what sets it apart.

Everything said comes from what was built (`Model.parts`, `Model.traits`) or was measured on it (the colours of the
whole); nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..templates import with_article
from .model import Model, Part

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
STYLE = {"boxy": "blocky", "low-poly": "low-poly", "smooth": "smooth"}
IRREGULAR = {"foot": "feet", "tooth": "teeth", "leaf": "leaves", "shelf": "shelves", "knife": "knives"}
UNCOUNTED = {
    "fleece",
    "hair",
    "soil",
    "water",
    "foliage",
    "inside",
    "pages",
    "icing",
    "food",
    "drink",
    "cloth",
    "canvas",
    "glass",
    "wax",
    "flesh",
    "treasure",
    "dough",
    "load",
    "content",
    "bark",
}
MANY = 12  # beyond, a number is no longer said


def plural(name: str) -> str:
    """`leg` → `legs`, `foot` → `feet`, `glass box` → `glass boxes`."""
    first, _, last = name.rpartition(" ")
    ending = IRREGULAR.get(last)
    if ending is None:
        if last.endswith(("s", "x", "ch", "sh")):
            ending = f"{last}es"
        elif last.endswith("y") and last[-2:-1] not in "aeiou":
            ending = f"{last[:-1]}ies"
        else:
            ending = f"{last}s"
    return f"{first} {ending}".strip()


def counted(part: Part, with_color: bool = True) -> str:
    """A part with its number and colour: `four black legs`, `a red seat`."""
    color = f"{part.color} " if with_color and part.color and part.color not in part.name.split() else ""
    if part.name in UNCOUNTED:
        return f"{color}{part.name}"
    if part.count == 1:
        return with_article(f"{color}{part.name}")
    number = WORDS[part.count] if part.count <= MANY else "many"
    return f"{number} {color}{plural(part.name)}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def captions(model: Model, colors: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Three to five sentences about a model whose measured colours are `colors`."""
    label, parts = model.label, list(model.parts.values())
    said = []
    main = f"{colors[0]} " if colors and rng.random() < 0.7 else ""
    trait = str(rng.choice(model.traits)) if model.traits else ""
    adjective = trait if trait and " " not in trait else ""
    clause = (
        ""
        if adjective or not trait
        else (f" {trait}" if trait.startswith(("with", "of", "in", "on", "lying")) else f", {trait},")
    )
    subject = with_article(" ".join(f"{adjective} {main}{label}".split()))
    chosen = [parts[k] for k in sorted(rng.choice(len(parts), min(len(parts), int(rng.integers(2, 4))), replace=False))]
    said.append(
        f"{subject}{clause} with {listed([counted(p) for p in chosen])}".replace(",,", ",")
        if not clause.startswith((" with", ","))
        else f"{subject}{clause.rstrip(',')}"
    )
    colored = [p for p in parts if p.color]
    if colored:
        few = [colored[k] for k in sorted(rng.choice(len(colored), min(len(colored), 2), replace=False))]
        facts = [
            f"its {p.name if p.count == 1 or p.name in UNCOUNTED else plural(p.name)} "
            f"{'is' if p.count == 1 or p.name in UNCOUNTED else 'are'} {p.color}"
            for p in few
        ]
        said.append(f"{with_article(label)}: {listed(facts)}")
    names = [p.name if p.count == 1 or p.name in UNCOUNTED else plural(p.name) for p in parts]
    said.append(
        f"the parts of this {label} are the {listed(names)}"
        if len(names) > 1
        else f"this {label} is made of {counted(parts[0])}"
    )
    several = [p for p in parts if 2 <= p.count <= MANY and p.name not in UNCOUNTED]
    if several:
        part = several[int(rng.integers(len(several)))]
        said.append(f"this {label} has {counted(part, with_color=False)}")
    said.append(
        f"{with_article(STYLE[model.style] + ' ' + label)} in "
        f"{listed([color for color in colors]) if colors else 'no particular colour'}"
    )
    return list(dict.fromkeys(" ".join(text.split()) for text in said))
