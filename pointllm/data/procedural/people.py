"""Figures of people in simple shapes. They face along z."""

from __future__ import annotations

import numpy as np

from .model import Color, Model, generator
from .solids import ball, between, box, curve, torus, tube

SKIN = ("beige", "brown", "orange", "pink")
CLOTH = ("red", "blue", "green", "yellow", "purple", "orange", "white", "black", "gray", "cyan", "pink")
HAIR = ("black", "brown", "brown", "yellow", "gray", "orange")


def figure(
    m: Model, high: float, shirt: Color, trousers: Color, skirt: bool = False, large: float = 1.0
) -> tuple[float, float]:
    """A standing figure, its head `large` times an adult's; (height of the head's middle, its radius)."""
    skin, shoes = m.color(*SKIN), m.color("black", "brown", "white", "red")
    head = high * m.u(0.075, 0.1) * large
    leg, torso = high * 0.45, high * 0.33
    w = high * m.u(0.1, 0.13)
    n = max(5, m.n)
    step = m.u(-0.06, 0.06) * high
    for s in (-1, 1):
        m.part(
            "leg",
            tube(
                [
                    (s * w * 0.55, leg, 0),
                    (s * w * 0.6, leg * 0.5, s * step * 0.5),
                    (s * w * 0.6, high * 0.03, s * step),
                ],
                [w * 0.5, w * 0.42, w * 0.34],
                n,
            ),
            trousers,
        )
        m.part(
            "shoe",
            m.lump(w * 0.38, high * 0.025, high * 0.065).at(s * w * 0.6, high * 0.022, s * step + high * 0.025),
            shoes,
        )
    if skirt:
        m.part("skirt", m.rod(w * 1.5, leg * 0.6, w * 0.85).at(0, leg * 0.75, 0), trousers)
    m.part(
        "torso",
        tube(
            [(0, leg - 0.02 * high, 0), (0, leg + torso * 0.5, 0), (0, leg + torso * 0.95, 0)],
            [w * 0.95, w * 0.9, w * 1.15],
            n,
        ).scaled(1, 1, 0.68),
        shirt,
    )
    lift = m.pick((0.0, 0.0, m.u(0.2, 1.6)))
    for s in (-1, 1):
        up = lift if s == 1 else 0.0
        top = np.array([s * w * 1.2, leg + torso * 0.92, 0])
        a = np.radians(-78 + up * 60)
        elbow = top + high * 0.15 * np.array([s * np.cos(a) * 0.6, np.sin(a), 0.1])
        hand = elbow + high * 0.15 * np.array([s * np.cos(a + up * 0.4) * 0.5, np.sin(a + up * 0.4), 0.15])
        m.part("arm", tube([top, elbow, hand], [w * 0.36, w * 0.3, w * 0.25], n), shirt)
        m.part("hand", m.lump(w * 0.27).at(*hand), skin)
    y = leg + torso + head * 1.15
    m.part(None, m.rod(head * 0.45, head).at(0, leg + torso, 0), skin)
    m.part("head", m.lump(head, head * 1.15, head).at(0, y, 0), skin)
    m.part(
        "eye",
        [ball(head * 0.13, segments=6).at(s * head * 0.36, y + head * 0.15, head * 0.9) for s in (-1, 1)],
        m.color("black", "blue", "brown"),
    )
    return y, head


@generator("person", "person")
def person(m: Model) -> None:
    skirt = m.chance(0.3)
    y, head = figure(
        m, m.u(1.55, 1.85), m.color(*CLOTH), m.color("blue", "black", "gray", "brown", "red", "green"), skirt
    )
    hair = m.color(*HAIR)
    if m.chance(0.8):
        m.part("hair", m.lump(head * 1.06, head * 0.75, head * 1.05).at(0, y + head * 0.55, -head * 0.12), hair, 1)
        if m.chance(0.4):
            m.part(None, m.lump(head * 0.95, head * 1.3, head * 0.5).at(0, y - head * 0.3, -head * 0.75), hair)
    else:
        m.part(
            "cap",
            m.lump(head * 1.08, head * 0.6, head * 1.08).at(0, y + head * 0.65, 0)
            + m.lump(head * 0.7, head * 0.08, head * 0.6).at(0, y + head * 0.5, head * 1.15),
            m.color(*CLOTH),
        )
    if m.chance(0.25):
        m.part("bag", m.block(0.22, 0.3, 0.12).at(0, y - head * 4.2, -0.2), m.color(*CLOTH))


@generator("child", "person")
def child(m: Model) -> None:
    high = m.u(0.95, 1.2)
    y, head = figure(m, high, m.color(*CLOTH), m.color(*CLOTH), m.chance(0.4), 1.4)
    m.part(
        "hair", m.lump(head * 1.06, head * 0.75, head * 1.05).at(0, y + head * 0.55, -head * 0.12), m.color(*HAIR), 1
    )
    if m.chance(0.5):
        at = (0.3, y + 0.35, 0.1)
        m.part("balloon", m.lump(0.13, 0.16).at(*at), m.color("red", "yellow", "blue", "green", "pink"))
        m.part(
            "string",
            tube(
                curve([(at[0], at[1] - 0.15, at[2]), (0.26, y - 0.1, 0.08), (0.24, y - head * 2.6, 0.06)], 6), 0.004, 4
            ),
            m.color("white", "black"),
        )


@generator("knight", "person")
def knight(m: Model) -> None:
    steel = m.color("gray", "gray", "black", "white")
    y, head = figure(m, m.u(1.65, 1.8), steel, steel)
    m.parts.pop("eye", None)
    m.part("helmet", m.rod(head * 1.15, head * 2.1).at(0, y, 0), steel)
    m.part("visor slit", box(head * 1.4, head * 0.22, 0.03).at(0, y + head * 0.2, head * 1.12), m.color("black"))
    m.part(
        "plume",
        m.lump(head * 0.22, head * 0.55, head * 0.9).at(0, y + head * 1.5, -head * 0.2),
        m.color("red", "blue", "yellow", "purple"),
    )
    x = 0.34
    m.part(
        "sword",
        box(0.045, 0.75, 0.015).at(x, 0.95, 0.15)
        + box(0.17, 0.03, 0.03).at(x, 0.6, 0.15)
        + box(0.03, 0.14, 0.03).at(x, 0.52, 0.15),
        m.color("white", "gray"),
    )
    if m.chance(0.7):
        m.part(
            "shield", m.round(0.24, 0.03).turned("x", 90).at(-0.34, 0.9, 0.2), m.color("red", "blue", "green", "yellow")
        )


@generator("astronaut", "person", ("low-poly", "smooth"))
def astronaut(m: Model) -> None:
    suit, trim = m.color("white", "white", "orange", "gray"), m.color("blue", "red", "gray", "orange")
    high = m.u(1.7, 1.85)
    y, head = figure(m, high, suit, suit)
    m.parts.pop("eye", None)
    m.part("helmet", m.lump(head * 1.65).at(0, y + head * 0.1, 0), suit)
    m.part(
        "visor",
        m.lump(head * 1.25, head * 1.0, head * 0.8).at(0, y + head * 0.15, head * 0.98),
        m.color("black", "yellow", "blue", "cyan"),
    )
    m.part("life-support pack", m.block(0.42, 0.55, 0.2).at(0, high * 0.63, -0.25), m.color(suit.name, "gray"))
    m.part("chest panel", m.block(0.2, 0.14, 0.06).at(0, high * 0.66, 0.15), trim)
    m.part(
        "hose",
        [
            tube(
                curve([(s * 0.08, high * 0.64, 0.18), (s * 0.26, high * 0.6, 0.08), (s * 0.18, high * 0.62, -0.18)], 8),
                0.018,
                6,
            )
            for s in (-1, 1)
        ],
        trim,
    )


@generator("skeleton", "person", ("low-poly",))
def skeleton(m: Model) -> None:
    bone, high = m.color("white", "beige"), 1.7
    m.part(
        "leg bone",
        [
            between((s * 0.1, a, 0), (s * 0.11, b, 0), 0.025, 6)
            for s in (-1, 1)
            for a, b in ((0.82, 0.44), (0.42, 0.06))
        ],
        bone,
    )
    m.part("foot", [m.lump(0.045, 0.025, 0.1).at(s * 0.11, 0.025, 0.05) for s in (-1, 1)], bone)
    m.part("pelvis", m.lump(0.15, 0.07, 0.09).at(0, 0.85, 0), bone)
    m.part("spine", between((0, 0.85, -0.02), (0, 1.42, -0.02), 0.03, 6), bone)
    ribs = m.i(4, 6)
    m.part("rib", [torus(0.14, 0.013, 16, 5).scaled(1, 1, 0.7).at(0, 1.05 + 0.065 * k, 0) for k in range(ribs)], bone)
    m.part("shoulder blade", between((-0.2, 1.42, 0), (0.2, 1.42, 0), 0.022, 6), bone)
    lift = m.u(0, 0.35)
    m.part(
        "arm bone",
        [between((s * 0.2, 1.42, 0), (s * 0.27, 1.12, 0.02), 0.019, 6) for s in (-1, 1)]
        + [
            between((s * 0.27, 1.12, 0.02), (s * 0.3, 0.85 + (lift if s == 1 else 0), 0.1 + lift * 0.5), 0.016, 6)
            for s in (-1, 1)
        ],
        bone,
    )
    m.part("skull", m.lump(0.1, 0.115, 0.115).at(0, high - 0.1, 0.01), bone)
    m.part("eye socket", [ball(0.027, segments=8).at(s * 0.04, high - 0.09, 0.105) for s in (-1, 1)], m.color("black"))
    m.part("jaw", m.block(0.1, 0.05, 0.09).at(0, high - 0.2, 0.04), bone)
