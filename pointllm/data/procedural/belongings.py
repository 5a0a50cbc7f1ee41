"""Things of the household and to wear."""

from __future__ import annotations

import numpy as np

from .model import WOOD, Model, generator
from .solids import Solid, between, box, curve, extrude, hull, lathe, loft, torus, tube

GAY = ("red", "blue", "green", "yellow", "orange", "purple", "pink", "cyan", "white")


@generator("book", "office")
def book(m: Model) -> None:
    w, h, t = m.u(0.12, 0.2), m.u(0.18, 0.28), m.u(0.02, 0.06)
    cover, paper = m.color(*GAY, "brown", "black"), m.color("white", "beige")
    if m.chance(0.3):
        rise = m.u(0.01, 0.03)
        for s in (-1, 1):
            m.part(
                "cover",
                hull(
                    [
                        (s * x, y, z * h / 2)
                        for x, y in ((0.002, 0), (w, 0.004), (0.002, 0.004), (w, 0.008))
                        for z in (-1, 1)
                    ]
                ),
                cover,
            )
            rings = [
                [
                    (s * x, 0.006, -h * 0.47),
                    (s * x, y + 0.008, -h * 0.47),
                    (s * x, y + 0.008, h * 0.47),
                    (s * x, 0.006, h * 0.47),
                ]
                for x, y in ((0.003, rise * 0.5), (w * 0.3, rise), (w * 0.65, rise * 0.8), (w * 0.95, rise * 0.35))
            ]
            m.part("page block", loft(rings), paper)
        m.trait("open")
        return
    m.part("cover", box(w, 0.005, h).at(0, 0.0025, 0) + box(w, 0.005, h).at(0, t, 0), cover)
    m.part("spine", box(0.005, t, h).at(-w / 2, t / 2, 0), cover)
    m.part("pages", box(w * 0.95, t * 0.9, h * 0.96).at(0, t / 2, 0), paper, 1)
    if m.chance(0.6):
        m.part(
            "title",
            box(w * 0.55, 0.004, h * 0.14).at(0, t + 0.003, -h * 0.22),
            m.color("yellow", "white", "black", "red"),
        )
    if m.chance(0.25):
        m.part("bookmark", box(0.015, 0.003, h * 0.3).at(w * 0.1, t * 0.6, h * 0.6), m.color("red", "yellow", "blue"))
    m.trait("closed")


@generator("clock", "decoration")
def clock(m: Model) -> None:
    r, rim, face, hand = (
        m.u(0.12, 0.2),
        m.color(*GAY, "black", "brown", "gray"),
        m.color("white", "white", "beige", "yellow", "black"),
        m.color("black", "red", "gray"),
    )
    kind = m.pick(("wall", "alarm", "grandfather")) if m.style != "boxy" else m.pick(("wall", "grandfather"))
    y, z, scale = 0.0, 0.03, 1.0
    if kind == "alarm":
        scale = 0.4
    r *= scale
    if kind == "grandfather":
        wood, tall = m.color("brown"), m.u(1.6, 2.0)
        m.part("case", m.block(0.36, tall * 0.62, 0.24).at(0, tall * 0.38, 0), wood)
        m.part("plinth", m.block(0.44, 0.2, 0.3).at(0, 0.1, 0), wood)
        m.part("hood", m.block(0.44, 0.46, 0.28).at(0, tall - 0.2, 0), wood)
        m.part(
            "pendulum",
            between((0, tall * 0.66, 0.13), (0, tall * 0.32, 0.13), 0.008, 5)
            + m.round(0.06, 0.02).turned("x", 90).at(0, tall * 0.3, 0.13),
            m.color("yellow"),
        )
        y, z, r = tall - 0.2, 0.14, 0.17
    square = kind == "wall" and m.chance(0.25)
    m.part(
        "rim",
        (m.block(2.1 * r, 2.1 * r, 0.04) if square else m.round(r * 1.1, 0.05 * max(scale, 0.6)).turned("x", 90)).at(
            0, y, z - 0.02
        ),
        rim,
    )
    m.part("face", m.round(r, 0.01).turned("x", 90).at(0, y, z + 0.012), face)
    marks = m.color("white") if face.name == "black" else m.color("black")
    m.part(
        "hour mark",
        [box(r * 0.05, r * 0.16, 0.004).at(0, r * 0.84, 0).turned("z", 30 * k).at(0, y, z + 0.018) for k in range(12)],
        marks,
    )
    if face.name == hand.name:
        hand = m.color("white" if face.name == "black" else "black")
    for long, a, thick in ((0.5, m.u(0, 360), 0.09), (0.75, m.u(0, 360), 0.06)):
        m.part("hand", box(r * thick, r * long, 0.004).at(0, r * long / 2, 0).turned("z", a).at(0, y, z + 0.022), hand)
    if kind == "alarm":
        m.part(
            "bell",
            [
                m.lump(r * 0.36, r * 0.26, r * 0.36).turned("z", -s * 30).at(s * r * 0.62, r * 1.15, z - 0.02)
                for s in (-1, 1)
            ],
            m.color(rim.name, "yellow", "gray"),
        )
        m.part(
            "foot",
            [
                between((s * r * 0.5, -r * 0.9, z - 0.02), (s * r * 0.8, -r * 1.35, z - 0.02), r * 0.08, 6)
                for s in (-1, 1)
            ],
            m.color("black", "gray"),
        )
        m.part("back", m.round(r * 0.95, r * 0.9).turned("x", 90).at(0, 0, z - 0.02 - r * 0.4), rim)
        m.trait("an alarm clock")
    elif kind == "wall":
        m.trait("a wall clock")
    else:
        m.trait("a grandfather clock")


@generator("umbrella", "clothing", ("low-poly", "smooth"))
def umbrella(m: Model) -> None:
    ribs, r, h = m.i(6, 10), m.u(0.45, 0.6), m.u(0.18, 0.3)
    first, second = m.color(*GAY, "black"), m.color(*GAY)
    striped = m.chance(0.4)
    for k in range(ribs):
        a, b = 2 * np.pi * k / ribs, 2 * np.pi * (k + 1) / ribs
        rings = []
        for t in np.linspace(0, 1, 6):
            d, y = r * np.sin(t * np.pi / 2), 0.7 + h * np.cos(t * np.pi / 2)
            d = max(d, 0.003)
            rings.append(
                [
                    (d * np.cos(a), y, d * np.sin(a)),
                    (d * np.cos(b), y, d * np.sin(b)),
                    (d * np.cos(b) * 0.99, y - 0.008, d * np.sin(b) * 0.99),
                    (d * np.cos(a) * 0.99, y - 0.008, d * np.sin(a) * 0.99),
                ]
            )
        m.part("panel", loft(rings), second if striped and k % 2 else first)
    metal, grip = m.color("gray", "black", "brown"), m.color("brown", "black", "red")
    m.part("shaft", m.round(0.009, 0.95).at(0, 0.5, 0), metal)
    m.part("tip", m.round(0.01, 0.08, 0.003).at(0, 0.73 + h, 0), metal)
    if m.chance(0.75):
        m.part(
            "handle",
            tube(
                [
                    (0, 0.06, 0),
                    (0, 0.0, 0),
                    *[(0.06 - 0.06 * np.cos(t), -0.06 * np.sin(t), 0) for t in np.linspace(0.3, np.pi, 7)],
                    (0.12, 0.03, 0),
                ],
                0.014,
                7,
            ),
            grip,
        )
    else:
        m.part("handle", m.round(0.018, 0.12).at(0, 0.03, 0), grip)
    if striped:
        m.trait("striped")


@generator("parasol", "furniture", ("low-poly", "smooth"))
def parasol(m: Model) -> None:
    umbrella(m)
    m.parts.pop("handle", None)
    m.part("foot", m.round(0.2, 0.05).at(0, -0.09, 0), m.color("gray", "white", "black", "brown"))


@generator("crown", "clothing", ("low-poly", "smooth"))
def crown(m: Model) -> None:
    points, r, gold = m.i(5, 9), m.u(0.09, 0.12), m.color("yellow", "yellow", "gray", "orange")
    h = r * m.u(0.7, 1.1)
    m.part("ring", m.turned([(r, 0), (r * 1.04, h * 0.4), (r * 0.97, h * 0.4), (r * 0.94, 0)]), gold)
    jewel = m.color("red", "blue", "green", "purple", "white")
    for k in range(points):
        a = 360 * k / points
        m.part(
            "point",
            extrude([(-r * 1.9 / points * 1.4, h * 0.35), (r * 1.9 / points * 1.4, h * 0.35), (0, h)], r * 0.06)
            .at(0, 0, r)
            .turned("y", a),
            gold,
        )
        m.part("jewel", m.lump(r * 0.1).at(0, h * 0.22, r * 1.03).turned("y", a), jewel)
        m.part(None, m.lump(r * 0.07).at(0, h, r).turned("y", a), gold)
    if m.chance(0.3):
        m.part("cushion", m.lump(r * 0.92, h * 0.6).at(0, h * 0.25, 0), m.color("red", "purple", "blue"))


@generator("hat", "clothing", ("low-poly", "smooth"))
def hat(m: Model) -> None:
    color, band, kind = (
        m.color("black", "brown", "beige", "red", "blue", "purple", "green", "gray"),
        m.color("red", "black", "white", "yellow", "brown"),
        m.pick(("top", "cowboy", "cap", "pointed", "sun")),
    )
    r = 0.1
    if kind == "cap":
        m.part("crown", m.turned([(r * np.cos(a), r * 0.85 * np.sin(a)) for a in np.linspace(0, 1.55, 7)]), color)
        m.part("peak", m.lump(r * 0.8, 0.008, r * 0.75).at(0, 0.01, r * 1.05), m.color(color.name, band.name))
        m.part("button", m.lump(0.012).at(0, r * 0.85, 0), band)
        m.trait("a cap with a peak")
        return
    h = r * {"top": 1.7, "cowboy": 1.1, "pointed": 2.6, "sun": 0.8}[kind]
    brim = r * {"top": 1.6, "cowboy": 1.9, "pointed": 1.9, "sun": 2.3}[kind]
    top = r * {"top": 1.05, "cowboy": 0.75, "pointed": 0.03, "sun": 0.75}[kind]
    rim = m.round(brim, 0.012)
    if kind == "cowboy":
        bent = rim.vertices.copy()
        bent[:, 1] += 1.6 * bent[:, 0] ** 2
        rim = Solid(bent, rim.faces)
    m.part("brim", rim, color)
    m.part("crown", m.round(r, h, top).at(0, h / 2, 0), color)
    m.part("band", m.round(r * 1.03, h * 0.16, r * 1.01).at(0, h * 0.1, 0), band)
    m.trait({"top": "a top hat", "cowboy": "a cowboy hat", "pointed": "pointed", "sun": "wide-brimmed"}[kind])


@generator("shoe", "clothing", ("low-poly", "smooth"))
def shoe(m: Model) -> None:
    color, sole, lace = (
        m.color(*GAY, "black", "brown", "gray"),
        m.color("white", "black", "brown", "gray"),
        m.color("white", "black", "yellow"),
    )
    boot = m.chance(0.35)
    m.part(
        "sole",
        extrude(
            [(-0.045, -0.14), (0.04, -0.14), (0.05, 0.02), (0.045, 0.12), (0.0, 0.16), (-0.045, 0.11), (-0.04, 0)], 0.03
        )
        .turned("x", 90)
        .at(0, 0.015, 0),
        sole,
    )
    m.part(
        "upper",
        hull(
            [
                (s * x, y, z)
                for s in (-1, 1)
                for x, y, z in (
                    (0.04, 0.03, -0.13),
                    (0.035, 0.11, -0.13),
                    (0.04, 0.12, -0.03),
                    (0.045, 0.07, 0.06),
                    (0.04, 0.055, 0.12),
                    (0.01, 0.04, 0.155),
                    (0.045, 0.03, 0.08),
                )
            ]
        ),
        color,
    )
    if boot:
        m.part("shaft", m.rod(0.052, 0.15, 0.058).at(0, 0.17, -0.075), color)
        m.trait("a boot")
    else:
        m.part("opening", m.lump(0.033, 0.008, 0.05).at(0, 0.118, -0.08), m.color("black", "gray"))
    m.part(
        "lace", [box(0.05, 0.006, 0.009).at(0, 0.122 - 0.014 * k, -0.01 + 0.022 * k) for k in range(m.i(3, 4))], lace
    )


@generator("glasses", "clothing", ("low-poly", "smooth"))
def glasses(m: Model) -> None:
    frame, lens, r = (
        m.color("black", "brown", "red", "blue", "gray", "yellow"),
        m.color("black", "cyan", "blue", "brown", "green"),
        m.u(0.022, 0.028),
    )
    gap = r * 1.25
    square = m.chance(0.3)
    for s in (-1, 1):
        ring = torus(r, 0.003, 20 if not square else 4, 6).turned("y", 45 if square else 0).turned("x", 90)
        m.part("rim", ring.at(s * gap, 0, 0), frame)
        m.part(
            "lens",
            (box(r * 1.35, r * 1.35, 0.002) if square else m.round(r * 0.96, 0.002).turned("x", 90)).at(s * gap, 0, 0),
            lens,
        )
        m.part(
            "temple",
            tube(
                [(s * (gap + r), 0.004, 0), (s * (gap + r * 1.05), 0.004, -0.1), (s * (gap + r), -0.015, -0.13)],
                0.0028,
                6,
            ),
            frame,
        )
    m.part("nose bridge", tube(curve([(-gap + r, 0, 0), (0, 0.006, 0.003), (gap - r, 0, 0)], 5), 0.0028, 6), frame)


@generator("pencil", "office", ("low-poly",))
def pencil(m: Model) -> None:
    long, r, color = m.u(0.12, 0.19), 0.0045, m.color("yellow", "red", "blue", "green", "black", "orange", "purple")
    shaft = lathe([(r, 0), (r, long)], 6)
    m.part("shaft", shaft.turned("z", 90), color)
    m.part("sharpened wood", lathe([(r, 0), (r * 0.25, r * 3)], 6).turned("z", -90), m.color("beige"))
    m.part(
        "lead", lathe([(r * 0.25, 0), (0.0002, r)], 6).turned("z", -90).at(r * 3, 0, 0), m.color("black", color.name)
    )
    if m.chance(0.6):
        m.part("ferrule", m.round(r * 1.05, 0.008).turned("z", 90).at(-long - 0.003, 0, 0), m.color("gray", "yellow"))
        m.part(
            "eraser", m.round(r * 0.95, 0.009).turned("z", 90).at(-long - 0.011, 0, 0), m.color("pink", "red", "white")
        )


@generator("wheel", "vehicle", ("low-poly", "smooth"))
def wheel(m: Model) -> None:
    r = m.u(0.28, 0.5)
    if m.chance(0.5):
        wood, count = m.color("brown", "beige", "red", "gray"), m.i(6, 12)
        m.part("rim", torus(r, r * 0.07, 28, 6).scaled(1, 1.3, 1).turned("x", 90), wood)
        m.part(
            "spoke",
            [
                between((0, 0, 0), (r * 0.96 * np.cos(a), r * 0.96 * np.sin(a), 0), r * 0.035, 6)
                for a in 2 * np.pi * np.arange(count) / count
            ],
            wood,
        )
        m.part("hub", m.round(r * 0.16, r * 0.3).turned("x", 90), m.color("black", "gray", wood.name))
        m.trait("spoked")
    else:
        m.part("tyre", torus(r * 0.8, r * 0.2, 28, 10).turned("x", 90), m.color("black"))
        rim = m.color("gray", "white", "red", "yellow", "blue")
        m.part("rim", m.round(r * 0.62, r * 0.22).turned("x", 90), rim)
        holes = m.i(4, 6)
        m.part(
            "hole",
            [
                m.round(r * 0.1, r * 0.24).turned("x", 90).at(r * 0.38 * np.cos(a), r * 0.38 * np.sin(a), 0)
                for a in 2 * np.pi * np.arange(holes) / holes
            ],
            m.color("black"),
        )
        m.part("hub", m.round(r * 0.12, r * 0.28).turned("x", 90), m.color("gray", "black"))


@generator("picture frame", "decoration")
def picture_frame(m: Model) -> None:
    w, h, t = m.u(0.2, 0.6), m.u(0.2, 0.6), m.u(0.02, 0.05)
    frame = m.color(*WOOD, "yellow", "black", "white", "gray", "red")
    bars = [m.block(w + 2 * t, t, 0.025).at(0, s * (h + t) / 2, 0) for s in (-1, 1)] + [
        m.block(t, h, 0.025).at(s * (w + t) / 2, 0, 0) for s in (-1, 1)
    ]
    m.part("frame", bars, frame, 1)
    sky, land = m.color("cyan", "blue", "white", "orange", "pink"), m.color("green", "brown", "yellow", "blue")
    m.part("picture", box(w, h, 0.008), sky)
    m.part(
        None,
        extrude(
            [
                (-w / 2, -h / 2),
                (w / 2, -h / 2),
                (w / 2, -h * m.u(0, 0.2)),
                (w * 0.1, h * m.u(-0.1, 0.2)),
                (-w * 0.25, -h * 0.1),
                (-w / 2, h * m.u(-0.1, 0.1)),
            ],
            0.012,
        ),
        land,
    )
    if m.chance(0.5):
        m.part(
            "sun",
            m.round(min(w, h) * 0.1, 0.012).turned("x", 90).at(w * 0.25, h * 0.3, 0.001),
            m.color("yellow", "orange", "red"),
        )
