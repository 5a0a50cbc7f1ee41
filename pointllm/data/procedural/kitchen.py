"""Vessels, dishes and cutlery."""

from __future__ import annotations

import numpy as np

from .model import Color, Model, generator
from .solids import between, box, curve, extrude, lathe, torus, tube

CHINA = (
    "white",
    "white",
    "blue",
    "red",
    "green",
    "yellow",
    "orange",
    "cyan",
    "pink",
    "purple",
    "gray",
    "black",
    "brown",
    "beige",
)
STEEL = ("gray", "gray", "white", "yellow")


def vessel(outer: list[tuple[float, float]], wall: float, segments: int, floor: float = 0.08):
    """An open vessel from its outer profile (radius, height): the skin runs up outside and down inside."""
    top = outer[-1][1]
    inside = [(max(r - wall, 0.002), max(y, top * floor)) for r, y in outer[::-1]]
    return lathe([*outer, *inside, (0.001, top * floor)], segments)


def handle(m: Model, r: float, y: float, high: float, reach: float, thick: float, side: float = 1.0):
    """A loop at the side of a vessel."""
    points = curve(
        [
            (r, y + high / 2, 0),
            (r + reach * 0.75, y + high * 0.45, 0),
            (r + reach, y, 0),
            (r + reach * 0.75, y - high * 0.4, 0),
            (r * 0.97, y - high / 2, 0),
        ],
        10,
    )
    loop = tube(points * (side, 1, 1), thick, 6)
    return loop


@generator("cup", "kitchenware", ("low-poly", "smooth"))
def cup(m: Model) -> None:
    r, high, color = m.u(0.035, 0.048), m.u(0.07, 0.11), m.color(*CHINA)
    flare = m.u(0.75, 1.0)
    profile = [(r * flare, 0), (r * (0.5 + flare / 2), high * 0.5), (r, high)]
    if m.chance(0.3):
        profile = [(r * 0.55, 0), (r * 0.9, high * 0.35), (r, high)]
    m.part("body", vessel(profile, r * 0.1, m.fine), color)
    m.part(
        "handle",
        handle(m, r * 0.93, high * 0.52, high * 0.6, r * m.u(0.5, 0.75), r * 0.13),
        color if m.chance(0.75) else m.color(*CHINA),
    )
    if m.chance(0.45):
        m.part(
            "drink",
            m.round(r * 0.86, 0.003).at(0, high * 0.85, 0),
            m.color("brown", "black", "orange", "green", "white"),
        )
    if m.chance(0.3):
        m.part(
            "saucer",
            m.turned([(r * 0.9, -0.006), (r * 1.8, 0.004), (r * 1.7, 0.008), (0.001, 0.0)]),
            m.color(color.name),
        )


@generator("glass", "kitchenware", ("low-poly", "smooth"))
def glass(m: Model) -> None:
    color, r = m.color("cyan", "white", "gray", "green", "blue"), m.u(0.03, 0.042)
    high = r * m.u(2.2, 4.0)
    m.part("body", vessel([(r * m.u(0.65, 0.95), 0), (r, high)], r * 0.07, m.fine, 0.05), color)
    if m.chance(0.5):
        level = high * m.u(0.4, 0.85)
        m.part(
            "drink",
            m.round(r * 0.7, level, r * 0.88).at(0, level / 2 + high * 0.05, 0),
            m.color("orange", "red", "yellow", "brown", "blue", "purple"),
        )
        if m.chance(0.4):
            m.part(
                "straw",
                between((-r * 0.3, high * 0.2, 0), (r * 0.8, high * 1.4, 0), r * 0.09, 6),
                m.color("red", "white", "green", "yellow", "blue"),
            )


@generator("goblet", "kitchenware", ("low-poly", "smooth"))
def goblet(m: Model) -> None:
    color, r, stem = (
        m.color("yellow", "gray", "cyan", "white", "red", "purple", "brown"),
        m.u(0.035, 0.05),
        m.u(0.04, 0.08),
    )
    bowl = r * m.u(1.3, 2.2)
    m.part("foot", m.turned([(r * 0.95, 0), (r * 0.9, 0.006), (r * 0.15, 0.014)]), color)
    m.part("stem", m.round(r * 0.13, stem).at(0, stem / 2 + 0.01, 0), color)
    profile = [(r * 0.15, 0), (r * 0.8, bowl * 0.25), (r * m.u(0.95, 1.1), bowl * 0.6), (r, bowl)]
    m.part("bowl", vessel(profile, r * 0.08, m.fine).at(0, stem + 0.01, 0), color)
    if m.chance(0.4):
        m.part(
            "drink",
            m.round(r * 0.85, bowl * 0.35, r * 0.95).at(0, stem + bowl * 0.55, 0),
            m.color("red", "purple", "yellow", "orange"),
        )


@generator("bottle", "container", ("low-poly", "smooth"))
def bottle(m: Model) -> None:
    r, high = m.u(0.032, 0.05), m.u(0.2, 0.32)
    color = m.color("green", "green", "brown", "blue", "cyan", "white", "red", "orange", "black")
    shoulder, neck = high * m.u(0.5, 0.72), r * m.u(0.28, 0.42)
    m.part(
        "body",
        m.turned(
            [
                (r * 0.95, 0),
                (r, high * 0.03),
                (r, shoulder),
                (r * 0.8, shoulder + high * 0.07),
                (neck, shoulder + high * 0.16),
                (neck, high),
            ]
        ),
        color,
    )
    if m.chance(0.75):
        m.part(
            "cap",
            m.round(neck * 1.2, high * 0.07).at(0, high * 1.0, 0),
            m.color("red", "black", "yellow", "white", "gray", "blue", "brown"),
        )
    if m.chance(0.7):
        m.part(
            "label",
            m.round(r * 1.02, shoulder * m.u(0.35, 0.6)).at(0, shoulder * 0.5, 0),
            m.color("white", "yellow", "red", "beige", "blue"),
        )


@generator("vase", "decoration", ("low-poly", "smooth"))
def vase(m: Model) -> None:
    r, high, color = m.u(0.07, 0.13), m.u(0.2, 0.42), m.color(*CHINA)
    foot, neck, lip = m.u(0.4, 0.7), m.u(0.3, 0.6), m.u(0.45, 0.9)
    belly = m.u(0.3, 0.6)
    heights = [0, belly * 0.5, belly, belly + (1 - belly) * 0.55, 0.93, 1.0]
    radii = [foot, 0.9, 1.0, neck * 1.2, neck, lip]
    t = np.linspace(0, 1, 14)
    profile = [(r * float(np.interp(k, heights, radii)), high * float(k)) for k in t]
    m.part("body", vessel(profile, r * 0.08, m.fine), color)
    if m.chance(0.5):
        other = m.color(*CHINA)
        y = belly * m.u(0.8, 1.2)
        m.part("band", m.round(r * float(np.interp(y, heights, radii)) * 1.02, high * 0.06).at(0, high * y, 0), other)
    if m.chance(0.3):
        m.part("handle", [handle(m, r * 0.75, high * 0.6, high * 0.4, r * 0.6, r * 0.08, s) for s in (-1, 1)], color)
    if m.chance(0.25):
        petals, green = m.color("red", "pink", "yellow", "purple", "white"), m.color("green")
        for k in range(m.i(3, 5)):
            a, up = 2 * np.pi * k / 4, m.u(0.12, 0.25)
            tip = (r * 0.9 * np.cos(a), high + up, r * 0.9 * np.sin(a))
            m.part("stem", between((0, high * 0.7, 0), tip, 0.006, 5), green)
            m.part("flower", m.lump(0.04).at(*tip), petals)


@generator("bowl", "kitchenware", ("low-poly", "smooth"))
def bowl(m: Model) -> None:
    r, color = m.u(0.07, 0.14), m.color(*CHINA)
    deep = r * m.u(0.45, 0.8)
    m.part(
        "body",
        vessel([(r * 0.4, 0), (r * 0.75, deep * 0.35), (r * 0.95, deep * 0.75), (r, deep)], r * 0.06, m.fine),
        color,
    )
    if m.chance(0.4):
        m.part(
            "food",
            m.lump(r * 0.82, deep * 0.45).at(0, deep * 0.75, 0),
            m.color("red", "orange", "yellow", "green", "brown", "white"),
        )


@generator("plate", "kitchenware", ("low-poly", "smooth"))
def plate(m: Model) -> None:
    r, color = m.u(0.1, 0.15), m.color(*CHINA)
    rim = r * m.u(0.06, 0.14)
    m.part(
        "plate",
        m.turned(
            [(r * 0.6, 0), (r * 0.95, rim * 0.9), (r, rim), (r * 0.97, rim), (r * 0.62, rim * 0.3), (0.001, rim * 0.3)]
        ),
        color,
    )
    if m.chance(0.35):
        m.part("rim stripe", torus(r * 0.9, r * 0.02, 28, 6).scaled(1, 0.5, 1).at(0, rim * 0.92, 0), m.color(*CHINA))


@generator("pot", "kitchenware", ("low-poly", "smooth"))
def pot(m: Model) -> None:
    r, color = m.u(0.1, 0.15), m.color("gray", "gray", "red", "blue", "black", "orange", "white", "green")
    high, black = r * m.u(0.9, 1.4), m.color("black", "gray", "brown")
    m.part("body", vessel([(r * 0.96, 0), (r, high * 0.1), (r, high)], r * 0.05, m.fine), color)
    if m.chance(0.6):
        m.part("handle", [m.block(r * 0.28, r * 0.12, r * 0.5).at(s * r * 1.1, high * 0.82, 0) for s in (-1, 1)], black)
    else:
        m.part("handle", m.rod(r * 0.1, r * 1.5).turned("z", 90).at(r * 1.7, high * 0.8, 0), black)
    if m.chance(0.65):
        m.part(
            "lid",
            m.turned([(r * 1.03, 0), (r * 0.9, high * 0.1), (r * 0.3, high * 0.2), (0.001, high * 0.22)]).at(
                0, high, 0
            ),
            m.color(color.name),
        )
        m.part("knob", m.lump(r * 0.15).at(0, high * 1.26, 0), black)


@generator("frying pan", "kitchenware", ("low-poly", "smooth"))
def frying_pan(m: Model) -> None:
    r, color = m.u(0.11, 0.15), m.color("black", "gray", "red", "blue")
    deep = r * m.u(0.25, 0.4)
    m.part("pan", vessel([(r * 0.8, 0), (r, deep)], r * 0.05, m.fine), color)
    long = r * m.u(1.3, 1.8)
    m.part(
        "handle",
        m.block(long, r * 0.1, r * 0.2).turned("z", 6).at(r + long / 2 - 0.01, deep * 1.1, 0),
        m.color("brown", "black", "gray", "red"),
    )
    if m.chance(0.3):
        m.part("egg white", m.lump(r * 0.5, deep * 0.2, r * 0.45).at(0, deep * 0.2, 0), m.color("white"))
        m.part("yolk", m.lump(r * 0.17, deep * 0.22).at(0.0, deep * 0.42, 0), m.color("yellow", "orange"))


@generator("teapot", "kitchenware", ("low-poly", "smooth"))
def teapot(m: Model) -> None:
    r, color = m.u(0.08, 0.11), m.color(*CHINA)
    high = r * m.u(1.2, 1.7)
    m.part(
        "body",
        m.turned([(r * 0.55, 0), (r * 0.95, high * 0.25), (r, high * 0.45), (r * 0.85, high * 0.75), (r * 0.5, high)]),
        color,
    )
    m.part(
        "spout",
        tube(
            curve([(r * 0.8, high * 0.3, 0), (r * 1.3, high * 0.5, 0), (r * 1.65, high * 0.95, 0)], 7),
            np.linspace(r * 0.24, r * 0.1, 7),
            8,
        ),
        color,
    )
    m.part(
        "handle", handle(m, r * 0.85, high * 0.55, high * 0.65, r * 0.65, r * 0.09, -1), m.color(color.name, "brown")
    )
    m.part("lid", m.turned([(r * 0.53, 0), (r * 0.42, high * 0.1), (0.001, high * 0.16)]).at(0, high, 0), color)
    m.part("knob", m.lump(r * 0.12).at(0, high * 1.2, 0), m.color(color.name, "brown", "yellow"))


@generator("kettle", "kitchenware", ("low-poly", "smooth"))
def kettle(m: Model) -> None:
    r, color, grip = (
        m.u(0.09, 0.12),
        m.color("gray", "red", "blue", "black", "white", "green", "orange"),
        m.color("black", "brown", "gray"),
    )
    high = r * m.u(1.3, 1.8)
    m.part("body", m.turned([(r, 0), (r * 0.98, high * 0.3), (r * 0.62, high * 0.92), (r * 0.5, high)]), color)
    m.part("spout", tube([(r * 0.7, high * 0.45, 0), (r * 1.45, high * 0.98, 0)], [r * 0.22, r * 0.11], 8), color)
    arch = [(r * 0.62 * np.cos(a), high * 0.9 + r * 0.75 * np.sin(a), 0) for a in np.linspace(0.05, np.pi - 0.05, 11)]
    m.part("handle", tube(arch, r * 0.08, 6), grip)
    m.part("lid", m.turned([(r * 0.5, 0), (r * 0.4, high * 0.08), (0.001, high * 0.12)]).at(0, high, 0), color)
    m.part("knob", m.lump(r * 0.1).at(0, high * 1.16, 0), grip)


@generator("pitcher", "kitchenware", ("low-poly", "smooth"))
def pitcher(m: Model) -> None:
    r, color = m.u(0.06, 0.085), m.color(*CHINA)
    high = r * m.u(2.4, 3.3)
    m.part(
        "body",
        vessel(
            [(r * 0.75, 0), (r, high * 0.3), (r * 0.85, high * 0.65), (r * 0.68, high * 0.85), (r * 0.82, high)],
            r * 0.08,
            m.fine,
        ),
        color,
    )
    m.part("handle", handle(m, r * 0.8, high * 0.62, high * 0.5, r * 0.8, r * 0.1, -1), color)
    m.part(
        "spout",
        extrude([(0, 0), (r * 0.5, high * 0.16), (0, high * 0.16)], r * 0.5).at(r * 0.66, high * 0.84, 0),
        color,
    )


@generator("jar", "container", ("low-poly", "smooth"))
def jar(m: Model) -> None:
    r, high = m.u(0.04, 0.06), m.u(0.09, 0.15)
    glass_color, content = (
        m.color("cyan", "white", "green"),
        m.color("red", "orange", "yellow", "green", "purple", "brown"),
    )
    m.part(
        "body",
        m.turned([(r * 0.95, 0), (r, high * 0.05), (r, high * 0.8), (r * 0.8, high * 0.92), (r * 0.8, high)]),
        content if m.chance(0.6) else glass_color,
    )
    m.part(
        "lid",
        m.round(r * 0.9, high * 0.14).at(0, high * 1.04, 0),
        m.color("yellow", "gray", "red", "white", "brown", "blue"),
    )
    if m.chance(0.5):
        m.part("label", m.round(r * 1.02, high * 0.4).at(0, high * 0.42, 0), m.color("white", "beige", "yellow"))


@generator("can", "container", ("low-poly", "smooth"))
def can(m: Model) -> None:
    r, color = m.u(0.032, 0.045), m.color("red", "blue", "green", "orange", "yellow", "purple", "white", "cyan")
    high, metal = r * m.u(2.0, 3.6), m.color("gray", "white")
    m.part("body", m.round(r, high).at(0, high / 2, 0), color)
    m.part("rim", [m.round(r * 0.97, high * 0.05).at(0, y, 0) for y in (0.0, high)], metal)
    m.part("tab", m.block(r * 0.6, 0.003, r * 0.35).at(0, high * 1.04, 0), metal)
    if m.chance(0.5):
        m.part(
            "stripe", m.round(r * 1.01, high * 0.25).at(0, high * 0.5, 0), m.color("white", "yellow", "red", "black")
        )


def _grip(m: Model, long: float, wide: float, thick: float, color: Color) -> None:
    m.part("handle", m.block(wide, thick, long).at(0, thick / 2, -long / 2), color)


def _cutlery(m: Model) -> tuple[float, float, float, Color, Color]:
    """(length of the handle, width, thickness, colour of the handle, of the metal)."""
    steel = m.color(*STEEL)
    return (
        m.u(0.1, 0.13),
        m.u(0.012, 0.02),
        m.u(0.003, 0.008),
        (steel if m.chance(0.6) else m.color("black", "brown", "red", "blue", "white", "green")),
        steel,
    )


@generator("knife", "kitchenware")
def knife(m: Model) -> None:
    grip, wide, thick, color, steel = _cutlery(m)
    _grip(m, grip, wide * 1.1, thick * 2, color)
    long, broad = m.u(0.11, 0.24), m.u(0.02, 0.05)
    kind = m.pick(("pointed", "round", "cleaver"))
    if kind == "cleaver":
        broad = m.u(0.06, 0.08)
        outline = [(0, 0), (long * 0.8, 0), (long * 0.8, broad), (0, broad)]
    elif kind == "round":
        outline = [
            (0, 0),
            (long * 0.85, 0),
            (long * 0.97, broad * 0.3),
            (long * 0.97, broad * 0.7),
            (long * 0.85, broad),
            (0, broad),
        ]
    else:
        outline = [(0, 0), (long * 0.6, 0), (long * 0.85, broad * 0.4), (long, broad), (0, broad)]
    blade = extrude(outline, thick).turned("y", -90).turned("z", 90)
    m.part("blade", blade.at(broad / 2, thick, 0), steel)
    if kind == "cleaver":
        m.trait("broad")


@generator("fork", "kitchenware")
def fork(m: Model) -> None:
    grip, wide, thick, color, steel = _cutlery(m)
    _grip(m, grip, wide, thick, color)
    tines, head = m.pick((3, 4, 4)), m.u(0.022, 0.03)
    m.part(
        "head",
        extrude(
            [
                (-wide * 0.3, 0),
                (wide * 0.3, 0),
                (head / 2, 0.025),
                (head / 2, 0.04),
                (-head / 2, 0.04),
                (-head / 2, 0.025),
            ],
            thick,
        )
        .turned("x", 90)
        .at(0, thick / 2, 0),
        steel,
    )
    m.part(
        "tine",
        [
            box(head / tines * 0.5, thick, 0.045).at((k - (tines - 1) / 2) * head / tines, thick * 0.8, 0.062)
            for k in range(tines)
        ],
        steel,
    )


@generator("spoon", "kitchenware", ("low-poly", "smooth"))
def spoon(m: Model) -> None:
    grip, wide, thick, color, steel = _cutlery(m)
    if m.chance(0.25):
        color = steel = m.color("brown", "beige")
        m.trait("wooden")
    _grip(m, grip, wide, thick, color)
    m.part(None, box(wide * 0.5, thick, 0.03).at(0, thick / 2, 0.012), steel)
    head = m.lump(0.02, 0.008, 0.03)
    m.part("bowl", head.at(0, 0.006, 0.05), steel)
