"""Plants and fungi."""

from __future__ import annotations

import numpy as np

from .model import Color, Model, generator
from .solids import Solid, ball, between, curve, hull, lathe, tube

LEAF = ("green", "green", "green", "green", "orange", "yellow", "red")


def trunk(m: Model, high: float, radius: float, color: Color, bend: float = 0.0) -> tuple[float, float]:
    """A trunk from the ground; (x, z) of its top."""
    x, z = m.u(-bend, bend), m.u(-bend, bend)
    path = curve([(0, 0, 0), (x * 0.3, high * 0.5, z * 0.3), (x, high, z)], 5)
    m.part(
        "trunk", tube(path, [radius * 1.3, radius, radius * 0.9, radius * 0.8, radius * 0.7], max(4, m.n // 2)), color
    )
    return x, z


def leaf(long: float, wide: float, droop: float, rise: float) -> Solid:
    """A leaf from the origin along +x, arching up by `rise` and down by `droop` at its tip."""
    rings = []
    for t in np.linspace(0, 1, 7):
        x, y = long * t, rise * np.sin(np.pi * min(t * 1.1, 1.0)) - droop * t**2
        w = wide * np.sin(np.pi * min(0.08 + 0.92 * t, 1.0)) + 1e-3
        rings.append([(x, y + w * 0.25, -w), (x, y + 0.004, 0), (x, y + w * 0.25, w), (x, y - 0.004, 0)])
    return loft_flat(rings)


def loft_flat(rings: list) -> Solid:
    """A thin skin."""
    from .solids import loft

    return loft(rings)


def crown_of_leaves(
    m: Model,
    count: int,
    at: tuple[float, float, float],
    long: float,
    wide: float,
    droop: float,
    rise: float,
    color: Color,
    name: str,
) -> None:
    """Leaves all around a point."""
    leaves = []
    for k in range(count):
        s = m.u(0.8, 1.15)
        leaves.append(leaf(long * s, wide, droop * s, rise * s).turned("y", 360 * (k + m.u(-0.3, 0.3)) / count).at(*at))
    m.part(name, leaves, color)


@generator("tree", "plant")
def tree(m: Model) -> None:
    high, r = m.u(1.0, 2.6), m.u(0.09, 0.2)
    bark, leaves = m.color("brown", "brown", "gray"), m.color(*LEAF)
    x, z = trunk(m, high, r, bark, 0.25)
    size = m.u(0.7, 1.3)
    kind = m.pick(("ball", "clumps", "tall", "layers"))
    if kind == "ball":
        m.part("crown", m.rough(m.lump(size, size * m.u(0.8, 1.1)), 0.09).at(x, high + size * 0.6, z), leaves)
    elif kind == "tall":
        m.part("crown", m.rough(m.lump(size * 0.6, size * 1.4), 0.07).at(x, high + size, z), leaves)
    else:
        pieces = []
        for _ in range(m.i(4, 8)):
            a, d = m.u(0, 2 * np.pi), m.u(0.3, 0.75) * size
            s = m.u(0.4, 0.62) * size
            pieces.append(
                m.rough(m.lump(s, s * 0.9), 0.05).at(x + d * np.cos(a), high + m.u(0.1, 0.9) * size, z + d * np.sin(a))
            )
        pieces.append(m.lump(size * 0.55).at(x, high + size * 0.7, z))
        m.part("crown", pieces, leaves, 1)
        if m.chance(0.3):
            m.part(
                "branch",
                [
                    between(
                        (x, high * 0.7, z),
                        (x + 0.5 * size * np.cos(a), high + 0.2 * size, z + 0.5 * size * np.sin(a)),
                        r * 0.5,
                        5,
                        r * 0.3,
                    )
                    for a in (0.5, 2.6, 4.5)
                ],
                bark,
            )
    if kind == "ball" and m.chance(0.4):
        near = {"boxy": 0.86, "low-poly": 0.9, "smooth": 0.98}[m.style]
        fruit = m.color("red", "orange", "yellow", "pink")
        m.part(
            "fruit",
            [
                ball(0.07, segments=6).at(
                    x + size * np.cos(a) * np.cos(b) * near,
                    high + size * (0.6 + 0.8 * np.sin(b)),
                    z + size * np.sin(a) * np.cos(b) * near,
                )
                for a, b in zip(m.rng.uniform(0, 6.28, 12), m.rng.uniform(-0.4, 0.8, 12), strict=True)
            ],
            fruit,
        )


@generator("pine tree", "plant")
def pine_tree(m: Model) -> None:
    high, tiers = m.u(1.8, 3.4), m.i(3, 6)
    bark, needles = m.color("brown"), m.color("green", "green", "green", "cyan", "white")
    r, foot = high * m.u(0.22, 0.34), high * m.u(0.1, 0.22)
    m.part("trunk", m.rod(high * 0.04, foot + 0.2, high * 0.03).at(0, foot / 2 + 0.1, 0), bark)
    step = (high - foot) / tiers
    for k in range(tiers):
        wide = r * (1 - k / tiers * 0.8)
        m.part("tier", m.rough(m.rod(wide, step * 1.5, wide * 0.12), 0.03).at(0, foot + step * (k + 0.7), 0), needles)
    m.trait(f"with {tiers} tiers of branches")


@generator("christmas tree", "plant")
def christmas_tree(m: Model) -> None:
    pine_tree(m)
    high = max(float(s.high[1]) for s, _ in m.solids)
    low = high * 0.18
    m.traits.clear()
    for _ in range(m.i(10, 22)):
        t, a = m.u(0.05, 0.85), m.u(0, 2 * np.pi)
        wide = high * 0.25 * (1 - t * 0.85)
        m.part(
            "bauble",
            ball(high * 0.025, segments=8).at(wide * np.cos(a), low + t * (high - low) * 0.9, wide * np.sin(a)),
            m.color("red", "yellow", "blue", "purple", "white", "orange"),
        )
    points = []
    for k in range(10):
        d = high * (0.07 if k % 2 == 0 else 0.03)
        points.append((d * np.sin(np.pi * k / 5), high + high * 0.04 + d * np.cos(np.pi * k / 5)))
    from .solids import extrude

    m.part("star", extrude(points, high * 0.03), m.color("yellow"))


@generator("palm tree", "plant", ("low-poly", "smooth"))
def palm_tree(m: Model) -> None:
    high, r, bend = m.u(2.0, 3.6), m.u(0.1, 0.16), m.u(0, 0.7)
    bark, leaves = m.color("brown", "brown", "beige"), m.color("green")
    path = curve([(0, 0, 0), (bend * 0.25, high * 0.5, 0), (bend, high, 0)], 9)
    m.part("trunk", tube(path, np.linspace(r * 1.25, r * 0.75, 9), max(5, m.n // 2)), bark)
    crown_of_leaves(
        m, m.i(6, 10), (bend, high, 0), m.u(1.0, 1.5), 0.15, m.u(0.5, 0.9), m.u(0.25, 0.45), leaves, "frond"
    )
    if m.chance(0.5):
        m.part(
            "coconut",
            [m.lump(0.11).at(bend + 0.16 * np.cos(a), high - 0.1, 0.16 * np.sin(a)) for a in (0.4, 2.4, 4.6)],
            m.color("brown"),
        )


@generator("dead tree", "plant", ("low-poly", "smooth"))
def dead_tree(m: Model) -> None:
    bark, high, r = m.color("brown", "gray", "black", "beige"), m.u(1.6, 2.6), m.u(0.1, 0.17)
    n = max(5, m.n // 3)
    m.part(
        "trunk",
        tube(
            curve([(0, 0, 0), (m.u(-0.2, 0.2), high * 0.5, m.u(-0.2, 0.2)), (m.u(-0.3, 0.3), high, m.u(-0.3, 0.3))], 6),
            np.linspace(r * 1.4, r * 0.3, 6),
            n,
        ),
        bark,
    )
    for _ in range(m.i(4, 8)):
        t, a, long = m.u(0.35, 0.9), m.u(0, 2 * np.pi), m.u(0.4, 0.9)
        start = np.array([0, high * t, 0])
        end = start + (long * np.cos(a), long * m.u(0.4, 1.0), long * np.sin(a))
        m.part(
            "branch",
            tube(curve([start, (start + end) / 2 - (0, 0.08, 0), end], 5), np.linspace(r * 0.55, r * 0.15, 5), n),
            bark,
        )
        if m.chance(0.6):
            tip = end + (m.u(-0.3, 0.3), m.u(0.1, 0.35), m.u(-0.3, 0.3))
            m.part(None, between((start + 2 * end) / 3, tip, r * 0.22, n, r * 0.08), bark)
    m.trait("leafless")


@generator("tree stump", "plant", ("low-poly", "smooth"))
def tree_stump(m: Model) -> None:
    r, high, bark = m.u(0.25, 0.45), m.u(0.25, 0.5), m.color("brown")
    m.part("stump", m.rough(m.round(r * 1.15, high, r).at(0, high / 2, 0), 0.02), bark)
    m.part("cut", m.round(r * 0.92, 0.02).at(0, high + 0.01, 0), m.color("beige"))
    m.part(
        "root",
        [
            tube(
                curve(
                    [
                        (r * 0.8 * np.cos(a), high * 0.35, r * 0.8 * np.sin(a)),
                        (r * 1.5 * np.cos(a), 0.05, r * 1.5 * np.sin(a)),
                        (r * 1.9 * np.cos(a), 0, r * 1.9 * np.sin(a)),
                    ],
                    5,
                ),
                np.linspace(0.1, 0.02, 5),
                6,
            )
            for a in 2 * np.pi * (np.arange(m.i(3, 6)) + m.u(0, 1)) / 5
        ],
        bark,
    )


@generator("bush", "plant")
def bush(m: Model) -> None:
    leaves, pieces = m.color("green", "green", "green", "orange", "yellow"), []
    for _ in range(m.i(4, 9)):
        a, d, s = m.u(0, 2 * np.pi), m.u(0.1, 0.45), m.u(0.22, 0.42)
        pieces.append(m.rough(m.lump(s, s * 0.85), 0.05).at(d * np.cos(a), s * 0.6, d * np.sin(a)))
    m.part("clump of leaves", pieces, leaves)
    if m.chance(0.4):
        dots = m.color("red", "pink", "white", "yellow", "blue", "purple")
        for piece in pieces:
            for _ in range(3):
                v = piece.vertices[int(m.rng.integers(len(piece.vertices)))]
                if v[1] > 0.15:
                    m.part("berry", ball(0.035, segments=6).at(*v), dots)


@generator("cactus", "plant")
def cactus(m: Model) -> None:
    green, r, high = m.color("green"), m.u(0.14, 0.24), m.u(0.8, 1.7)
    kind = m.pick(("armed", "armed", "barrel", "pads"))
    base = 0.0
    if m.chance(0.45):
        pot = m.color("orange", "brown", "red", "white", "blue", "gray")
        m.part("pot", m.rod(r * 1.3, r * 2, r * 1.8).at(0, r, 0), pot)
        m.part("soil", m.rod(r * 1.6, 0.02).at(0, 2 * r, 0), m.color("brown"))
        base = r * 1.8
    n = max(4, m.n // 2)
    if kind == "barrel":
        m.part("body", m.lump(r * 2, r * 2.2).at(0, base + r * 1.8, 0), green)
    elif kind == "pads":
        for k, (x, y, a) in enumerate(((0, 0.0, 0), (0.09, 0.4, -28), (-0.1, 0.36, 32), (0.2, 0.78, -12))[: m.i(2, 4)]):
            s = 1.0 - 0.14 * k
            m.part(
                "pad",
                m.lump(r * 1.25 * s, 0.3 * s, r * 0.5).at(0, 0.28 * s, 0).turned("z", a).at(x, base + y, 0),
                green,
            )
    else:
        m.part("stem", tube([(0, base, 0), (0, base + high * 0.9, 0), (0, base + high, 0)], [r, r, r * 0.35], n), green)
        arms = m.i(1, 4)
        for k in range(arms):
            a, y, reach = 2 * np.pi * k / arms + m.u(0, 0.6), base + high * m.u(0.3, 0.6), r * m.u(2.0, 2.8)
            up = high * m.u(0.2, 0.4)
            x, z = reach * np.cos(a), reach * np.sin(a)
            m.part(
                "arm",
                tube(
                    [
                        (x * 0.2, y, z * 0.2),
                        (x * 0.85, y, z * 0.85),
                        (x, y + r * 0.6, z),
                        (x, y + up, z),
                        (x, y + up + r * 0.5, z),
                    ],
                    [r * 0.6, r * 0.6, r * 0.6, r * 0.55, r * 0.2],
                    n,
                ),
                green,
            )
    if m.chance(0.4):
        top = max(float(s.high[1]) for s, _ in m.solids)
        m.part("flower", m.lump(r * 0.45, r * 0.35).at(0, top, 0), m.color("pink", "red", "yellow", "white"))


@generator("mushroom", "plant")
def mushroom(m: Model) -> None:
    cap, stem = m.color("red", "red", "brown", "orange", "purple", "white", "blue", "yellow"), m.color("white", "beige")
    count, spots = m.pick((1, 1, 1, 2, 3)), m.color("white", "yellow")
    for k in range(count):
        s = 1.0 if k == 0 else m.u(0.4, 0.7)
        x, z = (0, 0) if k == 0 else (m.u(0.12, 0.2) * (1 if k == 1 else -1), m.u(-0.1, 0.1))
        high, r = m.u(0.12, 0.26) * s, m.u(0.12, 0.2) * s
        m.part("stem", m.turned([(r * 0.4, 0), (r * 0.27, high * 0.5), (r * 0.25, high)]).at(x, 0, z), stem)
        tall = r * m.u(0.5, 1.1)
        profile = [
            (r * 0.2, 0.0),
            (r, -r * 0.1),
            (r * 0.95, tall * 0.3),
            (r * 0.7, tall * 0.75),
            (r * 0.3, tall * 0.97),
            (0.001, tall),
        ]
        m.part("cap", (lathe(profile, 4) if m.style == "boxy" else m.turned(profile)).at(x, high, z), cap)
        if m.chance(0.6) and cap.name not in ("white",):
            for _ in range(m.i(4, 9)):
                a, t = m.u(0, 2 * np.pi), m.u(0.25, 0.8)
                d, y = r * (1 - t**2 * 0.75), tall * (0.15 + 0.75 * t)
                m.part("spot", ball(r * 0.12, segments=6).at(x + d * np.cos(a), high + y, z + d * np.sin(a)), spots)


def _pot(m: Model, r: float, high: float, color: Color) -> float:
    """A plant pot with soil; the height of the soil."""
    if m.chance(0.7):
        m.part("pot", m.rod(r * 0.7, high, r).at(0, high / 2, 0), color)
        if m.chance(0.5):
            m.part(None, m.rod(r * 1.1, high * 0.2).at(0, high * 0.93, 0), color)
    else:
        m.part("pot", m.turned([(r * 0.5, 0), (r, high * 0.45), (r * 0.8, high)]), color)
    m.part("soil", m.rod(r * 0.82, 0.02).at(0, high, 0), m.color("brown", "black"))
    return high


@generator("potted plant", "plant", ("low-poly", "smooth"))
def potted_plant(m: Model) -> None:
    pot, green = m.color("orange", "brown", "white", "gray", "blue", "black", "red", "beige"), m.color("green")
    y = _pot(m, m.u(0.14, 0.22), m.u(0.18, 0.32), pot)
    kind = m.pick(("rosette", "upright", "bush", "stems"))
    if kind == "rosette":
        for ring in range(m.i(1, 3)):
            crown_of_leaves(
                m,
                m.i(6, 9),
                (0, y, 0),
                m.u(0.3, 0.45) * (1 - ring * 0.2),
                0.05,
                m.u(0.0, 0.3),
                0.12 + 0.12 * ring,
                green,
                "leaf",
            )
    elif kind == "upright":
        for _ in range(m.i(6, 12)):
            high, a = m.u(0.35, 0.75), m.u(0, 2 * np.pi)
            blade = hull(
                [
                    (-0.03, 0, 0.01),
                    (0.03, 0, 0.01),
                    (0, 0, -0.012),
                    (-0.035, high * 0.5, 0.01),
                    (0.035, high * 0.5, 0.01),
                    (0, high, 0),
                ]
            )
            m.part(
                "leaf",
                blade.turned("x", m.u(0, 22)).turned("y", np.degrees(a)).at(0.07 * np.cos(a), y, 0.07 * np.sin(a)),
                green,
            )
    elif kind == "bush":
        m.part(
            "foliage",
            [
                m.rough(m.lump(0.18), 0.03).at(m.u(-0.14, 0.14), y + 0.2 + m.u(0, 0.25), m.u(-0.14, 0.14))
                for _ in range(m.i(3, 6))
            ],
            green,
            1,
        )
    else:
        for k in range(m.i(3, 6)):
            a, high = 2 * np.pi * k / 5, m.u(0.4, 0.7)
            tip = (0.2 * np.cos(a), y + high, 0.2 * np.sin(a))
            m.part(
                "stem", tube(curve([(0, y, 0), (tip[0] * 0.3, y + high * 0.6, tip[2] * 0.3), tip], 5), 0.012, 5), green
            )
            m.part("leaf", m.lump(0.13, 0.02, 0.09).turned("z", m.u(-30, 30)).at(*tip), green)


@generator("flower", "plant", ("low-poly", "smooth"))
def flower(m: Model) -> None:
    high, green = m.u(0.3, 0.6), m.color("green")
    petal, heart = (
        m.color("red", "pink", "yellow", "white", "purple", "blue", "orange"),
        m.color("yellow", "orange", "brown"),
    )
    m.part("stem", tube(curve([(0, 0, 0), (m.u(-0.03, 0.03), high * 0.5, 0), (0, high, 0)], 6), 0.012, 6), green)
    leaves = m.i(1, 3)
    m.part(
        "leaf",
        [
            leaf(m.u(0.14, 0.22), 0.035, 0.05, 0.08).turned("y", 360 * k / leaves + 40).at(0, high * (0.2 + 0.1 * k), 0)
            for k in range(leaves)
        ],
        green,
    )
    kind = m.pick(("daisy", "tulip", "daisy", "rose"))
    if kind == "tulip":
        m.part(
            "petal",
            [m.lump(0.05, 0.09, 0.025).at(0, 0.07, 0.035).turned("y", 60 * k).at(0, high, 0) for k in range(6)],
            petal,
        )
    elif kind == "rose":
        m.part(
            "blossom",
            [m.lump(0.085 - 0.02 * k, 0.05, 0.085 - 0.02 * k).at(0, high + 0.03 + 0.025 * k, 0) for k in range(3)],
            petal,
            1,
        )
    else:
        count, long = m.i(5, 12), m.u(0.08, 0.12)
        tilt = m.u(50, 85)
        m.part(
            "petal",
            [
                m.lump(long * 0.35, 0.012, long * 0.55).at(0, 0, long * 0.75).turned("y", 360 * k / count)
                for k in range(count)
            ]
            if tilt < 0
            else [
                m.lump(long * 0.32, 0.012, long * 0.55)
                .at(0, 0, long * 0.75)
                .turned("y", 360 * k / count)
                .turned("x", 90 - tilt)
                .at(0, high, 0)
                for k in range(count)
            ],
            petal,
        )
        m.part("heart", m.lump(0.045, 0.025, 0.045).turned("x", 90 - tilt).at(0, high + 0.012, 0), heart)


@generator("grass", "plant", ("low-poly", "smooth"))
def grass(m: Model) -> None:
    green = m.color("green", "green", "yellow")
    for _ in range(m.i(10, 26)):
        a, d, high = m.u(0, 2 * np.pi), m.u(0, 0.16), m.u(0.12, 0.32)
        blade = hull(
            [
                (-0.012, 0, 0),
                (0.012, 0, 0),
                (0, 0, 0.006),
                (-0.009, high * 0.6, high * 0.15),
                (0.009, high * 0.6, high * 0.15),
                (0, high, high * 0.45),
            ]
        )
        m.part("blade", blade.turned("y", m.u(0, 360)).at(d * np.cos(a), 0, d * np.sin(a)), green)
