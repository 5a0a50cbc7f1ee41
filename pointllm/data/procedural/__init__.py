"""A generator of parametric objects with named parts, so that what is said of them is true.

One module a family of objects registers a function a label (`model.generator`); `solids` makes surfaces, `model` holds
chance, style and parts, `captions` the sentences, `generate` the data folder. Same seed, same objects.
"""

from __future__ import annotations

from . import (
    aircraft,
    appliances,
    belongings,
    buildings,
    containers,
    creatures,
    electronics,
    food,
    kitchen,
    lamps,
    machines,
    nature,
    people,
    plants,
    quadrupeds,
    sea_animals,
    seats,
    street,
    structures,
    tables,
    tools,
    toys,
    vehicles,
    watercraft,
)
from .generate import Generated, generate, make_object
from .model import GENERATORS

FAMILIES = (
    aircraft,
    appliances,
    belongings,
    buildings,
    containers,
    creatures,
    electronics,
    food,
    kitchen,
    lamps,
    machines,
    nature,
    people,
    plants,
    quadrupeds,
    sea_animals,
    seats,
    street,
    structures,
    tables,
    tools,
    toys,
    vehicles,
    watercraft,
)

__all__ = ["FAMILIES", "GENERATORS", "Generated", "generate", "make_object"]
