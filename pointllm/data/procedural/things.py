"""Devices, things of the office and the living room, toys, music, ornaments."""

from __future__ import annotations

import numpy as np

from .model import METAL, WOOD, Color, Model, generator
from .solids import Solid, ball, between, box, curve, extrude, hull, lathe, loft, torus, tube

CASE = ("black", "gray", "white", "gray", "black")
SCREEN = ("black", "blue", "cyan", "gray", "green")
GAY = ("red", "blue", "green", "yellow", "orange", "purple", "pink", "cyan", "white")


def keys(m: Model, width: float, depth: float, y: float, z: float, rows: int, columns: int, color: Color) -> None:
    """A field of keys, seen as one part."""
    pieces = [box(width / columns * 0.78, 0.006, depth / rows * 0.76).at((c - (columns - 1) / 2) * width / columns, y, z + (r - (rows - 1) / 2) * depth / rows)
              for r in range(rows) for c in range(columns)]
    m.part("key", pieces, color)


@generator("book", "office")
def book(m: Model) -> None:
    w, h, t = m.u(0.12, 0.2), m.u(0.18, 0.28), m.u(0.02, 0.06)
    cover, paper = m.color(*GAY, "brown", "black"), m.color("white", "beige")
    if m.chance(0.3):
        rise = m.u(0.01, 0.03)
        for s in (-1, 1):
            m.part("cover", hull([(s * x, y, z * h / 2) for x, y in ((0.002, 0), (w, 0.004), (0.002, 0.004), (w, 0.008)) for z in (-1, 1)]), cover)
            rings = [[(s * x, 0.006, -h * 0.47), (s * x, y + 0.008, -h * 0.47), (s * x, y + 0.008, h * 0.47), (s * x, 0.006, h * 0.47)]
                     for x, y in ((0.003, rise * 0.5), (w * 0.3, rise), (w * 0.65, rise * 0.8), (w * 0.95, rise * 0.35))]
            m.part("page block", loft(rings), paper)
        m.trait("open")
        return
    m.part("cover", box(w, 0.005, h).at(0, 0.0025, 0) + box(w, 0.005, h).at(0, t, 0), cover)
    m.part("spine", box(0.005, t, h).at(-w / 2, t / 2, 0), cover)
    m.part("pages", box(w * 0.95, t * 0.9, h * 0.96).at(0, t / 2, 0), paper, 1)
    if m.chance(0.6):
        m.part("title", box(w * 0.55, 0.004, h * 0.14).at(0, t + 0.003, -h * 0.22), m.color("yellow", "white", "black", "red"))
    if m.chance(0.25):
        m.part("bookmark", box(0.015, 0.003, h * 0.3).at(w * 0.1, t * 0.6, h * 0.6), m.color("red", "yellow", "blue"))
    m.trait("closed")


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
        w, h, d, case = m.u(0.45, 0.6), m.u(0.38, 0.48), m.u(0.35, 0.45), m.color("brown", "black", "gray", "red", "beige")
        m.part("case", m.block(w, h, d).at(0, h / 2 + 0.05, 0), case)
        m.part("screen", box(w * 0.66, h * 0.76, 0.02).at(-w * 0.11, h / 2 + 0.05, d / 2), m.color("black", "gray", "green"))
        m.part("dial", [m.round(0.025, 0.03).turned("x", 90).at(w * 0.37, h * k + 0.05, d / 2 + 0.01) for k in (0.7, 0.5)], m.color("gray", "black", "yellow"))
        m.part("antenna", [between((s * 0.02, h + 0.05, 0), (s * 0.2, h + 0.4, 0), 0.006, 5) for s in (-1, 1)], m.color("gray", "black"))
        m.part("foot", [box(0.04, 0.05, 0.04).at(x * w * 0.4, 0.025, z * d * 0.35) for x in (-1, 1) for z in (-1, 1)], m.color("black", "brown"))
        m.trait("old-fashioned")
        return
    w = m.u(0.9, 1.4)
    h, case = w * 0.57, m.color("black", "black", "gray")
    m.part("housing", m.block(w, h, 0.04).at(0, h / 2 + 0.08, 0), case)
    m.part("screen", box(w * 0.96, h * 0.93, 0.006).at(0, h / 2 + 0.085, 0.022), m.color(*SCREEN))
    if m.chance(0.5):
        m.part("foot", [between((s * w * 0.32, 0.09, 0), (s * w * 0.36, 0.01, z), 0.012, 6) for s in (-1, 1) for z in (-0.12, 0.12)], case)
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
    m.part("button", [m.lump(0.014, 0.008, 0.024).at(s * 0.014, 0.033, 0.024) for s in (-1, 1)], m.color(case.name, "gray", "white"))
    m.part("wheel", m.wheel(0.007, 0.006).at(0, 0.038, 0.026), m.color("gray", "black", "red"))
    if m.chance(0.5):
        m.part("cable", tube(curve([(0, 0.015, 0.055), (0.01, 0.008, 0.09), (-0.02, 0.005, 0.15)], 8), 0.0025, 5), m.color("black", "gray"))


@generator("mobile phone", "electronics")
def mobile_phone(m: Model) -> None:
    w, h, case = m.u(0.065, 0.08), m.u(0.13, 0.16), m.color("black", "white", "gray", "blue", "red", "pink", "yellow")
    m.part("case", m.block(w, h, 0.009).at(0, h / 2, 0), case)
    if m.chance(0.7):
        m.part("screen", box(w * 0.9, h * 0.88, 0.002).at(0, h / 2, 0.005), m.color(*SCREEN))
        m.part("camera", [m.round(0.006, 0.003).turned("x", 90).at(-w * 0.3, h * (0.9 - 0.09 * k), -0.006) for k in range(m.i(1, 3))], m.color("black", "gray"))
    else:
        m.part("screen", box(w * 0.8, h * 0.36, 0.002).at(0, h * 0.74, 0.005), m.color("green", "gray", "blue", "cyan"))
        m.part("button", [box(w * 0.22, h * 0.07, 0.004).at((c - 1) * w * 0.28, h * (0.12 + 0.1 * r), 0.005) for c in range(3) for r in range(4)], m.color("white", "gray", "black"))
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


@generator("clock", "decoration")
def clock(m: Model) -> None:
    r, rim, face, hand = m.u(0.12, 0.2), m.color(*GAY, "black", "brown", "gray"), m.color("white", "white", "beige", "yellow", "black"), m.color("black", "red", "gray")
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
        m.part("pendulum", between((0, tall * 0.66, 0.13), (0, tall * 0.32, 0.13), 0.008, 5) + m.round(0.06, 0.02).turned("x", 90).at(0, tall * 0.3, 0.13), m.color("yellow"))
        y, z, r = tall - 0.2, 0.14, 0.17
    square = kind == "wall" and m.chance(0.25)
    m.part("rim", (m.block(2.1 * r, 2.1 * r, 0.04) if square else m.round(r * 1.1, 0.05 * max(scale, 0.6)).turned("x", 90)).at(0, y, z - 0.02), rim)
    m.part("face", m.round(r, 0.01).turned("x", 90).at(0, y, z + 0.012), face)
    marks = m.color("white") if face.name == "black" else m.color("black")
    m.part("hour mark", [box(r * 0.05, r * 0.16, 0.004).at(0, r * 0.84, 0).turned("z", 30 * k).at(0, y, z + 0.018) for k in range(12)], marks)
    if face.name == hand.name:
        hand = m.color("white" if face.name == "black" else "black")
    for long, a, thick in ((0.5, m.u(0, 360), 0.09), (0.75, m.u(0, 360), 0.06)):
        m.part("hand", box(r * thick, r * long, 0.004).at(0, r * long / 2, 0).turned("z", a).at(0, y, z + 0.022), hand)
    if kind == "alarm":
        m.part("bell", [m.lump(r * 0.36, r * 0.26, r * 0.36).turned("z", -s * 30).at(s * r * 0.62, r * 1.15, z - 0.02) for s in (-1, 1)], m.color(rim.name, "yellow", "gray"))
        m.part("foot", [between((s * r * 0.5, -r * 0.9, z - 0.02), (s * r * 0.8, -r * 1.35, z - 0.02), r * 0.08, 6) for s in (-1, 1)], m.color("black", "gray"))
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
            rings.append([(d * np.cos(a), y, d * np.sin(a)), (d * np.cos(b), y, d * np.sin(b)), (d * np.cos(b) * 0.99, y - 0.008, d * np.sin(b) * 0.99), (d * np.cos(a) * 0.99, y - 0.008, d * np.sin(a) * 0.99)])
        m.part("panel", loft(rings), second if striped and k % 2 else first)
    metal, grip = m.color("gray", "black", "brown"), m.color("brown", "black", "red")
    m.part("shaft", m.round(0.009, 0.95).at(0, 0.5, 0), metal)
    m.part("tip", m.round(0.01, 0.08, 0.003).at(0, 0.73 + h, 0), metal)
    if m.chance(0.75):
        m.part("handle", tube([(0, 0.06, 0), (0, 0.0, 0), *[(0.06 - 0.06 * np.cos(t), -0.06 * np.sin(t), 0) for t in np.linspace(0.3, np.pi, 7)], (0.12, 0.03, 0)], 0.014, 7), grip)
    else:
        m.part("handle", m.round(0.018, 0.12).at(0, 0.03, 0), grip)
    if striped:
        m.trait("striped")


@generator("parasol", "furniture", ("low-poly", "smooth"))
def parasol(m: Model) -> None:
    umbrella(m)
    m.parts.pop("handle", None)
    m.part("foot", m.round(0.2, 0.05).at(0, -0.09, 0), m.color("gray", "white", "black", "brown"))


@generator("ball", "sports and toys", ("low-poly", "smooth"))
def sports_ball(m: Model) -> None:
    r, kind = m.u(0.1, 0.16), m.pick(("soccer", "beach", "basket", "plain"))
    if kind == "soccer":
        m.part("ball", m.lump(r), m.color("white"))
        phi = (1 + 5**0.5) / 2
        corners = np.array([(0, s, t * phi) for s in (-1, 1) for t in (-1, 1)])
        corners = np.concatenate([corners, corners[:, [1, 2, 0]], corners[:, [2, 0, 1]]])
        corners /= np.linalg.norm(corners, axis=1, keepdims=True)
        m.part("black patch", [ball(r * 0.3, r * 0.3, r * 0.3, 10).at(*(c * r * 0.75)) for c in corners], m.color("black"))
        m.trait("a soccer ball")
    elif kind == "beach":
        count, colors = 6, [m.color(*GAY) for _ in range(3)]
        for k in range(count):
            a0, a1 = 2 * np.pi * k / count, 2 * np.pi * (k + 1) / count
            rings = []
            for t in np.linspace(-np.pi / 2, np.pi / 2, 9):
                c, s = max(np.cos(t), 1e-3), np.sin(t)
                rings.append([(r * c * np.cos(a), r * s, r * c * np.sin(a)) for a in np.linspace(a0, a1, 4)] + [(0, r * s, 0)])
            m.part("panel", loft(rings), colors[k % 3])
        m.trait("a beach ball")
    elif kind == "basket":
        m.part("ball", m.lump(r), m.color("orange", "brown"))
        black = m.color("black")
        m.part("seam", [torus(r, r * 0.03, 28, 5), torus(r, r * 0.03, 28, 5).turned("x", 90), torus(r, r * 0.03, 28, 5).turned("z", 90)], black)
        m.trait("a basketball")
    else:
        m.part("ball", m.lump(r), m.color(*GAY))
        m.part("band", torus(r * 0.99, r * 0.08, 28, 6), m.color(*GAY))


@generator("guitar", "music", ("low-poly", "smooth"))
def guitar(m: Model) -> None:
    body, wood, black = m.color("brown", "orange", "beige", "red", "black", "blue", "white"), m.color("brown", "black"), m.color("black")
    electric, t = m.chance(0.4), 0.0
    w, h, t = m.u(0.17, 0.2), m.u(0.42, 0.5), (0.045 if electric else m.u(0.08, 0.11))
    angles = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    radius = 1 + 0.18 * np.cos(2 * angles - np.pi) - 0.16 * np.cos(4 * angles) * 0.5
    outline = []
    for a, k in zip(angles, radius, strict=True):
        y = np.sin(a) * h / 2
        wide = w * (1.0 if y < 0 else 0.78) * (1 - 0.32 * np.exp(-((y - h * 0.08) / (h * 0.11)) ** 2))
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
    m.part("string", [between(((k - (strings - 1) / 2) * 0.007, -h * 0.26, t / 2 + 0.018), ((k - (strings - 1) / 2) * 0.006, h / 2 + neck, t / 2 + 0.018), 0.0012, 3) for k in range(strings)], m.color("gray", "white"))
    m.part("tuning peg", [m.lump(0.014, 0.01, 0.008).at(s * 0.045, h / 2 + neck - 0.04 + 0.04 * k, t / 2) for s in (-1, 1) for k in range(strings // 2)], m.color("gray", "white", "yellow"))


@generator("piano", "music")
def piano(m: Model) -> None:
    case, white, black = m.color("black", "black", "brown", "white", "red"), m.color("white"), m.color("black")
    w, grand = m.u(1.3, 1.5), m.chance(0.45)
    if grand:
        long, y, t = m.u(1.4, 1.9), 0.72, 0.26
        outline = [(-w / 2, 0), (w / 2, 0), (w / 2, -long * 0.35), (w * 0.2, -long * 0.62), (-w * 0.05, -long), (-w * 0.38, -long), (-w / 2, -long * 0.85)]
        m.part("case", extrude(outline, t).turned("x", 90).at(0, y + t / 2, 0), case)
        m.part("lid", extrude(outline, 0.03).turned("x", 90).at(w / 2, 0, 0).turned("z", m.u(25, 40)).at(-w / 2, y + t, 0), case)
        m.part("leg", [m.rod(0.05, y).at(x, y / 2, z) for x, z in ((-w * 0.42, -0.1), (w * 0.42, -0.1), (-w * 0.2, -long * 0.85))], case)
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
    m.part("white key", [box(w * 0.9 / count * 0.9, 0.02, 0.2).at((k - 10) * w * 0.9 / count, ky + 0.04, z + 0.03) for k in range(count)], white)
    m.part("black key", [box(w * 0.02, 0.02, 0.12).at((k - 9.5) * w * 0.9 / count, ky + 0.055, z - 0.01) for k in range(count - 1) if k % 7 not in (2, 6)], black)


@generator("bell", "music", ("low-poly", "smooth"))
def bell(m: Model) -> None:
    r, color = m.u(0.08, 0.16), m.color("yellow", "yellow", "gray", "orange", "brown")
    h = r * m.u(1.2, 1.7)
    m.part("bell", m.turned([(r, 0), (r * 0.82, h * 0.15), (r * 0.66, h * 0.5), (r * 0.5, h * 0.85), (r * 0.2, h)]), color)
    m.part("clapper", m.lump(r * 0.2).at(0, -r * 0.05, 0), m.color("black", "gray", "brown"))
    if m.chance(0.5):
        m.part("handle", m.round(r * 0.16, r * 1.2).at(0, h + r * 0.6, 0), m.color("brown", "black", "red"))
    else:
        m.part("loop", torus(r * 0.25, r * 0.07, 18, 6).turned("x", 90).at(0, h + r * 0.2, 0), color)


@generator("camera", "electronics")
def camera(m: Model) -> None:
    w, h, d, case = m.u(0.11, 0.15), m.u(0.075, 0.1), m.u(0.04, 0.06), m.color("black", "gray", "brown", "white", "red")
    r = h * m.u(0.32, 0.42)
    m.part("body", m.block(w, h, d).at(0, h / 2, 0), case)
    m.part("lens", m.round(r, d * 1.1).turned("x", 90).at(-w * 0.05, h * 0.48, d * 0.9), m.color("black", "gray"))
    m.part("glass", m.round(r * 0.72, 0.004).turned("x", 90).at(-w * 0.05, h * 0.48, d * 1.46), m.color("cyan", "blue", "purple"))
    m.part("shutter button", m.round(0.008, 0.01).at(w * 0.36, h + 0.004, 0), m.color("red", "gray", "yellow"))
    if m.chance(0.6):
        m.part("viewfinder", m.block(w * 0.28, h * 0.22, d * 0.8).at(-w * 0.05, h * 1.08, 0), case)
    if m.chance(0.5):
        m.part("flash", box(w * 0.16, h * 0.15, 0.006).at(w * 0.32, h * 0.8, d / 2), m.color("white", "yellow"))
    if m.chance(0.4):
        m.part("strap", tube(curve([(-w / 2, h * 0.85, 0), (-w * 0.9, h * 0.3, 0.02), (0, -0.05, 0.06), (w * 0.9, h * 0.3, 0.02), (w / 2, h * 0.85, 0)], 14), 0.005, 5), m.color("black", "brown", "red"))


@generator("crown", "clothing", ("low-poly", "smooth"))
def crown(m: Model) -> None:
    points, r, gold = m.i(5, 9), m.u(0.09, 0.12), m.color("yellow", "yellow", "gray", "orange")
    h = r * m.u(0.7, 1.1)
    m.part("ring", m.turned([(r, 0), (r * 1.04, h * 0.4), (r * 0.97, h * 0.4), (r * 0.94, 0)]), gold)
    jewel = m.color("red", "blue", "green", "purple", "white")
    for k in range(points):
        a = 360 * k / points
        m.part("point", extrude([(-r * 1.9 / points * 1.4, h * 0.35), (r * 1.9 / points * 1.4, h * 0.35), (0, h)], r * 0.06).at(0, 0, r).turned("y", a), gold)
        m.part("jewel", m.lump(r * 0.1).at(0, h * 0.22, r * 1.03).turned("y", a), jewel)
        m.part(None, m.lump(r * 0.07).at(0, h, r).turned("y", a), gold)
    if m.chance(0.3):
        m.part("cushion", m.lump(r * 0.92, h * 0.6).at(0, h * 0.25, 0), m.color("red", "purple", "blue"))


@generator("hat", "clothing", ("low-poly", "smooth"))
def hat(m: Model) -> None:
    color, band, kind = m.color("black", "brown", "beige", "red", "blue", "purple", "green", "gray"), m.color("red", "black", "white", "yellow", "brown"), m.pick(("top", "cowboy", "cap", "pointed", "sun"))
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
    color, sole, lace = m.color(*GAY, "black", "brown", "gray"), m.color("white", "black", "brown", "gray"), m.color("white", "black", "yellow")
    boot = m.chance(0.35)
    m.part("sole", extrude([(-0.045, -0.14), (0.04, -0.14), (0.05, 0.02), (0.045, 0.12), (0.0, 0.16), (-0.045, 0.11), (-0.04, 0)], 0.03).turned("x", 90).at(0, 0.015, 0), sole)
    m.part("upper", hull([(s * x, y, z) for s in (-1, 1) for x, y, z in ((0.04, 0.03, -0.13), (0.035, 0.11, -0.13), (0.04, 0.12, -0.03), (0.045, 0.07, 0.06), (0.04, 0.055, 0.12), (0.01, 0.04, 0.155), (0.045, 0.03, 0.08))]), color)
    if boot:
        m.part("shaft", m.rod(0.052, 0.15, 0.058).at(0, 0.17, -0.075), color)
        m.trait("a boot")
    else:
        m.part("opening", m.lump(0.033, 0.008, 0.05).at(0, 0.118, -0.08), m.color("black", "gray"))
    m.part("lace", [box(0.05, 0.006, 0.009).at(0, 0.122 - 0.014 * k, -0.01 + 0.022 * k) for k in range(m.i(3, 4))], lace)


@generator("glasses", "clothing", ("low-poly", "smooth"))
def glasses(m: Model) -> None:
    frame, lens, r = m.color("black", "brown", "red", "blue", "gray", "yellow"), m.color("black", "cyan", "blue", "brown", "green"), m.u(0.022, 0.028)
    gap = r * 1.25
    square = m.chance(0.3)
    for s in (-1, 1):
        ring = torus(r, 0.003, 20 if not square else 4, 6).turned("y", 45 if square else 0).turned("x", 90)
        m.part("rim", ring.at(s * gap, 0, 0), frame)
        m.part("lens", (box(r * 1.35, r * 1.35, 0.002) if square else m.round(r * 0.96, 0.002).turned("x", 90)).at(s * gap, 0, 0), lens)
        m.part("temple", tube([(s * (gap + r), 0.004, 0), (s * (gap + r * 1.05), 0.004, -0.1), (s * (gap + r), -0.015, -0.13)], 0.0028, 6), frame)
    m.part("nose bridge", tube(curve([(-gap + r, 0, 0), (0, 0.006, 0.003), (gap - r, 0, 0)], 5), 0.0028, 6), frame)


@generator("pencil", "office", ("low-poly",))
def pencil(m: Model) -> None:
    long, r, color = m.u(0.12, 0.19), 0.0045, m.color("yellow", "red", "blue", "green", "black", "orange", "purple")
    shaft = lathe([(r, 0), (r, long)], 6)
    m.part("shaft", shaft.turned("z", 90), color)
    m.part("sharpened wood", lathe([(r, 0), (r * 0.25, r * 3)], 6).turned("z", -90), m.color("beige"))
    m.part("lead", lathe([(r * 0.25, 0), (0.0002, r)], 6).turned("z", -90).at(r * 3, 0, 0), m.color("black", color.name))
    if m.chance(0.6):
        m.part("ferrule", m.round(r * 1.05, 0.008).turned("z", 90).at(-long - 0.003, 0, 0), m.color("gray", "yellow"))
        m.part("eraser", m.round(r * 0.95, 0.009).turned("z", 90).at(-long - 0.011, 0, 0), m.color("pink", "red", "white"))


@generator("wheel", "vehicle", ("low-poly", "smooth"))
def wheel(m: Model) -> None:
    r = m.u(0.28, 0.5)
    if m.chance(0.5):
        wood, count = m.color("brown", "beige", "red", "gray"), m.i(6, 12)
        m.part("rim", torus(r, r * 0.07, 28, 6).scaled(1, 1.3, 1).turned("x", 90), wood)
        m.part("spoke", [between((0, 0, 0), (r * 0.96 * np.cos(a), r * 0.96 * np.sin(a), 0), r * 0.035, 6) for a in 2 * np.pi * np.arange(count) / count], wood)
        m.part("hub", m.round(r * 0.16, r * 0.3).turned("x", 90), m.color("black", "gray", wood.name))
        m.trait("spoked")
    else:
        m.part("tyre", torus(r * 0.8, r * 0.2, 28, 10).turned("x", 90), m.color("black"))
        rim = m.color("gray", "white", "red", "yellow", "blue")
        m.part("rim", m.round(r * 0.62, r * 0.22).turned("x", 90), rim)
        holes = m.i(4, 6)
        m.part("hole", [m.round(r * 0.1, r * 0.24).turned("x", 90).at(r * 0.38 * np.cos(a), r * 0.38 * np.sin(a), 0) for a in 2 * np.pi * np.arange(holes) / holes], m.color("black"))
        m.part("hub", m.round(r * 0.12, r * 0.28).turned("x", 90), m.color("gray", "black"))


@generator("picture frame", "decoration")
def picture_frame(m: Model) -> None:
    w, h, t = m.u(0.2, 0.6), m.u(0.2, 0.6), m.u(0.02, 0.05)
    frame = m.color(*WOOD, "yellow", "black", "white", "gray", "red")
    bars = [m.block(w + 2 * t, t, 0.025).at(0, s * (h + t) / 2, 0) for s in (-1, 1)] + [m.block(t, h, 0.025).at(s * (w + t) / 2, 0, 0) for s in (-1, 1)]
    m.part("frame", bars, frame, 1)
    sky, land = m.color("cyan", "blue", "white", "orange", "pink"), m.color("green", "brown", "yellow", "blue")
    m.part("picture", box(w, h, 0.008), sky)
    m.part(None, extrude([(-w / 2, -h / 2), (w / 2, -h / 2), (w / 2, -h * m.u(0, 0.2)), (w * 0.1, h * m.u(-0.1, 0.2)), (-w * 0.25, -h * 0.1), (-w / 2, h * m.u(-0.1, 0.1))], 0.012), land)
    if m.chance(0.5):
        m.part("sun", m.round(min(w, h) * 0.1, 0.012).turned("x", 90).at(w * 0.25, h * 0.3, 0.001), m.color("yellow", "orange", "red"))


@generator("trophy", "decoration", ("low-poly", "smooth"))
def trophy(m: Model) -> None:
    from .kitchen import vessel

    gold, r = m.color("yellow", "yellow", "gray", "orange"), m.u(0.06, 0.09)
    m.part("plinth", m.block(r * 1.6, r * 0.9, r * 1.6).at(0, r * 0.45, 0), m.color("black", "brown", "gray"))
    m.part("stem", m.turned([(r * 0.6, 0), (r * 0.2, r * 0.4), (r * 0.18, r * 0.9)]).at(0, r * 0.9, 0), gold)
    m.part("cup", vessel([(r * 0.2, 0), (r * 0.8, r * 0.6), (r, r * 1.8)], r * 0.07, m.fine).at(0, r * 1.7, 0), gold)
    m.part("handle", [tube(curve([(s * r * 0.9, r * 3.2, 0), (s * r * 1.6, r * 3.0, 0), (s * r * 1.4, r * 2.3, 0), (s * r * 0.7, r * 2.1, 0)], 10), r * 0.09, 6) for s in (-1, 1)], gold)


@generator("robot", "person")
def robot(m: Model) -> None:
    body, trim, eye = m.color("gray", "gray", "white", "blue", "red", "yellow", "orange", "green"), m.color("black", "gray", "red", "yellow", "blue"), m.color("cyan", "red", "yellow", "green")
    w, h = m.u(0.3, 0.45), m.u(0.35, 0.5)
    legs = m.u(0.2, 0.45)
    m.part("torso", m.block(w, h, w * 0.65).at(0, legs + h / 2, 0), body)
    head = w * m.u(0.5, 0.75)
    y = legs + h + head * 0.55
    m.part("head", (m.block(head, head * 0.85, head * 0.8) if m.chance(0.7) else m.lump(head * 0.55)).at(0, y, 0), m.color(body.name, trim.name))
    m.part("eye", [m.round(head * 0.13, 0.03).turned("x", 90).at(s * head * 0.22, y + head * 0.08, head * 0.42) for s in (-1, 1)], eye)
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
    m.part("chest panel", box(w * 0.5, h * 0.3, 0.02).at(0, legs + h * 0.62, w * 0.33), m.color("black", "white", trim.name))
    m.part("button", [m.lump(0.018).at((k - 1) * w * 0.15, legs + h * 0.62, w * 0.35) for k in range(3)], m.color("red", "yellow", "green", "blue"))


@generator("teddy bear", "sports and toys", ("low-poly", "smooth"))
def teddy_bear(m: Model) -> None:
    fur, light = m.color("brown", "brown", "beige", "orange", "white", "pink", "gray"), m.color("beige", "white", "yellow")
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
        m.part("bow tie", [lathe([(0.012, 0), (0.035, 0.05)], 8).turned("z", -s * 90).at(0, 0.29, 0.115) for s in (-1, 1)], bow, 1)


@generator("skateboard", "sports and toys", ("low-poly", "smooth"))
def skateboard(m: Model) -> None:
    long, w, deck, wheel_color = m.u(0.7, 0.85), m.u(0.18, 0.22), m.color(*GAY, "brown", "black"), m.color("white", "red", "yellow", "black", "blue")
    rings = []
    for t in np.linspace(-1, 1, 13):
        y = 0.1 + 0.06 * max(0, abs(t) - 0.7) / 0.3
        half = w / 2 * np.sqrt(max(0.02, 1 - max(0, abs(t) - 0.72) ** 2 / 0.08))
        z = t * long / 2
        rings.append([(half, y, z), (half, y + 0.013, z), (-half, y + 0.013, z), (-half, y, z)])
    m.part("deck", loft(rings), deck)
    m.part("truck", [box(w * 0.7, 0.03, 0.04).at(0, 0.07, z * long * 0.32) for z in (-1, 1)], m.color(*METAL))
    m.part("wheel", [m.wheel(0.034, 0.035).at(s * w * 0.4, 0.034, z * long * 0.32) for s in (-1, 1) for z in (-1, 1)], wheel_color)


@generator("swing", "sports and toys", ("low-poly", "smooth"))
def swing(m: Model) -> None:
    w, h, frame, seat = m.u(1.6, 2.6), m.u(1.8, 2.3), m.color("red", "blue", "green", "yellow", "brown", "gray"), m.color("yellow", "black", "red", "brown", "blue")
    m.part("leg", [between((s * w / 2, h, 0), (s * w * 0.56, 0, z * 0.75), 0.045, max(6, m.n // 3)) for s in (-1, 1) for z in (-1, 1)], frame)
    m.part("top bar", between((-w / 2, h, 0), (w / 2, h, 0), 0.05, 8), frame)
    count, rope = m.i(1, 2), m.color("gray", "brown", "beige")
    for k in range(count):
        x, tilt = (k - (count - 1) / 2) * w * 0.45, m.u(-18, 18)
        board = (box(0.45, 0.035, 0.2).at(0, -h + 0.5, 0)).turned("x", tilt).at(x, h, 0)
        m.part("seat", board, seat)
        m.part("rope", [between((0.2 * s, 0, 0), (0.2 * s, -h + 0.5, 0), 0.012, 5).turned("x", tilt).at(x, h, 0) for s in (-1, 1)], rope)


@generator("telescope", "tool", ("low-poly", "smooth"))
def telescope(m: Model) -> None:
    color, metal, tilt = m.color("white", "black", "red", "blue", "yellow", "gray"), m.color("black", "gray", "brown"), m.u(20, 50)
    tube_parts = [(0.055, 0.5, 0.0, "tube", color), (0.065, 0.1, 0.28, "dew cap", m.color(color.name, "black")), (0.022, 0.12, -0.3, "eyepiece", m.color("black"))]
    for r, long, z, name, c in tube_parts:
        m.part(name, m.round(r, long).turned("x", 90).at(0, 0, z).turned("x", -tilt).at(0, 1.05, 0), c)
    m.part("mount", m.lump(0.07, 0.09).at(0, 0.98, 0), metal)
    m.part("tripod leg", [between((0, 0.95, 0), (0.42 * np.cos(a), 0, 0.42 * np.sin(a)), 0.02, 6) for a in 2 * np.pi * np.arange(3) / 3 + 0.5], metal)


@generator("satellite", "electronics")
def satellite(m: Model) -> None:
    body, panel, w = m.color("gray", "yellow", "white"), m.color("blue", "blue", "black", "purple"), m.u(0.4, 0.6)
    m.part("body", m.block(w, w * 1.2, w), body)
    n, each = m.i(2, 4), w * 0.8
    for s in (-1, 1):
        m.part("solar panel", [box(each * 0.92, w * 1.1, 0.03).at(s * (w * 0.75 + (k + 0.5) * each), 0, 0) for k in range(n)], panel)
        m.part("boom", between((s * w / 2, 0, 0), (s * w * 0.8, 0, 0), 0.03, 6), m.color("gray", "white"))
    dish = lathe([(0.02, 0), (w * 0.25, w * 0.06), (w * 0.45, w * 0.2), (w * 0.43, w * 0.21), (0.02, w * 0.03)], m.fine)
    m.part("dish antenna", dish.turned("x", 90).at(0, w * 0.2, w * 0.55), m.color("white", "gray"))
    m.part("antenna", m.round(0.012, w * 0.6).at(w * 0.3, w * 0.9, 0), m.color("gray", "black"))


@generator("heart", "decoration", ("low-poly", "smooth"))
def heart(m: Model) -> None:
    t = np.linspace(0, 2 * np.pi, 26, endpoint=False)
    outline = np.column_stack([0.16 * np.sin(t) ** 3, (13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) * 0.01])
    depth = m.u(0.05, 0.1)
    rings = [np.column_stack([outline * s, np.full(26, depth * z)]) for s, z in ((0.55, -0.5), (0.85, -0.35), (1.0, 0.0), (0.85, 0.35), (0.55, 0.5))]
    m.part("heart shape", loft(rings), m.color("red", "red", "pink", "purple", "orange"))


@generator("star", "decoration", ("low-poly",))
def star(m: Model) -> None:
    points, r = m.pick((5, 5, 6, 8)), m.u(0.12, 0.2)
    inner = r * m.u(0.38, 0.55)
    ring = [((r if k % 2 == 0 else inner) * np.sin(np.pi * k / points), (r if k % 2 == 0 else inner) * np.cos(np.pi * k / points), 0.0) for k in range(2 * points)]
    flat = m.u(0.03, 0.07)
    rings = [np.array([(x * 0.02, y * 0.02, -flat) for x, y, _ in ring]), np.array(ring), np.array([(x * 0.02, y * 0.02, flat) for x, y, _ in ring])]
    m.part("star shape", loft(rings), m.color("yellow", "yellow", "orange", "red", "white", "blue"))
    m.trait(f"with {points} points")
