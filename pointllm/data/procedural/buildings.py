"""Buildings."""

from __future__ import annotations

import numpy as np

from .model import Color, Model, generator
from .solids import between, box, extrude, frustum, together, wedge

WALL = ("white", "beige", "gray", "brown", "yellow", "red", "cyan", "green", "blue", "pink", "orange")
ROOF = ("red", "brown", "gray", "black", "blue", "green", "orange", "purple")
PANE = ("cyan", "blue", "black", "yellow", "gray")


def gable_roof(m: Model, width: float, depth: float, y: float, rise: float, color: Color, name: str = "roof") -> None:
    """A roof with its ridge along z on walls of that size, with eaves."""
    eaves = m.u(0.1, 0.4)
    m.part(name, wedge(width + 2 * eaves, rise, depth + 2 * eaves).at(0, y + rise / 2, 0), color)


def windows(
    m: Model,
    width: float,
    y: float,
    z: float,
    count: int,
    size: tuple[float, float],
    pane: Color,
    frame: Color | None = None,
    skip: int | None = None,
) -> None:
    """A row of windows on the wall at z; one place may be left for a door."""
    for k in range(count):
        if k == skip:
            continue
        x = (k - (count - 1) / 2) * width / count
        if frame is not None:
            m.part(None, box(size[0] * 1.25, size[1] * 1.2, 0.06).at(x, y, z), frame)
        m.part("window", box(*size, 0.1).at(x, y, z), pane)


def door(m: Model, y: float, z: float, color: Color, width: float = 0.9, height: float = 1.9, x: float = 0.0) -> None:
    """A door with a knob in the wall at z."""
    m.part("door", m.block(width, height, 0.14).at(x, y + height / 2, z), color)
    m.part(None, m.lump(0.05).at(x + width * 0.35, y + height * 0.48, z + 0.09), m.color("yellow", "gray"))


@generator("house", "building")
def house(m: Model) -> None:
    width, depth, floors = m.u(4.5, 8), m.u(4, 7), m.pick((1, 1, 2))
    storey = m.u(2.3, 2.8)
    wall, roof, pane, frame = m.color(*WALL), m.color(*ROOF), m.color(*PANE), m.color("white", "brown", "gray")
    high = storey * floors
    m.part("wall", m.block(width, high, depth).at(0, high / 2, 0), wall, 4)
    rise = m.u(0.3, 0.6) * width * 0.6
    if m.chance(0.7):
        gable_roof(m, width, depth, high, rise, roof)
    else:
        m.part("roof", frustum(width * 1.12, rise, depth * 1.12, m.u(0, 0.3)).at(0, high + rise / 2, 0), roof)
        m.trait("with a hipped roof")
    count = m.i(2, 4) if width > 5.5 else 3
    at = m.i(0, count - 1)
    for floor in range(floors):
        y = storey * (floor + 0.58)
        windows(
            m,
            width,
            y,
            depth / 2,
            count,
            (width / count * 0.42, storey * 0.36),
            pane,
            frame,
            at if floor == 0 else None,
        )
        windows(m, width, y, -depth / 2, count, (width / count * 0.42, storey * 0.36), pane, frame)
        sides = m.i(1, 2)
        for k in range(sides):
            z = (k - (sides - 1) / 2) * depth / sides
            m.part(
                "window", [box(0.1, storey * 0.36, depth / sides * 0.3).at(s * width / 2, y, z) for s in (-1, 1)], pane
            )
    door(
        m,
        0,
        depth / 2,
        m.color("brown", "red", "blue", "green", "white", "black"),
        x=(at - (count - 1) / 2) * width / count,
    )
    if m.chance(0.6):
        tall = rise + m.u(0.2, 0.8)
        m.part(
            "chimney",
            m.block(0.6, tall, 0.6).at(width * 0.22, high + tall / 2, -depth * 0.15),
            m.color("red", "brown", "gray", "white"),
        )
    if m.chance(0.3):
        m.part(
            "step",
            m.block(1.6, 0.2, 0.8).at((at - (count - 1) / 2) * width / count, 0.1, depth / 2 + 0.4),
            m.color("gray", "beige"),
        )
    m.trait(f"with {'two floors' if floors == 2 else 'one floor'}")


@generator("building", "building")
def building(m: Model) -> None:
    width, depth, floors = m.u(6, 11), m.u(6, 11), m.i(5, 14)
    storey, wall, pane = m.u(2.6, 3.2), m.color(*WALL), m.color(*PANE)
    high = storey * floors
    m.part("wall", box(width, high, depth).at(0, high / 2, 0), wall, 4)
    columns = m.i(3, 5)
    banded = m.chance(0.3)
    for floor in range(floors):
        y = storey * (floor + 0.55)
        if banded:
            m.part("window band", box(width * 1.01, storey * 0.45, depth * 1.01).at(0, y, 0), pane)
            continue
        size = (width / columns * 0.5, storey * 0.5)
        for k in range(columns):
            x = (k - (columns - 1) / 2) / columns
            m.part(
                "window",
                together(
                    [box(*size, 0.1).at(x * width, y, s * depth / 2) for s in (-1, 1)]
                    + [box(0.1, size[1], size[0]).at(s * width / 2, y, x * depth) for s in (-1, 1)]
                ),
                pane,
                4,
            )
    m.part("roof edge", box(width * 1.05, 0.5, depth * 1.05).at(0, high + 0.2, 0), m.color(*ROOF, wall.name))
    m.part("door", box(2.2, 2.4, 0.2).at(0, 1.2, depth / 2), m.color("brown", "black", "gray", "blue"))
    if m.chance(0.5):
        m.part(
            "roof box",
            m.block(width * 0.3, 1.6, depth * 0.3).at(m.u(-0.2, 0.2) * width, high + 1.2, 0),
            m.color("gray", "white"),
        )
    m.trait(f"with {floors} floors")


@generator("tower", "building")
def tower(m: Model) -> None:
    r, high = m.u(1.2, 2.0), m.u(6, 11)
    stone, roof = m.color("gray", "beige", "brown", "white"), m.color(*ROOF)
    square = m.style == "boxy" or m.chance(0.4)
    body = frustum(2 * r, high, 2 * r, m.u(0.8, 1.0)) if square else m.round(r, high, r * m.u(0.75, 1.0))
    m.part("wall", body.at(0, high / 2, 0), stone, 1)
    head = r * 1.2
    m.part("parapet", (box(2 * head, 1.0, 2 * head) if square else m.round(head, 1.0)).at(0, high + 0.5, 0), stone)
    if m.chance(0.6):
        tall = m.u(1.5, 3.5)
        cap = frustum(2.3 * head, tall, 2.3 * head, 0) if square else m.round(head * 1.12, tall, 0.01)
        m.part("roof", cap.at(0, high + 1 + tall / 2, 0), roof)
        if m.chance(0.5):
            m.part(
                "flag", box(0.9, 0.5, 0.05).at(0.45, high + tall + 1.7, 0), m.color("red", "blue", "yellow", "green")
            )
            m.part("flagpole", m.rod(0.05, 1.4).at(0, high + tall + 1.4, 0), m.color("brown", "gray"))
    else:
        count = 8
        m.part(
            "merlon",
            [
                box(head * 0.4, 0.7, head * 0.4).at(head * 0.88 * np.cos(a), high + 1.3, head * 0.88 * np.sin(a))
                for a in 2 * np.pi * (np.arange(count) + 0.5) / count
            ],
            stone,
        )
        m.trait("with battlements")
    m.part("door", box(r * 0.7, 1.7, 0.3).at(0, 0.85, r * 0.97), m.color("brown"))
    pane, levels = m.color("black", "yellow", "blue"), m.i(1, 3)
    m.part(
        "window", [box(0.35, 0.8, 0.3).at(0, high * (k + 1.2) / (levels + 1.4), r * 0.92) for k in range(levels)], pane
    )


@generator("castle", "building")
def castle(m: Model) -> None:
    size, high = m.u(7, 10), m.u(2.5, 3.5)
    stone, roof = m.color("gray", "beige", "brown", "white"), m.color("red", "blue", "brown", "purple", "gray")
    for s in (-1, 1):
        m.part(
            "wall",
            [box(size, high, 0.5).at(0, high / 2, s * size / 2), box(0.5, high, size).at(s * size / 2, high / 2, 0)],
            stone,
        )
        for k in range(7):
            m.part(
                "merlon",
                [
                    box(0.5, 0.5, 0.5).at((k / 6 - 0.5) * size * 0.8, high + 0.25, s * size / 2),
                    box(0.5, 0.5, 0.5).at(s * size / 2, high + 0.25, (k / 6 - 0.5) * size * 0.8),
                ],
                stone,
            )
    tall, r, pointed = high * m.u(1.4, 1.9), m.u(0.9, 1.2), m.chance(0.7)
    for sx in (-1, 1):
        for sz in (-1, 1):
            m.part("tower", m.rod(r, tall).at(sx * size / 2, tall / 2, sz * size / 2), stone)
            if pointed:
                m.part("spire", m.rod(r * 1.3, r * 2.2, 0.01).at(sx * size / 2, tall + r * 1.1, sz * size / 2), roof)
            else:
                m.part(None, m.rod(r * 1.2, 0.6).at(sx * size / 2, tall + 0.2, sz * size / 2), stone)
    if m.chance(0.7):
        keep = high * m.u(1.6, 2.2)
        m.part("keep", box(size * 0.35, keep, size * 0.35).at(0, keep / 2, -size * 0.12), stone)
        m.part("keep roof", frustum(size * 0.4, 1.8, size * 0.4, 0).at(0, keep + 0.9, -size * 0.12), roof)
    peak = tall + (r * 2.2 if pointed else 0.5)
    m.part("gate", box(1.7, 2.0, 0.7).at(0, 1.0, size / 2), m.color("brown", "black"))
    m.part("flag", box(0.8, 0.45, 0.05).at(size / 2 + 0.4, peak + 0.9, size / 2), m.color("red", "yellow", "blue"))
    m.part(None, m.rod(0.05, 1.3).at(size / 2, peak + 0.5, size / 2), m.color("brown"))


@generator("church", "building")
def church(m: Model) -> None:
    width, depth, high = m.u(4, 5.5), m.u(7, 10), m.u(3.0, 4.0)
    wall, roof, pane = (
        m.color("white", "beige", "gray", "brown", "red"),
        m.color(*ROOF),
        m.color(*PANE, "purple", "orange"),
    )
    m.part("nave", m.block(width, high, depth).at(0, high / 2, -depth * 0.1), wall)
    rise = width * 0.55
    m.part("roof", wedge(width * 1.12, rise, depth * 1.04).at(0, high + rise / 2, -depth * 0.1), roof)
    side, tall = width * 0.42, high * m.u(1.7, 2.2)
    z = depth * 0.42
    m.part("tower", m.block(side, tall, side).at(0, tall / 2, z), wall)
    spire = m.u(2.0, 4.5)
    m.part("spire", frustum(side * 1.15, spire, side * 1.15, 0).at(0, tall + spire / 2, z), roof)
    gold, top = m.color("yellow", "black", "gray", "brown"), tall + spire
    m.part("cross", box(0.1, 1.1, 0.1).at(0, top + 0.4, z) + box(0.6, 0.1, 0.1).at(0, top + 0.55, z), gold)
    door(m, 0, z + side / 2, m.color("brown", "red"), side * 0.5, 1.9)
    count = m.i(3, 4)
    m.part(
        "window",
        [
            box(0.1, high * 0.5, 0.6).at(s * width / 2, high * 0.5, (k / count - 0.45) * depth * 0.9)
            for s in (-1, 1)
            for k in range(count)
        ],
        pane,
    )


@generator("barn", "building")
def barn(m: Model) -> None:
    width, depth, high = m.u(5, 7), m.u(6, 9), m.u(2.6, 3.4)
    wall, roof, trim = (
        m.color("red", "red", "brown", "gray", "white"),
        m.color("gray", "black", "brown", "white"),
        m.color("white"),
    )
    m.part("wall", m.block(width, high, depth).at(0, high / 2, 0), wall, 4)
    rise, w = width * 0.45, width * 0.56
    outline = [(-w, high), (w, high), (w * 0.68, high + rise * 0.65), (0, high + rise), (-w * 0.68, high + rise * 0.65)]
    m.part("roof", extrude(outline, depth * 1.08), roof)
    m.part("gable", extrude([(x * 0.9, high + (y - high) * 0.9) for x, y in outline], depth * 1.1), wall)
    doors = m.color("brown", wall.name, "white")
    m.part(
        "barn door",
        [m.block(width * 0.2, high * 0.78, 0.12).at(s * width * 0.105, high * 0.39, depth / 2) for s in (-1, 1)],
        doors,
    )
    for s in (-1, 1):
        m.part(
            None,
            between(
                (s * width * 0.01, 0.05, depth / 2 + 0.09), (s * width * 0.2, high * 0.76, depth / 2 + 0.09), 0.05, 4
            ),
            trim,
        )
    m.part("loft window", box(0.9, 0.9, 0.1).at(0, high + rise * 0.35, depth * 0.56), trim)
    if m.chance(0.4):
        m.part(
            "silo", m.round(1.1, high * 1.6).at(width * 0.5 + 1.2, high * 0.8, -depth * 0.2), m.color("gray", "white")
        )
        m.part(None, m.lump(1.1, 0.9).at(width * 0.5 + 1.2, high * 1.6, -depth * 0.2), roof)


@generator("lighthouse", "building")
def lighthouse(m: Model) -> None:
    high, r = m.u(8, 12), m.u(1.3, 1.9)
    bands = m.i(4, 7)
    first, second = m.color("white"), m.color("red", "red", "blue", "black", "orange")
    top = r * 0.6
    for k in range(bands):
        a, b = r + (top - r) * k / bands, r + (top - r) * (k + 1) / bands
        m.part("band", m.round(a, high / bands, b).at(0, high * (k + 0.5) / bands, 0), second if k % 2 else first)
    m.part("gallery", m.round(top * 1.5, 0.25).at(0, high + 0.1, 0), m.color("gray", "black"))
    m.part("lamp room", m.round(top * 0.8, 1.3).at(0, high + 0.85, 0), m.color("yellow", "cyan"))
    m.part("dome", m.round(top * 1.05, 1.0, 0.05).at(0, high + 2.0, 0), m.color("red", "black", second.name))
    m.part("door", box(0.9, 1.7, 0.3).at(0, 0.85, r * 0.97), m.color("brown", "black", "blue"))
    if m.chance(0.4):
        m.part("rock", m.rough(m.lump(r * 2.2, r * 0.7), r * 0.15).at(0, -r * 0.2, 0), m.color("gray", "brown"))
    m.trait("striped")
