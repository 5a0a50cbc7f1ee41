"""Barrels, boxes, bags: what holds other things."""

from __future__ import annotations

import numpy as np

from .kitchen import vessel
from .model import Model, generator
from .solids import ball, between, box, curve, extrude, frustum, lathe, torus, tube


@generator("barrel", "container")
def barrel(m: Model) -> None:
    r, h, wood, iron = (
        m.u(0.26, 0.36),
        m.u(0.65, 0.95),
        m.color("brown", "brown", "beige", "red", "blue", "gray", "green"),
        m.color("gray", "black", "yellow"),
    )
    bulge = m.u(0.78, 0.95)
    t = np.linspace(-1, 1, 9)
    profile = [(r * (bulge + (1 - bulge) * (1 - k * k)), h * (k + 1) / 2) for k in t]
    n = 8 if m.style == "boxy" else m.fine
    lying = m.chance(0.2)
    pieces = [("body", lathe(profile, n), wood)]
    for y in (0.12, 0.36, 0.64, 0.88)[:: m.pick((1, 3))]:
        k = 2 * y - 1
        pieces.append(
            (
                "hoop",
                torus(r * (bulge + (1 - bulge) * (1 - k * k)) * 0.99, 0.017, n * 2, 5)
                .scaled(1, 1.6, 1)
                .at(0, h * y, 0),
                iron,
            )
        )
    pieces.append(("lid", m.round(r * bulge * 0.92, 0.02).at(0, h, 0), m.color("brown", "beige", wood.name)))
    for name, solid, color in pieces:
        m.part(name, solid.turned("z", 90) if lying else solid, color)
    if lying:
        m.trait("lying on its side")


@generator("crate", "container")
def crate(m: Model) -> None:
    w, d = m.u(0.4, 0.7), m.u(0.4, 0.7)
    h, wood = m.u(0.35, 0.65), m.color("brown", "brown", "beige", "gray", "green", "blue")
    frame, t = m.color("brown", "beige", wood.name), 0.05
    m.part("panel", box(w, h, d).at(0, h / 2, 0), wood, 6)
    bars = [box(w + t, t, t).at(0, y, s * d / 2) for y in (t / 2, h - t / 2) for s in (-1, 1)]
    bars += [box(t, t, d + t).at(s * w / 2, y, 0) for y in (t / 2, h - t / 2) for s in (-1, 1)]
    bars += [box(t * 1.1, h, t * 1.1).at(sx * w / 2, h / 2, sz * d / 2) for sx in (-1, 1) for sz in (-1, 1)]
    m.part("edge bar", bars, frame, 12)
    if m.chance(0.6):
        m.part(
            "diagonal bar",
            [between((-w / 2, t, s * d / 2), (w / 2, h - t, s * d / 2), t * 0.45, 4) for s in (-1, 1)]
            + [between((s * w / 2, t, -d / 2), (s * w / 2, h - t, d / 2), t * 0.45, 4) for s in (-1, 1)],
            frame,
        )
    elif m.chance(0.6):
        n = m.i(2, 4)
        m.part(
            "plank gap",
            [box(w * 0.98, 0.012, d + 0.012).at(0, h * (k + 1) / (n + 1), 0) for k in range(n)],
            m.color("black", "brown"),
        )


@generator("box", "container")
def cardboard_box(m: Model) -> None:
    w, h, d, color = (
        m.u(0.25, 0.6),
        m.u(0.18, 0.45),
        m.u(0.25, 0.5),
        m.color("beige", "brown", "brown", "white", "blue", "red", "gray"),
    )
    opened = m.chance(0.5)
    m.part("body", box(w, h, d).at(0, h / 2, 0), color, 1)
    if opened:
        m.part("inside", box(w * 0.94, 0.01, d * 0.94).at(0, h, 0), m.color("black", "brown"))
        flaps = [
            box(d * 0.5, 0.012, d).turned("z", s * m.u(-60, 30)).at(s * (w / 2 + d * 0.18), h + m.u(-0.02, 0.06), 0)
            for s in (-1, 1)
        ]
        flaps += [
            box(w, 0.012, d * 0.4).turned("x", s * m.u(-50, 20)).at(0, h + 0.02, s * (d / 2 + d * 0.16))
            for s in (-1, 1)
        ]
        m.part("flap", flaps, m.color(color.name))
        m.trait("open")
    else:
        m.part(
            "tape",
            box(w * 0.16, h * 1.01, d * 1.005).at(0, h / 2 + 0.004, 0)
            if m.chance(0.5)
            else box(w * 0.16, 0.01, d * 1.01).at(0, h, 0),
            m.color("beige", "brown", "white", "gray"),
        )
        if m.chance(0.5):
            m.part(
                "label", box(w * 0.35, h * 0.35, 0.008).at(w * 0.15, h * 0.55, d / 2), m.color("white", "yellow", "red")
            )
        m.trait("closed")


@generator("gift", "container")
def gift(m: Model) -> None:
    w, h = m.u(0.2, 0.4), m.u(0.15, 0.35)
    paper = m.color("red", "blue", "green", "yellow", "purple", "pink", "white", "cyan", "orange")
    ribbon = m.color(*[c for c in ("red", "yellow", "white", "blue", "green", "pink") if c != paper.name])
    m.part("box", m.block(w, h, w).at(0, h / 2, 0), paper)
    if m.chance(0.5):
        m.part("lid", m.block(w * 1.08, h * 0.22, w * 1.08).at(0, h, 0), m.color(paper.name))
    top = h * 1.12
    m.part(
        "ribbon", [box(w * 1.1, top, w * 0.14).at(0, top / 2, 0), box(w * 0.14, top, w * 1.1).at(0, top / 2, 0)], ribbon
    )
    m.part(
        "bow loop",
        [
            torus(w * 0.16, w * 0.035, 14, 6)
            .turned("x", 90)
            .scaled(1.4, 0.9, 1)
            .turned("z", s * 25)
            .at(s * w * 0.2, top + w * 0.12, 0)
            for s in (-1, 1)
        ],
        ribbon,
    )
    m.part("knot", m.lump(w * 0.06).at(0, top + 0.02, 0), ribbon)


@generator("chest", "container")
def chest(m: Model) -> None:
    w, d, h = m.u(0.6, 0.9), m.u(0.4, 0.55), m.u(0.3, 0.42)
    wood, metal = m.color("brown", "brown", "red", "gray", "black", "blue"), m.color("yellow", "gray", "black")
    m.part("body", m.block(w, h, d).at(0, h / 2, 0), wood)
    arc = [(d / 2 * np.cos(a), d * 0.42 * np.sin(a)) for a in np.linspace(0, np.pi, 9)]
    lid = extrude(arc, w).turned("y", 90)
    opened = m.chance(0.35)
    lid = lid.at(0, 0, d / 2).turned("x", -70).at(0, h, -d / 2) if opened else lid.at(0, h, 0)
    m.part("lid", lid, m.color(wood.name))
    m.part("band", [box(0.05, h * 1.01, d * 1.03).at(x * w, h / 2, 0) for x in (-0.38, 0.38)], metal)
    m.part("lock", box(0.1, 0.13, 0.05).at(0, h * 0.95, d / 2), metal)
    if opened:
        m.part("treasure", m.lump(w * 0.42, 0.12, d * 0.4).at(0, h, 0), m.color("yellow"))
        m.trait("open and full of gold")
    else:
        m.trait("closed")


@generator("bucket", "container", ("low-poly", "smooth"))
def bucket(m: Model) -> None:
    r, color = m.u(0.12, 0.17), m.color("gray", "blue", "red", "yellow", "green", "brown", "white", "orange")
    h = r * m.u(1.6, 2.2)
    m.part("body", vessel([(r * 0.72, 0), (r, h)], r * 0.05, m.fine), color)
    m.part("rim", torus(r, 0.008, 28, 6).at(0, h, 0), m.color(color.name, "gray"))
    lift = m.u(0.2, 1.0)
    arch = [(r * np.cos(a), h + r * lift * np.sin(a), r * (1 - lift) * np.sin(a)) for a in np.linspace(0, np.pi, 13)]
    m.part("handle", tube(arch, 0.006, 5), m.color("gray", "black", "white"))
    if m.chance(0.35):
        m.part("content", m.round(r * 0.9, 0.01).at(0, h * 0.85, 0), m.color("blue", "cyan", "brown", "white", "beige"))


@generator("basket", "container", ("low-poly", "smooth"))
def basket(m: Model) -> None:
    r, color = m.u(0.16, 0.24), m.color("brown", "beige", "orange", "brown")
    h = r * m.u(0.8, 1.2)
    m.part("body", vessel([(r * 0.75, 0), (r * 0.95, h * 0.5), (r, h)], r * 0.06, m.fine), color)
    bands = m.i(2, 4)
    m.part(
        "woven band",
        [torus(r * (0.78 + 0.22 * y), 0.011, 26, 5).at(0, h * y, 0) for y in np.linspace(0.2, 1, bands)],
        m.color("brown", "beige"),
    )
    if m.chance(0.7):
        m.part(
            "handle",
            tube([(r * 0.98 * np.cos(a), h + r * 0.95 * np.sin(a), 0) for a in np.linspace(0, np.pi, 13)], 0.013, 6),
            m.color("brown", color.name),
        )
    if m.chance(0.5):
        fruit = m.color("red", "green", "orange", "yellow", "white")
        m.part(
            "fruit",
            [
                ball(r * 0.28, segments=10).at(r * 0.5 * np.cos(a), h * 0.95, r * 0.5 * np.sin(a))
                for a in 2 * np.pi * np.arange(5) / 5
            ]
            + [ball(r * 0.28, segments=10).at(0, h * 1.1, 0)],
            fruit,
        )


@generator("suitcase", "container")
def suitcase(m: Model) -> None:
    w, h, d = m.u(0.45, 0.6), m.u(0.55, 0.75), m.u(0.2, 0.28)
    color, trim = (
        m.color("red", "blue", "black", "gray", "brown", "yellow", "green", "pink"),
        m.color("black", "gray", "brown", "yellow"),
    )
    rolling = m.chance(0.5)
    if not rolling:
        h = w * 0.7
    y = 0.05 if rolling else 0.0
    m.part("case", m.block(w, h, d).at(0, y + h / 2, 0), color)
    if rolling:
        m.part(
            "wheel",
            [m.wheel(0.035, 0.03).at(x * w * 0.4, 0.035, z * d * 0.35) for x in (-1, 1) for z in (-1, 1)],
            m.color("black"),
        )
        up = m.u(0.1, 0.4)
        m.part(
            "telescopic handle",
            tube(
                [
                    (-w * 0.18, y + h, -d * 0.3),
                    (-w * 0.18, y + h + up, -d * 0.3),
                    (w * 0.18, y + h + up, -d * 0.3),
                    (w * 0.18, y + h, -d * 0.3),
                ],
                0.011,
                6,
            ),
            trim,
        )
        n = m.i(3, 6)
        m.part(
            "rib",
            [box(0.02, h * 0.9, d * 1.03).at((k / (n - 1) - 0.5) * w * 0.8, y + h / 2, 0) for k in range(n)],
            m.color(color.name),
        )
    else:
        m.part(
            "handle",
            tube(curve([(-0.09, h, 0), (-0.07, h + 0.06, 0), (0.07, h + 0.06, 0), (0.09, h, 0)], 9), 0.013, 6),
            trim,
        )
        m.part(
            "corner",
            [m.lump(0.045, 0.045, d * 0.5).at(x * w * 0.49, h / 2 + s * h * 0.48, 0) for x in (-1, 1) for s in (-1, 1)],
            trim,
        )
        m.part(
            "clasp",
            [box(0.05, 0.06, 0.03).at(s * w * 0.28, h * 0.85, d / 2) for s in (-1, 1)],
            m.color("yellow", "gray"),
        )
        m.part("strap", [box(0.045, h * 1.01, d * 1.02).at(s * w * 0.28, h / 2, 0) for s in (-1, 1)], trim)


@generator("backpack", "container", ("low-poly", "smooth"))
def backpack(m: Model) -> None:
    w, h, d, color = (
        m.u(0.28, 0.36),
        m.u(0.38, 0.5),
        m.u(0.14, 0.2),
        m.color("red", "blue", "green", "black", "purple", "orange", "brown", "yellow"),
    )
    other = m.color(color.name, "black", "gray", "yellow", "brown")
    m.part("bag", m.block(w, h, d).at(0, h / 2, 0), color)
    m.part("top flap", m.lump(w * 0.5, h * 0.14, d * 0.62).at(0, h * 0.97, 0.01), other)
    m.part("front pocket", m.block(w * 0.72, h * 0.36, d * 0.4).at(0, h * 0.28, d * 0.6), other)
    m.part("side pocket", [m.block(0.05, h * 0.3, d * 0.6).at(s * w * 0.54, h * 0.22, 0) for s in (-1, 1)], other)
    m.part(
        "strap",
        [
            tube(
                curve(
                    [
                        (s * w * 0.28, h * 0.95, -d * 0.5),
                        (s * w * 0.36, h * 0.6, -d * 1.1),
                        (s * w * 0.32, h * 0.1, -d * 0.5),
                    ],
                    9,
                ),
                0.022,
                6,
                0.5,
            )
            for s in (-1, 1)
        ],
        m.color("black", "gray", other.name),
    )
    m.part("loop", torus(0.035, 0.008, 16, 5).turned("x", 90).at(0, h * 1.1, -d * 0.3), m.color("black", "gray"))


@generator("pallet", "container", ("boxy", "low-poly"))
def pallet(m: Model) -> None:
    wood, n = m.color("brown", "beige", "blue"), m.i(5, 7)
    m.part(
        "top board", [box(1.2, 0.025, 0.8 / n * 0.75).at(0, 0.13, (k - (n - 1) / 2) * 0.8 / n) for k in range(n)], wood
    )
    m.part("bearer", [box(0.1, 0.09, 0.8).at(x, 0.07, 0) for x in (-0.54, 0, 0.54)], wood)
    m.part("bottom board", [box(1.2, 0.022, 0.1).at(0, 0.012, z) for z in (-0.34, 0, 0.34)], wood)


@generator("shipping container", "container", ("boxy", "low-poly"))
def shipping_container(m: Model) -> None:
    long, w, h, color = (
        m.u(4.5, 6.5),
        2.3,
        2.4,
        m.color("red", "blue", "green", "orange", "gray", "yellow", "white", "brown"),
    )
    m.part("body", box(w, h, long).at(0, h / 2, 0), color)
    n = int(long / 0.32)
    m.part(
        "rib",
        [box(w * 1.03, h * 0.94, 0.12).at(0, h / 2, (k / (n - 1) - 0.5) * long * 0.96) for k in range(n)],
        m.color(color.name),
    )
    metal = m.color("gray", "white", color.name)
    m.part("door", [box(w * 0.46, h * 0.92, 0.06).at(s * w * 0.24, h / 2, long / 2) for s in (-1, 1)], color)
    m.part(
        "lock rod",
        [box(0.06, h * 0.9, 0.08).at(x * w, h / 2, long / 2 + 0.05) for x in (-0.35, -0.13, 0.13, 0.35)],
        metal,
    )


@generator("planter", "container")
def planter(m: Model) -> None:
    w, d, h = m.u(0.5, 1.0), m.u(0.22, 0.35), m.u(0.2, 0.35)
    m.part(
        "trough",
        frustum(w * 0.92, h, d * 0.92, 1.1).at(0, h / 2, 0),
        m.color("brown", "gray", "white", "orange", "black", "beige"),
    )
    m.part("soil", box(w * 0.9, 0.02, d * 0.85).at(0, h, 0), m.color("brown", "black"))
    count, green = m.i(3, 6), m.color("green")
    for k in range(count):
        x, up = (k - (count - 1) / 2) * w / count, m.u(0.08, 0.22)
        m.part("leaf clump", m.rough(m.lump(0.1, 0.09).at(x, h + 0.07, 0), 0.015), green)
        if m.chance(0.7):
            m.part(
                "flower",
                m.lump(0.045).at(x + m.u(-0.04, 0.04), h + 0.06 + up * 0.5, m.u(-0.05, 0.05)),
                m.color("red", "pink", "yellow", "white", "purple", "blue"),
            )
