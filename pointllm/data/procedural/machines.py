"""Two-wheelers, trains, tractors and tanks. They face along z."""

from __future__ import annotations

import numpy as np

from .model import Model, generator
from .solids import between, box, extrude, torus, tube
from .vehicles import profile_body

GLASS = ("cyan", "black", "gray", "blue")
BODY = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "white", "gray", "black")


@generator("tractor", "vehicle")
def tractor(m: Model) -> None:
    body, rim = m.color("red", "green", "blue", "orange", "yellow"), m.color("yellow", "white", "gray", "red")
    big, small = m.u(0.7, 0.9), m.u(0.36, 0.48)
    m.part("bonnet", m.block(0.75, 0.6, 1.5).at(0, 1.0, 0.75), body)
    m.part("cab", m.block(1.1, 0.35, 1.0).at(0, 0.95, -0.6), body)
    glass = m.color(*GLASS)
    m.part("window", m.block(1.0, 0.75, 0.9).at(0, 1.5, -0.6), glass)
    m.part("roof", m.block(1.2, 0.1, 1.1).at(0, 1.92, -0.6), body)
    m.part("exhaust", m.rod(0.05, 0.6).at(0.22, 1.55, 0.7), m.color("black", "gray"))
    for z, r, w in ((-0.7, big, 0.42), (1.2, small, 0.28)):
        m.part("wheel", [m.wheel(r, w).at(s * 0.75, r, z) for s in (-1, 1)], m.color("black"))
        m.part(None, [m.wheel(r * 0.5, w * 0.3).at(s * (0.75 + w * 0.4), r, z) for s in (-1, 1)], rim)
    m.trait("with large rear wheels")


@generator("train", "vehicle")
def train(m: Model) -> None:
    body, trim = m.color(*BODY), m.color("black", "gray", "yellow", "red")
    steam = m.chance(0.6)
    if steam:
        long, r = m.u(2.6, 3.6), m.u(0.5, 0.6)
        m.part("boiler", m.round(r, long * 0.62).turned("x", 90).at(0, 1.25, long * 0.18), body)
        m.part("cab", m.block(1.4, 1.5, long * 0.32).at(0, 1.55, -long * 0.32), m.color(body.name, "red", "black"))
        m.part("roof", m.block(1.6, 0.1, long * 0.38).at(0, 2.35, -long * 0.32), trim)
        m.part("window", [box(0.05, 0.45, 0.5).at(s * 0.7, 1.85, -long * 0.32) for s in (-1, 1)], m.color(*GLASS))
        m.part("chimney", m.round(0.13, 0.6, 0.22).at(0, 1.25 + r + 0.25, long * 0.38), m.color("black", "gray"))
        m.part("dome", m.lump(0.2, 0.28).at(0, 1.25 + r, long * 0.1), m.color("yellow", "gray"))
        m.part("frame", m.block(1.3, 0.25, long).at(0, 0.72, 0), trim)
        count, w = m.i(2, 4), 0.38
        m.part(
            "wheel",
            [
                m.wheel(w, 0.12).at(s * 0.62, w, (k / (count - 1) - 0.5) * long * 0.75)
                for k in range(count)
                for s in (-1, 1)
            ],
            m.color("black", "red", "gray"),
        )
        m.trait("a steam locomotive")
        return
    long, width, high = m.u(5, 8), m.u(1.6, 2.0), m.u(1.8, 2.2)
    f = long / 2
    m.part(
        "body",
        profile_body(
            m, [(-f, 0.5), (f, 0.5), (f, 1.0), (f * m.u(0.7, 0.9), 0.5 + high), (-f, 0.5 + high)], width, 0.92
        ),
        body,
    )
    count, glass = m.i(4, 7), m.color(*GLASS)
    for s in (-1, 1):
        m.part(
            "window",
            [
                box(0.05, high * 0.26, long / count * 0.6).at(
                    s * width * 0.49, 0.5 + high * 0.6, (k - count / 2) * long * 0.8 / count
                )
                for k in range(count)
            ],
            glass,
        )
    m.part("stripe", [box(0.04, 0.2, long * 0.95).at(s * width * 0.5, 0.85, 0) for s in (-1, 1)], trim)
    m.part(
        "wheel",
        [m.wheel(0.32, 0.14).at(s * width * 0.36, 0.32, z * long) for z in (-0.4, -0.26, 0.26, 0.4) for s in (-1, 1)],
        m.color("black", "gray"),
    )


@generator("bicycle", "vehicle", ("low-poly", "smooth"))
def bicycle(m: Model) -> None:
    r, base = m.u(0.3, 0.36), m.u(0.95, 1.1)
    frame, tyre = m.color(), m.color("black", "black", "brown")
    front, back = (0, r, base / 2), (0, r, -base / 2)
    crank, seat, head = (0, r * 0.95, -base * 0.06), (0, r + 0.5, -base * 0.2), (0, r + 0.48, base * 0.3)
    metal = m.color("gray", "white")
    for z in (front[2], back[2]):
        wheel = torus(r - 0.022, 0.022, 24, 6).turned("z", 90).at(0, r, z)
        m.part("wheel", wheel, tyre)
        spokes = [
            between((0, r, z), (0, r + (r - 0.02) * np.sin(a), z + (r - 0.02) * np.cos(a)), 0.005, 4)
            for a in np.pi / 4 * np.arange(8)
        ]
        m.part(None, spokes, metal)
    bars = [(crank, seat), (seat, head), (crank, head), (back, crank), (back, seat), (head, front)]
    m.part("frame", [between(a, b, 0.018, 6) for a, b in bars], frame, 1)
    m.part("saddle", m.lump(0.07, 0.03, 0.13).at(0, r + 0.56, -base * 0.22), m.color("black", "brown"))
    top = (0, r + 0.62, base * 0.26)
    m.part(
        "handlebar",
        tube(
            [
                (-0.26, top[1], top[2] - 0.08),
                (-0.2, top[1], top[2]),
                (0.2, top[1], top[2]),
                (0.26, top[1], top[2] - 0.08),
            ],
            0.014,
            6,
        ),
        metal,
    )
    m.part(None, between(head, top, 0.014, 6), metal)
    m.part("pedal", [box(0.09, 0.02, 0.06).at(s * 0.11, crank[1] + s * 0.15, crank[2]) for s in (-1, 1)], tyre)
    if m.chance(0.3):
        m.part("basket", m.block(0.3, 0.2, 0.22).at(0, top[1] - 0.1, top[2] + 0.16), m.color("brown", "gray", "white"))


@generator("motorcycle", "vehicle", ("low-poly", "smooth"))
def motorcycle(m: Model) -> None:
    r, base, body = m.u(0.3, 0.36), m.u(1.25, 1.5), m.color(*BODY)
    metal, black = m.color("gray"), m.color("black")
    for z in (-base / 2, base / 2):
        m.part("wheel", torus(r - 0.07, 0.07, 24, 8).turned("z", 90).at(0, r, z), black)
        m.part(None, m.wheel(r * 0.55, 0.06).at(0, r, z), metal)
    m.part("engine", m.block(0.3, 0.34, 0.42).at(0, r + 0.08, 0), metal)
    m.part("tank", m.lump(0.17, 0.16, 0.32).at(0, r + 0.48, 0.14), body)
    m.part("seat", m.block(0.24, 0.09, 0.6).at(0, r + 0.46, -0.36), black)
    m.part(
        "fork", [between((s * 0.09, r, base / 2), (s * 0.09, r + 0.72, base * 0.3), 0.025, 6) for s in (-1, 1)], metal
    )
    m.part("handlebar", between((-0.36, r + 0.78, base * 0.27), (0.36, r + 0.78, base * 0.27), 0.02, 6), black)
    m.part("headlight", m.lump(0.1).at(0, r + 0.6, base * 0.37), m.color("yellow", "white"))
    m.part("exhaust", between((0.17, r * 0.8, 0.2), (0.17, r * 0.85, -base * 0.6), 0.045, 8), metal)
    m.part(None, between((0, r, -base / 2), (0, r + 0.4, -0.1), 0.06, 6), black)
    m.part("mudguard", m.block(0.2, 0.05, 0.5).at(0, 2 * r + 0.04, -base / 2), body)


@generator("tank", "vehicle")
def tank(m: Model) -> None:
    body = m.color("green", "green", "brown", "beige", "gray")
    long, width = m.u(4.5, 6.0), m.u(2.6, 3.2)
    f = long / 2
    m.part(
        "hull",
        profile_body(
            m,
            [(-f, 0.6), (-f * 0.85, 0.35), (f * 0.85, 0.35), (f, 0.7), (f * 0.7, 1.15), (-f * 0.95, 1.15)],
            width * 0.7,
        ),
        body,
    )
    track, r = m.color("black", "gray"), 0.4
    for s in (-1, 1):
        belt = [
            (f * 0.8, 0.0),
            (f * 0.98, 0.35),
            (f * 0.98, 0.55),
            (f * 0.8, 0.8),
            (-f * 0.8, 0.8),
            (-f * 0.98, 0.5),
            (-f * 0.98, 0.35),
            (-f * 0.8, 0.0),
        ]
        m.part("track", extrude(belt, width * 0.2).turned("y", -90).at(s * width * 0.42, 0, 0), track)
        m.part(
            "road wheel",
            [m.wheel(r * 0.75, 0.1).at(s * width * 0.53, 0.38, (k / 4 - 0.5) * long * 0.72) for k in range(5)],
            m.color(body.name, "gray"),
        )
    m.part(
        "turret",
        (m.rod(width * 0.34, 0.6, width * 0.24) if m.chance(0.6) else m.block(width * 0.6, 0.55, long * 0.38)).at(
            0, 1.45, -0.1
        ),
        body,
    )
    reach = m.u(2.2, 3.2)
    m.part("gun", m.rod(0.11, reach).turned("x", 90).at(0, 1.5, reach / 2 + 0.5), m.color(body.name, "black"))
    m.part("hatch", m.round(0.3, 0.12).at(0.2, 1.8, -0.3), body)
