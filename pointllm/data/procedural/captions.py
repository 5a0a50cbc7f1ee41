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
    thing = with_article(label)
    this, its, has, are = ("these", "their", "have", "are") if thing == label else ("this", "its", "has", "is")
    said = [_introduced(model, colors, rng)]
    if colored := [p for p in parts if p.color]:
        facts = [f"{its} {_named(p)} {'is' if _is_one(p) else 'are'} {p.color}" for p in _some(colored, 2, rng)]
        said.append(f"{thing}: {listed(facts)}")
    if len(parts) > 1:
        said.append(f"the parts of {this} {label} are the {listed([_named(p) for p in parts])}")
    else:
        said.append(f"{this} {label} {are} made of {counted(parts[0])}")
    if several := [p for p in parts if 2 <= p.count <= MANY and p.name not in UNCOUNTED]:
        said.append(f"{this} {label} {has} {counted(_some(several, 1, rng)[0], with_color=False)}")
    if colors:
        said.append(f"{with_article(f'{STYLE[model.style]} {label}')} in {listed(list(colors))}")
    return list(dict.fromkeys(" ".join(text.split()) for text in said))


def _introduced(model: Model, colors: Sequence[str], rng: np.random.Generator) -> str:
    """The object with what sets it apart, else with some of its parts."""
    trait = str(rng.choice(model.traits)) if model.traits else ""
    adjective = trait if " " not in trait else ""
    main = colors[0] if colors and rng.random() < 0.7 else ""
    subject = with_article(" ".join(f"{adjective} {main} {model.label}".split()))
    if trait and not adjective:
        return f"{subject} {trait}" if trait.startswith(("with", "of", "in", "on", "lying")) else f"{subject}, {trait}"
    parts = _some(list(model.parts.values()), int(rng.integers(2, 4)), rng)
    return f"{subject} with {listed([counted(p) for p in parts])}"


def _some(parts: list[Part], count: int, rng: np.random.Generator) -> list[Part]:
    """Up to `count` of the parts, in their order."""
    return [parts[k] for k in sorted(rng.choice(len(parts), min(len(parts), count), replace=False))]


def _is_one(part: Part) -> bool:
    return part.count == 1 or part.name in UNCOUNTED


def _named(part: Part) -> str:
    return part.name if _is_one(part) else plural(part.name)
