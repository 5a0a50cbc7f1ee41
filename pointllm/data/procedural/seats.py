"""Things to sit and lie on."""

from __future__ import annotations

import numpy as np

from .model import METAL, WOOD, Color, Model, generator, legs_at
from .solids import Solid, between, box, curve, extrude, torus, tube


def backrest(
    m: Model, width: float, seat: float, height: float, z: float, thickness: float, frame: Color, cover: Color
) -> None:
    """One of several backrests, its lower edge at the seat, leaning back a little."""
    kind = m.pick(("panel", "slats", "spindles", "ladder", "oval"))
    lean = m.u(4, 16)
    pieces: list[Solid] = []
    if kind == "panel":
        gap = m.u(0, 0.12)
        panel = m.block(width, height - gap, thickness).at(0, gap + (height - gap) / 2, 0)
        if gap:
            posts = [m.rod(0.018, height * 0.6).at(s * width * 0.4, height * 0.3, 0) for s in (-1, 1)]
            m.part("post", [_leaned(p, lean, seat, z) for p in posts], frame)
        pieces.append(panel)
    elif kind == "oval":
        ring = torus(0.5, thickness / max(width, 0.1) * 0.8, 20, 6).turned("x", 90).scaled(width, height, 1.0)
        fill = m.lump(width * 0.42, height * 0.42, thickness * 0.4)
        pieces += [ring.at(0, height / 2, 0), fill.at(0, height / 2, 0)]
    else:
        for s in (-1, 1):
            pieces.append(m.rod(0.022, height).at(s * (width / 2 - 0.022), height / 2, 0))
        pieces.append(m.block(width, 0.07, thickness * 1.1).at(0, height - 0.035, 0))
        if kind == "ladder":
            rungs = m.i(2, 4)
            pieces += [
                m.block(width, 0.05, thickness * 0.8).at(0, height * (k + 0.7) / (rungs + 0.8), 0) for k in range(rungs)
            ]
            m.trait(f"with a ladder back of {rungs} rungs")
        else:
            bars = m.i(3, 7)
            size = 0.011 if kind == "spindles" else m.u(0.02, 0.035)
            for k in range(bars):
                x = (k + 1) / (bars + 1) * (width - 0.05) - (width - 0.05) / 2
                bar = m.rod(size, height) if kind == "spindles" else box(size * 2, height, thickness * 0.5)
                pieces.append(bar.at(x, height / 2, 0))
            m.trait(f"with {bars} upright bars in its back")
    m.part("backrest", [_leaned(p, lean, seat, z) for p in pieces], cover if kind in ("panel", "oval") else frame, 1)


def _leaned(solid: Solid, lean: float, seat: float, z: float) -> Solid:
    return solid.turned("x", -lean).at(0, seat, z)


def arms(m: Model, width: float, depth: float, seat: float, color: Color) -> None:
    """Two armrests beside a seat."""
    height = m.u(0.16, 0.26)
    pieces = []
    for s in (-1, 1):
        x = s * (width / 2 + 0.02)
        pieces.append(
            m.block(0.05, 0.035, depth * 0.8).at(x, seat + height, 0)
            + m.rod(0.016, height).at(x, seat + height / 2, depth * 0.32)
            + m.rod(0.016, height).at(x, seat + height / 2, -depth * 0.32)
        )
    m.part("armrest", pieces, color)


@generator("chair", "furniture")
def chair(m: Model) -> None:
    width, depth = m.u(0.38, 0.52), m.u(0.38, 0.52)
    seat, thickness = m.u(0.4, 0.5), m.u(0.02, 0.08)
    frame = m.color(*m.pick((WOOD, METAL, ("white", "black", "gray"))))
    cover = frame if m.chance(0.35) else m.color()
    base = m.pick(("legs", "legs", "legs", "sled", "pedestal"))
    if m.style != "boxy" and m.chance(0.25):
        m.part("seat", m.round(width / 2, thickness).scaled(1, 1, depth / width).at(0, seat, 0), cover)
    else:
        m.part("seat", m.block(width, thickness, depth).at(0, seat, 0), cover)
    under = seat - thickness / 2
    if base == "legs":
        splay = m.pick((0.0, 0.0, m.u(0.02, 0.08)))
        m.part(
            "leg", legs_at(m, width / 2 - 0.04, depth / 2 - 0.04, under, m.u(0.014, 0.03), splay, m.u(0.6, 1.0)), frame
        )
        if m.chance(0.4):
            y = m.u(0.12, 0.25)
            m.part(
                "stretcher",
                [
                    between(
                        (s * (width / 2 - 0.04), y, -depth / 2 + 0.04),
                        (s * (width / 2 - 0.04), y, depth / 2 - 0.04),
                        0.011,
                    )
                    for s in (-1, 1)
                ],
                frame,
            )
    elif base == "sled":
        x, z, r = width / 2 - 0.02, depth / 2 - 0.02, 0.013
        runs = [tube([(s * x, under, z), (s * x, r, z), (s * x, r, -z), (s * x, under, -z)], r, 6) for s in (-1, 1)]
        m.part("runner", runs, frame)
    else:
        m.part("column", m.rod(0.03, under).at(0, under / 2, 0), frame)
        m.part("base", m.round(width * 0.45, 0.03, width * 0.4).at(0, 0.015, 0), frame)
    backrest(m, width * m.u(0.85, 1.0), seat, m.u(0.32, 0.58), -depth / 2 + 0.02, m.u(0.02, 0.05), frame, cover)
    if m.chance(0.2):
        arms(m, width, depth, seat, frame)


@generator("office chair", "office", ("low-poly", "smooth"))
def office_chair(m: Model) -> None:
    width, depth, seat = m.u(0.45, 0.54), m.u(0.44, 0.52), m.u(0.45, 0.54)
    frame, cover = m.color("black", "gray", "white"), m.color("black", "gray", "blue", "red", "green", "orange")
    m.part("seat", m.block(width, m.u(0.06, 0.1), depth).at(0, seat, 0), cover)
    back = m.block(width * m.u(0.8, 1), m.u(0.4, 0.75), m.u(0.04, 0.08))
    m.part("backrest", _leaned(back.at(0, back.high[1] + m.u(0.08, 0.16), 0), m.u(5, 14), seat, -depth / 2), cover)
    m.part(None, _leaned(box(0.06, 0.3, 0.03).at(0, 0.12, -0.04), 8, seat, -depth / 2), frame)
    m.part("column", m.rod(0.03, seat - 0.1).at(0, seat / 2 + 0.02, 0), frame)
    spokes, wheels = [], []
    for k in range(5):
        angle = 2 * np.pi * k / 5
        tip = (0.28 * np.cos(angle), 0.07, 0.28 * np.sin(angle))
        spokes.append(between((0, 0.11, 0), tip, 0.024, 6, 0.016))
        wheels.append(m.wheel(0.032, 0.03).at(tip[0], 0.032, tip[2]))
    m.part("spoke", spokes, frame)
    m.part("castor", wheels, m.color("black"))
    if m.chance(0.7):
        arms(m, width, depth, seat, frame)


@generator("stool", "furniture")
def stool(m: Model) -> None:
    size, height = m.u(0.26, 0.4), m.pick((m.u(0.35, 0.5), m.u(0.6, 0.8)))
    frame, cover = m.color(*WOOD, "gray", "black", "white"), m.color(*WOOD, "red", "black", "white", "blue", "green")
    thickness = m.u(0.025, 0.09)
    top = m.round(size / 2, thickness) if m.chance(0.65) else m.block(size, thickness, size)
    m.part("seat", top.at(0, height, 0), cover)
    if height > 0.55:
        m.trait("tall")
    if m.chance(0.25):
        m.part("column", m.rod(0.03, height).at(0, height / 2, 0), frame)
        m.part("base", m.round(size * 0.5, 0.025).at(0, 0.0125, 0), frame)
        return
    count, splay, legs = m.pick((3, 4, 4)), m.u(0.02, 0.1), []
    for k in range(count):
        angle = 2 * np.pi * (k + 0.5) / count
        x, z = np.cos(angle) * size * 0.36, np.sin(angle) * size * 0.36
        legs.append(
            tube(
                [(x * (1 + splay / size * 2), 0, z * (1 + splay / size * 2)), (x, height, z)],
                m.u(0.013, 0.024),
                max(4, m.n),
            )
        )
    m.part("leg", legs, frame)
    if m.chance(0.5):
        ring = size * 0.36 * (1 + splay / size)
        m.part("footrest", m.hoop(ring, 0.009).at(0, height * 0.4, 0), frame)


def _cushions(m: Model, count: int, width: float, y: float, depth: float, z: float, color: Color) -> None:
    each, thickness = width / count, m.u(0.1, 0.17)
    m.part(
        "seat cushion",
        [m.block(each * 0.97, thickness, depth).at((k - (count - 1) / 2) * each, y, z) for k in range(count)],
        color,
    )


def _upholstered(m: Model, count: int, each: float) -> None:
    color = m.color("red", "blue", "green", "gray", "gray", "brown", "beige", "purple", "orange", "yellow", "black")
    cushion = color if m.chance(0.5) else m.color("white", "beige", "gray", "red", "blue", "green", "brown", "orange")
    width, depth = each * count, m.u(0.75, 0.95)
    foot, seat, arm = m.u(0.04, 0.16), m.u(0.18, 0.26), m.u(0.1, 0.24)
    m.part("base", m.block(width + arm, seat, depth).at(0, foot + seat / 2, 0), color)
    _cushions(m, count, width * 0.98, foot + seat + 0.06, depth * 0.75, depth * 0.1, cushion)
    back, thick = m.u(0.35, 0.55), m.u(0.16, 0.24)
    m.part(
        "backrest",
        m.block(width + arm, seat + back, thick)
        .turned("x", -m.u(0, 8))
        .at(0, foot + (seat + back) / 2, -depth / 2 + thick / 2),
        color,
    )
    high = seat + m.u(0.16, 0.3)
    for s in (-1, 1):
        side = m.block(arm, high, depth).at(s * (width / 2 + arm / 2), foot + high / 2, 0)
        if m.style == "smooth" and arm > 0.17:
            side = side + m.wheel(arm * 0.55, 1).turned("y", 90).scaled(1, 1, depth).at(
                s * (width / 2 + arm / 2), foot + high, 0
            )
        m.part("armrest", side, color)
    m.part("foot", legs_at(m, width / 2, depth / 2 - 0.08, foot, 0.025), m.color("brown", "black", "gray"))
    if count > 1 and m.chance(0.3):
        pillow = m.color()
        m.part(
            "pillow",
            [
                m.lump(0.2, 0.2, 0.08).turned("x", -20).at(s * width * 0.38, foot + seat + 0.3, -0.1)
                for s in m.pick(((-1,), (1,), (-1, 1)))
            ],
            pillow,
        )


@generator("sofa", "furniture")
def sofa(m: Model) -> None:
    seats = m.i(2, 4)
    _upholstered(m, seats, m.u(0.55, 0.75))
    m.trait(f"with {seats} seats")


@generator("armchair", "furniture")
def armchair(m: Model) -> None:
    _upholstered(m, 1, m.u(0.5, 0.68))


@generator("bench", "furniture")
def bench(m: Model) -> None:
    width, depth, seat = m.u(1.1, 1.9), m.u(0.35, 0.5), m.u(0.4, 0.48)
    wood, iron = m.color(*WOOD, "green", "gray", "white", "red"), m.color("black", "gray", "brown", "green")
    planks = m.i(3, 5)
    each = depth / planks
    m.part(
        "plank",
        [m.block(width, 0.03, each * 0.85).at(0, seat, (k - (planks - 1) / 2) * each) for k in range(planks)],
        wood,
    )
    if m.chance(0.65):
        rows = m.i(2, 3)
        m.part(
            "backrest",
            [_leaned(m.block(width, 0.09, 0.025).at(0, 0.14 + 0.13 * k, 0), 12, seat, -depth / 2) for k in range(rows)],
            wood,
            1,
        )
        m.part(
            None,
            [
                _leaned(
                    box(0.05, 0.14 + 0.13 * rows, 0.03).at(s * width * 0.4, 0.08 + 0.065 * rows, -0.02),
                    12,
                    seat,
                    -depth / 2,
                )
                for s in (-1, 1)
            ],
            iron,
        )
    if m.chance(0.5):
        m.part("leg", [m.block(0.06, seat, depth * 0.9).at(s * width * 0.4, seat / 2, 0) for s in (-1, 1)], iron)
    else:
        m.part("leg", legs_at(m, width * 0.43, depth * 0.38, seat, 0.028), iron)
    if m.chance(0.35):
        m.part(
            "armrest",
            [
                m.block(0.05, 0.04, depth * 0.9).at(s * width * 0.45, seat + 0.22, 0)
                + box(0.04, 0.22, 0.04).at(s * width * 0.45, seat + 0.11, depth * 0.35)
                for s in (-1, 1)
            ],
            iron,
        )


@generator("bed", "furniture")
def bed(m: Model) -> None:
    width, length, foot = m.pick((m.u(0.85, 1.0), m.u(1.3, 1.8))), m.u(1.9, 2.1), m.u(0.1, 0.25)
    frame, sheet = m.color(*WOOD, "white", "gray", "black"), m.color("white", "white", "beige", "gray")
    cover = m.color()
    m.part("frame", m.block(width, 0.14, length).at(0, foot + 0.07, 0), frame)
    thick = m.u(0.14, 0.24)
    m.part("mattress", m.block(width * 0.96, thick, length * 0.97).at(0, foot + 0.14 + thick / 2, 0), sheet)
    top = foot + 0.14 + thick
    share = m.u(0.5, 0.75)
    m.part(
        "blanket",
        m.block(width * 1.02, thick * 0.7 + 0.04, length * share).at(
            0, top - thick * 0.35 + 0.02, length * (0.485 - share / 2)
        ),
        cover,
    )
    pillows = 1 if width < 1.1 else 2
    m.part(
        "pillow",
        [
            m.lump(0.26, 0.08, 0.17).at((k - (pillows - 1) / 2) * width / 2, top + 0.05, -length * 0.37)
            for k in range(pillows)
        ],
        m.color("white", "white", "beige", cover.name),
    )
    high = top + m.u(0.15, 0.7)
    m.part("headboard", m.block(width, high, 0.06).at(0, high / 2, -length / 2), frame)
    if m.chance(0.5):
        low = foot + 0.14 + m.u(0.05, 0.25)
        m.part("footboard", m.block(width, low, 0.05).at(0, low / 2, length / 2), frame)
    m.part("leg", legs_at(m, width / 2 - 0.05, length / 2 - 0.06, foot, 0.035), frame)
    m.trait("wide" if pillows == 2 else "narrow")


@generator("bunk bed", "furniture")
def bunk_bed(m: Model) -> None:
    width, length, gap = m.u(0.8, 1.0), m.u(1.85, 2.05), m.u(0.85, 1.0)
    frame = m.color(*WOOD, "white", "gray", "blue", "red")
    sheet, cover = m.color("white", "beige"), m.color()
    levels = (0.3, 0.3 + gap)
    m.part(
        "post",
        [
            m.rod(0.04, levels[1] + 0.4).at(sx * width / 2, (levels[1] + 0.4) / 2, sz * length / 2)
            for sx in (-1, 1)
            for sz in (-1, 1)
        ],
        frame,
    )
    for y in levels:
        m.part("frame", m.block(width, 0.1, length).at(0, y, 0), frame)
        m.part("mattress", m.block(width * 0.92, 0.12, length * 0.95).at(0, y + 0.1, 0), sheet)
        m.part("blanket", m.block(width * 0.95, 0.09, length * 0.6).at(0, y + 0.15, length * 0.17), cover)
        m.part("pillow", m.lump(0.24, 0.07, 0.15).at(0, y + 0.2, -length * 0.38), sheet)
    m.part(
        "rail",
        [m.block(0.03, 0.06, length).at(s * width / 2, levels[1] + h, 0) for s in (-1, 1) for h in (0.22, 0.36)],
        frame,
        2,
    )
    rungs = m.i(4, 6)
    x, z, top = width / 2 + 0.05, length * 0.32, levels[1] + 0.2
    pieces = [box(0.04, top, 0.05).at(x, top / 2, z + s * 0.18) for s in (-1, 1)]
    pieces += [box(0.03, 0.03, 0.36).at(x, (k + 0.7) * top / (rungs + 0.3), z) for k in range(rungs)]
    m.part("ladder", pieces, frame, 1)


@generator("deck chair", "furniture", ("low-poly", "smooth"))
def deck_chair(m: Model) -> None:
    width, wood, cloth = (
        m.u(0.5, 0.65),
        m.color(*WOOD, "white", "gray"),
        m.color("red", "blue", "green", "yellow", "orange", "white", "cyan"),
    )
    long, tall = m.u(1.0, 1.25), m.u(0.8, 0.95)
    rails = [between((s * width / 2, 0.02, long * 0.5), (s * width / 2, tall, -long * 0.45), 0.02, 4) for s in (-1, 1)]
    props = [
        between((s * width * 0.46, 0.02, -long * 0.5), (s * width * 0.46, 0.4, long * 0.4), 0.02, 4) for s in (-1, 1)
    ]
    m.part("rail", rails + props, wood)
    sag = curve([(0, 0.38, long * 0.4), (0, 0.2, long * 0.02), (0, 0.4, -long * 0.25), (0, tall - 0.03, -long * 0.44)])
    sheet = [(z, y) for _, y, z in sag] + [(z, y - 0.02) for _, y, z in sag[::-1]]
    m.part("cloth", extrude(sheet, width * 0.86).turned("y", -90), cloth)
    m.part(
        "crossbar",
        [
            between((-width / 2, y, z), (width / 2, y, z), 0.02, 6)
            for y, z in ((0.38, long * 0.4), (tall - 0.03, -long * 0.44))
        ],
        wood,
    )
