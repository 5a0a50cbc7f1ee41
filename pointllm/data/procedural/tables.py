"""Tables, and furniture to keep things in."""

from __future__ import annotations

import numpy as np

from .model import METAL, WOOD, Color, Model, generator, legs_at
from .solids import Solid, between, box, tube

BOOKS = ("red", "blue", "green", "orange", "yellow", "purple", "brown", "black", "white")


def _top(m: Model, width: float, depth: float, height: float, color: Color, round_share: float) -> bool:
    """A table's top at a height; whether it is round."""
    thickness = m.u(0.025, 0.06)
    if m.style != "boxy" and m.chance(round_share):
        m.part("top", m.round(width / 2, thickness).scaled(1, 1, depth / width).at(0, height, 0), color)
        m.trait("round" if depth == width else "oval")
        return True
    m.part("top", m.block(width, thickness, depth).at(0, height, 0), color)
    return False


def _supports(m: Model, width: float, depth: float, height: float, color: Color, is_round: bool) -> None:
    kind = m.pick(("legs", "legs", "legs", "pedestal", "trestle", "cross"))
    if kind == "pedestal":
        m.part("column", m.rod(m.u(0.03, 0.07), height, m.u(0.03, 0.06)).at(0, height / 2, 0), color)
        m.part("base", m.round(min(width, depth) * m.u(0.25, 0.38), 0.04, 0.06).at(0, 0.02, 0), color)
    elif kind == "trestle" and not is_round:
        m.part(
            "panel leg", [m.block(0.05, height, depth * 0.8).at(s * width * 0.4, height / 2, 0) for s in (-1, 1)], color
        )
        m.part("stretcher", box(width * 0.8, 0.05, 0.03).at(0, height * 0.35, 0), color)
    elif kind == "cross" and not is_round:
        z, y = depth * 0.4, height - 0.02
        m.part(
            "crossed leg",
            [
                between((s * width * 0.4, 0.02, t * z), (s * width * 0.4, y, -t * z), 0.024, max(4, m.n))
                for s in (-1, 1)
                for t in (-1, 1)
            ],
            color,
        )
    else:
        inset = 0.3 if is_round else 0.45
        m.part(
            "leg",
            legs_at(
                m, width * inset, depth * inset, height, m.u(0.018, 0.045), m.pick((0, 0, m.u(0, 0.08))), m.u(0.5, 1.0)
            ),
            color,
        )
        if not is_round and m.chance(0.5):
            apron = m.u(0.05, 0.1)
            m.part(
                "apron",
                [m.block(width * 0.86, apron, 0.02).at(0, height - apron / 2, s * depth * 0.43) for s in (-1, 1)]
                + [m.block(0.02, apron, depth * 0.86).at(s * width * 0.43, height - apron / 2, 0) for s in (-1, 1)],
                color,
                1,
            )


def _table(m: Model, width: float, depth: float, height: float, round_share: float = 0.3) -> None:
    frame = m.color(*WOOD, *METAL)
    top = frame if m.chance(0.5) else m.color(*WOOD, "white", "gray", "black", "red", "green", "cyan")
    _supports(m, width, depth, height, frame, _top(m, width, depth, height, top, round_share))


@generator("table", "furniture")
def table(m: Model) -> None:
    width = m.u(0.8, 2.0)
    _table(m, width, m.pick((width, width * m.u(0.45, 0.8), m.u(0.6, 0.9))), m.u(0.68, 0.8))


@generator("coffee table", "furniture")
def coffee_table(m: Model) -> None:
    width = m.u(0.7, 1.3)
    height = m.u(0.28, 0.45)
    _table(m, width, m.pick((width, width * m.u(0.5, 0.7))), height, 0.4)
    m.trait("low")


@generator("desk", "office")
def desk(m: Model) -> None:
    width, depth, height = m.u(1.1, 1.7), m.u(0.55, 0.8), m.u(0.7, 0.78)
    body = m.color(*WOOD, "white", "gray", "black")
    top = body if m.chance(0.5) else m.color(*WOOD, "white", "black", "gray")
    m.part("top", m.block(width, 0.035, depth).at(0, height, 0), top)
    sides = m.pick(((-1,), (1,), (-1, 1)))
    drawers, w = m.i(2, 4), m.u(0.3, 0.42)
    knob = m.color(*METAL)
    for s in sides:
        x = s * (width / 2 - w / 2 - 0.02)
        m.part("pedestal", m.block(w, height - 0.05, depth * 0.9).at(x, (height - 0.05) / 2 + 0.02, 0), body)
        _drawers(m, x, 0.04, w, height - 0.1, depth * 0.45, drawers, top if top is not body else None, knob)
    free = [s for s in (-1, 1) if s not in sides]
    for s in free:
        m.part(
            "leg",
            [m.rod(0.028, height).at(s * (width / 2 - 0.05), height / 2, z * (depth / 2 - 0.06)) for z in (-1, 1)],
            body,
        )
    if m.chance(0.5):
        m.part("back panel", m.block(width * 0.95, height * 0.5, 0.02).at(0, height * 0.7, -depth * 0.42), body)


def _drawers(
    m: Model, x: float, y: float, width: float, height: float, z: float, count: int, face: Color | None, knob: Color
) -> None:
    """A column of drawers in front of a body, with a knob or a bar each."""
    each = height / count
    face = face or m.color("brown", "beige", "white", "gray", "black")
    m.part(
        "drawer", [m.block(width * 0.9, each * 0.86, 0.03).at(x, y + (k + 0.5) * each, z) for k in range(count)], face
    )
    bar = m.chance(0.5)
    for k in range(count):
        at = (x, y + (k + 0.5) * each, z + 0.03)
        m.part(None, box(width * 0.3, 0.018, 0.025).at(*at) if bar else m.lump(0.02).at(*at), knob)


def _doors(m: Model, width: float, y: float, height: float, z: float, count: int, face: Color, knob: Color) -> None:
    """Doors side by side in front of a body."""
    each = width / count
    m.part(
        "door",
        [
            m.block(each * 0.94, height * 0.97, 0.03).at((k - (count - 1) / 2) * each, y + height / 2, z)
            for k in range(count)
        ],
        face,
    )
    for k in range(count):
        side = 1 if k % 2 == 0 else -1
        side = 1 if count == 1 else side
        m.part(
            None,
            box(0.02, min(0.16, height * 0.3), 0.03).at(
                (k - (count - 1) / 2) * each + side * each * 0.38, y + height * 0.52, z + 0.03
            ),
            knob,
        )


def _feet(m: Model, width: float, depth: float, color: Color) -> float:
    """Low feet or a plinth; the height at which the body begins."""
    foot = m.u(0.03, 0.18)
    if m.chance(0.6):
        m.part("foot", legs_at(m, width / 2 - 0.05, depth / 2 - 0.05, foot, 0.025), color)
    else:
        foot = min(foot, 0.08)
        m.part("plinth", box(width * 0.94, foot, depth * 0.9).at(0, foot / 2, 0), color)
    return foot


@generator("nightstand", "furniture")
def nightstand(m: Model) -> None:
    width, depth, height = m.u(0.36, 0.55), m.u(0.32, 0.45), m.u(0.3, 0.45)
    body, face, knob = m.color(*WOOD, "white", "gray", "black"), m.color(*WOOD, "white", "gray"), m.color(*METAL)
    foot = _feet(m, width, depth, body)
    m.part("body", m.block(width, height, depth).at(0, foot + height / 2, 0), body)
    count = m.i(1, 3)
    _drawers(m, 0, foot + 0.02, width, height - 0.04, depth / 2, count, face, knob)
    if m.chance(0.5):
        m.part("top", m.block(width * 1.08, 0.025, depth * 1.08).at(0, foot + height, 0), body)


@generator("dresser", "furniture")
def dresser(m: Model) -> None:
    width, depth, height = m.u(0.8, 1.4), m.u(0.4, 0.5), m.u(0.65, 1.1)
    body, face, knob = m.color(*WOOD, "white", "gray"), m.color(*WOOD, "white", "gray", "cyan"), m.color(*METAL)
    foot = _feet(m, width, depth, body)
    m.part("body", m.block(width, height, depth).at(0, foot + height / 2, 0), body)
    columns, rows = m.i(1, 3), m.i(3, 5)
    each = width / columns
    for k in range(columns):
        _drawers(m, (k - (columns - 1) / 2) * each, foot + 0.02, each, height - 0.04, depth / 2, rows, face, knob)


@generator("wardrobe", "furniture")
def wardrobe(m: Model) -> None:
    width, depth, height = m.u(0.8, 1.8), m.u(0.5, 0.65), m.u(1.7, 2.2)
    body, face, knob = m.color(*WOOD, "white", "gray"), m.color(*WOOD, "white", "gray"), m.color(*METAL)
    foot = _feet(m, width, depth, body)
    m.part("body", m.block(width, height, depth).at(0, foot + height / 2, 0), body)
    low = 0.0
    if m.chance(0.4):
        low = m.u(0.2, 0.4)
        _drawers(m, 0, foot + 0.02, width, low, depth / 2, m.i(1, 2), face, knob)
    _doors(m, width, foot + low + 0.03, height - low - 0.06, depth / 2, m.i(2, 3), face, knob)
    if m.chance(0.4):
        m.part("cornice", m.block(width * 1.06, 0.06, depth * 1.08).at(0, foot + height, 0), body)


@generator("cabinet", "furniture")
def cabinet(m: Model) -> None:
    width, depth, height = m.u(0.5, 1.3), m.u(0.35, 0.5), m.u(0.6, 1.25)
    body = m.color(*WOOD, "white", "gray", "blue", "green")
    face, knob = body if m.chance(0.4) else m.color(*WOOD, "white", "gray"), m.color(*METAL)
    foot = _feet(m, width, depth, body)
    m.part("body", m.block(width, height, depth).at(0, foot + height / 2, 0), body)
    high = 0.0
    if m.chance(0.4):
        high = m.u(0.12, 0.22)
        columns = 1 if width < 0.8 else 2
        for k in range(columns):
            _drawers(
                m,
                (k - (columns - 1) / 2) * width / columns,
                foot + height - high - 0.01,
                width / columns,
                high,
                depth / 2,
                1,
                face,
                knob,
            )
    _doors(m, width, foot + 0.02, height - high - 0.04, depth / 2, 1 if width < 0.65 else 2, face, knob)
    if m.chance(0.5):
        m.part("top", m.block(width * 1.05, 0.03, depth * 1.08).at(0, foot + height, 0), body)


@generator("tv stand", "furniture")
def tv_stand(m: Model) -> None:
    width, depth, height = m.u(1.1, 1.9), m.u(0.35, 0.48), m.u(0.28, 0.45)
    body, face, knob = m.color(*WOOD, "white", "gray", "black"), m.color(*WOOD, "white", "black"), m.color(*METAL)
    foot = _feet(m, width, depth, body)
    t = 0.03
    for y in (foot + t / 2, foot + height):
        m.part("board", m.block(width, t, depth).at(0, y, 0), body)
    m.part(
        "wall",
        [m.block(t, height, depth).at(x * width, foot + height / 2, 0) for x in (-0.49, -0.17, 0.17, 0.49)],
        body,
    )
    m.part(None, box(width, height, 0.015).at(0, foot + height / 2, -depth / 2), body)
    for x in (-0.33, 0.33):
        m.part("door", m.block(width * 0.3, height * 0.9, 0.025).at(x * width, foot + height / 2, depth / 2), face)
        m.part(None, m.lump(0.016).at(x * width * 0.62, foot + height / 2, depth / 2 + 0.03), knob)


def _compartments(
    m: Model, width: float, height: float, depth: float, shelves: int, color: Color, with_sides: bool, with_back: bool
) -> list[float]:
    """Boards one above the other; the height of each board's upper side but the last."""
    t = m.u(0.018, 0.035)
    levels = [t / 2 + k * (height - t) / shelves for k in range(shelves + 1)]
    m.part("shelf", [m.block(width, t, depth).at(0, y, 0) for y in levels], color)
    if with_sides:
        m.part("side", [m.block(t, height, depth).at(s * width / 2, height / 2, 0) for s in (-1, 1)], color)
    else:
        m.part(
            "post",
            [
                m.rod(0.016, height).at(sx * width * 0.48, height / 2, sz * depth * 0.45)
                for sx in (-1, 1)
                for sz in (-1, 1)
            ],
            color,
        )
    if with_back:
        m.part(None, box(width, height, 0.012).at(0, height / 2, -depth / 2), color)
    return [y + t / 2 for y in levels[:-1]]


def _books(m: Model, x: float, y: float, room: float, high: float, depth: float) -> int:
    """Upright books from x on along a shelf; how many."""
    count, end = 0, x + room
    while True:
        thick = m.u(0.022, 0.055)
        if x + thick > end:
            return count
        tall = high * m.u(0.6, 0.92)
        m.part(
            "book",
            box(thick * 0.94, tall, depth * m.u(0.65, 0.85)).at(x + thick / 2, y + tall / 2, depth * 0.05),
            m.color(*BOOKS),
        )
        x, count = x + thick, count + 1


@generator("bookcase", "furniture")
def bookcase(m: Model) -> None:
    width, depth, height, rows = m.u(0.6, 1.2), m.u(0.25, 0.35), m.u(1.1, 2.1), m.i(3, 6)
    color = m.color(*WOOD, "white", "gray", "black")
    levels = _compartments(m, width, height, depth, rows, color, True, m.chance(0.7))
    filled = 0
    for y in levels:
        if m.chance(0.85):
            room = width * 0.94 * m.u(0.35, 0.97)
            filled += _books(m, -width * 0.47, y, room, height / rows - 0.04, depth) > 0
    m.trait(f"with {filled} row{'s' if filled > 1 else ''} of books" if filled else f"with {rows} empty rows")


@generator("shelf", "furniture")
def shelf(m: Model) -> None:
    width, depth, height, rows = m.u(0.6, 1.3), m.u(0.25, 0.45), m.u(0.8, 1.9), m.i(2, 5)
    color = m.color(*WOOD, *METAL, "white")
    levels = _compartments(m, width, height, depth, rows, color, m.chance(0.4), m.chance(0.25))
    room = height / rows
    for y in levels:
        for x in (-0.3, 0.0, 0.3):
            if m.chance(0.45):
                size = min(room * 0.7, width * 0.22)
                thing: Solid = m.pick(
                    (m.block(size, size * m.u(0.5, 0.9), size * 0.8), m.round(size * 0.4, size * 0.8))
                )
                m.part(None, thing.at(x * width, y - thing.low[1], 0), m.color())
    m.trait("open")


@generator("filing cabinet", "office")
def filing_cabinet(m: Model) -> None:
    rows = m.i(2, 4)
    width, depth, height = m.u(0.4, 0.5), m.u(0.5, 0.65), 0.33 * rows
    body, knob = m.color("gray", "gray", "black", "beige", "green", "white"), m.color("gray", "black")
    m.part("body", m.block(width, height, depth).at(0, height / 2, 0), body)
    _drawers(m, 0, 0.02, width, height - 0.04, depth / 2, rows, m.color(body.name), knob)


@generator("clothes rack", "furniture", ("low-poly", "smooth"))
def clothes_rack(m: Model) -> None:
    width, height, metal = m.u(1.0, 1.5), m.u(1.4, 1.7), m.color(*METAL)
    for s in (-1, 1):
        m.part("post", m.rod(0.018, height).at(s * width / 2, height / 2, 0), metal)
        m.part("foot", between((s * width / 2, 0.02, -0.25), (s * width / 2, 0.02, 0.25), 0.018), metal)
    m.part("bar", between((-width / 2, height, 0), (width / 2, height, 0), 0.016), metal)
    for k in range(m.i(3, 7)):
        x = (k / 6 - 0.45) * width
        color, high = m.color(), m.u(0.5, 0.9)
        m.part("garment", m.block(0.06, high, 0.4).at(x, height - 0.12 - high / 2, 0), color)
        m.part(None, tube([(x, height + 0.01, 0), (x, height - 0.08, 0), (x, height - 0.14, 0.16)], 0.006, 4), metal)


@generator("coat rack", "furniture", ("low-poly", "smooth"))
def coat_rack(m: Model) -> None:
    height, wood = m.u(1.5, 1.8), m.color(*WOOD, "black", "white", "gray")
    m.part("pole", m.rod(0.025, height).at(0, height / 2, 0), wood)
    count = m.i(3, 4)
    m.part(
        "foot",
        [
            tube([(0, 0.18, 0), (0.3 * np.cos(a), 0.02, 0.3 * np.sin(a))], [0.022, 0.015], 6)
            for a in 2 * np.pi * np.arange(count) / count
        ],
        wood,
    )
    hooks = m.i(4, 8)
    m.part(
        "hook",
        [
            tube(
                [
                    (0, height - 0.12, 0),
                    (0.12 * np.cos(a), height - 0.12, 0.12 * np.sin(a)),
                    (0.18 * np.cos(a), height - 0.02, 0.18 * np.sin(a)),
                ],
                0.012,
                6,
            )
            for a in 2 * np.pi * np.arange(hooks) / hooks
        ],
        wood,
    )
    m.part(None, m.lump(0.04).at(0, height + 0.03, 0), wood)
