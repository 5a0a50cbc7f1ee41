"""Animals that swim. They face along z."""

from __future__ import annotations

import numpy as np

from .creatures import eyes
from .model import Color, Model, generator
from .solids import curve, extrude, loft, torus, tube

BRIGHT = ("red", "blue", "yellow", "green", "orange", "cyan", "purple", "pink", "white", "gray", "brown", "black")


def fish_body(m: Model, long: float, deep: float, thin: float, coat: Color, belly: Color | None, y: float) -> None:
    """A fish's body along z, its tail at -z."""
    if m.style == "boxy":
        m.part("body", m.lump(thin * long, deep * long, long * 0.42).at(0, y, 0), coat)
        return
    n = max(8, m.fine // 2)
    angle = 2 * np.pi * (np.arange(n) + 0.5) / n
    rings = []
    for t in np.linspace(0, 1, 11):
        s = np.sin(np.pi * t**0.75) ** 0.75 * (1 - 0.1 * t) + 0.06
        rings.append(
            np.column_stack(
                [
                    thin * long * s * np.cos(angle),
                    y + deep * long * s * np.sin(angle),
                    np.full(n, (0.5 - t * 0.92) * long),
                ]
            )
        )
    m.part("body", loft(rings), coat)
    if belly is not None:
        m.part(
            "belly",
            m.lump(thin * long * 0.9, deep * long * 0.6, long * 0.3).at(0, y - deep * long * 0.38, 0.06 * long),
            belly,
        )


def fin(points: list[tuple[float, float]], thick: float = 0.015):
    """A fin in the yz plane from its outline (z, y)."""
    return extrude(points, thick).turned("y", -90)


@generator("fish", "animal")
def fish(m: Model) -> None:
    coat, trim = m.color(*BRIGHT), m.color(*BRIGHT)
    long, deep, y = m.u(0.25, 0.4), m.u(0.17, 0.34), 0.2
    fish_body(m, long, deep, m.u(0.08, 0.15), coat, m.color("white", "yellow", "beige") if m.chance(0.3) else None, y)
    back, top = -long * 0.4, y + deep * long
    m.part(
        "tail fin",
        fin(
            [
                (back + 0.02, y),
                (back - long * 0.28, y + deep * long * 0.95),
                (back - long * 0.2, y),
                (back - long * 0.28, y - deep * long * 0.95),
            ]
        ),
        trim,
    )
    m.part(
        "dorsal fin",
        fin(
            [
                (long * 0.2, top * 0.96),
                (-long * 0.05, top + deep * long * 0.5),
                (-long * 0.25, top - deep * long * 0.22),
            ]
        ),
        trim,
    )
    m.part(
        "side fin",
        [
            m.lump(0.012, long * 0.06, long * 0.12).turned("y", s * 30).at(s * long * 0.15, y - 0.02, long * 0.08)
            for s in (-1, 1)
        ],
        trim,
    )
    eyes(m, long * 0.085, y + deep * long * 0.3, long * 0.34, long * 0.025, white=True)
    stripes = m.i(0, 4)
    m.part(
        "stripe",
        [
            torus(deep * long * 0.95, 0.012, 14, 5)
            .turned("x", 90)
            .scaled(0.46, 1, 1)
            .at(0, y, (0.22 - 0.13 * k) * long)
            for k in range(stripes)
        ],
        m.color("white", "black", "yellow", "orange"),
    )


@generator("shark", "animal")
def shark(m: Model) -> None:
    coat, long, y = m.color("gray", "gray", "blue"), m.u(1.2, 1.8), 0.5
    fish_body(m, long, 0.13, 0.12, coat, m.color("white"), y)
    m.part(
        "dorsal fin",
        fin([(0.1 * long, y + 0.11 * long), (-0.1 * long, y + 0.3 * long), (-0.1 * long, y + 0.1 * long)], 0.04),
        coat,
    )
    m.part(
        "tail fin",
        fin(
            [(-0.36 * long, y), (-0.6 * long, y + 0.3 * long), (-0.46 * long, y), (-0.55 * long, y - 0.15 * long)], 0.04
        ),
        coat,
    )
    for s in (-1, 1):
        rings = [
            [
                (s * x, y - 0.04 * long - d, c / 2 - b),
                (s * x, y - 0.03 * long - d, -b),
                (s * x, y - 0.04 * long - d, -c / 2 - b),
                (s * x, y - 0.05 * long - d, -b),
            ]
            for x, c, b, d in (
                (0.06 * long, 0.2 * long, -0.12 * long, 0),
                (0.34 * long, 0.05 * long, 0.02 * long, 0.06 * long),
            )
        ]
        m.part("side fin", loft(rings), coat)
    eyes(m, 0.085 * long, y + 0.03 * long, 0.38 * long, 0.016 * long)
    m.part(
        "mouth",
        m.lump(0.06 * long, 0.006 * long, 0.03 * long).at(0, y - 0.06 * long, 0.4 * long),
        m.color("red", "black"),
    )


@generator("whale", "animal")
def whale(m: Model) -> None:
    coat, belly = m.color("blue", "blue", "gray", "black"), m.color("white", "beige", "gray")
    long, y = m.u(1.6, 2.2), 0.55
    fish_body(m, long, 0.21, 0.2, coat, belly, y)
    root = -long * 0.4
    for s in (-1, 1):
        m.part("fluke", m.lump(0.2, 0.03, 0.1).turned("y", s * 28).at(s * 0.17, y + 0.1, root - 0.12), coat)
        m.part("flipper", m.lump(0.2, 0.03, 0.09).turned("z", -s * 25).at(s * long * 0.23, y - 0.2, long * 0.18), coat)
    m.part(None, tube([(0, y, root + 0.1), (0, y + 0.1, root - 0.12)], [0.1, 0.05], 8), coat)
    eyes(m, long * 0.155, y, long * 0.3, 0.028, white=True)
    if m.chance(0.5):
        m.part(
            "spout",
            [
                tube(
                    curve(
                        [
                            (0, y + long * 0.2, long * 0.1),
                            (0, y + long * 0.32, long * 0.1),
                            (s * 0.12, y + long * 0.34, long * 0.1),
                            (s * 0.16, y + long * 0.26, long * 0.1),
                        ],
                        7,
                    ),
                    np.linspace(0.035, 0.015, 7),
                    6,
                )
                for s in (-1, 1)
            ],
            m.color("cyan", "white"),
        )


@generator("dolphin", "animal", ("low-poly", "smooth"))
def dolphin(m: Model) -> None:
    coat, long, y = m.color("gray", "blue", "cyan"), m.u(1.0, 1.4), 0.4
    fish_body(m, long, 0.13, 0.12, coat, m.color("white", "gray"), y)
    m.part("snout", tube([(0, y - 0.01, long * 0.42), (0, y - 0.03, long * 0.6)], [0.07 * long, 0.035 * long], 8), coat)
    m.part(
        "dorsal fin",
        fin([(0.08 * long, y + 0.11 * long), (-0.1 * long, y + 0.24 * long), (-0.06 * long, y + 0.1 * long)], 0.03),
        coat,
    )
    for s in (-1, 1):
        m.part(
            "fluke",
            m.lump(0.12 * long, 0.015 * long, 0.06 * long)
            .turned("y", s * 28)
            .at(s * 0.1 * long, y + 0.01, -0.47 * long),
            coat,
        )
        m.part(
            "flipper",
            m.lump(0.12 * long, 0.016 * long, 0.05 * long)
            .turned("z", -s * 30)
            .turned("y", s * 20)
            .at(s * 0.16 * long, y - 0.1 * long, 0.14 * long),
            coat,
        )
    eyes(m, 0.1 * long, y + 0.03 * long, 0.33 * long, 0.018 * long)
