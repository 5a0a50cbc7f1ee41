"""Lamps and other lights."""

from __future__ import annotations

import numpy as np

from .model import METAL, WOOD, Color, Model, generator
from .solids import between, box, curve, frustum, lathe, tube


def shade(m: Model, size: float, y: float, color: Color) -> None:
    """A lampshade of about a size, its lower rim at y."""
    kind = m.pick(("cone", "drum", "dome", "globe", "box") if m.style != "boxy" else ("cone", "box", "drum"))
    high = size * m.u(0.6, 1.0)
    if kind == "globe":
        solid = m.lump(size * 0.45).at(0, y + size * 0.45, 0)
    elif kind == "dome":
        solid = m.turned([(size / 2 * np.cos(a), high * 0.7 * np.sin(a)) for a in np.linspace(0, 1.5, 7)]).at(0, y, 0)
    elif kind == "box":
        solid = m.block(size * 0.8, high, size * 0.8).at(0, y + high / 2, 0)
    else:
        top = size / 2 * (m.u(0.35, 0.7) if kind == "cone" else m.u(0.85, 1.0))
        solid = m.rod(size / 2, high, top).at(0, y + high / 2, 0)
    m.part("shade", solid, color)


@generator("table lamp", "lighting")
def table_lamp(m: Model) -> None:
    height, size = m.u(0.2, 0.4), m.u(0.2, 0.36)
    stand = m.color(*WOOD, *METAL, "blue", "green", "red", "orange")
    cover = m.color("white", "white", "beige", "yellow", "orange", "red", "green", "blue", "pink")
    kind = m.pick(("pole", "vase", "balls", "arm"))
    if kind == "arm":
        m.part("base", m.round(0.09, 0.025).at(0, 0.0125, 0), stand)
        knee, head = (0, 0.22, -0.14), (0, 0.4, 0.06)
        m.part("arm", [between((0, 0.02, 0), knee, 0.011), between(knee, head, 0.011)], stand)
        cone = lathe([(0.03, 0.09), (0.085, -0.06), (0.07, -0.055)], m.fine).turned("x", -m.u(25, 55))
        m.part("shade", cone.at(head[0], head[1], head[2] + 0.03), m.color(stand.name))
        return
    if kind == "pole":
        m.part("base", m.round(size * 0.36, 0.025).at(0, 0.0125, 0), stand)
        m.part("stem", m.rod(0.013, height).at(0, height / 2, 0), stand)
    elif kind == "vase":
        r = m.u(0.06, 0.11)
        m.part(
            "base",
            m.turned(
                [(r * 0.6, 0), (r, height * 0.3), (r * 0.9, height * 0.55), (r * 0.3, height * 0.85), (0.02, height)]
            ),
            stand,
        )
    else:
        count = m.i(2, 4)
        r = height / count / 2
        m.part("ball", [m.lump(r).at(0, (2 * k + 1) * r, 0) for k in range(count)], stand)
    shade(m, size, height, cover)


@generator("floor lamp", "lighting")
def floor_lamp(m: Model) -> None:
    height, size = m.u(1.2, 1.65), m.u(0.28, 0.48)
    stand, cover = m.color(*METAL, *WOOD), m.color("white", "white", "beige", "yellow", "orange", "red", "black")
    kind = m.pick(("pole", "tripod", "arc"))
    if kind == "tripod":
        m.part(
            "leg",
            [
                tube(
                    [(0.32 * np.cos(a), 0, 0.32 * np.sin(a)), (0.02 * np.cos(a), height, 0.02 * np.sin(a))],
                    0.016,
                    max(4, m.n),
                )
                for a in 2 * np.pi * np.arange(3) / 3
            ],
            stand,
        )
        shade(m, size, height - 0.03, cover)
    elif kind == "pole":
        m.part("base", m.round(0.15, 0.03).at(0, 0.015, 0), stand)
        m.part("pole", m.rod(0.014, height).at(0, height / 2, 0), stand)
        shade(m, size, height - 0.02, cover)
    else:
        m.part("base", m.round(0.16, 0.05).at(-0.5, 0.025, 0), stand)
        path = curve([(-0.5, 0, 0), (-0.45, height * 0.8, 0), (0.0, height * 1.12, 0), (0.5, height * 0.95, 0)], 14)
        m.part("arm", tube(path, 0.015, 6), stand)
        m.part("shade", m.turned([(0.16, 0), (0.13, 0.09), (0.04, 0.14)]).at(0.5, height * 0.95 - 0.14, 0), cover)


@generator("ceiling lamp", "lighting")
def ceiling_lamp(m: Model) -> None:
    drop, size = m.u(0.4, 0.9), m.u(0.28, 0.55)
    metal, cover = m.color(*METAL), m.color("white", "yellow", "orange", "red", "black", "green", "blue", "beige")
    m.part("canopy", m.round(0.06, 0.03).at(0, drop + size, 0), metal)
    m.part("cable", m.rod(0.008, drop).at(0, size + drop / 2, 0), metal)
    kind = m.pick(("cone", "bowl", "globe"))
    if kind == "globe":
        m.part("shade", m.lump(size * 0.5).at(0, size * 0.5, 0), cover)
        return
    high = size * m.u(0.4, 0.7)
    profile = (
        [(size * 0.6, 0), (0.03, high)]
        if kind == "cone"
        else [(size * 0.6 * np.cos(a), high * np.sin(a)) for a in np.linspace(0, 1.52, 6)]
    )
    m.part("shade", m.turned(profile).at(0, size - high, 0), cover)
    m.part("bulb", m.lump(size * 0.13).at(0, size - high, 0), m.color("yellow", "white"))


@generator("street lamp", "street")
def street_lamp(m: Model) -> None:
    height, metal = m.u(3.0, 5.5), m.color("black", "gray", "gray", "green", "brown")
    glow = m.color("yellow", "white", "orange")
    m.part("base", m.round(height * 0.045, height * 0.06, height * 0.03).at(0, height * 0.03, 0), metal)
    m.part("pole", m.rod(height * 0.016, height, height * 0.011).at(0, height / 2, 0), metal)
    kind = m.pick(("arm", "two arms", "lantern", "globe"))
    if kind == "lantern":
        s = height * 0.09
        m.part("lamp", frustum(s, s * 1.3, s, 1.5).at(0, height + s * 0.65, 0), glow)
        m.part("cap", frustum(s * 1.8, s * 0.6, s * 1.8, 0.1).at(0, height + s * 1.6, 0), metal)
    elif kind == "globe":
        m.part("lamp", m.lump(height * 0.065).at(0, height + height * 0.055, 0), glow)
    else:
        reach = height * m.u(0.16, 0.28)
        for s in (1,) if kind == "arm" else (-1, 1):
            path = curve(
                [(0, height * 0.97, 0), (s * reach * 0.35, height * 1.04, 0), (s * reach, height * 1.03, 0)], 8
            )
            m.part("arm", tube(path, height * 0.011, 6), metal)
            m.part("lamp", m.block(reach * 0.45, height * 0.022, height * 0.045).at(s * reach, height * 1.01, 0), glow)


@generator("lantern", "lighting")
def lantern(m: Model) -> None:
    s, metal, glow = (
        m.u(0.12, 0.18),
        m.color("black", "gray", "brown", "red", "green"),
        m.color("yellow", "orange", "white"),
    )
    high = s * m.u(1.2, 1.8)
    m.part("base", m.rod(s * 0.62, s * 0.14).at(0, s * 0.07, 0), metal)
    m.part("glass", m.rod(s * 0.42, high).at(0, high / 2 + s * 0.1, 0), glow)
    m.part(
        "bar",
        [
            between(
                (s * 0.5 * np.cos(a), s * 0.1, s * 0.5 * np.sin(a)),
                (s * 0.5 * np.cos(a), high + s * 0.1, s * 0.5 * np.sin(a)),
                s * 0.035,
                5,
            )
            for a in np.pi / 4 + np.pi / 2 * np.arange(4)
        ],
        metal,
    )
    m.part("roof", m.rod(s * 0.68, s * 0.45, s * 0.12).at(0, high + s * 0.3, 0), metal)
    m.part("handle", m.hoop(s * 0.3, s * 0.035).turned("x", 90).at(0, high + s * 0.72, 0), metal)


@generator("candle", "lighting")
def candle(m: Model) -> None:
    r, high = m.u(0.02, 0.045), m.u(0.08, 0.25)
    wax, flame = m.color("white", "white", "beige", "red", "yellow", "green", "blue"), m.color("orange", "yellow")
    base = 0.0
    if m.chance(0.6):
        holder = m.color("yellow", "gray", "brown", "black")
        m.part("holder", m.turned([(r * 2.6, 0), (r * 2.8, r * 0.5), (r * 1.4, r * 0.5), (r * 1.3, r * 1.1)]), holder)
        base = r * 0.6
        if m.chance(0.4):
            m.part("handle", m.hoop(r, r * 0.25).turned("x", 90).at(r * 3.2, r, 0), holder)
    m.part("wax", m.round(r, high, r * m.u(0.85, 1)).at(0, base + high / 2, 0), wax)
    m.part("wick", m.round(r * 0.1, r * 0.7).at(0, base + high + r * 0.3, 0), m.color("black"))
    if m.chance(0.75):
        m.part(
            "flame",
            lathe([(r * 0.05, 0), (r * 0.38, r * 0.7), (r * 0.2, r * 1.5), (0.001, r * 2.1)], 8).at(
                0, base + high + r * 0.5, 0
            ),
            flame,
        )


@generator("flashlight", "tool", ("low-poly", "smooth"))
def flashlight(m: Model) -> None:
    long, r = m.u(0.14, 0.24), m.u(0.014, 0.024)
    body = m.color("black", "gray", "red", "yellow", "blue", "green")
    m.part("body", m.round(r, long).turned("z", 90), body)
    m.part("head", m.round(r, r * 2.2, r * 1.9).turned("z", -90).at(long / 2 + r, 0, 0), m.color(body.name, "gray"))
    m.part("lens", m.round(r * 1.7, r * 0.2).turned("z", 90).at(long / 2 + r * 2.15, 0, 0), m.color("yellow", "white"))
    m.part("switch", box(r * 1.2, r * 0.5, r * 0.7).at(long * 0.15, r * 1.05, 0), m.color("red", "gray", "white"))


@generator("torch", "lighting", ("boxy", "low-poly"))
def torch(m: Model) -> None:
    high, r = m.u(0.4, 0.65), m.u(0.025, 0.04)
    m.part("handle", m.rod(r, high, r * 1.3).at(0, high / 2, 0), m.color("brown"))
    m.part("collar", m.rod(r * 1.9, r * 2.2).at(0, high, 0), m.color("gray", "black"))
    for k, name in enumerate(("orange", "yellow")):
        s = 1.0 - 0.4 * k
        m.part(
            "flame",
            m.rough(
                lathe([(r * 1.4 * s, 0), (r * 2 * s, r * 2 * s), (r * s, r * 4.5 * s), (0.001, r * 7 * s)], 6), r * 0.2
            ).at(0, high + r, r * 0.9 * k),
            m.color(name),
        )
