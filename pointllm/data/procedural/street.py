"""Street furniture."""

from __future__ import annotations

import numpy as np

from .model import Model, generator
from .solids import between, box, extrude, hull, torus, tube


@generator("traffic light", "street")
def traffic_light(m: Model) -> None:
    body, pole = m.color("black", "black", "yellow", "gray", "green"), m.color("gray", "black", "green", "yellow")
    size = m.u(0.26, 0.36)
    tall = m.chance(0.75)
    foot = m.u(2.0, 2.8) if tall else 0.0
    if tall:
        m.part("pole", m.rod(0.06, foot).at(0, foot / 2, 0), pole)
        m.part("base", m.round(0.2, 0.1).at(0, 0.05, 0), pole)
    m.part("housing", m.block(size, size * 2.7, size * 0.7).at(0, foot + size * 1.35, 0), body)
    for k, name in enumerate(("green", "yellow", "red")):
        y = foot + size * (0.5 + 0.85 * k)
        m.part(f"{name} light", m.round(size * 0.3, size * 0.12).turned("x", 90).at(0, y, size * 0.38), m.color(name))
        if m.style != "boxy":
            hood = torus(size * 0.32, size * 0.04, 14, 5, 180).scaled(1, 4, 1).turned("x", -90).at(0, y, size * 0.45)
            m.part(None, hood, body)


@generator("traffic cone", "street")
def traffic_cone(m: Model) -> None:
    high, r, orange, white = (
        m.u(0.45, 0.8),
        m.u(0.13, 0.19),
        m.color("orange", "orange", "orange", "red", "yellow"),
        m.color("white"),
    )
    m.part("base", m.block(r * 2.6, 0.04, r * 2.6).at(0, 0.02, 0), m.color(orange.name, "black"))
    bands = m.pick((3, 5))
    for k in range(bands):
        a, b = r * (1 - 0.85 * k / bands), r * (1 - 0.85 * (k + 1) / bands)
        m.part(
            "cone" if k % 2 == 0 else "white band",
            m.round(a, high / bands, b).at(0, 0.04 + high * (k + 0.5) / bands, 0),
            orange if k % 2 == 0 else white,
            1 if k in (0, 1) or k % 2 else 0,
        )
    m.trait("striped")


@generator("mailbox", "street")
def mailbox(m: Model) -> None:
    color, post = (
        m.color("red", "blue", "green", "gray", "yellow", "black", "white"),
        m.color("brown", "gray", "black", "white"),
    )
    if m.chance(0.5):
        w, h, long = m.u(0.18, 0.24), m.u(0.2, 0.26), m.u(0.4, 0.55)
        foot = m.u(0.8, 1.1)
        m.part("post", m.block(0.09, foot, 0.09).at(0, foot / 2, 0), post)
        arch = (
            [(-w / 2, 0), (w / 2, 0), (w / 2, h * 0.55)]
            + [(w / 2 * np.cos(a), h * 0.55 + w / 2 * np.sin(a)) for a in np.linspace(0.2, np.pi - 0.2, 7)]
            + [(-w / 2, h * 0.55)]
        )
        m.part("box", extrude(arch, long).at(0, foot, 0), color)
        m.part("flag", box(0.02, 0.2, 0.05).at(w / 2 + 0.02, foot + h * 0.7, 0), m.color("red", "yellow", "white"))
    else:
        w, h, d = m.u(0.45, 0.6), m.u(0.9, 1.2), m.u(0.4, 0.5)
        m.part("box", m.block(w, h, d).at(0, h / 2 + 0.12, 0), color)
        m.part("top", m.round(d / 2, w).turned("z", 90).at(0, h + 0.12, 0), color)
        m.part("slot", box(w * 0.6, 0.05, 0.03).at(0, h * 0.95, d / 2), m.color("black", "white"))
        m.part(
            "leg", [box(0.06, 0.14, 0.06).at(x * w * 0.42, 0.07, z * d * 0.4) for x in (-1, 1) for z in (-1, 1)], color
        )
        m.part("plate", box(w * 0.5, h * 0.25, 0.02).at(0, h * 0.6, d / 2), m.color("white", "yellow"))


@generator("fire hydrant", "street", ("low-poly", "smooth"))
def fire_hydrant(m: Model) -> None:
    color, cap = m.color("red", "red", "red", "yellow", "blue"), m.color("gray", "yellow", "white", "red", "black")
    r, h = m.u(0.12, 0.16), m.u(0.5, 0.7)
    m.part("base", m.round(r * 1.4, 0.07).at(0, 0.035, 0), color)
    m.part("barrel", m.round(r, h).at(0, h / 2, 0), color)
    m.part("collar", m.round(r * 1.25, 0.06).at(0, h, 0), color)
    m.part("dome", m.lump(r * 1.05, r * 0.9).at(0, h, 0), color)
    m.part("nut", m.round(r * 0.28, r * 0.5).at(0, h + r, 0), cap)
    m.part(
        "side outlet", [m.round(r * 0.45, r * 0.7).turned("z", 90).at(s * r * 1.2, h * 0.65, 0) for s in (-1, 1)], cap
    )
    m.part("front outlet", m.round(r * 0.55, r * 0.6).turned("x", 90).at(0, h * 0.6, r * 1.1), cap)


@generator("sign", "street")
def sign(m: Model) -> None:
    foot, face, pole = (
        m.u(1.4, 2.2),
        m.color("red", "blue", "yellow", "white", "green", "brown"),
        m.color("gray", "brown", "black"),
    )
    m.part("post", m.rod(0.035, foot).at(0, foot / 2, 0), pole)
    s, kind = m.u(0.28, 0.42), m.pick(("round", "triangle", "octagon", "board", "arrow"))
    points = {"round": 20, "octagon": 8, "triangle": 3}.get(kind)
    if points:
        start = np.pi / 2 if kind == "triangle" else np.pi / points
        outline = [
            (s * np.cos(a + start), foot + s * np.sin(a + start)) for a in 2 * np.pi * np.arange(points) / points
        ]
        m.part(
            "border",
            extrude([(x * 1.12, foot + (y - foot) * 1.12) for x, y in outline], 0.02),
            m.color("white", "black", "red"),
        )
        m.part("plate", extrude(outline, 0.035).at(0, 0, 0.006), face)
        m.trait({"round": "round", "octagon": "octagonal", "triangle": "triangular"}[kind])
    else:
        w = s * 1.5
        tip = [(w * 1.4, foot)] if kind == "arrow" else []
        m.part(
            "plate",
            extrude(
                [(-w, foot - s * 0.5), (w, foot - s * 0.5), *tip, (w, foot + s * 0.5), (-w, foot + s * 0.5)], 0.04
            ).at(0, 0, 0.03),
            face,
        )
        m.trait("pointing sideways" if kind == "arrow" else "rectangular")
    if m.chance(0.4):
        m.part(
            "bar",
            box(s * 1.1, s * 0.24, 0.02).at(0, foot, 0.035),
            m.color("white" if face.name != "white" else "black"),
        )


@generator("trash can", "street")
def trash_can(m: Model) -> None:
    r, h, color = (
        m.u(0.18, 0.28),
        m.u(0.5, 0.85),
        m.color("gray", "green", "blue", "black", "red", "brown", "white", "yellow"),
    )
    m.part("body", m.rod(r * m.u(0.78, 0.95), h, r).at(0, h / 2, 0), color)
    kind = m.pick(("lid", "open", "wheels"))
    if kind == "open":
        m.part("opening", m.rod(r * 0.88, 0.02).at(0, h, 0), m.color("black"))
        m.part("rim", m.hoop(r, 0.018).at(0, h, 0), m.color(color.name, "gray", "black"))
    else:
        m.part("lid", m.rod(r * 1.08, 0.05, r * 0.9).at(0, h + 0.025, 0), m.color(color.name, "black", "gray"))
        m.part("lid handle", m.block(r * 0.5, 0.035, 0.03).at(0, h + 0.08, 0), m.color("black", "gray"))
    if kind == "wheels":
        m.part("wheel", [m.wheel(0.08, 0.05).at(s * r * 0.7, 0.08, -r * 0.85) for s in (-1, 1)], m.color("black"))
    elif m.style == "smooth":
        m.part(
            "side handle",
            [m.hoop(0.05, 0.009, 180).at(s * r * 1.0, h * 0.75, 0) for s in (-1, 1)],
            m.color("gray", "black"),
        )


@generator("shopping cart", "street", ("low-poly", "smooth"))
def shopping_cart(m: Model) -> None:
    metal, grip, r = (
        m.color("gray", "gray", "red", "blue", "green"),
        m.color("red", "blue", "black", "green", "orange"),
        0.011,
    )
    low, high = (
        [(-0.22, 0.5, -0.38), (0.22, 0.5, -0.38), (0.19, 0.52, 0.38), (-0.19, 0.52, 0.38)],
        [(-0.28, 0.92, -0.44), (0.28, 0.92, -0.44), (0.23, 0.82, 0.48), (-0.23, 0.82, 0.48)],
    )
    wires = []
    for ring in (low, high):
        wires += [between(ring[k], ring[(k + 1) % 4], r, 5) for k in range(4)]
    for k in range(4):
        a, b, c, d = np.array(low[k]), np.array(low[(k + 1) % 4]), np.array(high[k]), np.array(high[(k + 1) % 4])
        for t in np.linspace(0, 1, 6):
            wires.append(between(a + (b - a) * t, c + (d - c) * t, r * 0.6, 4))
        wires.append(between((a + c) / 2, (b + d) / 2, r * 0.6, 4))
    for t in np.linspace(0.1, 0.9, 6):
        wires.append(
            between(
                np.array(low[0]) + (np.array(low[3]) - low[0]) * t,
                np.array(low[1]) + (np.array(low[2]) - low[1]) * t,
                r * 0.6,
                4,
            )
        )
    m.part("wire basket", wires, metal, 1)
    m.part("handle", between((-0.27, 1.0, -0.52), (0.27, 1.0, -0.52), 0.019, 8), grip)
    m.part(
        "frame",
        [
            tube(
                [(s * 0.26, 0.95, -0.46), (s * 0.23, 0.35, -0.4), (s * 0.21, 0.13, -0.36), (s * 0.18, 0.13, 0.38)],
                r * 1.3,
                6,
            )
            for s in (-1, 1)
        ],
        metal,
    )
    m.part(
        "castor", [m.wheel(0.055, 0.03).at(s * 0.2, 0.055, z) for s in (-1, 1) for z in (-0.34, 0.36)], m.color("black")
    )


@generator("bus stop", "street", ("boxy", "low-poly"))
def bus_stop(m: Model) -> None:
    metal, glass = m.color("gray", "black", "green", "blue", "red"), m.color("cyan", "blue", "white")
    w, h, d = m.u(2.6, 3.6), m.u(2.2, 2.5), m.u(1.1, 1.5)
    m.part("post", [box(0.09, h, 0.09).at(x * w / 2, h / 2, z * d / 2) for x in (-1, 1) for z in (-1, 1)], metal)
    m.part(
        "roof",
        hull(
            [
                (s * w * 0.54, h + y, z)
                for s in (-1, 1)
                for y, z in ((0, -d * 0.6), (0.1, -d * 0.6), (0.12, d * 0.7), (0.2, d * 0.7))
            ]
        ),
        metal,
    )
    m.part("back pane", box(w * 0.98, h * 0.75, 0.04).at(0, h * 0.52, -d / 2), glass)
    m.part("side pane", box(0.04, h * 0.75, d * 0.9).at(-w / 2, h * 0.52, 0), glass)
    m.part(
        "bench",
        box(w * 0.6, 0.06, 0.36).at(0, 0.48, -d * 0.2)
        + box(0.06, 0.48, 0.3).at(-w * 0.25, 0.24, -d * 0.2)
        + box(0.06, 0.48, 0.3).at(w * 0.25, 0.24, -d * 0.2),
        m.color("brown", "red", "gray", "blue"),
    )
    m.part(
        "sign",
        box(0.08, h * 1.15, 0.08).at(w * 0.72, h * 0.575, d * 0.3)
        + m.round(0.28, 0.06).turned("x", 90).at(w * 0.72, h * 1.15, d * 0.3),
        m.color("yellow", "blue", "red", "green"),
    )
