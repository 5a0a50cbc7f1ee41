"""Devices, and the robot."""

from __future__ import annotations

import numpy as np

from .model import Color, Model, generator
from .solids import between, box, curve, lathe, torus, tube

CASE = ("black", "gray", "white", "gray", "black")
SCREEN = ("black", "blue", "cyan", "gray", "green")
GAY = ("red", "blue", "green", "yellow", "orange", "purple", "pink", "cyan", "white")


def keys(m: Model, width: float, depth: float, y: float, z: float, rows: int, columns: int, color: Color) -> None:
    """A field of keys, seen as one part."""
    pieces = [
        box(width / columns * 0.78, 0.006, depth / rows * 0.76).at(
            (c - (columns - 1) / 2) * width / columns, y, z + (r - (rows - 1) / 2) * depth / rows
        )
        for r in range(rows)
        for c in range(columns)
    ]
    m.part("key", pieces, color)


@generator("laptop", "electronics")
def laptop(m: Model) -> None:
    w, d, t = m.u(0.3, 0.38), m.u(0.2, 0.26), m.u(0.012, 0.02)
    case, angle = m.color("gray", "gray", "black", "white", "blue", "red"), m.u(5, 35)
    m.part("base", m.block(w, t, d).at(0, t / 2, 0), case)
    keys(m, w * 0.86, d * 0.45, t + 0.002, -d * 0.12, 4, m.i(9, 12), m.color("black", "white", "gray"))
    m.part("touchpad", box(w * 0.3, 0.002, d * 0.22).at(0, t + 0.001, d * 0.32), m.color("gray", "black", "white"))
    lid = m.block(w, d, t * 0.7).at(0, d / 2, 0)
    screen = box(w * 0.9, d * 0.84, 0.004).at(0, d / 2, t * 0.4)
    m.part("lid", lid.turned("x", -angle).at(0, t, -d / 2), case)
    m.part("screen", screen.turned("x", -angle).at(0, t, -d / 2), m.color(*SCREEN))


@generator("monitor", "electronics")
def monitor(m: Model) -> None:
    w = m.u(0.42, 0.7)
    h, y, case = w * m.u(0.55, 0.68), m.u(0.1, 0.16), m.color(*CASE)
    m.part("housing", m.block(w, h, 0.03).at(0, y + h / 2, 0), case)
    m.part("screen", box(w * 0.93, h * 0.88, 0.006).at(0, y + h * 0.52, 0.017), m.color(*SCREEN))
    stand = m.color(case.name, "gray")
    m.part("stand", m.block(0.06, y + 0.06, 0.03).at(0, (y + 0.06) / 2, -0.03), stand)
    base = m.block(w * 0.42, 0.016, 0.17) if m.chance(0.6) else m.round(w * 0.2, 0.016)
    m.part("foot", base.at(0, 0.008, -0.02), stand)


@generator("television", "electronics")
def television(m: Model) -> None:
    if m.chance(0.35):
        w, h, d, case = (
            m.u(0.45, 0.6),
            m.u(0.38, 0.48),
            m.u(0.35, 0.45),
            m.color("brown", "black", "gray", "red", "beige"),
        )
        m.part("case", m.block(w, h, d).at(0, h / 2 + 0.05, 0), case)
        m.part(
            "screen",
            box(w * 0.66, h * 0.76, 0.02).at(-w * 0.11, h / 2 + 0.05, d / 2),
            m.color("black", "gray", "green"),
        )
        m.part(
            "dial",
            [m.round(0.025, 0.03).turned("x", 90).at(w * 0.37, h * k + 0.05, d / 2 + 0.01) for k in (0.7, 0.5)],
            m.color("gray", "black", "yellow"),
        )
        m.part(
            "antenna",
            [between((s * 0.02, h + 0.05, 0), (s * 0.2, h + 0.4, 0), 0.006, 5) for s in (-1, 1)],
            m.color("gray", "black"),
        )
        m.part(
            "foot",
            [box(0.04, 0.05, 0.04).at(x * w * 0.4, 0.025, z * d * 0.35) for x in (-1, 1) for z in (-1, 1)],
            m.color("black", "brown"),
        )
        m.trait("old-fashioned")
        return
    w = m.u(0.9, 1.4)
    h, case = w * 0.57, m.color("black", "black", "gray")
    m.part("housing", m.block(w, h, 0.04).at(0, h / 2 + 0.08, 0), case)
    m.part("screen", box(w * 0.96, h * 0.93, 0.006).at(0, h / 2 + 0.085, 0.022), m.color(*SCREEN))
    if m.chance(0.5):
        m.part(
            "foot",
            [
                between((s * w * 0.32, 0.09, 0), (s * w * 0.36, 0.01, z), 0.012, 6)
                for s in (-1, 1)
                for z in (-0.12, 0.12)
            ],
            case,
        )
    else:
        m.part("stand", box(0.12, 0.09, 0.04).at(0, 0.045, 0), case)
        m.part("foot", m.block(w * 0.35, 0.018, 0.22).at(0, 0.009, 0), case)
    m.trait("flat")


@generator("keyboard", "electronics")
def keyboard(m: Model) -> None:
    w, d, t, case = m.u(0.32, 0.46), m.u(0.12, 0.16), m.u(0.012, 0.025), m.color(*CASE, "beige")
    m.part("case", m.block(w, t, d).at(0, t / 2, 0), case)
    rows, columns, caps = m.i(4, 5), m.i(11, 15), m.color("white", "black", "gray")
    keys(m, w * 0.94, d * 0.68, t + 0.003, -d * 0.08, rows, columns, caps)
    m.part("space bar", box(w * 0.4, 0.007, d * 0.13).at(-w * 0.03, t + 0.003, d * 0.36), caps)


@generator("computer mouse", "electronics", ("low-poly", "smooth"))
def computer_mouse(m: Model) -> None:
    case = m.color("black", "gray", "white", "red", "blue")
    m.part("body", m.lump(0.032, 0.02, 0.055).at(0, 0.018, 0), case)
    m.part(
        "button",
        [m.lump(0.014, 0.008, 0.024).at(s * 0.014, 0.033, 0.024) for s in (-1, 1)],
        m.color(case.name, "gray", "white"),
    )
    m.part("wheel", m.wheel(0.007, 0.006).at(0, 0.038, 0.026), m.color("gray", "black", "red"))
    if m.chance(0.5):
        m.part(
            "cable",
            tube(curve([(0, 0.015, 0.055), (0.01, 0.008, 0.09), (-0.02, 0.005, 0.15)], 8), 0.0025, 5),
            m.color("black", "gray"),
        )


@generator("mobile phone", "electronics")
def mobile_phone(m: Model) -> None:
    w, h, case = m.u(0.065, 0.08), m.u(0.13, 0.16), m.color("black", "white", "gray", "blue", "red", "pink", "yellow")
    m.part("case", m.block(w, h, 0.009).at(0, h / 2, 0), case)
    if m.chance(0.7):
        m.part("screen", box(w * 0.9, h * 0.88, 0.002).at(0, h / 2, 0.005), m.color(*SCREEN))
        m.part(
            "camera",
            [
                m.round(0.006, 0.003).turned("x", 90).at(-w * 0.3, h * (0.9 - 0.09 * k), -0.006)
                for k in range(m.i(1, 3))
            ],
            m.color("black", "gray"),
        )
    else:
        m.part("screen", box(w * 0.8, h * 0.36, 0.002).at(0, h * 0.74, 0.005), m.color("green", "gray", "blue", "cyan"))
        m.part(
            "button",
            [
                box(w * 0.22, h * 0.07, 0.004).at((c - 1) * w * 0.28, h * (0.12 + 0.1 * r), 0.005)
                for c in range(3)
                for r in range(4)
            ],
            m.color("white", "gray", "black"),
        )
        m.trait("with push buttons")


@generator("loudspeaker", "electronics")
def loudspeaker(m: Model) -> None:
    w, d, case = m.u(0.2, 0.34), m.u(0.2, 0.32), m.color("black", "black", "brown", "gray", "white")
    h, cones = w * m.u(1.4, 2.6), m.i(2, 3)
    m.part("box", m.block(w, h, d).at(0, h / 2, 0), case)
    cone, ring, y = m.color("gray", "black", "yellow", "white"), m.color("gray", "white", "black"), 0.0
    for k in range(cones):
        r = w * (0.4 if k == 0 else 0.3 if k < cones - 1 else 0.18)
        y += r * 1.15
        m.part("driver", m.round(r, 0.02).turned("x", 90).at(0, y, d / 2), cone)
        m.part(None, torus(r, w * 0.035, 24, 6).turned("x", 90).at(0, y, d / 2 + 0.005), ring)
        m.part(None, m.lump(r * 0.32, r * 0.32, 0.02).at(0, y, d / 2 + 0.01), m.color("black", "gray"))
        y += r * 1.05
        if y > h * 0.9:
            break


@generator("camera", "electronics")
def camera(m: Model) -> None:
    w, h, d, case = m.u(0.11, 0.15), m.u(0.075, 0.1), m.u(0.04, 0.06), m.color("black", "gray", "brown", "white", "red")
    r = h * m.u(0.32, 0.42)
    m.part("body", m.block(w, h, d).at(0, h / 2, 0), case)
    m.part("lens", m.round(r, d * 1.1).turned("x", 90).at(-w * 0.05, h * 0.48, d * 0.9), m.color("black", "gray"))
    m.part(
        "glass",
        m.round(r * 0.72, 0.004).turned("x", 90).at(-w * 0.05, h * 0.48, d * 1.46),
        m.color("cyan", "blue", "purple"),
    )
    m.part("shutter button", m.round(0.008, 0.01).at(w * 0.36, h + 0.004, 0), m.color("red", "gray", "yellow"))
    if m.chance(0.6):
        m.part("viewfinder", m.block(w * 0.28, h * 0.22, d * 0.8).at(-w * 0.05, h * 1.08, 0), case)
    if m.chance(0.5):
        m.part("flash", box(w * 0.16, h * 0.15, 0.006).at(w * 0.32, h * 0.8, d / 2), m.color("white", "yellow"))
    if m.chance(0.4):
        m.part(
            "strap",
            tube(
                curve(
                    [
                        (-w / 2, h * 0.85, 0),
                        (-w * 0.9, h * 0.3, 0.02),
                        (0, -0.05, 0.06),
                        (w * 0.9, h * 0.3, 0.02),
                        (w / 2, h * 0.85, 0),
                    ],
                    14,
                ),
                0.005,
                5,
            ),
            m.color("black", "brown", "red"),
        )


@generator("robot", "person")
def robot(m: Model) -> None:
    body, trim, eye = (
        m.color("gray", "gray", "white", "blue", "red", "yellow", "orange", "green"),
        m.color("black", "gray", "red", "yellow", "blue"),
        m.color("cyan", "red", "yellow", "green"),
    )
    w, h = m.u(0.3, 0.45), m.u(0.35, 0.5)
    legs = m.u(0.2, 0.45)
    m.part("torso", m.block(w, h, w * 0.65).at(0, legs + h / 2, 0), body)
    head = w * m.u(0.5, 0.75)
    y = legs + h + head * 0.55
    m.part(
        "head",
        (m.block(head, head * 0.85, head * 0.8) if m.chance(0.7) else m.lump(head * 0.55)).at(0, y, 0),
        m.color(body.name, trim.name),
    )
    m.part(
        "eye",
        [m.round(head * 0.13, 0.03).turned("x", 90).at(s * head * 0.22, y + head * 0.08, head * 0.42) for s in (-1, 1)],
        eye,
    )
    m.part("mouth", box(head * 0.5, head * 0.08, 0.02).at(0, y - head * 0.22, head * 0.42), m.color("black", "white"))
    for s in (-1, 1):
        m.part("arm", m.rod(w * 0.1, h * 0.95).turned("z", s * m.u(5, 25)).at(s * w * 0.68, legs + h * 0.5, 0), trim)
        m.part("hand", m.lump(w * 0.14).at(s * w * 0.85, legs + h * 0.05, 0), body)
        m.part("leg", m.rod(w * 0.13, legs).at(s * w * 0.25, legs / 2, 0), trim)
        m.part("foot", m.block(w * 0.32, 0.07, w * 0.5).at(s * w * 0.25, 0.035, 0.03), body)
    antennas = m.i(0, 2)
    for k in range(antennas):
        x = (k - (antennas - 1) / 2) * head * 0.6
        m.part("antenna", m.round(0.008, head * 0.5).at(x, y + head * 0.6, 0), trim)
        m.part(None, m.lump(0.025).at(x, y + head * 0.88, 0), eye)
    m.part(
        "chest panel",
        box(w * 0.5, h * 0.3, 0.02).at(0, legs + h * 0.62, w * 0.33),
        m.color("black", "white", trim.name),
    )
    m.part(
        "button",
        [m.lump(0.018).at((k - 1) * w * 0.15, legs + h * 0.62, w * 0.35) for k in range(3)],
        m.color("red", "yellow", "green", "blue"),
    )


@generator("telescope", "tool", ("low-poly", "smooth"))
def telescope(m: Model) -> None:
    color, metal, tilt = (
        m.color("white", "black", "red", "blue", "yellow", "gray"),
        m.color("black", "gray", "brown"),
        m.u(20, 50),
    )
    tube_parts = [
        (0.055, 0.5, 0.0, "tube", color),
        (0.065, 0.1, 0.28, "dew cap", m.color(color.name, "black")),
        (0.022, 0.12, -0.3, "eyepiece", m.color("black")),
    ]
    for r, long, z, name, c in tube_parts:
        m.part(name, m.round(r, long).turned("x", 90).at(0, 0, z).turned("x", -tilt).at(0, 1.05, 0), c)
    m.part("mount", m.lump(0.07, 0.09).at(0, 0.98, 0), metal)
    m.part(
        "tripod leg",
        [
            between((0, 0.95, 0), (0.42 * np.cos(a), 0, 0.42 * np.sin(a)), 0.02, 6)
            for a in 2 * np.pi * np.arange(3) / 3 + 0.5
        ],
        metal,
    )


@generator("satellite", "electronics")
def satellite(m: Model) -> None:
    body, panel, w = m.color("gray", "yellow", "white"), m.color("blue", "blue", "black", "purple"), m.u(0.4, 0.6)
    m.part("body", m.block(w, w * 1.2, w), body)
    n, each = m.i(2, 4), w * 0.8
    for s in (-1, 1):
        m.part(
            "solar panel",
            [box(each * 0.92, w * 1.1, 0.03).at(s * (w * 0.75 + (k + 0.5) * each), 0, 0) for k in range(n)],
            panel,
        )
        m.part("boom", between((s * w / 2, 0, 0), (s * w * 0.8, 0, 0), 0.03, 6), m.color("gray", "white"))
    dish = lathe([(0.02, 0), (w * 0.25, w * 0.06), (w * 0.45, w * 0.2), (w * 0.43, w * 0.21), (0.02, w * 0.03)], m.fine)
    m.part("dish antenna", dish.turned("x", 90).at(0, w * 0.2, w * 0.55), m.color("white", "gray"))
    m.part("antenna", m.round(0.012, w * 0.6).at(w * 0.3, w * 0.9, 0), m.color("gray", "black"))
