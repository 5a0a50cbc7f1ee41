"""What flies."""

from __future__ import annotations

import numpy as np

from .model import Color, Model, generator
from .solids import Solid, between, box, circle, curve, extrude, lathe, loft, tube

BODY = ("white", "white", "gray", "red", "blue", "yellow", "green", "orange", "cyan")
GLASS = ("cyan", "black", "blue", "gray")


def fuselage(m: Model, stations: list[tuple[float, float, float, float]], power: float = 2.0) -> Solid:
    """A body along z from (z, half width, half height, y) at each station."""
    n = max(6, m.fine // 2) if m.style != "boxy" else 4
    rings = []
    for z, w, h, y in stations:
        ring = circle(w, h, n, power)
        rings.append(
            np.column_stack(
                [ring[:, 0] * (1.3 if n == 4 else 1), y + ring[:, 1] * (1.3 if n == 4 else 1), np.full(n, z)]
            )
        )
    return loft(rings)


def wing(span: float, root: float, tip: float, sweep: float, thickness: float, rise: float = 0.0) -> Solid:
    """A wing to +x from the origin: chords at root and tip, the tip moved back by `sweep` and up by `rise`."""
    rings = []
    for x, chord, back, up, t in ((0, root, 0, 0, thickness), (span, tip, sweep, rise, thickness * 0.4)):
        rings.append(
            [
                (x, up, chord / 2 - back),
                (x, up + t / 2, chord * 0.15 - back),
                (x, up, -chord / 2 - back),
                (x, up - t / 2, chord * 0.15 - back),
            ]
        )
    return loft(rings)


def both(solid: Solid) -> list[Solid]:
    """A thing and its mirror image."""
    return [solid, solid.mirrored("x")]


def propeller(m: Model, z: float, y: float, x: float, size: float, blades: int, color: Color) -> None:
    """A propeller that turns about z."""
    pieces = [
        box(size * 0.14, size, 0.03).at(0, size / 2, 0).turned("z", 360 * k / blades).at(x, y, z) for k in range(blades)
    ]
    m.part("propeller", pieces, color, 1)
    m.part(None, m.lump(size * 0.13).at(x, y, z + 0.03), color)


@generator("airplane", "vehicle")
def airplane(m: Model) -> None:
    body, trim, glass = m.color(*BODY), m.color(), m.color(*GLASS)
    kind = m.pick(("airliner", "propeller", "biplane", "jet"))
    long = {"airliner": m.u(26, 36), "propeller": m.u(7, 9), "biplane": m.u(6, 8), "jet": m.u(11, 15)}[kind]
    r = long * {"airliner": m.u(0.05, 0.065), "propeller": 0.085, "biplane": 0.085, "jet": 0.06}[kind]
    f = long / 2
    nose = 0.15 if kind in ("jet", "airliner") else 0.55
    m.part(
        "fuselage",
        fuselage(
            m,
            [
                (-f, r * 0.15, r * 0.2, r * 0.5),
                (-f * 0.5, r * 0.7, r * 0.75, r * 0.2),
                (0, r, r, 0),
                (f * 0.6, r, r, 0),
                (f * 0.85, r * 0.8, r * 0.8, -r * 0.05),
                (f, r * nose, r * nose, -r * 0.15),
            ],
        ),
        body,
    )
    span = long * {"airliner": 0.48, "propeller": 0.6, "biplane": 0.55, "jet": 0.33}[kind] * m.u(0.9, 1.1)
    sweep = span * {"airliner": m.u(0.35, 0.55), "propeller": 0.03, "biplane": 0.0, "jet": m.u(0.5, 0.9)}[kind]
    root = long * {"airliner": 0.17, "propeller": 0.2, "biplane": 0.2, "jet": 0.38}[kind]
    high = kind == "propeller" and m.chance(0.5)
    y = r * 0.85 if high else -r * 0.35
    color = body if m.chance(0.6) else trim
    m.part(
        "wing",
        [
            w.at(0, y, f * 0.15)
            for w in both(wing(span, root, root * m.u(0.3, 0.9), sweep, r * 0.22, span * m.u(0, 0.1)))
        ],
        color,
    )
    if kind == "biplane":
        m.part(
            "upper wing", [w.at(0, r * 1.9, f * 0.2) for w in both(wing(span, root, root * 0.9, 0, r * 0.2))], color, 1
        )
        m.part(
            "strut",
            [
                between((s * span * k, y, f * 0.2), (s * span * k, r * 1.9, f * 0.22), r * 0.05, 4)
                for s in (-1, 1)
                for k in (0.25, 0.7)
            ],
            m.color("brown", "gray"),
        )
        m.trait("a biplane")
    tail = long * 0.16
    m.part(
        "tailplane",
        [w.at(0, r * 0.5, -f * 0.9) for w in both(wing(tail, root * 0.45, root * 0.25, sweep * 0.3, r * 0.14))],
        color,
    )
    fin = extrude(
        [(-f, r * 0.5), (-f * 0.72, r * 0.5), (-f * 0.9, r * 0.5 + tail * 0.95), (-f * 1.03, r * 0.5 + tail * 0.95)],
        r * 0.16,
    ).turned("y", -90)
    m.part("fin", fin, trim)
    if kind == "airliner":
        pairs = m.pick((1, 1, 2))
        m.part(
            "engine",
            [
                m.round(r * 0.42, r * 1.7, r * 0.36)
                .turned("x", -90)
                .at(s * span * (0.32 + 0.25 * k), y - r * 0.5, f * 0.2 - sweep * (0.25 + 0.25 * k))
                for s in (-1, 1)
                for k in range(pairs)
            ],
            m.color("gray", "white", trim.name),
        )
        m.part(
            "window row",
            [box(0.04 * r, r * 0.22, long * 0.6).at(s * r * 0.95, r * 0.25, f * 0.08) for s in (-1, 1)],
            glass,
        )
        m.part("cockpit window", box(r * 1.1, r * 0.28, r * 0.2).at(0, r * 0.42, f * 0.84), glass)
        m.trait("an airliner")
    elif kind == "jet":
        m.part("canopy", m.lump(r * 0.5, r * 0.5, r * 1.5).at(0, r * 0.75, f * 0.5), glass)
        m.part("exhaust", m.round(r * 0.55, r * 0.6).turned("x", 90).at(0, r * 0.4, -f), m.color("black", "gray"))
        m.trait("a jet fighter")
    else:
        m.part("canopy", m.lump(r * 0.75, r * 0.7, r * 1.2).at(0, r * (0.55 if not high else 0.5), f * 0.25), glass)
        propeller(m, f * 1.01, -r * 0.15, 0, r * 1.6, m.i(2, 4), m.color("brown", "black", "gray"))
        w = r * 0.4
        m.part("wheel", [m.wheel(w, w * 0.5).at(s * r * 1.1, -r * 1.5, f * 0.4) for s in (-1, 1)], m.color("black"))
        m.part(
            None,
            [
                between((s * r * 0.5, -r * 0.6, f * 0.35), (s * r * 1.05, -r * 1.5, f * 0.4), r * 0.08, 4)
                for s in (-1, 1)
            ],
            trim,
        )
        if kind == "propeller":
            m.trait("a propeller plane")


@generator("helicopter", "vehicle")
def helicopter(m: Model) -> None:
    body, trim, glass = m.color(*BODY, "black"), m.color("black", "gray", "white", "red"), m.color(*GLASS)
    long = m.u(3.0, 4.0)
    m.part("cabin", m.lump(0.85, 0.85, long * 0.42).at(0, 1.5, 0.6), body)
    m.part("window", m.lump(0.72, 0.62, long * 0.26).at(0, 1.62, 0.6 + long * 0.2), glass)
    m.part("tail boom", tube([(0, 1.7, -0.4), (0, 1.85, -long * 0.95)], [0.36, 0.12], max(6, m.n)), body)
    m.part(
        "fin",
        extrude([(-long * 0.85, 1.75), (-long * 1.0, 1.75), (-long * 1.1, 2.6), (-long * 0.98, 2.6)], 0.08).turned(
            "y", -90
        ),
        trim,
    )
    blades, reach = m.i(2, 5), long * m.u(0.8, 1.0)
    m.part(
        "rotor blade",
        [
            box(reach, 0.04, 0.2).at(reach / 2, 0, 0).turned("y", 360 * k / blades).at(0, 2.72, 0.4)
            for k in range(blades)
        ],
        m.color("black", "gray"),
    )
    m.part("mast", m.rod(0.09, 0.6).at(0, 2.5, 0.4), trim)
    m.part("tail rotor", [box(0.04, 0.9, 0.1).turned("x", a).at(0.14, 2.2, -long * 1.0) for a in (20, 110)], trim, 1)
    m.part(
        "skid",
        [
            tube(curve([(s * 0.75, 0.18, 1.9), (s * 0.75, 0.04, 1.5), (s * 0.75, 0.04, -0.8)], 6), 0.05, 6)
            for s in (-1, 1)
        ],
        trim,
    )
    m.part(None, [between((s * 0.45, 0.9, z), (s * 0.75, 0.05, z), 0.04, 5) for s in (-1, 1) for z in (0.0, 1.2)], trim)


@generator("rocket", "vehicle")
def rocket(m: Model) -> None:
    high, r = m.u(3.5, 7.0), m.u(0.4, 0.7)
    body, trim = m.color(*BODY), m.color("red", "blue", "orange", "black", "yellow", "green", "purple")
    if m.chance(0.5):
        profile = [(r * 0.55, 0), (r * 0.9, high * 0.2), (r, high * 0.45), (r * 0.8, high * 0.72)]
    else:
        profile = [(r, 0), (r, high * 0.72)]
    m.part("body", m.turned(profile).at(0, 0.6, 0), body)
    top = profile[-1][0]
    m.part(
        "nose cone",
        m.turned([(top, 0), (top * 0.72, high * 0.13), (top * 0.3, high * 0.23), (0.001, high * 0.28)]).at(
            0, 0.6 + high * 0.72, 0
        ),
        trim,
    )
    fins = m.i(3, 4)
    fin = extrude(
        [
            (profile[0][0] * 0.8, 0.6 + high * 0.25),
            (profile[0][0] + r * 0.8, high * 0.02 + 0.1),
            (profile[0][0] + r * 0.85, -0.1),
            (profile[0][0] * 0.7, 0.6),
        ],
        0.09,
    )
    m.part("fin", [fin.turned("y", 360 * k / fins) for k in range(fins)], trim)
    m.part("nozzle", m.turned([(r * 0.6, 0), (r * 0.35, 0.6)]), m.color("gray", "black"))
    windows = m.i(0, 3)
    m.part(
        "porthole",
        [
            m.round(r * 0.32, 0.1).turned("x", 90).at(0, 0.6 + high * (0.35 + 0.15 * k), r * 0.93)
            for k in range(windows)
        ],
        m.color("cyan", "blue", "yellow"),
    )
    if m.chance(0.5):
        m.part("band", m.turned([(r * 1.02, 0), (r * 1.02, high * 0.05)]).at(0, 0.6 + high * 0.5, 0), trim)
    if m.chance(0.25):
        m.part(
            "booster",
            [
                m.turned([(r * 0.4, 0), (r * 0.4, high * 0.4), (0.001, high * 0.5)]).at(s * r * 1.4, 0.4, 0)
                for s in (-1, 1)
            ],
            m.color(body.name, trim.name),
        )


@generator("spaceship", "vehicle")
def spaceship(m: Model) -> None:
    body, trim, glass = m.color(*BODY, "purple"), m.color(), m.color(*GLASS, "green")
    if m.chance(0.4):
        r = m.u(1.5, 2.5)
        m.part(
            "saucer",
            m.turned([(r * 0.3, -r * 0.2), (r * 0.7, -r * 0.1), (r, 0.0), (r * 0.7, r * 0.12), (r * 0.4, r * 0.16)]),
            body,
        )
        m.part("dome", m.lump(r * 0.38, r * 0.36, r * 0.38).at(0, r * 0.15, 0), glass)
        count = m.i(6, 10)
        m.part(
            "light",
            [
                m.lump(r * 0.07).at(r * 0.86 * np.cos(a), -r * 0.02, r * 0.86 * np.sin(a))
                for a in 2 * np.pi * np.arange(count) / count
            ],
            trim,
        )
        m.trait("a flying saucer")
        return
    long = m.u(3, 5)
    f, r = long / 2, long * 0.11
    m.part(
        "body",
        fuselage(
            m,
            [
                (-f, r * 0.8, r * 0.6, 0),
                (-f * 0.3, r * 1.1, r * 0.9, 0),
                (f * 0.4, r * 0.7, r * 0.6, 0),
                (f, r * 0.1, r * 0.1, -r * 0.1),
            ],
        ),
        body,
    )
    m.part("cockpit", m.lump(r * 0.5, r * 0.5, r * 1.2).at(0, r * 0.7, f * 0.2), glass)
    m.part(
        "wing",
        both(
            wing(
                long * m.u(0.3, 0.5), long * 0.4, long * 0.15, long * m.u(0.05, 0.25), r * 0.25, long * m.u(-0.1, 0.1)
            ).at(0, 0, -f * 0.3)
        ),
        trim,
    )
    engines = m.pick((1, 2, 2))
    m.part(
        "engine",
        [
            lathe([(r * 0.35, 0), (r * 0.5, r * 1.2)], m.fine)
            .turned("x", 90)
            .at(0 if engines == 1 else s * r * 0.9, 0, -f - r * 0.6)
            for s in ((0,) if engines == 1 else (-1, 1))
        ],
        m.color("gray", "black", "orange"),
    )
    if m.chance(0.5):
        m.part("fin", extrude([(-f, r * 0.5), (-f * 0.4, r * 0.5), (-f, r * 2.2)], r * 0.12).turned("y", -90), trim)
