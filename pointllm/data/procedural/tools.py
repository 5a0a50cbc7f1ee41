"""Tools and weapons, upright, their handles along y."""

from __future__ import annotations

import numpy as np

from .model import WOOD, Model, generator
from .solids import between, box, curve, extrude, hull, lathe, loft, torus, tube

STEEL = ("gray", "gray", "white", "black")
GRIP = ("brown", "brown", "black", "red", "blue", "green", "yellow", "orange")


@generator("hammer", "tool")
def hammer(m: Model) -> None:
    long, r, steel = m.u(0.24, 0.36), m.u(0.012, 0.018), m.color(*STEEL)
    wood = m.color(*GRIP)
    m.part("handle", m.rod(r, long).at(0, long / 2, 0), wood)
    w, h = m.u(0.1, 0.15), m.u(0.03, 0.05)
    kind = m.pick(("claw", "mallet", "sledge"))
    if kind == "claw":
        m.part("head", m.rod(h / 2, w * 0.5).turned("z", 90).at(w * 0.25, long, 0), steel)
        m.part(
            "claw",
            [
                hull(
                    [
                        (0, long + h * 0.4, z),
                        (0, long - h * 0.3, z),
                        (-w * 0.55, long - h * 0.5, z * 1.8),
                        (-w * 0.3, long + h * 0.35, z),
                    ]
                    + [
                        (x, y, z + 0.007)
                        for x, y in ((0, long + h * 0.4), (0, long - h * 0.3), (-w * 0.3, long + h * 0.3))
                    ]
                )
                for z in (-h * 0.25, h * 0.15)
            ],
            steel,
        )
        m.trait("a claw hammer")
    elif kind == "mallet":
        m.part("head", m.rod(h, w * 1.2).turned("z", 90).at(0, long, 0), m.color("brown", "black", "beige", "red"))
        m.trait("a mallet")
    else:
        m.part("head", m.block(w * 1.2, h * 1.3, h * 1.3).at(0, long, 0), steel)
    if m.chance(0.4):
        m.part("grip", m.rod(r * 1.3, long * 0.35).at(0, long * 0.18, 0), m.color("black", "red", "blue", "yellow"))


@generator("axe", "tool")
def axe(m: Model) -> None:
    long, r, steel, wood = (
        m.u(0.4, 0.8),
        m.u(0.014, 0.022),
        m.color(*STEEL),
        m.color("brown", "brown", "red", "black", "beige"),
    )
    m.part("handle", m.rod(r, long).at(0, long / 2, 0), wood)
    b, y = long * m.u(0.22, 0.32), long * 0.88
    edge = (
        [(b, y + b * 0.55), (b * 1.12, y), (b, y - b * 0.55)]
        if m.style != "boxy"
        else [(b, y + b * 0.5), (b, y - b * 0.5)]
    )
    outline = [(-r, y - b * 0.22), (r * 1.5, y - b * 0.22), *edge[::-1], (r * 1.5, y + b * 0.22), (-r, y + b * 0.22)]
    blade = extrude(outline, r * 1.6)
    sharp = blade.vertices.copy()
    sharp[:, 2] *= np.clip(1.15 - sharp[:, 0] / b, 0.15, 1.0)
    blade = type(blade)(sharp, blade.faces)
    double = m.chance(0.3)
    m.part("blade", [blade, blade.mirrored("x")] if double else [blade], steel)
    if double:
        m.trait("double-bladed")


@generator("sword", "tool")
def sword(m: Model) -> None:
    long, w = m.u(0.6, 1.0), m.u(0.05, 0.11)
    steel, gold, grip = (
        m.color("gray", "gray", "white", "cyan"),
        m.color("yellow", "gray", "brown", "black", "red"),
        m.color(*GRIP),
    )
    handle = m.u(0.12, 0.22)
    m.part("grip", m.rod(w * 0.32, handle).at(0, handle / 2, 0), grip)
    m.part("pommel", m.lump(w * 0.5).at(0, -w * 0.2, 0), gold)
    g = w * m.u(2.5, 4.5)
    if m.chance(0.3) and m.style != "boxy":
        m.part(
            "guard",
            tube(curve([(-g / 2, handle + w * 0.5, 0), (0, handle, 0), (g / 2, handle + w * 0.5, 0)], 7), w * 0.25, 6),
            gold,
        )
    else:
        m.part("guard", m.block(g, w * 0.5, w * 0.6).at(0, handle, 0), gold)
    if m.chance(0.25):
        bend = m.u(0.1, 0.22) * long
        left, right = [], []
        for t in np.linspace(0, 1, 9):
            x, half = bend * t**2, w / 2 * (1 + 0.3 * t) * (1 - max(0, t - 0.75) * 4 * 0.97)
            left.append((x - half, handle + long * t))
            right.append((x + half, handle + long * t))
        m.part("blade", extrude([*right, *left[::-1]], w * 0.15), steel)
        m.trait("curved")
    else:
        rows = [(w / 2, 0), (w / 2 * 0.9, long * 0.85), (0.001, long)]
        rings = [
            [(x, handle + y, 0), (0, handle + y, w * 0.14), (-x, handle + y, 0), (0, handle + y, -w * 0.14)]
            for x, y in rows
        ]
        m.part("blade", loft(rings), steel)


@generator("dagger", "tool", ("low-poly", "smooth"))
def dagger(m: Model) -> None:
    long, w = m.u(0.16, 0.26), m.u(0.025, 0.04)
    steel, gold, grip = m.color("gray", "white"), m.color("yellow", "gray", "black"), m.color(*GRIP)
    m.part("grip", m.rod(w * 0.35, 0.1).at(0, 0.05, 0), grip)
    m.part("pommel", m.lump(w * 0.45).at(0, 0, 0), gold)
    m.part("guard", m.block(w * 2.4, w * 0.4, w * 0.5).at(0, 0.1, 0), gold)
    rings = [
        [(x, 0.1 + y, 0), (0, 0.1 + y, w * 0.15), (-x, 0.1 + y, 0), (0, 0.1 + y, -w * 0.15)]
        for x, y in ((w * 0.5, 0), (w * 0.45, long * 0.5), (0.001, long))
    ]
    m.part("blade", loft(rings), steel)


@generator("spear", "tool", ("low-poly", "smooth"))
def spear(m: Model) -> None:
    long, r, steel = m.u(1.3, 1.9), m.u(0.013, 0.02), m.color(*STEEL)
    m.part("shaft", m.rod(r, long).at(0, long / 2, 0), m.color(*WOOD, "black", "red"))
    w, h = m.u(0.05, 0.09), m.u(0.2, 0.35)
    rings = [
        [(x, long + y, 0), (0, long + y, r), (-x, long + y, 0), (0, long + y, -r)]
        for x, y in ((r, 0), (w, h * 0.3), (0.001, h))
    ]
    m.part("tip", loft(rings), steel)
    if m.chance(0.4):
        m.part("binding", m.rod(r * 1.6, 0.1).at(0, long - 0.03, 0), m.color("red", "yellow", "black", "beige"))


@generator("shield", "tool")
def shield(m: Model) -> None:
    w, face, edge = (
        m.u(0.4, 0.6),
        m.color("red", "blue", "green", "brown", "black", "gray", "yellow"),
        m.color("gray", "yellow", "black", "brown"),
    )
    if m.style != "boxy" and m.chance(0.45):
        m.part("face", m.round(w / 2, 0.03).turned("x", 90), face)
        m.part("rim", torus(w / 2, 0.02, 28, 6).turned("x", 90), edge)
        m.trait("round")
    else:
        h = w * m.u(1.1, 1.4)
        outline = [
            (-w / 2, h * 0.5),
            (w / 2, h * 0.5),
            (w / 2, 0),
            (w * 0.36, -h * 0.28),
            (0, -h * 0.55),
            (-w * 0.36, -h * 0.28),
            (-w / 2, 0),
        ]
        m.part("rim", extrude([(x * 1.09, y * 1.08) for x, y in outline], 0.025), edge)
        m.part("face", extrude(outline, 0.045), face)
    if m.chance(0.5):
        m.part("boss", m.lump(w * 0.13, w * 0.13, 0.07).at(0, 0, 0.02), edge)
    else:
        other = m.color("white", "yellow", "red", "blue")
        m.part(
            "cross",
            box(w * 0.14, w * 0.8, 0.02).at(0, 0, 0.024) + box(w * 0.8, w * 0.14, 0.02).at(0, w * 0.05, 0.024),
            other,
        )


@generator("bow", "tool", ("low-poly", "smooth"))
def bow(m: Model) -> None:
    h, depth, wood = m.u(0.9, 1.4), m.u(0.18, 0.3), m.color(*WOOD, "black", "red")
    path = curve(
        [(0, -h / 2, 0), (0, -h * 0.3, depth * 0.8), (0, 0, depth), (0, h * 0.3, depth * 0.8), (0, h / 2, 0)], 15
    )
    m.part("limb", tube(path, 0.008 + 0.014 * np.sin(np.linspace(0, np.pi, 15)), 6), wood, 2)
    m.part("string", tube([(0, -h / 2, 0), (0, 0, 0.005), (0, h / 2, 0)], 0.004, 4), m.color("white", "beige", "gray"))
    m.part("grip", m.rod(0.024, 0.13).at(0, 0, depth), m.color("brown", "black", "red"))


@generator("arrow", "tool", ("low-poly", "smooth"))
def arrow(m: Model) -> None:
    long, r = m.u(0.6, 0.8), 0.006
    m.part("shaft", m.round(r, long).turned("z", 90), m.color(*WOOD, "black", "white"))
    m.part("tip", lathe([(0.02, 0), (0.001, 0.06)], 6).turned("z", -90).at(long / 2, 0, 0), m.color(*STEEL))
    m.part(
        "feather",
        [
            extrude(
                [(-long / 2, 0.004), (-long * 0.36, 0.004), (-long * 0.4, 0.035), (-long / 2 - 0.02, 0.035)], 0.003
            ).turned("x", a)
            for a in (0, 120, 240)
        ],
        m.color("red", "white", "blue", "green", "yellow", "orange"),
    )


@generator("shovel", "tool")
def shovel(m: Model) -> None:
    long, steel, wood = m.u(0.7, 1.0), m.color(*STEEL, "red", "blue", "green"), m.color(*WOOD, "red", "yellow", "black")
    m.part("shaft", m.rod(0.017, long).at(0, 0.3 + long / 2, 0), wood)
    w, h = m.u(0.2, 0.28), m.u(0.26, 0.36)
    pointed = m.chance(0.6)
    outline = [
        (-w / 2, 0.3),
        (-w / 2, 0.3 - h * 0.6),
        *([(0, 0.3 - h)] if pointed else [(-w * 0.4, 0.3 - h), (w * 0.4, 0.3 - h)]),
        (w / 2, 0.3 - h * 0.6),
        (w / 2, 0.3),
        (0.03, 0.37),
        (-0.03, 0.37),
    ]
    blade = extrude(outline, 0.014)
    dished = blade.vertices.copy()
    dished[:, 2] += 1.6 * dished[:, 0] ** 2
    m.part("blade", type(blade)(dished, blade.faces), steel)
    if m.chance(0.6):
        m.part("handle", m.rod(0.018, 0.16).turned("z", 90).at(0, 0.3 + long, 0), wood)


@generator("broom", "tool", ("low-poly", "smooth"))
def broom(m: Model) -> None:
    long, straw, wood = m.u(0.9, 1.2), m.color("yellow", "beige", "orange", "brown"), m.color(*WOOD, "red", "blue")
    m.part("stick", m.rod(0.014, long).at(0, 0.3 + long / 2, 0), wood)
    if m.chance(0.5):
        m.part("bristle bundle", m.rough(lathe([(0.13, 0), (0.1, 0.12), (0.04, 0.32)], m.fine), 0.005), straw)
    else:
        m.part(
            "bristle bundle",
            hull(
                [
                    (s * x, y, t * z)
                    for s in (-1, 1)
                    for t in (-1, 1)
                    for x, y, z in ((0.2, 0, 0.035), (0.14, 0.22, 0.03))
                ]
            ),
            straw,
        )
        m.part("head", box(0.3, 0.06, 0.06).at(0, 0.25, 0), wood)
    m.part("binding", m.round(0.055, 0.04).at(0, 0.3, 0), m.color("red", "black", "brown", "blue"))


@generator("screwdriver", "tool", ("low-poly", "smooth"))
def screwdriver(m: Model) -> None:
    grip, long, r = m.u(0.09, 0.12), m.u(0.08, 0.15), m.u(0.012, 0.018)
    m.part(
        "handle",
        m.turned([(r * 0.7, 0), (r, grip * 0.15), (r * 0.85, grip * 0.5), (r, grip * 0.8), (r * 0.5, grip)]).at(
            0, long, 0
        ),
        m.color("red", "yellow", "blue", "green", "black", "orange"),
    )
    m.part("shank", m.round(r * 0.25, long).at(0, long / 2, 0), m.color("gray", "white"))
    m.part(
        "tip",
        hull(
            [(s * r * 0.35, 0.012, t * r * 0.25) for s in (-1, 1) for t in (-1, 1)]
            + [(s * r * 0.45, -0.012, t * r * 0.08) for s in (-1, 1) for t in (-1, 1)]
        ),
        m.color("gray", "black"),
    )


@generator("saw", "tool")
def saw(m: Model) -> None:
    long, h, steel = m.u(0.35, 0.5), m.u(0.08, 0.12), m.color("gray", "white")
    teeth = m.i(12, 22)
    lower = []
    for k in range(teeth):
        x = long * k / teeth
        lower += [(x, 0.0), (x + long / teeth * 0.5, -0.014)]
    outline = [*lower, (long, 0.0), (long, h * 0.45), (0, h)]
    m.part("blade", extrude(outline, 0.004), steel)
    grip = m.color(*GRIP)
    m.part(
        "handle",
        extrude(
            [(0.01, -0.02), (0.01, h * 1.05), (-0.05, h * 1.15), (-0.12, h * 0.9), (-0.13, h * 0.2), (-0.08, -0.05)],
            0.022,
        ),
        grip,
    )
    m.part("grip hole", box(0.045, h * 0.5, 0.026).at(-0.065, h * 0.5, 0), m.color("black"))
    m.trait("with a toothed blade")


@generator("key", "tool", ("low-poly", "smooth"))
def key(m: Model) -> None:
    long, color = m.u(0.045, 0.07), m.color("yellow", "yellow", "gray", "brown", "black")
    m.part("shaft", m.round(0.004, long).at(0, long / 2, 0), color)
    m.part("bow", torus(m.u(0.013, 0.018), 0.004, 20, 6).turned("x", 90).at(0, long + 0.016, 0), color)
    count = m.i(2, 3)
    m.part("tooth", [box(m.u(0.01, 0.018), 0.006, 0.005).at(0.009, 0.004 + 0.011 * k, 0) for k in range(count)], color)
    if m.chance(0.4):
        m.part("collar", m.round(0.007, 0.004).at(0, long * 0.85, 0), color)


@generator("ladder", "tool")
def ladder(m: Model) -> None:
    high, w, rungs, color = (
        m.u(1.6, 3.0),
        m.u(0.36, 0.5),
        m.i(5, 10),
        m.color("brown", "gray", "gray", "beige", "red", "yellow"),
    )
    rail = [m.rod(0.025, high).at(s * w / 2, high / 2, 0) for s in (-1, 1)]
    steps = [
        m.rod(0.018, w).turned("z", 90).at(0, high * (k + 0.6) / (rungs + 0.2), 0)
        if m.style != "boxy"
        else box(w, 0.03, 0.05).at(0, high * (k + 0.6) / (rungs + 0.2), 0)
        for k in range(rungs)
    ]
    if m.chance(0.35):
        lean = m.u(12, 20)
        m.part("rail", [p.at(0, -high, 0).turned("x", -lean).at(0, high, 0) for p in rail], color)
        m.part("rung", [p.at(0, -high, 0).turned("x", -lean).at(0, high, 0) for p in steps], color)
        m.part("rear leg", [p.at(0, -high, 0).turned("x", lean).at(0, high, 0) for p in rail], m.color(color.name))
        m.part("top step", box(w * 1.1, 0.04, 0.16).at(0, high, 0), m.color(color.name, "black"))
        m.trait("a stepladder")
    else:
        m.part("rail", rail, color)
        m.part("rung", steps, color)


@generator("wheelbarrow", "tool", ("low-poly", "smooth"))
def wheelbarrow(m: Model) -> None:
    tray, frame = (
        m.color("green", "red", "gray", "blue", "yellow", "orange", "brown"),
        m.color("gray", "black", "brown"),
    )
    bottom, top = (
        [(-0.2, 0.38, -0.3), (0.2, 0.38, -0.3), (0.2, 0.36, 0.25), (-0.2, 0.36, 0.25)],
        [(-0.32, 0.62, -0.42), (0.32, 0.62, -0.42), (0.32, 0.6, 0.5), (-0.32, 0.6, 0.5)],
    )
    inner = [(x * 0.94, y, z * 0.94) for x, y, z in top], [(x * 0.94, y + 0.02, z * 0.94) for x, y, z in bottom]
    m.part("tray", loft([bottom, top, inner[0], inner[1]]), tray)
    m.part("wheel", m.wheel(0.19, 0.09).at(0, 0.19, 0.55), m.color("black"))
    m.part("handle", [between((s * 0.1, 0.19, 0.55), (s * 0.27, 0.58, -0.95), 0.022, 6) for s in (-1, 1)], frame)
    m.part("leg", [between((s * 0.22, 0.42, -0.3), (s * 0.25, 0.0, -0.32), 0.02, 6) for s in (-1, 1)], frame)
    if m.chance(0.3):
        m.part("load", m.lump(0.26, 0.16, 0.36).at(0, 0.6, 0.02), m.color("brown", "gray", "green", "beige"))


@generator("scissors", "tool", ("low-poly", "smooth"))
def scissors(m: Model) -> None:
    steel, grip, open_by = (
        m.color("gray", "white"),
        m.color("red", "blue", "black", "green", "orange", "yellow", "purple"),
        m.u(8, 28),
    )
    long = m.u(0.09, 0.13)
    for s in (-1, 1):
        blade = extrude(
            [(-0.008, -0.02), (0.008, -0.02), (0.009, long * 0.6), (0.0, long), (-0.008, long * 0.6)], 0.003
        )
        loop = torus(m.u(0.018, 0.024), 0.005, 18, 6).turned("x", 90).scaled(0.85, 1.2, 1).at(-s * 0.022, -0.055, 0)
        m.part("blade", blade.turned("z", -s * open_by / 2).at(0, 0, s * 0.0018), steel)
        m.part(
            "loop",
            (loop + between((0, -0.015, 0), (-s * 0.014, -0.034, 0), 0.006, 6))
            .turned("z", -s * open_by / 2)
            .at(0, 0, s * 0.0018),
            grip,
        )
    m.part("pivot", m.round(0.006, 0.01).turned("x", 90), m.color("gray", "black"))


@generator("magic staff", "tool", ("low-poly", "smooth"))
def magic_staff(m: Model) -> None:
    long, wood, gem = (
        m.u(1.2, 1.6),
        m.color(*WOOD, "black", "white", "purple"),
        m.color("blue", "purple", "red", "green", "cyan", "yellow", "pink"),
    )
    m.part(
        "shaft",
        tube(curve([(0, 0, 0), (0.03, long * 0.5, 0), (0, long, 0)], 8), np.linspace(0.02, 0.03, 8), max(6, m.n // 2)),
        wood,
    )
    m.part("gem", m.lump(m.u(0.07, 0.1)).at(0, long + 0.12, 0), gem)
    claws = m.i(3, 4)
    m.part(
        "claw",
        [
            tube(
                curve(
                    [
                        (0.02 * np.cos(a), long, 0.02 * np.sin(a)),
                        (0.12 * np.cos(a), long + 0.08, 0.12 * np.sin(a)),
                        (0.09 * np.cos(a), long + 0.2, 0.09 * np.sin(a)),
                    ],
                    6,
                ),
                np.linspace(0.018, 0.006, 6),
                5,
            )
            for a in 2 * np.pi * np.arange(claws) / claws
        ],
        m.color("yellow", "gray", wood.name),
    )
