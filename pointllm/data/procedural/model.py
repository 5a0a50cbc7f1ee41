"""A model under construction: its style, its random choices, its named and coloured parts.

A generator is a function that takes a `Model` and adds parts; it is registered with its label and category. What is
said of the object comes from the parts that were really added, so that captions are true.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...inputs.facts import color_names
from .solids import Solid, ball, box, cylinder, lathe, roughened, together, torus

# Centres of hue (degrees), saturation and value from which a colour is drawn; it is kept when the project's own naming
# of colours calls it by this name, so that "red" in a caption is what measured colours call red.
RANGES = {
    "red": ((-12, 10), (0.65, 1.0), (0.5, 0.95)),
    "orange": ((18, 42), (0.7, 1.0), (0.75, 1.0)),
    "yellow": ((48, 62), (0.6, 1.0), (0.75, 1.0)),
    "green": ((75, 155), (0.35, 0.95), (0.3, 0.85)),
    "cyan": ((168, 192), (0.4, 0.9), (0.5, 0.95)),
    "blue": ((198, 250), (0.45, 0.95), (0.35, 0.95)),
    "purple": ((256, 286), (0.4, 0.85), (0.35, 0.85)),
    "pink": ((300, 335), (0.3, 0.75), (0.75, 1.0)),
    "brown": ((16, 36), (0.4, 0.85), (0.25, 0.62)),
    "beige": ((28, 50), (0.15, 0.4), (0.78, 0.95)),
    "white": ((0, 360), (0.0, 0.08), (0.9, 1.0)),
    "gray": ((0, 360), (0.0, 0.1), (0.35, 0.8)),
    "black": ((0, 360), (0.0, 0.4), (0.04, 0.17)),
}
GAUDY = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink")
WOOD = ("brown", "brown", "brown", "beige")
METAL = ("gray", "gray", "black", "white")
PAINT = (*GAUDY, "white", "gray", "black", "beige")
STYLES = ("boxy", "low-poly", "smooth")


@dataclass(frozen=True)
class Color:
    """A colour and what it is called."""

    name: str
    rgb: tuple[int, int, int]


@dataclass
class Part:
    """What is said of a part: how many there are, and their colour where they share one."""

    name: str
    count: int
    color: str | None


@dataclass
class Model:
    """The object so far. traits: adjectives and clauses that are true of it."""

    label: str
    rng: np.random.Generator
    style: str = "smooth"
    solids: list[tuple[Solid, Color]] = field(default_factory=list)
    parts: dict[str, Part] = field(default_factory=dict)
    traits: list[str] = field(default_factory=list)

    # ---- chance
    def u(self, low: float, high: float) -> float:
        """A number between two."""
        return float(self.rng.uniform(low, high))

    def i(self, low: int, high: int) -> int:
        """A whole number from low to high."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        """True that often."""
        return bool(self.rng.random() < probability)

    def pick(self, choices: Sequence):
        """One of several."""
        return choices[int(self.rng.integers(len(choices)))]

    def color(self, *names: str) -> Color:
        """A shade of one of the colours named, of any paint without names."""
        name = self.pick(names or PAINT)
        hue, saturation, value = RANGES[name]
        for _ in range(60):
            rgb = hsv(self.u(*hue), self.u(*saturation), self.u(*value))
            if color_names(np.array([rgb]))[0] == name:
                break
        return Color(name, tuple(int(round(255 * channel)) for channel in rgb))

    # ---- style
    @property
    def n(self) -> int:
        """Segments of a round thing, as the style has it."""
        return {"boxy": 4, "low-poly": self.i(5, 8), "smooth": self.i(16, 24)}[self.style]

    @property
    def fine(self) -> int:
        """Segments of something that must be seen to be round: a wheel, a plate."""
        return {"boxy": 8, "low-poly": self.i(8, 10), "smooth": 24}[self.style]

    @property
    def bevel(self) -> float:
        """Of boxes."""
        return {"boxy": 0.0, "low-poly": self.pick((0.0, 0.08)), "smooth": self.u(0.03, 0.12)}[self.style]

    def block(self, width: float, height: float, depth: float) -> Solid:
        """A box in the model's style."""
        return box(width, height, depth, self.bevel)

    def rod(self, radius: float, height: float, top: float | None = None) -> Solid:
        """A leg or post in the model's style, along y about the origin."""
        wider = 1.25 if self.style == "boxy" else 1.0  # a square bar as thick as the round one
        return cylinder(radius * wider, height, self.n, None if top is None else top * wider)

    def round(self, radius: float, height: float, top: float | None = None) -> Solid:
        """A disc or drum that stays round in every style, along y about the origin."""
        return cylinder(radius, height, self.fine, top)

    def lump(self, x: float, y: float | None = None, z: float | None = None) -> Solid:
        """An ellipsoid; a box in boxy style."""
        y, z = x if y is None else y, x if z is None else z
        if self.style == "boxy":
            return box(1.75 * x, 1.75 * y, 1.75 * z)
        return ball(x, y, z, max(8, self.n + (self.n % 2)))

    def turned(self, profile: Sequence[tuple[float, float]]) -> Solid:
        """Something from the lathe."""
        return lathe(profile, self.fine)

    def rough(self, solid: Solid, amount: float) -> Solid:
        """Made uneven in low-poly style, left as it is in others."""
        return roughened(solid, amount, self.rng) if self.style == "low-poly" else solid

    def wheel(self, radius: float, width: float) -> Solid:
        """A tyre that rolls along z, about the origin."""
        return cylinder(radius, width, self.fine).turned("z", 90)

    def hoop(self, radius: float, thickness: float, arc: float = 360.0) -> Solid:
        """A ring in the xz plane."""
        return torus(radius, thickness, max(12, self.fine), 6 if self.style != "smooth" else 8, arc)

    # ---- parts
    def part(self, name: str | None, solid: Solid | Sequence[Solid], color: Color, count: int | None = None) -> None:
        """Add a part; several solids count as so many parts. Without a name it is seen but not spoken of."""
        pieces = [solid] if isinstance(solid, Solid) else list(solid)
        if not pieces:
            return
        self.solids.append((together(pieces), color))
        if name is None:
            return
        number = len(pieces) if count is None else count
        known = self.parts.get(name)
        if known is None:
            self.parts[name] = Part(name, number, color.name)
        else:
            known.count += number
            known.color = known.color if known.color == color.name else None

    def trait(self, text: str) -> None:
        """Add an adjective that is true of the whole."""
        self.traits.append(text)

    def mesh(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """vertices (V, 3) float32 standing on y = 0 and centred, faces (F, 3) int64, colors (V, 3) uint8."""
        total = together([solid for solid, _ in self.solids])
        colors = np.concatenate(
            [np.tile(np.uint8(color.rgb), (len(solid.vertices), 1)) for solid, color in self.solids]
        )
        stretch = self.rng.uniform(0.93, 1.07, 3)
        vertices = total.vertices * stretch
        centre = (vertices.min(0) + vertices.max(0)) / 2
        vertices -= (centre[0], vertices[:, 1].min(), centre[2])
        return vertices.astype(np.float32), total.faces, colors


def hsv(hue: float, saturation: float, value: float) -> tuple[float, float, float]:
    """RGB in [0, 1] from hue in degrees, saturation and value in [0, 1]."""
    import colorsys

    return colorsys.hsv_to_rgb((hue % 360) / 360, saturation, value)


@dataclass(frozen=True)
class Generator:
    """One kind of object. styles: those it is made in."""

    label: str
    category: str
    make: Callable[[Model], None]
    styles: tuple[str, ...] = STYLES


GENERATORS: dict[str, Generator] = {}


def generator(label: str, category: str, styles: tuple[str, ...] = STYLES):
    """Register a function as the generator of a label."""

    def register(make: Callable[[Model], None]) -> Callable[[Model], None]:
        GENERATORS[label] = Generator(label, category, make, styles)
        return make

    return register


def legs_at(
    model: Model, x: float, z: float, height: float, radius: float, splay: float = 0.0, taper: float = 1.0
) -> list[Solid]:
    """Four legs from the ground to `height` under the corners (±x, ±z); splay moves their feet outwards."""
    from .solids import tube

    legs = []
    for sx in (-1, 1):
        for sz in (-1, 1):
            if splay or model.style != "boxy":
                foot = (sx * (x + splay), 0.0, sz * (z + splay))
                legs.append(tube([foot, (sx * x, height, sz * z)], [radius * taper, radius], max(4, model.n)))
            else:
                legs.append(box(2 * radius, height, 2 * radius).at(sx * x, height / 2, sz * z))
    return legs
