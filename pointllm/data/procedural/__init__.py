"""A generator of parametric objects with named parts, so that what is said of them is true.

One module a family of objects registers a function a label (`model.generator`); `solids` makes surfaces, `model` holds
chance, style and parts, `captions` the sentences, `generate` the data folder. Same seed, same objects.
"""

from __future__ import annotations

from . import (
    buildings,
    craft,
    creatures,
    food,
    kitchen,
    lamps,
    people,
    plants,
    quadrupeds,
    seats,
    street,
    tables,
    things,
    tools,
    vehicles,
)
from .generate import Generated, generate, make_object
from .model import GENERATORS

FAMILIES = (seats, tables, lamps, vehicles, craft, buildings, plants, kitchen, food, tools, street, things, quadrupeds,
            creatures, people)

__all__ = ["FAMILIES", "GENERATORS", "Generated", "generate", "make_object"]
