"""Tents, wells, mills, bridges, fences and stones."""

from __future__ import annotations

import numpy as np

from .model import Model, generator
from .solids import Solid, between, box, extrude, lathe, wedge

ROOF = ("red", "brown", "gray", "black", "blue", "green", "orange", "purple")


@generator("windmill", "building")
def windmill(m: Model) -> None:
    high, r = m.u(5, 7), m.u(1.4, 2.0)
    wall, roof, sail = (
        m.color("white", "beige", "gray", "brown"),
        m.color(*ROOF),
        m.color("white", "brown", "beige", "red"),
    )
    m.part("tower", m.rod(r, high, r * 0.6).at(0, high / 2, 0), wall)
    m.part("cap", m.rod(r * 0.75, r * 0.9, 0.05).at(0, high + r * 0.45, 0), roof)
    blades, reach, start = 4, high * m.u(0.55, 0.75), m.u(0, 90)
    hub = (0, high * 0.95, r * 0.85)
    for k in range(blades):
        arm = box(0.12, reach, 0.1).at(0, reach / 2, 0).turned("z", start + 90 * k).at(*hub)
        cloth = (
            box(reach * 0.22, reach * 0.75, 0.05)
            .at(reach * 0.12, reach * 0.58, 0.03)
            .turned("z", start + 90 * k)
            .at(*hub)
        )
        m.part(None, arm, m.color("brown"))
        m.part("sail", cloth, sail)
    m.part("hub", m.lump(0.25).at(*hub), m.color("brown", "gray"))
    m.part("door", box(0.9, 1.7, 0.3).at(0, 0.85, r * 0.93), m.color("brown", "red", "blue"))
    m.part(
        "window",
        [box(0.5, 0.6, 0.3).at(0, high * y, r * (1 - 0.4 * y) * 0.96) for y in (0.45, 0.68)],
        m.color("cyan", "blue", "black"),
    )


@generator("tent", "building")
def tent(m: Model) -> None:
    cloth, dark = (
        m.color("orange", "green", "blue", "red", "yellow", "beige", "brown"),
        m.color("black", "brown", "gray"),
    )
    if m.chance(0.5):
        width, high, depth = m.u(1.8, 2.6), m.u(1.2, 1.7), m.u(2.2, 3.0)
        m.part("canvas", wedge(width, high, depth).at(0, high / 2, 0), cloth)
        m.part(
            "entrance",
            extrude([(-width * 0.16, 0.0), (width * 0.16, 0.0), (0, high * 0.75)], 0.06).at(0, 0, depth / 2),
            dark,
        )
        m.part(
            "pole",
            [m.rod(0.03, high * 1.1).at(0, high * 0.55, s * depth * 0.51) for s in (-1, 1)],
            m.color("brown", "gray"),
        )
        m.trait("a ridge tent")
    elif m.chance(0.5):
        r, high = m.u(1.3, 1.8), m.u(2.2, 3.0)
        m.part("canvas", m.rod(r, high, 0.08).at(0, high / 2, 0), cloth)
        m.part(
            "pole",
            [
                between(
                    (0.12 * np.cos(a), high * 0.9, 0.12 * np.sin(a)),
                    (-0.3 * np.cos(a), high * 1.18, -0.3 * np.sin(a)),
                    0.03,
                    5,
                )
                for a in 2 * np.pi * np.arange(5) / 5
            ],
            m.color("brown"),
        )
        m.part("entrance", extrude([(-0.3, 0), (0.3, 0), (0, high * 0.5)], 0.3).at(0, 0, r * 0.85), dark)
        m.trait("a tepee")
    else:
        r, high = m.u(1.1, 1.5), m.u(1.0, 1.3)
        m.part("canvas", m.turned([(r * np.cos(a), high * np.sin(a)) for a in np.linspace(0, 1.55, 7)]), cloth)
        m.part(
            "entrance",
            extrude([(-0.35, 0), (0.35, 0), (0.25, high * 0.55), (-0.25, high * 0.55)], 0.3).at(0, 0, r * 0.84),
            dark,
        )
        m.trait("a dome tent")


@generator("water well", "building")
def water_well(m: Model) -> None:
    r, stone, wood = m.u(0.6, 0.8), m.color("gray", "beige", "brown", "white"), m.color("brown")
    ring = m.turned([(r, 0), (r, 0.75), (r * 0.78, 0.75), (r * 0.78, 0.1)])
    m.part("stone ring", ring, stone)
    m.part("water", m.round(r * 0.77, 0.05).at(0, 0.35, 0), m.color("blue", "cyan"))
    m.part("post", [m.rod(0.06, 2.0).at(s * r * 0.95, 1.0, 0) for s in (-1, 1)], wood)
    m.part("roof", wedge(2.8 * r, 0.6, 2.2 * r).turned("y", 90).at(0, 2.2, 0), m.color(*ROOF))
    m.part("crank", between((-r * 1.2, 1.4, 0), (r * 1.1, 1.4, 0), 0.06, 8), wood)
    m.part("bucket", m.round(0.14, 0.26, 0.18).at(0, 0.95, 0), m.color("brown", "gray"))
    m.part("rope", m.rod(0.015, 0.4).at(0, 1.22, 0), m.color("beige", "brown"))


@generator("fence", "street")
def fence(m: Model) -> None:
    wide, high = m.u(1.6, 3.0), m.u(0.7, 1.3)
    color, kind = (
        m.color("brown", "white", "gray", "beige", "green", "black"),
        m.pick(("picket", "rails", "boards", "bars")),
    )
    if kind in ("picket", "boards", "bars"):
        count = int(wide / (0.22 if kind != "bars" else 0.14))
        w = 0.16 if kind == "boards" else 0.11
        pieces: list[Solid] = []
        for k in range(count):
            x = (k - (count - 1) / 2) * wide / count
            if kind == "bars":
                pieces.append(m.rod(0.014, high).at(x, high / 2, 0))
            elif kind == "picket":
                pieces.append(
                    extrude(
                        [(x - w / 2, 0), (x + w / 2, 0), (x + w / 2, high * 0.88), (x, high), (x - w / 2, high * 0.88)],
                        0.025,
                    )
                )
            else:
                pieces.append(box(w, high, 0.025).at(x, high / 2, 0))
        m.part({"picket": "picket", "boards": "board", "bars": "bar"}[kind], pieces, color)
        m.part("rail", [box(wide, 0.07, 0.03).at(0, high * y, -0.03) for y in (0.25, 0.75)], color)
    else:
        rails = m.i(2, 4)
        m.part(
            "rail", [m.block(wide, 0.09, 0.04).at(0, high * (k + 0.8) / rails * 0.9, 0) for k in range(rails)], color
        )
    posts = m.i(2, 4)
    m.part(
        "post",
        [m.block(0.1, high * 1.08, 0.1).at((k / (posts - 1) - 0.5) * wide, high * 0.54, -0.03) for k in range(posts)],
        color,
    )


@generator("bridge", "building")
def bridge(m: Model) -> None:
    long, width, rise = m.u(4, 7), m.u(1.3, 2.0), m.u(0.3, 1.0)
    color, rail = m.color("gray", "brown", "beige", "red"), m.color("brown", "gray", "white", "red", "black")
    t = np.linspace(-1, 1, 13)
    upper = [(z * long / 2, 0.6 + rise * (1 - z * z)) for z in t]
    opening = [(0.62 * long / 2 * z, (0.35 + rise * 0.9) * np.sqrt(max(0, 1 - z * z))) for z in t[::-1]]
    m.part("arch", extrude([*upper, (long / 2, 0), *opening, (-long / 2, 0)], width).turned("y", -90), color)
    for s in (-1, 1):
        x, high = s * width / 2 * 0.92, m.u(0.5, 0.7)
        m.part("post", [m.rod(0.05, high).at(x, y + high / 2, z) for z, y in upper[::2]], rail)
        m.part(
            "handrail",
            [
                between((x, a[1] + high, a[0]), (x, b[1] + high, b[0]), 0.05, 5)
                for a, b in zip(upper, upper[1:], strict=False)
            ],
            rail,
            1,
        )


@generator("gravestone", "building")
def gravestone(m: Model) -> None:
    stone, w, high = m.color("gray", "gray", "white", "black", "beige"), m.u(0.5, 0.75), m.u(0.6, 1.0)
    kind = m.pick(("round", "square", "cross"))
    if kind == "cross":
        m.part(
            "cross",
            box(0.16, high * 1.3, 0.14).at(0, high * 0.65, 0) + box(w * 1.1, 0.16, 0.14).at(0, high * 0.9, 0),
            stone,
        )
    else:
        head = (
            [(w / 2 * np.cos(a), high + w / 2 * np.sin(a)) for a in np.linspace(0, np.pi, 9)]
            if kind == "round"
            else [(w / 2, high * 1.2), (-w / 2, high * 1.2)]
        )
        m.part("slab", extrude([(-w / 2, 0), (w / 2, 0), *head], m.u(0.1, 0.2)), stone)
    m.part("base", m.block(w * 1.35, 0.14, 0.4).at(0, 0.07, 0), m.color(stone.name, "gray", "brown"))
    if m.chance(0.4):
        m.part("mound", m.lump(w * 0.5, 0.12, 0.7).at(0, 0, 0.8), m.color("green", "brown"))


@generator("column", "building")
def column(m: Model) -> None:
    high, r, stone = m.u(1.8, 3.5), m.u(0.18, 0.3), m.color("white", "beige", "gray", "brown")
    m.part("plinth", box(r * 3, r * 0.8, r * 3).at(0, r * 0.4, 0), stone)
    m.part("shaft", m.round(r, high, r * 0.85).at(0, r * 0.8 + high / 2, 0), stone)
    top = r * 0.8 + high
    m.part(
        "capital",
        lathe([(r * 0.85, 0), (r * 1.3, r * 0.6)], m.fine).at(0, top, 0)
        + box(r * 3, r * 0.5, r * 3).at(0, top + r * 0.85, 0),
        stone,
    )
    m.part(None, m.round(r * 1.25, r * 0.3).at(0, r * 0.95, 0), stone)
