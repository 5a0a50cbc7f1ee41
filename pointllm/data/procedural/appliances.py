"""Household machines."""

from __future__ import annotations

from .model import Model, generator
from .solids import box, torus


@generator("toaster", "appliance", ("low-poly", "smooth", "boxy"))
def toaster(m: Model) -> None:
    w, h, d, color = (
        m.u(0.25, 0.32),
        m.u(0.17, 0.21),
        m.u(0.14, 0.2),
        m.color("gray", "red", "white", "black", "cyan", "yellow"),
    )
    m.part("body", m.block(w, h, d).at(0, h / 2 + 0.01, 0), color)
    slots = 2
    m.part("slot", [box(w * 0.7, 0.01, d * 0.16).at(0, h + 0.008, s * d * 0.2) for s in (-1, 1)], m.color("black"))
    if m.chance(0.6):
        m.part(
            "slice of bread",
            [m.block(w * 0.55, h * 0.5, d * 0.12).at(0, h + h * 0.12, s * d * 0.2) for s in (-1, 1)],
            m.color("beige", "brown"),
        )
    m.part("lever", box(0.02, 0.015, 0.05).at(w / 2 + 0.01, h * 0.6, 0), m.color("black", "gray"))
    m.part(
        "foot",
        [box(0.03, 0.012, 0.03).at(x * w * 0.4, 0.006, z * d * 0.35) for x in (-1, 1) for z in (-1, 1)],
        m.color("black"),
    )
    m.trait(f"with {slots} slots")


@generator("microwave", "appliance")
def microwave(m: Model) -> None:
    w, h, d, color = m.u(0.42, 0.52), m.u(0.24, 0.31), m.u(0.3, 0.38), m.color("white", "gray", "black", "red")
    m.part("body", m.block(w, h, d).at(0, h / 2, 0), color)
    m.part("door", box(w * 0.66, h * 0.8, 0.015).at(-w * 0.13, h / 2, d / 2), m.color("black", "gray"))
    m.part("panel", box(w * 0.2, h * 0.8, 0.012).at(w * 0.36, h / 2, d / 2), m.color("gray", "black", color.name))
    m.part(
        "button",
        [
            box(w * 0.045, h * 0.06, 0.012).at(w * (0.31 + 0.05 * c), h * (0.2 + 0.11 * r), d / 2 + 0.008)
            for c in range(3)
            for r in range(4)
        ],
        m.color("white", "gray", "yellow"),
    )
    m.part(
        "display",
        box(w * 0.15, h * 0.12, 0.012).at(w * 0.36, h * 0.76, d / 2 + 0.006),
        m.color("green", "blue", "cyan"),
    )
    m.part("handle", box(0.015, h * 0.6, 0.03).at(w * 0.21, h / 2, d / 2 + 0.02), m.color("gray", "white"))


@generator("refrigerator", "appliance")
def refrigerator(m: Model) -> None:
    w, h, d, color = m.u(0.6, 0.9), m.u(1.5, 1.9), m.u(0.6, 0.7), m.color("white", "gray", "black", "red", "cyan")
    m.part("body", m.block(w, h, d).at(0, h / 2 + 0.03, 0), color)
    split, metal = m.u(0.6, 0.72), m.color("gray", "black")
    if w > 0.8 and m.chance(0.6):
        doors = [(s * w * 0.25, h / 2 + 0.03, w * 0.48, h * 0.97) for s in (-1, 1)]
        m.part("handle", [box(0.025, h * 0.4, 0.04).at(s * 0.04, h * 0.55, d / 2 + 0.05) for s in (-1, 1)], metal)
    else:
        doors = [
            (0, h * split / 2 + 0.03, w * 0.97, h * split * 0.97),
            (0, h * (1 + split) / 2 + 0.03, w * 0.97, h * (1 - split) * 0.97),
        ]
        m.part(
            "handle",
            [box(0.025, h * 0.22, 0.04).at(-w * 0.4, h * y, d / 2 + 0.05) for y in (split * 0.75, split + 0.14)],
            metal,
        )
    m.part("door", [m.block(dw, dh, 0.05).at(x, y, d / 2 + 0.02) for x, y, dw, dh in doors], m.color(color.name))


@generator("washing machine", "appliance", ("low-poly", "smooth"))
def washing_machine(m: Model) -> None:
    w, h, d, color = 0.6, m.u(0.8, 0.88), m.u(0.52, 0.6), m.color("white", "white", "gray", "black")
    m.part("body", m.block(w, h, d).at(0, h / 2, 0), color)
    r, y = m.u(0.15, 0.19), h * 0.45
    m.part(
        "door ring", torus(r, 0.025, 24, 6).turned("x", 90).at(0, y, d / 2 + 0.01), m.color("gray", "black", "white")
    )
    m.part("door glass", m.round(r * 0.95, 0.03).turned("x", 90).at(0, y, d / 2), m.color("cyan", "black", "blue"))
    m.part("control panel", box(w * 0.96, h * 0.13, 0.015).at(0, h * 0.9, d / 2), m.color("gray", "white", "black"))
    m.part(
        "dial",
        m.round(0.035, 0.03).turned("x", 90).at(w * 0.1, h * 0.9, d / 2 + 0.02),
        m.color("gray", "black", "white"),
    )
    m.part("drawer", box(w * 0.26, h * 0.09, 0.02).at(-w * 0.32, h * 0.9, d / 2 + 0.005), m.color(color.name))


@generator("stove", "appliance")
def stove(m: Model) -> None:
    w, h, d, color = m.u(0.55, 0.7), m.u(0.82, 0.9), m.u(0.55, 0.62), m.color("white", "gray", "black", "red")
    m.part("body", m.block(w, h, d).at(0, h / 2, 0), color)
    m.part(
        "hob",
        [m.round(m.u(0.07, 0.1), 0.015).at(x * w * 0.24, h + 0.008, z * d * 0.23) for x in (-1, 1) for z in (-1, 1)],
        m.color("black"),
    )
    m.part("oven window", box(w * 0.66, h * 0.3, 0.02).at(0, h * 0.42, d / 2), m.color("black", "gray"))
    m.part("handle", box(w * 0.75, 0.03, 0.04).at(0, h * 0.63, d / 2 + 0.03), m.color("gray", "white"))
    m.part(
        "knob",
        [m.round(0.022, 0.03).turned("x", 90).at((k / 4 - 0.5) * w * 0.7, h * 0.88, d / 2 + 0.01) for k in range(5)],
        m.color("black", "gray", "red"),
    )
