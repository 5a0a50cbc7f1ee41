"""Cars, trucks and buses. They face along z."""

from __future__ import annotations

import numpy as np

from .model import Color, Model, generator
from .solids import Solid, between, box, extrude, loft

GLASS = ("cyan", "black", "gray", "blue")
BODY = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "white", "gray", "black")


def wheels(m: Model, track: float, places: list[float], radius: float, width: float, rim: Color | None = None) -> None:
    """Pairs of wheels at places along z, each with a rim."""
    rim = rim or m.color("gray", "white")
    rubber = m.color("black")
    pairs = [(s, z) for z in places for s in (-1, 1)]
    m.part("wheel", [m.wheel(radius, width).at(s * track / 2, radius, z) for s, z in pairs], rubber)
    m.part(
        None, [m.wheel(radius * 0.55, width * 0.3).at(s * (track / 2 + width * 0.42), radius, z) for s, z in pairs], rim
    )


def lights(m: Model, width: float, y: float, front: float, back: float, size: float) -> None:
    """Two headlights and two tail lights."""
    lump = m.lump(size, size, size * 0.4)
    m.part("headlight", [lump.at(s * width * 0.36, y, front) for s in (-1, 1)], m.color("yellow", "white"))
    m.part("tail light", [lump.at(s * width * 0.38, y, back) for s in (-1, 1)], m.color("red"))


def profile_body(m: Model, outline: list[tuple[float, float]], width: float, narrow: float = 1.0) -> Solid:
    """A body from its outline (z, y) seen from the side; `narrow` is the width above its middle height."""
    solid = extrude(outline, width).turned("y", -90)
    vertices = solid.vertices.copy()
    middle = (vertices[:, 1].min() + vertices[:, 1].max()) / 2
    above = vertices[:, 1] > middle
    vertices[above, 0] *= narrow
    return Solid(vertices, solid.faces)


def _car(m: Model, long: float, width: float, body: Color, kind: str) -> tuple[float, float, float]:
    """A car's body, glass and wheels; (height of the roof, roof's middle along z, wheel radius)."""
    r, belt = m.u(0.3, 0.37), m.u(0.72, 0.85)
    roof = belt + m.u(0.45, 0.62)
    f, b = long / 2, -long / 2
    clear = r * 0.75
    nose, tail = belt * m.u(0.8, 0.95), belt * m.u(0.9, 1.05)
    m.part(
        "body",
        profile_body(
            m,
            [(b, clear), (f, clear), (f, nose * 0.85), (f - 0.15, nose), (f * 0.4, belt), (b * 0.7, belt), (b, tail)],
            width,
        ),
        body,
    )
    if kind == "sedan":
        a, c, d, e = f * 0.42, f * 0.14, b * 0.32, b * 0.68
    elif kind == "hatchback":
        a, c, d, e = f * 0.46, f * 0.18, b * 0.72, b * 0.93
    elif kind == "van":
        a, c, d, e, roof = f * 0.78, f * 0.5, b * 0.92, b * 0.96, roof + 0.3
    elif kind == "suv":
        a, c, d, e, roof = f * 0.5, f * 0.24, b * 0.88, b * 0.96, roof + 0.1
    else:  # sports
        a, c, d, e, roof = f * 0.36, f * 0.02, b * 0.3, b * 0.85, roof - 0.15
    glass = m.color(*GLASS)
    m.part(
        "window",
        profile_body(m, [(e, belt - 0.02), (a, belt - 0.02), (c, roof - 0.05), (d, roof - 0.05)], width * 0.94, 0.86),
        glass,
        1,
    )
    m.part(
        "roof",
        profile_body(
            m, [(d - 0.03, roof - 0.07), (c + 0.03, roof - 0.07), (c - 0.05, roof), (d + 0.05, roof)], width * 0.83
        ),
        body,
    )
    for z in (c - 0.02, (c + d) / 2, d + 0.02):  # pillars
        m.part(
            None,
            [
                box(0.05, roof - belt, 0.07).turned("z", s * 9).at(s * width * 0.44, (roof + belt) / 2 - 0.02, z)
                for s in (-1, 1)
            ],
            body,
        )
    wheels(m, width * 0.92, [f * 0.62, b * 0.6], r, 0.2)
    lights(m, width, nose * 0.72, f, b, 0.09)
    bumper = m.color("black", "gray", body.name)
    m.part("bumper", [m.block(width * 1.01, 0.13, 0.12).at(0, clear + 0.08, s * long / 2) for s in (-1, 1)], bumper)
    m.part(
        "mirror", [m.block(0.12, 0.09, 0.06).at(s * (width / 2 + 0.05), belt + 0.05, a * 0.9) for s in (-1, 1)], body
    )
    return roof, (c + d) / 2, r


@generator("car", "vehicle")
def car(m: Model) -> None:
    kind = m.pick(("sedan", "hatchback", "suv", "sports"))
    _car(m, m.u(3.4, 4.6), m.u(1.6, 1.85), m.color(*BODY), kind)
    m.trait({"sedan": "with a boot", "hatchback": "with a hatchback", "suv": "tall", "sports": "sporty"}[kind])


@generator("taxi", "vehicle")
def taxi(m: Model) -> None:
    roof, z, _ = _car(m, m.u(3.9, 4.6), m.u(1.6, 1.8), m.color("yellow", "yellow", "yellow", "black"), "sedan")
    m.part("taxi sign", m.block(0.5, 0.16, 0.2).at(0, roof + 0.08, z), m.color("white", "black", "orange"))


@generator("police car", "vehicle")
def police_car(m: Model) -> None:
    width = m.u(1.65, 1.85)
    body = m.color("white", "black", "blue")
    roof, z, _ = _car(m, m.u(3.9, 4.6), width, body, m.pick(("sedan", "suv")))
    m.part("red light", m.block(0.34, 0.12, 0.16).at(-0.2, roof + 0.06, z), m.color("red"))
    m.part("blue light", m.block(0.34, 0.12, 0.16).at(0.2, roof + 0.06, z), m.color("blue"))
    stripe = m.color("blue" if body.name != "blue" else "white")
    m.part("stripe", [box(0.03, 0.16, 2.2).at(s * width * 0.5, 0.62, 0) for s in (-1, 1)], stripe)


@generator("race car", "vehicle")
def race_car(m: Model) -> None:
    long, width, body = m.u(3.6, 4.4), m.u(1.5, 1.8), m.color(*BODY)
    other = m.color("white", "black", "yellow", "red")
    rings = []
    for z, w, h, y in (
        (1.0, 0.12, 0.1, 0.28),
        (0.5, 0.24, 0.2, 0.33),
        (0.1, 0.42, 0.32, 0.38),
        (-0.35, 0.5, 0.42, 0.42),
        (-0.75, 0.3, 0.36, 0.42),
        (-1.0, 0.16, 0.2, 0.4),
    ):
        n = 10 if m.style != "boxy" else 4
        angle = 2 * np.pi * (np.arange(n) + 0.5) / n
        rings.append(np.stack([w * np.cos(angle), y + h * 0.6 * np.sin(angle), np.full(n, z * long / 2)], 1))
    m.part("body", loft(rings), body)
    for z, r, w in ((0.62, 0.3, 0.28), (-0.68, 0.36, 0.38)):
        m.part("wheel", [m.wheel(r, w).at(s * width / 2, r, z * long / 2) for s in (-1, 1)], m.color("black"))
        m.part(None, between((-width / 2, r, z * long / 2), (width / 2, r, z * long / 2), 0.04), m.color("gray"))
    m.part("front wing", m.block(width * 0.95, 0.05, 0.3).at(0, 0.16, long * 0.49), other)
    m.part("rear wing", m.block(width * 0.85, 0.06, 0.32).at(0, 0.95, -long * 0.48), other)
    m.part(None, [box(0.05, 0.5, 0.25).at(s * width * 0.38, 0.7, -long * 0.48) for s in (-1, 1)], other)
    m.part("driver", m.lump(0.15).at(0, 0.78, -long * 0.08), m.color("white", "red", "yellow", "blue"))


@generator("van", "vehicle")
def van(m: Model) -> None:
    _car(m, m.u(4.2, 5.2), m.u(1.75, 2.0), m.color(*BODY), "van")


@generator("ambulance", "vehicle")
def ambulance(m: Model) -> None:
    width = m.u(1.85, 2.0)
    roof, z, _ = _car(m, m.u(4.4, 5.2), width, m.color("white"), "van")
    m.part("siren", m.block(0.9, 0.14, 0.22).at(0, roof + 0.07, 0.9), m.color("blue", "red"))
    red = m.color("red")
    for s in (-1, 1):
        m.part(
            "cross",
            box(0.03, 0.4, 0.13).at(s * width * 0.5, 0.6, -1.0) + box(0.03, 0.13, 0.4).at(s * width * 0.5, 0.6, -1.0),
            red,
        )
    m.part("stripe", [box(0.03, 0.12, 1.8).at(s * width * 0.5, 0.55, 0.4) for s in (-1, 1)], m.color("red", "orange"))


def _cab(m: Model, width: float, z: float, r: float, body: Color, high: float, long: float) -> None:
    """A truck's cab with its windows."""
    y = r * 1.1
    m.part("cab", m.block(width, high, long).at(0, y + high / 2, z), body)
    glass = m.color(*GLASS)
    m.part("windscreen", box(width * 0.86, high * 0.34, 0.05).at(0, y + high * 0.7, z + long / 2), glass)
    m.part(
        "side window",
        [box(0.05, high * 0.3, long * 0.5).at(s * width / 2, y + high * 0.7, z + long * 0.1) for s in (-1, 1)],
        glass,
    )
    m.part(
        "headlight",
        [m.lump(0.11, 0.11, 0.06).at(s * width * 0.36, y + high * 0.2, z + long / 2) for s in (-1, 1)],
        m.color("yellow", "white"),
    )
    m.part("bumper", m.block(width, 0.2, 0.15).at(0, y, z + long / 2), m.color("gray", "black"))


@generator("truck", "vehicle")
def truck(m: Model) -> None:
    width, r = m.u(1.9, 2.4), m.u(0.42, 0.52)
    body, frame = m.color(*BODY), m.color("black", "gray")
    cab_long, bed_long = m.u(1.5, 2.0), m.u(2.8, 4.5)
    high, total = m.u(1.7, 2.2), 0.0
    total = cab_long + bed_long
    front = total / 2 - cab_long / 2
    _cab(m, width, front, r, body, high, cab_long)
    m.part("chassis", m.block(width * 0.7, 0.2, total * 0.96).at(0, r * 1.05, 0), frame)
    kind = m.pick(("box", "flatbed", "dump", "tank", "pickup"))
    z = -total / 2 + bed_long / 2 - 0.05
    load = m.color(*BODY, "brown", "beige")
    y = r * 1.3
    if kind == "box":
        tall = m.u(1.8, 2.5)
        m.part("cargo box", m.block(width, tall, bed_long * 0.96).at(0, y + tall / 2, z), load)
    elif kind == "tank":
        m.part("tank", m.round(width * 0.45, bed_long * 0.94).turned("x", 90).at(0, y + width * 0.45, z), load)
    elif kind == "flatbed":
        m.part("bed", m.block(width, 0.16, bed_long).at(0, y, z), load)
        if m.chance(0.5):
            wood = m.color("brown")
            m.part(
                "log",
                [
                    m.rod(0.22, bed_long * 0.9).turned("x", 90).at(x, y + 0.3 + h, z)
                    for x, h in ((-0.5, 0), (0, 0), (0.5, 0), (-0.25, 0.38), (0.25, 0.38))
                ],
                wood,
            )
    else:
        tall = m.u(0.5, 0.95)
        m.part("bed", m.block(width, 0.14, bed_long).at(0, y, z), load)
        walls = [box(0.09, tall, bed_long).at(s * width / 2, y + tall / 2, z) for s in (-1, 1)]
        walls += [box(width, tall, 0.09).at(0, y + tall / 2, z + s * bed_long / 2) for s in (-1, 1)]
        m.part("side wall", walls, load)
        if kind == "dump" and m.chance(0.6):
            m.part(
                "load",
                m.lump(width * 0.42, tall * 0.8, bed_long * 0.42).at(0, y + tall * 0.6, z),
                m.color("brown", "gray", "beige"),
            )
    places = [front - 0.1, *([z - bed_long * 0.2] if m.chance(0.5) else []), -total / 2 + r * 1.8]
    wheels(m, width * 0.88, places, r, 0.32)


@generator("fire truck", "vehicle")
def fire_truck(m: Model) -> None:
    width, r, red = m.u(2.0, 2.4), 0.48, m.color("red")
    long, high = m.u(5.5, 7.0), m.u(1.7, 2.1)
    _cab(m, width, long / 2 - 0.9, r, red, high, 1.8)
    m.part("body", m.block(width, high * 0.9, long - 1.9).at(0, r * 1.1 + high * 0.45, -0.95), red)
    m.part(
        "stripe",
        [box(0.04, 0.18, long * 0.95).at(s * width / 2, r + high * 0.45, 0) for s in (-1, 1)],
        m.color("white", "yellow"),
    )
    metal, top = m.color("gray", "white"), r * 1.1 + high + 0.15
    rungs = 9
    pieces = [box(0.08, 0.12, long * 0.85).at(s * 0.28, top, -0.2) for s in (-1, 1)]
    pieces += [box(0.56, 0.06, 0.06).at(0, top, (k - rungs / 2) * long * 0.85 / rungs) for k in range(rungs)]
    m.part("ladder", pieces, metal, 1)
    m.part("siren", m.block(width * 0.5, 0.16, 0.25).at(0, r * 1.1 + high + 0.08, long / 2 - 0.5), m.color("blue"))
    wheels(m, width * 0.9, [long / 2 - 1.0, -long / 2 + 1.2], r, 0.32)


@generator("bus", "vehicle")
def bus(m: Model) -> None:
    long, width, high, r = m.u(6.5, 11.0), m.u(2.2, 2.6), m.u(2.1, 2.6), 0.48
    body = m.color("yellow", "red", "blue", "green", "white", "orange", "cyan")
    double = m.chance(0.25)
    tall = high * (1.7 if double else 1.0)
    base = r * 0.8
    m.part("body", m.block(width, tall, long).at(0, base + tall / 2, 0), body)
    glass, count = m.color(*GLASS), m.i(4, 8)
    decks = 2 if double else 1
    for deck in range(decks):
        y = base + high * (0.62 + 0.78 * deck)
        for s in (-1, 1):
            m.part(
                "side window",
                [
                    box(0.05, high * 0.3, long / count * 0.72).at(
                        s * width / 2, y, (k - (count - 1) / 2) * long / count * 0.95
                    )
                    for k in range(count)
                ],
                glass,
            )
        m.part("windscreen", box(width * 0.88, high * 0.36, 0.05).at(0, y, long / 2), glass)
    m.part("door", box(0.06, high * 0.8, 0.9).at(width / 2, base + high * 0.42, long * 0.38), m.color("gray", "black"))
    m.part("stripe", [box(0.05, 0.16, long * 0.98).at(s * width / 2, base + high * 0.3, 0) for s in (-1, 1)], m.color())
    lights(m, width, base + 0.35, long / 2, -long / 2, 0.12)
    wheels(m, width * 0.9, [long * 0.32, -long * 0.3], r, 0.3)
    if double:
        m.trait("double-decker")
