"""Fruit, vegetables and sweets."""

from __future__ import annotations

import numpy as np

from .model import Model, generator
from .solids import ball, box, curve, extrude, lathe, torus, tube

ROUND = ("low-poly", "smooth")


def _stalk(m: Model, y: float, size: float) -> None:
    m.part(
        "stalk",
        tube(curve([(0, y, 0), (size * 0.15, y + size * 0.5, 0), (size * 0.35, y + size, 0)], 4), size * 0.12, 5),
        m.color("brown", "green"),
    )


@generator("apple", "food", ROUND)
def apple(m: Model) -> None:
    r, color = m.u(0.035, 0.045), m.color("red", "red", "green", "yellow")
    m.part(
        "flesh",
        m.turned(
            [
                (0.001, r * 0.2),
                (r * 0.5, 0),
                (r * 0.92, r * 0.5),
                (r, r * 1.05),
                (r * 0.8, r * 1.6),
                (r * 0.4, r * 1.75),
                (0.001, r * 1.5),
            ]
        ),
        color,
    )
    _stalk(m, r * 1.5, r * 0.7)
    if m.chance(0.6):
        m.part("leaf", m.lump(r * 0.4, r * 0.06, r * 0.2).turned("z", 25).at(r * 0.5, r * 2.0, 0), m.color("green"))


@generator("pear", "food", ROUND)
def pear(m: Model) -> None:
    r, color = m.u(0.035, 0.045), m.color("green", "yellow", "yellow")
    m.part(
        "flesh",
        m.turned(
            [
                (0.001, r * 0.1),
                (r * 0.7, r * 0.15),
                (r, r * 0.8),
                (r * 0.8, r * 1.6),
                (r * 0.5, r * 2.2),
                (r * 0.4, r * 2.7),
                (0.001, r * 2.85),
            ]
        ),
        color,
    )
    _stalk(m, r * 2.8, r * 0.6)


@generator("orange", "food", ROUND)
def orange(m: Model) -> None:
    r = m.u(0.038, 0.048)
    m.part("fruit", m.lump(r).at(0, r, 0), m.color("orange"))
    m.part("navel", m.lump(r * 0.12, r * 0.08).at(0, 2 * r, 0), m.color("green", "brown"))
    if m.chance(0.4):
        m.part("leaf", m.lump(r * 0.45, r * 0.06, r * 0.22).at(r * 0.4, 2.05 * r, 0), m.color("green"))


@generator("lemon", "food", ROUND)
def lemon(m: Model) -> None:
    r, long, color = m.u(0.026, 0.034), m.u(0.045, 0.055), m.color("yellow", "yellow", "green")
    t = np.linspace(-1, 1, 11)
    m.part(
        "fruit",
        m.turned([(max(0.001, r * np.sqrt(1 - k * k * 0.96)) if abs(k) < 0.9 else r * 0.22, long * k) for k in t])
        .turned("z", 90)
        .at(0, r, 0),
        color,
    )


@generator("banana", "food", ROUND)
def banana(m: Model) -> None:
    count, yellow, brown = m.pick((1, 1, 3)), m.color("yellow", "yellow", "green"), m.color("brown", "black")
    for k in range(count):
        path = curve([(-0.1, 0.06, 0), (-0.05, 0.015, 0), (0.03, 0.01, 0), (0.1, 0.055, 0)], 11)
        radius = 0.019 * np.sin(np.linspace(0.35, np.pi - 0.35, 11)) ** 0.6
        m.part("fruit", tube(path, radius, 6).turned("x", (k - (count - 1) / 2) * 28), yellow)
        m.part(
            "tip",
            [
                ball(0.009, segments=6).at(*path[0]).turned("x", (k - (count - 1) / 2) * 28),
                ball(0.008, segments=6).at(*path[-1]).turned("x", (k - (count - 1) / 2) * 28),
            ],
            brown,
        )


@generator("carrot", "food", ROUND)
def carrot(m: Model) -> None:
    long, r, green = m.u(0.13, 0.2), m.u(0.016, 0.026), m.color("green")
    m.part(
        "root",
        m.turned([(0.001, 0), (r * 0.45, long * 0.3), (r * 0.85, long * 0.75), (r, long * 0.95), (r * 0.5, long)]),
        m.color("orange", "orange", "orange", "purple"),
    )
    m.part(
        "leaf",
        [
            tube(
                curve(
                    [
                        (0, long, 0),
                        (0.012 * np.cos(a), long + 0.04, 0.012 * np.sin(a)),
                        (0.04 * np.cos(a), long + m.u(0.06, 0.1), 0.04 * np.sin(a)),
                    ],
                    5,
                ),
                np.linspace(0.004, 0.009, 5),
                5,
            )
            for a in 2 * np.pi * np.arange(m.i(3, 6)) / 5
        ],
        green,
    )


@generator("watermelon", "food", ROUND)
def watermelon(m: Model) -> None:
    if m.chance(0.5):
        r, long = m.u(0.11, 0.14), m.u(1.0, 1.3)
        m.part("rind", ball(r * long, r, r, 18).at(0, r, 0), m.color("green"))
        stripes = 7
        for k in range(stripes):
            a = 2 * np.pi * k / stripes
            path = [
                (r * long * np.sin(t), r + r * 0.985 * np.cos(t) * np.sin(a), r * 0.985 * np.cos(t) * np.cos(a))
                for t in np.linspace(-1.35, 1.35, 9)
            ]
            m.part("stripe", tube(path, r * 0.05, 5), m.color("black", "yellow"))
        m.trait("whole")
    else:
        r, t = m.u(0.11, 0.14), m.u(0.025, 0.05)
        arc = [(r * np.cos(a), r * np.sin(a)) for a in np.linspace(np.pi, 2 * np.pi, 15)]
        m.part("rind", extrude(arc, t), m.color("green"))
        m.part("flesh", extrude([(x * 0.88, y * 0.88 + 0.002) for x, y in arc], t * 1.05), m.color("red", "pink"))
        m.part(
            "seed",
            [
                ball(0.006, segments=6).at(m.u(-0.6, 0.6) * r, -m.u(0.1, 0.5) * r, s * t * 0.53)
                for s in (-1, 1)
                for _ in range(6)
            ],
            m.color("black"),
        )
        m.trait("a slice")


@generator("pineapple", "food", ROUND)
def pineapple(m: Model) -> None:
    r, high, green = m.u(0.055, 0.07), m.u(0.16, 0.2), m.color("green")
    m.part("fruit", m.rough(m.lump(r, high / 2).at(0, high / 2, 0), 0.005), m.color("yellow", "orange", "brown"))
    for ring, (count, up, out) in enumerate(((7, 0.05, 0.055), (6, 0.09, 0.035), (4, 0.12, 0.015))):
        m.part(
            "leaf",
            [
                tube(
                    [
                        (0.012 * np.cos(a), high * 0.97, 0.012 * np.sin(a)),
                        (out * np.cos(a), high + up, out * np.sin(a)),
                    ],
                    [0.014, 0.002],
                    4,
                )
                for a in 2 * np.pi * np.arange(count) / count + ring
            ],
            green,
        )


@generator("donut", "food", ROUND)
def donut(m: Model) -> None:
    r, t, icing = (
        m.u(0.032, 0.042),
        m.u(0.014, 0.02),
        m.color("pink", "brown", "white", "yellow", "blue", "purple", "green"),
    )
    m.part("dough", torus(r, t, max(14, m.fine), 10).at(0, t, 0), m.color("beige", "brown", "orange"))
    m.part("icing", torus(r, t * 0.95, max(14, m.fine), 10).scaled(1, 0.7, 1).at(0, t * 1.45, 0), icing)
    if m.chance(0.7):
        for _ in range(m.i(10, 24)):
            a, d = m.u(0, 2 * np.pi), r + m.u(-0.6, 0.6) * t
            m.part(
                "sprinkle",
                box(0.007, 0.003, 0.003).turned("y", m.u(0, 180)).at(d * np.cos(a), t * 2.08, d * np.sin(a)),
                m.color("red", "yellow", "blue", "green", "white"),
            )


@generator("ice cream", "food", ROUND)
def ice_cream(m: Model) -> None:
    r, long = m.u(0.03, 0.04), m.u(0.1, 0.14)
    flavours = ("pink", "white", "brown", "green", "yellow", "red", "cyan", "purple")
    if m.chance(0.75):
        m.part("cone", lathe([(0.002, 0), (r, long)], m.fine), m.color("brown", "beige", "orange"))
        scoops = m.i(1, 3)
        for k in range(scoops):
            m.part("scoop", m.lump(r * (1.08 - 0.1 * k)).at(0, long + r * (0.45 + 1.15 * k), 0), m.color(*flavours))
        top = long + r * (0.45 + 1.15 * (scoops - 1)) + r
        if m.chance(0.4):
            m.part("cherry", ball(r * 0.3, segments=10).at(0, top + r * 0.15, 0), m.color("red"))
        m.trait(f"with {scoops} scoop{'s' if scoops > 1 else ''}")
    else:
        m.part("ice", m.block(0.05, 0.1, 0.022).at(0, 0.12, 0), m.color(*flavours))
        m.part("stick", box(0.012, 0.08, 0.006).at(0, 0.04, 0), m.color("beige", "brown"))
        m.trait("on a stick")


@generator("cake", "food")
def cake(m: Model) -> None:
    r, tiers = m.u(0.11, 0.15), m.i(1, 3)
    sponge, cream = (
        m.color("brown", "pink", "white", "yellow", "beige", "purple", "blue"),
        m.color("white", "pink", "brown", "red", "cyan"),
    )
    y = 0.0
    for k in range(tiers):
        size, high = r * (1 - 0.27 * k), m.u(0.06, 0.09)
        m.part("tier", m.rod(size, high).at(0, y + high / 2, 0), sponge)
        m.part("icing", m.rod(size * 1.03, high * 0.25).at(0, y + high, 0), cream)
        y += high
    top = r * (1 - 0.27 * (tiers - 1))
    what = m.pick(("candle", "cherry", "strawberry"))
    count = m.i(1, 8)
    spots = (
        [(0.0, 0.0)]
        if count == 1
        else [(top * 0.65 * np.cos(a), top * 0.65 * np.sin(a)) for a in 2 * np.pi * np.arange(count) / count]
    )
    for x, z in spots:
        if what == "candle":
            m.part(
                "candle", m.round(0.006, 0.06).at(x, y + 0.045, z), m.color("red", "blue", "yellow", "green", "white")
            )
            m.part("flame", m.lump(0.007, 0.014).at(x, y + 0.085, z), m.color("orange", "yellow"))
        else:
            m.part(what, m.lump(0.015).at(x, y + 0.025, z), m.color("red"))


@generator("cupcake", "food", ROUND)
def cupcake(m: Model) -> None:
    r, cream = m.u(0.03, 0.038), m.color("pink", "white", "brown", "blue", "yellow", "purple", "green", "red")
    m.part(
        "case",
        m.round(r * 0.75, r * 1.2, r).at(0, r * 0.6, 0),
        m.color("brown", "white", "red", "blue", "yellow", "pink"),
    )
    for k in range(3):
        s = 1.05 - 0.28 * k
        m.part("swirl", m.lump(r * s, r * 0.35, r * s).at(0, r * (1.3 + 0.38 * k), 0), cream)
    if m.chance(0.6):
        m.part("cherry", ball(r * 0.28, segments=10).at(0, r * 2.5, 0), m.color("red"))


@generator("hamburger", "food", ROUND)
def hamburger(m: Model) -> None:
    r, y = m.u(0.05, 0.06), 0.0
    bun = m.color("orange", "brown", "beige")
    layers = [("bottom bun", bun, 1.0, 0.018)]
    layers += [("patty", m.color("brown"), 1.03, 0.014)]
    for name, colors, chance in (
        ("cheese", ("yellow", "orange"), 0.7),
        ("lettuce", ("green",), 0.75),
        ("tomato", ("red",), 0.6),
        ("onion", ("white", "purple"), 0.3),
    ):
        if m.chance(chance):
            layers.append((name, m.color(*colors), 1.06, 0.007))
    for name, color, size, thick in layers:
        solid = m.round(r * size, thick) if name != "cheese" else box(r * 1.85, 0.004, r * 1.85).turned("y", 20)
        m.part(name, solid.at(0, y + thick / 2, 0), color)
        y += thick
    m.part(
        "top bun",
        m.turned([(r, 0), (r * 1.02, r * 0.2), (r * 0.85, r * 0.5), (r * 0.45, r * 0.68), (0.001, r * 0.72)]).at(
            0, y, 0
        ),
        bun,
    )
    if m.chance(0.6):
        m.part(
            "sesame seed",
            [
                ball(0.003, segments=5).at(r * 0.62 * np.cos(a) * d, y + r * (0.72 - 0.3 * d), r * 0.62 * np.sin(a) * d)
                for a, d in zip(m.rng.uniform(0, 6.28, 10), m.rng.uniform(0.2, 0.95, 10), strict=True)
            ],
            m.color("white", "beige"),
        )


@generator("egg", "food", ROUND)
def egg(m: Model) -> None:
    r, t = m.u(0.021, 0.026), np.linspace(-np.pi / 2, np.pi / 2, 11)
    shell = m.color("white", "beige", "brown")
    m.part(
        "shell",
        m.turned([(max(0.0005, r * np.cos(a) * (1 - 0.13 * np.sin(a))), r * 1.3 * np.sin(a)) for a in t]).at(
            0, r * 1.3, 0
        ),
        shell,
    )
    if m.chance(0.3):
        m.part(
            "spot",
            [
                ball(r * 0.13, segments=6).at(r * 0.84 * np.cos(a), r * (1.3 + h), r * 0.84 * np.sin(a))
                for a, h in zip(m.rng.uniform(0, 6.28, 8), m.rng.uniform(-0.6, 0.5, 8), strict=True)
            ],
            m.color(),
        )


@generator("lollipop", "food", ROUND)
def lollipop(m: Model) -> None:
    long, r, color = (
        m.u(0.09, 0.14),
        m.u(0.022, 0.035),
        m.color("red", "pink", "orange", "green", "purple", "blue", "yellow"),
    )
    m.part("stick", m.round(0.003, long).at(0, long / 2, 0), m.color("white", "beige"))
    if m.chance(0.5):
        m.part("candy", m.lump(r * 0.75).at(0, long + r * 0.6, 0), color)
    else:
        m.part("candy", m.round(r, 0.01).turned("x", 90).at(0, long + r * 0.8, 0), color)
        m.part(
            "swirl",
            torus(r * 0.55, 0.004, 20, 5).turned("x", 90).at(0, long + r * 0.8, 0.004),
            m.color("white", "yellow", "red"),
        )
