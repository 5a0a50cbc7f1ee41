"""Animals that fly, hop or crawl. They face along z."""

from __future__ import annotations

import numpy as np

from .model import Color, Model, generator
from .solids import ball, curve, extrude, lathe, loft, torus, tube

BRIGHT = ("red", "blue", "yellow", "green", "orange", "cyan", "purple", "pink", "white", "gray", "brown", "black")


def eyes(m: Model, x: float, y: float, z: float, r: float, white: bool = False) -> None:
    """Two eyes at ±x."""
    if white:
        m.part(None, [ball(r * 1.6, segments=10).at(s * x, y, z) for s in (-1, 1)], m.color("white"))
        z, x = z + r * 0.9, x * 1.08
    m.part("eye", [ball(r, segments=8).at(s * x, y, z) for s in (-1, 1)], m.color("black"))


def beak(m: Model, at: tuple[float, float, float], long: float, r: float, color: Color, droop: float = 0.0) -> None:
    """A cone along z."""
    m.part(
        "beak",
        lathe([(r, 0), (r * 0.6, long * 0.5), (0.001, long)], max(6, m.n // 2)).turned("x", 90 + droop).at(*at),
        color,
    )


@generator("bird", "animal")
def bird(m: Model) -> None:
    coat, belly, legs = m.color(*BRIGHT), m.color(*BRIGHT), m.color("orange", "yellow", "black", "gray")
    flying, r = m.chance(0.4), 0.1
    m.part("body", m.lump(r, r, r * 1.5).turned("x", -18 if not flying else 0).at(0, 0.25, 0), coat)
    m.part("belly", m.lump(r * 0.75, r * 0.7, r * 1.1).at(0, 0.215, 0.03), belly)
    head = (0, 0.25 + r * 1.1, r * 1.15) if not flying else (0, 0.28, r * 1.6)
    m.part("head", m.lump(r * 0.65).at(*head), coat)
    beak(m, (0, head[1] - 0.01, head[2] + r * 0.5), m.u(0.05, 0.12), r * 0.22, legs)
    eyes(m, r * 0.45, head[1] + 0.02, head[2] + r * 0.4, r * 0.12)
    m.part(
        "tail",
        extrude([(-0.03, 0), (0.03, 0), (0.06, 0.17), (-0.06, 0.17)], 0.015)
        .turned("x", -80 if flying else -115)
        .at(0, 0.26, -r * 1.2),
        coat,
    )
    wing_color = coat if m.chance(0.5) else m.color(*BRIGHT)
    if flying:
        rise = m.u(-0.05, 0.22)
        for s in (-1, 1):
            rings = [
                [
                    (s * x, 0.29 + rise * t, c / 2 - b),
                    (s * x, 0.3 + rise * t, -b),
                    (s * x, 0.29 + rise * t, -c / 2 - b),
                    (s * x, 0.28 + rise * t, -b),
                ]
                for x, c, b, t in ((0.04, 0.2, 0, 0), (0.2, 0.19, 0.02, 0.7), (0.42, 0.05, 0.1, 1.0))
            ]
            m.part("wing", loft(rings), wing_color)
        m.trait("in flight")
        return
    m.part(
        "wing",
        [m.lump(r * 0.2, r * 0.65, r * 1.15).turned("x", -22).at(s * r * 0.95, 0.26, -0.03) for s in (-1, 1)],
        wing_color,
    )
    m.part(
        "leg",
        [tube([(s * 0.035, 0.17, 0), (s * 0.035, 0.01, 0.01), (s * 0.035, 0.006, 0.06)], 0.009, 5) for s in (-1, 1)],
        legs,
    )


@generator("chicken", "animal")
def chicken(m: Model) -> None:
    coat, red, legs = (
        m.color("white", "white", "brown", "orange", "black", "beige"),
        m.color("red"),
        m.color("yellow", "orange"),
    )
    r = 0.16
    m.part("body", m.lump(r, r * 0.95, r * 1.3).at(0, 0.36, 0), coat)
    m.part("neck", tube([(0, 0.4, r * 0.8), (0, 0.56, r * 1.1)], [r * 0.6, r * 0.4], max(6, m.n // 2)), coat)
    y, z = 0.6, r * 1.15
    m.part("head", m.lump(r * 0.45).at(0, y, z), coat)
    beak(m, (0, y - 0.01, z + r * 0.35), 0.08, r * 0.15, legs)
    m.part("comb", [m.lump(0.014, 0.035, 0.025).at(0, y + r * 0.48, z + d) for d in (-0.04, 0.0, 0.04)], red, 1)
    m.part("wattle", m.lump(0.018, 0.04, 0.015).at(0, y - r * 0.45, z + r * 0.4), red)
    eyes(m, r * 0.3, y + 0.02, z + r * 0.28, 0.013)
    m.part(
        "tail feather",
        [
            m.lump(0.02, 0.13, 0.05).turned("x", -35 - 15 * k).at(0, 0.47 - 0.03 * k, -r * 1.35)
            for k in range(m.i(2, 4))
        ],
        m.color(coat.name, "black", "green"),
    )
    m.part(
        "wing",
        [m.lump(0.03, r * 0.6, r * 0.8).at(s * r * 0.97, 0.37, -0.02) for s in (-1, 1)],
        m.color(coat.name, "brown"),
    )
    m.part("leg", [tube([(s * 0.06, 0.24, 0), (s * 0.06, 0.015, 0.02)], 0.013, 5) for s in (-1, 1)], legs)
    m.part(
        "toe",
        [
            tube([(s * 0.06, 0.015, 0.02), (s * 0.06 + d, 0.008, 0.09)], 0.009, 4)
            for s in (-1, 1)
            for d in (-0.04, 0, 0.04)
        ],
        legs,
    )


@generator("penguin", "animal")
def penguin(m: Model) -> None:
    black, white, orange = m.color("black", "black", "blue", "gray"), m.color("white"), m.color("orange", "yellow")
    r, high = 0.19, m.u(0.55, 0.7)
    m.part("body", m.lump(r, high * 0.5, r * 0.95).at(0, high * 0.5, 0), black)
    m.part("belly", m.lump(r * 0.8, high * 0.41, r * 0.6).at(0, high * 0.45, r * 0.45), white)
    m.part("head", m.lump(r * 0.72).at(0, high + r * 0.3, 0.01), black)
    m.part("face", m.lump(r * 0.5, r * 0.42, r * 0.3).at(0, high + r * 0.22, r * 0.46), white)
    beak(m, (0, high + r * 0.2, r * 0.7), 0.12, r * 0.22, orange)
    eyes(m, r * 0.3, high + r * 0.45, r * 0.66, 0.022)
    m.part(
        "flipper",
        [
            m.lump(0.035, high * 0.32, r * 0.4).turned("z", s * m.u(8, 35)).at(s * r * 1.12, high * 0.52, 0)
            for s in (-1, 1)
        ],
        black,
    )
    m.part("foot", [m.lump(0.075, 0.025, 0.11).at(s * 0.09, 0.02, 0.07) for s in (-1, 1)], orange)


@generator("snake", "animal", ("low-poly", "smooth"))
def snake(m: Model) -> None:
    coat, other, r = (
        m.color("green", "green", "brown", "red", "yellow", "orange", "black", "gray"),
        m.color("yellow", "black", "red", "white", "brown"),
        m.u(0.025, 0.04),
    )
    coiled = m.chance(0.45)
    t = np.linspace(0, 1, 60)
    if coiled:
        turns = m.u(2.0, 3.0)
        path = np.column_stack(
            [
                (0.08 + 0.17 * (1 - t)) * np.cos(2 * np.pi * turns * t),
                r + 0.16 * t,
                (0.08 + 0.17 * (1 - t)) * np.sin(2 * np.pi * turns * t),
            ]
        )
        path = np.concatenate([path, [path[-1] + (0, 0.08, 0.03), path[-1] + (0, 0.13, 0.12)]])
        m.trait("coiled")
    else:
        waves = m.u(1.5, 2.5)
        path = np.column_stack([m.u(0.08, 0.16) * np.sin(2 * np.pi * waves * t), np.full(60, r), (t - 0.5) * 1.1])
        path = np.concatenate([path, [path[-1] + (0, 0.04, 0.05), path[-1] + (0, 0.06, 0.11)]])
    radii = r * np.minimum(1, np.linspace(0.05, 6, len(path)))
    m.part("body", tube(path, radii, 8), coat)
    head = path[-1] + (0, 0, 0.03)
    m.part("head", m.lump(r * 1.5, r * 0.95, r * 1.9).at(*head), coat)
    eyes(m, r * 0.9, head[1] + r * 0.7, head[2] + r * 0.7, r * 0.25)
    m.part("tongue", tube([head + (0, -r * 0.2, r * 1.7), head + (0, -r * 0.3, r * 3.2)], 0.005, 4), m.color("red"))
    if m.chance(0.6):
        m.part(
            "ring",
            [
                torus(r * 1.02, r * 0.18, 12, 5)
                .turned("x", 90)
                .turned("y", np.degrees(np.arctan2(*(path[k + 1] - path[k - 1])[[0, 2]])))
                .at(*path[k])
                for k in range(8, 56, 6)
            ],
            other,
        )


@generator("spider", "animal")
def spider(m: Model) -> None:
    coat, r, n = m.color("black", "black", "brown", "gray", "red"), m.u(0.1, 0.15), 5
    y = 0.16
    m.part("abdomen", m.lump(r, r * 0.85, r * 1.2).at(0, y + 0.03, -r * 1.3), coat)
    m.part("head", m.lump(r * 0.65, r * 0.55, r * 0.65).at(0, y, r * 0.3), m.color(coat.name))
    legs = []
    for s in (-1, 1):
        for k in range(4):
            a = np.radians(55 - 37 * k)
            out = np.array([s * np.cos(a), 0, np.sin(a)])
            hip = np.array([s * r * 0.5, y, r * 0.35 - 0.04 * k])
            legs.append(
                tube([hip, hip + 0.2 * out + (0, 0.15, 0), hip + 0.42 * out + (0, -y, 0)], [0.02, 0.018, 0.008], n)
            )
    m.part("leg", legs, coat)
    m.part(
        "eye",
        [ball(r * 0.11, segments=6).at(s * r * d, y + r * 0.35, r * 0.82) for s in (-1, 1) for d in (0.17, 0.42)],
        m.color("red", "white", "yellow"),
    )
    if m.chance(0.35):
        m.part(
            "mark", m.lump(r * 0.3, r * 0.2, r * 0.5).at(0, y + r * 0.8, -r * 1.3), m.color("red", "yellow", "white")
        )


@generator("bee", "animal", ("low-poly", "smooth"))
def bee(m: Model) -> None:
    yellow, black, r = m.color("yellow", "orange"), m.color("black"), 0.1
    m.part("body", m.lump(r, r * 0.95, r * 1.5).at(0, 0.25, 0), yellow)
    m.part(
        "stripe",
        [
            torus(r * s, r * 0.17, 18, 6).turned("x", 90).at(0, 0.25, z)
            for s, z in ((0.92, 0.04), (0.9, -0.05), (0.62, -0.11))[: m.i(2, 3)]
        ],
        black,
    )
    m.part("head", m.lump(r * 0.72).at(0, 0.27, r * 1.6), black if m.chance(0.6) else yellow)
    eyes(m, r * 0.45, 0.3, r * 2.05, r * 0.16, white=True)
    m.part(
        "wing",
        [
            m.lump(0.12, 0.01, 0.06).turned("z", s * 25).turned("y", s * a).at(s * 0.12, 0.38, 0.0)
            for s in (-1, 1)
            for a in (15, -20)
        ],
        m.color("white", "cyan"),
    )
    m.part(
        "antenna",
        [
            tube(curve([(s * 0.03, 0.33, r * 1.8), (s * 0.05, 0.41, r * 2.0), (s * 0.06, 0.43, r * 2.4)], 5), 0.006, 4)
            for s in (-1, 1)
        ],
        black,
    )
    m.part("sting", lathe([(r * 0.2, 0), (0.001, r * 0.6)], 6).turned("x", -90).at(0, 0.25, -r * 1.4), black)
    m.part(
        "leg",
        [tube([(s * 0.05, 0.18, z), (s * 0.08, 0.1, z)], 0.006, 4) for s in (-1, 1) for z in (-0.05, 0.02, 0.09)],
        black,
    )


@generator("caterpillar", "animal")
def caterpillar(m: Model) -> None:
    first, second, r, count = m.color(*BRIGHT), m.color(*BRIGHT), m.u(0.045, 0.06), m.i(6, 10)
    if m.chance(0.5):
        second = first
    arch = m.u(0, 0.12)
    for k in range(count):
        t = k / (count - 1)
        m.part(
            "segment",
            m.lump(r).at(0, r + arch * np.sin(np.pi * t), (t - 0.5) * count * r * 1.5),
            first if k % 2 else second,
        )
        m.part(
            "foot",
            [
                ball(r * 0.25, segments=6).at(
                    s * r * 0.6, r * 0.2 + arch * np.sin(np.pi * t), (t - 0.5) * count * r * 1.5
                )
                for s in (-1, 1)
            ],
            m.color("black", "orange", "brown"),
        )
    z = 0.5 * count * r * 1.5 + r * 1.2
    m.part("head", m.lump(r * 1.15).at(0, r * 1.5, z), m.color("red", "yellow", first.name))
    eyes(m, r * 0.5, r * 1.9, z + r * 0.9, r * 0.18, white=True)
    m.part(
        "antenna",
        [tube([(s * r * 0.4, r * 2.4, z), (s * r * 0.7, r * 3.4, z + r * 0.3)], 0.006, 4) for s in (-1, 1)],
        m.color("black"),
    )


@generator("crab", "animal", ("low-poly", "smooth"))
def crab(m: Model) -> None:
    coat, y = m.color("red", "red", "orange", "blue", "brown"), 0.1
    m.part("shell", m.lump(0.16, 0.07, 0.12).at(0, y, 0), coat)
    legs = []
    for s in (-1, 1):
        for k in range(3):
            z = 0.02 - 0.06 * k
            legs.append(
                tube(
                    [(s * 0.13, y, z), (s * 0.25, y + 0.06, z - 0.02), (s * 0.32, 0.0, z - 0.05)],
                    [0.02, 0.016, 0.006],
                    5,
                )
            )
        m.part(
            "arm", tube([(s * 0.13, y, 0.07), (s * 0.23, y + 0.03, 0.15), (s * 0.16, y + 0.05, 0.23)], 0.022, 6), coat
        )
        for a in (25, -25):
            m.part(
                None, m.lump(0.022, 0.025, 0.06).turned("y", a).at(s * 0.16 + 0.025 * np.sign(a), y + 0.05, 0.28), coat
            )
        m.part("claw", m.lump(0.045, 0.03, 0.04).at(s * 0.16, y + 0.05, 0.24), coat)
    m.part("leg", legs, coat)
    m.part(None, [tube([(s * 0.05, y + 0.05, 0.09), (s * 0.05, y + 0.11, 0.1)], 0.009, 5) for s in (-1, 1)], coat)
    eyes(m, 0.05, y + 0.12, 0.1, 0.017)


@generator("frog", "animal", ("low-poly", "smooth"))
def frog(m: Model) -> None:
    coat, belly = m.color("green", "green", "green", "orange", "blue", "brown"), m.color("yellow", "white", "beige")
    m.part("body", m.lump(0.13, 0.1, 0.16).turned("x", -20).at(0, 0.13, 0), coat)
    m.part("belly", m.lump(0.1, 0.07, 0.12).at(0, 0.09, 0.04), belly)
    m.part("head", m.lump(0.12, 0.075, 0.1).at(0, 0.19, 0.12), coat)
    for s in (-1, 1):
        m.part(None, m.lump(0.038).at(s * 0.07, 0.255, 0.13), coat)
        m.part("hind leg", m.lump(0.05, 0.05, 0.11).at(s * 0.15, 0.07, -0.07), coat)
        m.part("foot", [m.lump(0.05, 0.012, 0.07).at(s * 0.17, 0.012, z) for z in (0.03, 0.17)], coat)
        m.part("front leg", tube([(s * 0.1, 0.12, 0.1), (s * 0.15, 0.02, 0.15)], [0.03, 0.02], 6), coat)
    eyes(m, 0.075, 0.265, 0.16, 0.018)
    m.part("mouth", m.lump(0.09, 0.006, 0.05).at(0, 0.175, 0.175), m.color("red", "black", "pink"))
