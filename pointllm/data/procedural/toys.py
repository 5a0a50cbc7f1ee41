"""Toys, music and ornaments."""

from __future__ import annotations

import numpy as np

from .kitchen import vessel
from .model import METAL, Model, generator
from .solids import ball, between, box, curve, extrude, lathe, loft, torus, tube

CASE = ("black", "gray", "white", "gray", "black")
SCREEN = ("black", "blue", "cyan", "gray", "green")
GAY = ("red", "blue", "green", "yellow", "orange", "purple", "pink", "cyan", "white")


@generator("ball", "sports and toys", ("low-poly", "smooth"))
def sports_ball(m: Model) -> None:
    r, kind = m.u(0.1, 0.16), m.pick(("soccer", "beach", "basket", "plain"))
    if kind == "soccer":
        m.part("ball", m.lump(r), m.color("white"))
        phi = (1 + 5**0.5) / 2
        corners = np.array([(0, s, t * phi) for s in (-1, 1) for t in (-1, 1)])
        corners = np.concatenate([corners, corners[:, [1, 2, 0]], corners[:, [2, 0, 1]]])
        corners /= np.linalg.norm(corners, axis=1, keepdims=True)
        m.part(
            "black patch", [ball(r * 0.3, r * 0.3, r * 0.3, 10).at(*(c * r * 0.75)) for c in corners], m.color("black")
        )
        m.trait("a soccer ball")
    elif kind == "beach":
        count, colors = 6, [m.color(*GAY) for _ in range(3)]
        for k in range(count):
            a0, a1 = 2 * np.pi * k / count, 2 * np.pi * (k + 1) / count
            rings = []
            for t in np.linspace(-np.pi / 2, np.pi / 2, 9):
                c, s = max(np.cos(t), 1e-3), np.sin(t)
                rings.append(
                    [(r * c * np.cos(a), r * s, r * c * np.sin(a)) for a in np.linspace(a0, a1, 4)] + [(0, r * s, 0)]
                )
            m.part("panel", loft(rings), colors[k % 3])
        m.trait("a beach ball")
    elif kind == "basket":
        m.part("ball", m.lump(r), m.color("orange", "brown"))
        black = m.color("black")
        m.part(
            "seam",
            [
                torus(r, r * 0.03, 28, 5),
                torus(r, r * 0.03, 28, 5).turned("x", 90),
                torus(r, r * 0.03, 28, 5).turned("z", 90),
            ],
            black,
        )
        m.trait("a basketball")
    else:
        m.part("ball", m.lump(r), m.color(*GAY))
        m.part("band", torus(r * 0.99, r * 0.08, 28, 6), m.color(*GAY))


@generator("guitar", "music", ("low-poly", "smooth"))
def guitar(m: Model) -> None:
    body, wood, black = (
        m.color("brown", "orange", "beige", "red", "black", "blue", "white"),
        m.color("brown", "black"),
        m.color("black"),
    )
    electric, t = m.chance(0.4), 0.0
    w, h, t = m.u(0.17, 0.2), m.u(0.42, 0.5), (0.045 if electric else m.u(0.08, 0.11))
    angles = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    radius = 1 + 0.18 * np.cos(2 * angles - np.pi) - 0.16 * np.cos(4 * angles) * 0.5
    outline = []
    for a, k in zip(angles, radius, strict=True):
        y = np.sin(a) * h / 2
        wide = w * (1.0 if y < 0 else 0.78) * (1 - 0.32 * np.exp(-(((y - h * 0.08) / (h * 0.11)) ** 2)))
        outline.append((np.cos(a) * wide * min(1.0, k), y))
    if electric:
        outline += []
    m.part("body", extrude(outline, t), body)
    neck = m.u(0.4, 0.48)
    m.part("neck", m.block(0.045, neck, 0.022).at(0, h / 2 + neck / 2 - 0.05, t / 2 + 0.004), wood)
    m.part("headstock", m.block(0.065, 0.13, 0.02).at(0, h / 2 + neck, t / 2), m.color(wood.name, body.name))
    if electric:
        m.part("pickup", [box(0.08, 0.025, 0.012).at(0, y, t / 2 + 0.004) for y in (0.02, -0.06)], black)
        m.part("pickguard", m.lump(0.08, 0.1, 0.004).at(0.05, -0.05, t / 2), m.color("white", "black", "red"))
        m.trait("an electric guitar")
    else:
        m.part("sound hole", m.round(0.05, 0.006).turned("x", 90).at(0, 0.02, t / 2 + 0.001), black)
        m.trait("an acoustic guitar")
    m.part("bridge", box(0.11, 0.02, 0.014).at(0, -h * 0.26, t / 2 + 0.005), wood)
    strings = m.pick((4, 6))
    m.part(
        "string",
        [
            between(
                ((k - (strings - 1) / 2) * 0.007, -h * 0.26, t / 2 + 0.018),
                ((k - (strings - 1) / 2) * 0.006, h / 2 + neck, t / 2 + 0.018),
                0.0012,
                3,
            )
            for k in range(strings)
        ],
        m.color("gray", "white"),
    )
    m.part(
        "tuning peg",
        [
            m.lump(0.014, 0.01, 0.008).at(s * 0.045, h / 2 + neck - 0.04 + 0.04 * k, t / 2)
            for s in (-1, 1)
            for k in range(strings // 2)
        ],
        m.color("gray", "white", "yellow"),
    )


@generator("piano", "music")
def piano(m: Model) -> None:
    case, white, black = m.color("black", "black", "brown", "white", "red"), m.color("white"), m.color("black")
    w, grand = m.u(1.3, 1.5), m.chance(0.45)
    if grand:
        long, y, t = m.u(1.4, 1.9), 0.72, 0.26
        outline = [
            (-w / 2, 0),
            (w / 2, 0),
            (w / 2, -long * 0.35),
            (w * 0.2, -long * 0.62),
            (-w * 0.05, -long),
            (-w * 0.38, -long),
            (-w / 2, -long * 0.85),
        ]
        m.part("case", extrude(outline, t).turned("x", 90).at(0, y + t / 2, 0), case)
        m.part(
            "lid",
            extrude(outline, 0.03).turned("x", 90).at(w / 2, 0, 0).turned("z", m.u(25, 40)).at(-w / 2, y + t, 0),
            case,
        )
        m.part(
            "leg",
            [
                m.rod(0.05, y).at(x, y / 2, z)
                for x, z in ((-w * 0.42, -0.1), (w * 0.42, -0.1), (-w * 0.2, -long * 0.85))
            ],
            case,
        )
        z, ky = 0.1, y + 0.05
        m.trait("a grand piano")
    else:
        h, d = m.u(1.1, 1.3), 0.4
        m.part("case", m.block(w, h, d).at(0, h / 2, -d / 2), case)
        m.part("leg", [box(0.07, 0.62, 0.07).at(s * w * 0.46, 0.31, 0.22) for s in (-1, 1)], case)
        z, ky = 0.13, 0.66
        m.part("music stand", box(w * 0.5, 0.25, 0.02).turned("x", -12).at(0, h * 0.82, 0.02), case)
        m.trait("an upright piano")
    m.part("keybed", box(w, 0.06, 0.28).at(0, ky, z), case)
    count = 21
    m.part(
        "white key",
        [
            box(w * 0.9 / count * 0.9, 0.02, 0.2).at((k - 10) * w * 0.9 / count, ky + 0.04, z + 0.03)
            for k in range(count)
        ],
        white,
    )
    m.part(
        "black key",
        [
            box(w * 0.02, 0.02, 0.12).at((k - 9.5) * w * 0.9 / count, ky + 0.055, z - 0.01)
            for k in range(count - 1)
            if k % 7 not in (2, 6)
        ],
        black,
    )


@generator("bell", "music", ("low-poly", "smooth"))
def bell(m: Model) -> None:
    r, color = m.u(0.08, 0.16), m.color("yellow", "yellow", "gray", "orange", "brown")
    h = r * m.u(1.2, 1.7)
    m.part(
        "bell", m.turned([(r, 0), (r * 0.82, h * 0.15), (r * 0.66, h * 0.5), (r * 0.5, h * 0.85), (r * 0.2, h)]), color
    )
    m.part("clapper", m.lump(r * 0.2).at(0, -r * 0.05, 0), m.color("black", "gray", "brown"))
    if m.chance(0.5):
        m.part("handle", m.round(r * 0.16, r * 1.2).at(0, h + r * 0.6, 0), m.color("brown", "black", "red"))
    else:
        m.part("loop", torus(r * 0.25, r * 0.07, 18, 6).turned("x", 90).at(0, h + r * 0.2, 0), color)


@generator("trophy", "decoration", ("low-poly", "smooth"))
def trophy(m: Model) -> None:
    gold, r = m.color("yellow", "yellow", "gray", "orange"), m.u(0.06, 0.09)
    m.part("plinth", m.block(r * 1.6, r * 0.9, r * 1.6).at(0, r * 0.45, 0), m.color("black", "brown", "gray"))
    m.part("stem", m.turned([(r * 0.6, 0), (r * 0.2, r * 0.4), (r * 0.18, r * 0.9)]).at(0, r * 0.9, 0), gold)
    m.part("cup", vessel([(r * 0.2, 0), (r * 0.8, r * 0.6), (r, r * 1.8)], r * 0.07, m.fine).at(0, r * 1.7, 0), gold)
    m.part(
        "handle",
        [
            tube(
                curve(
                    [
                        (s * r * 0.9, r * 3.2, 0),
                        (s * r * 1.6, r * 3.0, 0),
                        (s * r * 1.4, r * 2.3, 0),
                        (s * r * 0.7, r * 2.1, 0),
                    ],
                    10,
                ),
                r * 0.09,
                6,
            )
            for s in (-1, 1)
        ],
        gold,
    )


@generator("teddy bear", "sports and toys", ("low-poly", "smooth"))
def teddy_bear(m: Model) -> None:
    fur, light = (
        m.color("brown", "brown", "beige", "orange", "white", "pink", "gray"),
        m.color("beige", "white", "yellow"),
    )
    m.part("body", m.lump(0.13, 0.15, 0.12).at(0, 0.17, 0), fur)
    m.part("belly", m.lump(0.09, 0.1, 0.05).at(0, 0.16, 0.085), light)
    m.part("head", m.lump(0.115).at(0, 0.39, 0.01), fur)
    m.part("muzzle", m.lump(0.055, 0.045, 0.045).at(0, 0.36, 0.11), light)
    m.part("ear", [m.lump(0.045, 0.045, 0.025).at(s * 0.085, 0.49, 0) for s in (-1, 1)], fur)
    black = m.color("black")
    m.part("eye", [ball(0.014, segments=8).at(s * 0.042, 0.42, 0.105) for s in (-1, 1)], black)
    m.part("nose", m.lump(0.018, 0.013, 0.012).at(0, 0.378, 0.152), black)
    m.part("arm", [m.lump(0.048, 0.1, 0.048).turned("z", s * 40).at(s * 0.15, 0.2, 0.03) for s in (-1, 1)], fur)
    m.part("leg", [m.lump(0.058, 0.055, 0.11).at(s * 0.09, 0.055, 0.1) for s in (-1, 1)], fur)
    m.part("paw", [m.lump(0.04, 0.04, 0.012).at(s * 0.09, 0.06, 0.21) for s in (-1, 1)], light)
    if m.chance(0.5):
        bow = m.color("red", "blue", "pink", "green", "purple")
        m.part(
            "bow tie",
            [lathe([(0.012, 0), (0.035, 0.05)], 8).turned("z", -s * 90).at(0, 0.29, 0.115) for s in (-1, 1)],
            bow,
            1,
        )


@generator("skateboard", "sports and toys", ("low-poly", "smooth"))
def skateboard(m: Model) -> None:
    long, w, deck, wheel_color = (
        m.u(0.7, 0.85),
        m.u(0.18, 0.22),
        m.color(*GAY, "brown", "black"),
        m.color("white", "red", "yellow", "black", "blue"),
    )
    rings = []
    for t in np.linspace(-1, 1, 13):
        y = 0.1 + 0.06 * max(0, abs(t) - 0.7) / 0.3
        half = w / 2 * np.sqrt(max(0.02, 1 - max(0, abs(t) - 0.72) ** 2 / 0.08))
        z = t * long / 2
        rings.append([(half, y, z), (half, y + 0.013, z), (-half, y + 0.013, z), (-half, y, z)])
    m.part("deck", loft(rings), deck)
    m.part("truck", [box(w * 0.7, 0.03, 0.04).at(0, 0.07, z * long * 0.32) for z in (-1, 1)], m.color(*METAL))
    m.part(
        "wheel",
        [m.wheel(0.034, 0.035).at(s * w * 0.4, 0.034, z * long * 0.32) for s in (-1, 1) for z in (-1, 1)],
        wheel_color,
    )


@generator("swing", "sports and toys", ("low-poly", "smooth"))
def swing(m: Model) -> None:
    w, h, frame, seat = (
        m.u(1.6, 2.6),
        m.u(1.8, 2.3),
        m.color("red", "blue", "green", "yellow", "brown", "gray"),
        m.color("yellow", "black", "red", "brown", "blue"),
    )
    m.part(
        "leg",
        [
            between((s * w / 2, h, 0), (s * w * 0.56, 0, z * 0.75), 0.045, max(6, m.n // 3))
            for s in (-1, 1)
            for z in (-1, 1)
        ],
        frame,
    )
    m.part("top bar", between((-w / 2, h, 0), (w / 2, h, 0), 0.05, 8), frame)
    count, rope = m.i(1, 2), m.color("gray", "brown", "beige")
    for k in range(count):
        x, tilt = (k - (count - 1) / 2) * w * 0.45, m.u(-18, 18)
        board = (box(0.45, 0.035, 0.2).at(0, -h + 0.5, 0)).turned("x", tilt).at(x, h, 0)
        m.part("seat", board, seat)
        m.part(
            "rope",
            [between((0.2 * s, 0, 0), (0.2 * s, -h + 0.5, 0), 0.012, 5).turned("x", tilt).at(x, h, 0) for s in (-1, 1)],
            rope,
        )


@generator("heart", "decoration", ("low-poly", "smooth"))
def heart(m: Model) -> None:
    t = np.linspace(0, 2 * np.pi, 26, endpoint=False)
    outline = np.column_stack(
        [0.16 * np.sin(t) ** 3, (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) * 0.01]
    )
    depth = m.u(0.05, 0.1)
    rings = [
        np.column_stack([outline * s, np.full(26, depth * z)])
        for s, z in ((0.55, -0.5), (0.85, -0.35), (1.0, 0.0), (0.85, 0.35), (0.55, 0.5))
    ]
    m.part("heart shape", loft(rings), m.color("red", "red", "pink", "purple", "orange"))


@generator("star", "decoration", ("low-poly",))
def star(m: Model) -> None:
    points, r = m.pick((5, 5, 6, 8)), m.u(0.12, 0.2)
    inner = r * m.u(0.38, 0.55)
    ring = [
        (
            (r if k % 2 == 0 else inner) * np.sin(np.pi * k / points),
            (r if k % 2 == 0 else inner) * np.cos(np.pi * k / points),
            0.0,
        )
        for k in range(2 * points)
    ]
    flat = m.u(0.03, 0.07)
    rings = [
        np.array([(x * 0.02, y * 0.02, -flat) for x, y, _ in ring]),
        np.array(ring),
        np.array([(x * 0.02, y * 0.02, flat) for x, y, _ in ring]),
    ]
    m.part("star shape", loft(rings), m.color("yellow", "yellow", "orange", "red", "white", "blue"))
    m.trait(f"with {points} points")
