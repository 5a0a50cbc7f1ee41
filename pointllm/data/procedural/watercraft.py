"""What floats or dives."""

from __future__ import annotations

import numpy as np

from .aircraft import both, fuselage, propeller, wing
from .model import Color, Model, generator
from .solids import between, box, extrude, hull, loft, tube

BODY = ("white", "white", "gray", "red", "blue", "yellow", "green", "orange", "cyan")
GLASS = ("cyan", "black", "blue", "gray")


def _hull(m: Model, long: float, width: float, deep: float, hollow: bool, color: Color) -> None:
    """A boat's hull, its rim at y = deep; hollow ones have an inner skin."""
    n, rings, inner = 7, [], []
    for k in range(9):
        t = k / 8
        z = (t - 0.5) * long
        w = width / 2 * (1 - max(0, (t - 0.35) / 0.65) ** 2.2) * (0.75 + 0.25 * min(1, t * 4))
        rise = deep * 0.35 * max(0, (t - 0.5) * 2) ** 2
        angle = np.linspace(np.pi, 2 * np.pi, n)
        ring = np.column_stack([w * np.cos(angle), deep + rise + (deep * 0.98) * np.sin(angle), np.full(n, z)])
        rings.append(ring)
        inner.append(ring * (0.88, 1, 0.94) + (0, deep * 0.14 if 0 < k < 8 else deep * 0.14, 0))
    if not hollow:
        m.part("hull", loft(rings), color)
        return
    m.part("hull", loft([*rings]), color)
    floor = [r.copy() for r in inner]
    m.part("inside", loft(floor), m.color("brown", "beige", color.name))


@generator("boat", "vehicle")
def boat(m: Model) -> None:
    color, kind = m.color(*BODY, "brown"), m.pick(("rowing", "sail", "motor"))
    if kind == "rowing":
        long, width, deep = m.u(2.6, 3.8), m.u(1.0, 1.4), m.u(0.4, 0.55)
        wood = m.color("brown", "beige")
        rings = []
        for k, w in enumerate((0.55, 0.85, 1.0, 0.95, 0.65, 0.08)):
            z, x = (k / 5 - 0.5) * long, width / 2 * w
            lift = deep * (0.25 if k in (0, 5) else 0.0)
            rings.append(
                [
                    (x, deep + lift, z),
                    (x * 0.75, lift, z),
                    (-x * 0.75, lift, z),
                    (-x, deep + lift, z),
                    (-x * 0.86, deep + lift, z),
                    (-x * 0.62, lift + 0.08, z),
                    (x * 0.62, lift + 0.08, z),
                    (x * 0.86, deep + lift, z),
                ]
            )
        m.part("hull", loft(rings), color)
        seats = m.i(2, 3)
        m.part(
            "seat",
            [
                box(width * 0.85, 0.05, 0.28).at(0, deep * 0.75, (k - (seats - 1) / 2) * long * 0.24)
                for k in range(seats)
            ],
            wood,
        )
        for s in (-1, 1):
            tip = (s * width * 1.15, deep * 0.45, 0.15)
            m.part(
                "oar",
                between((s * width * 0.15, deep * 1.35, 0), tip, 0.03, 6)
                + box(0.4, 0.03, 0.16).turned("z", -s * 20).at(tip[0] + s * 0.15, tip[1] - 0.08, tip[2]),
                wood,
            )
        m.trait("a rowing boat")
        return
    long, width, deep = m.u(4.0, 6.5), m.u(1.4, 2.0), m.u(0.6, 0.9)
    _hull(m, long, width, deep, False, color)
    deck = m.color("brown", "beige", "white", "gray")
    m.part(
        "deck",
        hull(
            [
                (s * width * w, deep * y, z * long)
                for s in (-1, 1)
                for w, y, z in ((0.36, 1.03, -0.48), (0.46, 1.03, -0.1), (0.4, 1.06, 0.15), (0.02, 1.3, 0.47))
            ]
        ),
        deck,
    )
    if kind == "sail":
        mast, cloth = long * m.u(0.95, 1.2), m.color("white", "white", "red", "orange", "yellow", "blue", "cyan")
        m.part("mast", m.rod(0.05, mast).at(0, deep + mast / 2, long * 0.05), m.color("brown", "gray"))
        m.part(
            "sail",
            extrude(
                [(long * 0.02, deep + 0.5), (long * 0.02, deep + mast * 0.97), (-long * 0.42, deep + 0.55)], 0.05
            ).turned("y", -90),
            cloth,
        )
        if m.chance(0.7):
            m.part(
                "jib",
                extrude(
                    [(long * 0.08, deep + mast * 0.85), (long * 0.08, deep + 0.45), (long * 0.46, deep + 0.4)], 0.04
                ).turned("y", -90),
                m.color(cloth.name),
            )
        m.part(
            "boom",
            between((0, deep + 0.5, long * 0.05), (0, deep + 0.5, -long * 0.42), 0.04, 6),
            m.color("brown", "gray"),
        )
        m.trait("a sailing boat")
    else:
        m.part(
            "cabin", m.block(width * 0.62, 0.75, long * 0.3).at(0, deep + 0.38, -long * 0.05), m.color("white", "gray")
        )
        m.part("window", box(width * 0.64, 0.24, long * 0.24).at(0, deep + 0.52, -long * 0.05), m.color(*GLASS))
        m.part("roof", m.block(width * 0.68, 0.08, long * 0.33).at(0, deep + 0.8, -long * 0.05), m.color())
        m.part("motor", m.block(0.25, 0.5, 0.25).at(0, deep * 0.9, -long * 0.52), m.color("black", "gray"))
        m.trait("a motor boat")


@generator("ship", "vehicle")
def ship(m: Model) -> None:
    long, width, deep = m.u(9, 14), m.u(2.6, 3.4), m.u(1.4, 2.0)
    color = m.color("brown", "red", "black", "blue", "gray", "white", "green")
    _hull(m, long, width, deep, False, color)
    kind = m.pick(("sail", "cargo", "liner"))
    if kind == "sail":
        wood, cloth = m.color("brown"), m.color("white", "beige", "red")
        m.part("deck", m.block(width * 0.8, 0.1, long * 0.7).at(0, deep, -long * 0.1), wood)
        m.part("stern castle", m.block(width * 0.8, 0.9, long * 0.2).at(0, deep + 0.45, -long * 0.4), m.color("brown"))
        masts = m.i(2, 3)
        for k in range(masts):
            z, tall = (k / (masts - 1) - 0.5) * long * 0.55, long * m.u(0.5, 0.65)
            m.part("mast", m.rod(0.09, tall).at(0, deep + tall / 2, z), wood)
            for level, share in ((0.32, 1.0), (0.7, 0.7)):
                w, h = width * 1.25 * share, tall * 0.3
                m.part(
                    "sail",
                    hull(
                        [
                            (s * w / 2 * f, deep + tall * level + t * h / 2, z + d)
                            for s in (-1, 1)
                            for t, f in ((-1, 1.0), (1, 0.85))
                            for d in (0.05, 0.12)
                        ]
                    ),
                    cloth,
                )
                m.part(
                    None,
                    between(
                        (-w * 0.5, deep + tall * level + h / 2, z), (w * 0.5, deep + tall * level + h / 2, z), 0.05, 5
                    ),
                    wood,
                )
        m.part("bowsprit", between((0, deep * 1.2, long * 0.42), (0, deep * 1.7, long * 0.62), 0.08, 6), wood)
        m.trait("a sailing ship")
        return
    m.part("deck", m.block(width * 0.85, 0.12, long * 0.8).at(0, deep, -long * 0.06), m.color("gray", "beige", "red"))
    white = m.color("white", "white", "gray", "beige")
    if kind == "cargo":
        m.part("bridge", m.block(width * 0.8, 1.6, long * 0.12).at(0, deep + 0.8, -long * 0.38), white)
        for k in range(m.i(3, 6)):
            for s in (-1, 1):
                for level in range(m.i(1, 3)):
                    m.part(
                        "container",
                        m.block(width * 0.38, 0.5, long * 0.1).at(
                            s * width * 0.2, deep + 0.3 + 0.52 * level, (k * 0.11 - 0.25) * long
                        ),
                        m.color(),
                    )
        m.trait("a container ship")
    else:
        for level in range(m.i(2, 3)):
            share = 0.6 - 0.12 * level
            m.part(
                "superstructure",
                m.block(width * (0.8 - 0.08 * level), 0.6, long * share).at(0, deep + 0.3 + 0.6 * level, -long * 0.08),
                white,
            )
            m.part(
                "window row",
                box(width * (0.82 - 0.08 * level), 0.16, long * share * 0.9).at(
                    0, deep + 0.35 + 0.6 * level, -long * 0.08
                ),
                m.color(*GLASS),
            )
        funnels = m.i(1, 3)
        m.part(
            "funnel",
            [m.round(0.32, 1.1).turned("x", -8).at(0, deep + 2.0, (k - funnels / 2) * 1.3) for k in range(funnels)],
            m.color("red", "black", "yellow", "blue", "orange"),
        )
        m.trait("a passenger ship")


@generator("submarine", "vehicle")
def submarine(m: Model) -> None:
    body, trim = (
        m.color("yellow", "gray", "black", "blue", "green", "red", "white"),
        m.color("red", "black", "gray", "yellow"),
    )
    long, r = m.u(3.5, 6.0), m.u(0.6, 0.85)
    f = long / 2
    m.part(
        "hull",
        fuselage(
            m,
            [
                (-f, r * 0.1, r * 0.1, 0),
                (-f * 0.7, r * 0.6, r * 0.6, 0),
                (-f * 0.2, r, r, 0),
                (f * 0.5, r, r, 0),
                (f * 0.85, r * 0.75, r * 0.75, 0),
                (f, r * 0.15, r * 0.15, 0),
            ],
        ),
        body,
    )
    m.part("tower", m.block(r * 0.7, r * 0.9, long * 0.2).at(0, r * 1.2, f * 0.1), m.color(body.name, trim.name))
    top = r * 1.65
    m.part(
        "periscope",
        tube([(0, top, f * 0.12), (0, top + 0.5, f * 0.12), (0, top + 0.5, f * 0.12 + 0.25)], 0.05, 6),
        trim,
    )
    count = m.i(2, 4)
    m.part(
        "porthole",
        [
            m.wheel(r * 0.22, 0.08).at(s * r * 0.97, r * 0.15, (k - (count - 1) / 2) * r)
            for k in range(count)
            for s in (-1, 1)
        ],
        m.color("cyan", "blue", "white"),
    )
    m.part(
        "fin",
        [
            *both(wing(r * 0.8, r * 0.7, r * 0.4, 0.2, 0.08).at(0, 0, -f * 0.8)),
            wing(r * 0.8, r * 0.7, r * 0.4, 0.2, 0.08).turned("z", 90).at(0, 0, -f * 0.8),
        ],
        trim,
    )
    propeller(m, -f * 1.02, 0, 0, r * 0.6, m.i(3, 4), m.color("gray", "yellow", "black"))
