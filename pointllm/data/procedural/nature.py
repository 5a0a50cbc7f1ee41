"""Stones, fire and wood, and the snowman."""

from __future__ import annotations

import numpy as np

from .model import Model, generator
from .solids import ball, between, box, curve, hull, lathe, tube


@generator("log", "plant", ("low-poly", "smooth"))
def log(m: Model) -> None:
    r, long, bark = m.u(0.12, 0.25), m.u(0.8, 1.8), m.color("brown")
    m.part("bark", m.rough(m.round(r, long), 0.01).turned("z", 90).at(0, r, 0), bark)
    m.part(
        "cut end", [m.round(r * 0.86, 0.02).turned("z", 90).at(s * long / 2, r, 0) for s in (-1, 1)], m.color("beige")
    )
    if m.chance(0.5):
        m.part("branch stub", m.rod(r * 0.3, r * 1.2).turned("x", 50).at(m.u(-0.3, 0.3) * long, r * 1.8, r * 0.5), bark)


@generator("pumpkin", "food", ("low-poly", "smooth"))
def pumpkin(m: Model) -> None:
    ribs, r, flat = m.i(7, 11), m.u(0.15, 0.28), m.u(0.65, 0.95)
    color = m.color("orange", "orange", "orange", "green", "white", "yellow")
    m.part(
        "rib",
        [
            m.lump(r * 0.62, r * flat, r * 0.42).at(r * 0.5, r * flat, 0).turned("y", 360 * k / ribs)
            for k in range(ribs)
        ],
        color,
    )
    m.part(
        "stalk",
        tube(
            curve([(0, r * flat * 1.8, 0), (0.01, r * flat * 2.15, 0), (r * 0.25, r * flat * 2.4, 0)], 5),
            np.linspace(r * 0.16, r * 0.09, 5),
            6,
        ),
        m.color("green", "brown"),
    )


@generator("rock", "nature", ("low-poly", "smooth"))
def rock(m: Model) -> None:
    color, count = m.color("gray", "gray", "brown", "beige", "black"), m.pick((1, 1, 2, 3))
    for k in range(count):
        s = 1.0 if k == 0 else m.u(0.3, 0.6)
        points = m.rng.normal(size=(m.i(14, 30), 3))
        points *= (m.u(0.5, 1) * s, m.u(0.3, 0.7) * s, m.u(0.5, 1) * s) / np.linalg.norm(points, axis=1, keepdims=True)
        m.part(
            "stone",
            hull(points).at(0 if k == 0 else m.u(0.6, 1) * (1 if k == 1 else -1), -points[:, 1].min(), m.u(-0.3, 0.3)),
            color,
        )


@generator("crystal", "nature", ("low-poly",))
def crystal(m: Model) -> None:
    color = m.color("purple", "blue", "cyan", "pink", "green", "red", "white")
    for k in range(m.i(3, 7)):
        r, high = m.u(0.05, 0.12), m.u(0.3, 0.8) * (1.2 if k == 0 else 0.8)
        spike = lathe([(r, 0), (r * 1.15, high * 0.7), (0.001, high)], 6)
        m.part("spike", spike.turned("x", m.u(0, 8) if k == 0 else m.u(15, 45)).turned("y", m.u(0, 360)), color)
    if m.chance(0.5):
        m.part("rock", m.rough(m.lump(0.25, 0.1, 0.25), 0.03), m.color("gray", "brown", "black"))


@generator("campfire", "nature", ("boxy", "low-poly"))
def campfire(m: Model) -> None:
    wood, stone, count = m.color("brown"), m.color("gray"), m.i(7, 11)
    m.part(
        "stone",
        [
            m.rough(m.lump(0.1, 0.08, 0.1), 0.02).at(0.42 * np.cos(a), 0.05, 0.42 * np.sin(a))
            for a in 2 * np.pi * np.arange(count) / count
        ],
        stone,
    )
    logs = m.i(4, 6)
    m.part(
        "log",
        [
            between((0.32 * np.cos(a), 0.03, 0.32 * np.sin(a)), (0.03 * np.cos(a), 0.34, 0.03 * np.sin(a)), 0.05, 6)
            for a in 2 * np.pi * np.arange(logs) / logs
        ],
        wood,
    )
    for k, name in enumerate(("orange", "yellow", "red")[: m.i(1, 3)]):
        m.part(
            "flame",
            m.rough(lathe([(0.12, 0.05), (0.14, 0.2), (0.06, 0.42), (0.001, 0.6)], 6), 0.02)
            .scaled(1 - 0.2 * k, 1 - 0.15 * k, 1 - 0.2 * k)
            .at(m.u(-0.06, 0.06), 0.05, m.u(-0.06, 0.06) + 0.05 * k),
            m.color(name),
        )


@generator("snowman", "decoration")
def snowman(m: Model) -> None:
    snow, r, balls = m.color("white"), m.u(0.4, 0.55), m.pick((2, 3, 3))
    y, sizes = 0.0, [1.0, 0.75, 0.52] if balls == 3 else [1.0, 0.65]
    for s in sizes:
        y += r * s * (0.92 if y == 0 else 0.72)
        m.part("snowball", m.lump(r * s).at(0, y, 0), snow)
        last, y = y, y + r * s * 0.8
    head, black = r * sizes[-1], m.color("black")
    m.part(
        "nose",
        lathe([(head * 0.16, 0), (0.001, head * 0.9)], 8).turned("x", 90).at(0, last, head * 0.9),
        m.color("orange"),
    )
    m.part(
        "eye",
        [ball(head * 0.1, segments=8).at(s * head * 0.35, last + head * 0.25, head * 0.87) for s in (-1, 1)],
        black,
    )
    buttons = m.i(2, 3)
    low = last - head - r * sizes[-2] * 0.55
    m.part(
        "button",
        [ball(r * 0.07, segments=8).at(0, low + r * 0.26 * (k - 1), r * sizes[-2] * 0.97) for k in range(buttons)],
        black,
    )
    if m.chance(0.7):
        m.part(
            "hat",
            m.round(head * 0.95, head * 0.12).at(0, last + head * 0.85, 0)
            + m.round(head * 0.62, head * 0.9).at(0, last + head * 1.3, 0),
            m.color("black", "black", "red", "blue", "brown"),
        )
    if m.chance(0.6):
        m.part(
            "scarf",
            m.hoop(head * 0.78, head * 0.2).at(0, last - head * 0.78, 0)
            + box(head * 0.3, head, head * 0.15).at(head * 0.3, last - head * 1.3, head * 0.95),
            m.color("red", "blue", "green", "yellow"),
        )
    if m.chance(0.75):
        y = last - head - r * 0.2
        m.part(
            "stick arm",
            [between((s * r * 0.6, y, 0), (s * r * 1.7, y + r * 0.6, 0.05), r * 0.05, 5, r * 0.03) for s in (-1, 1)],
            m.color("brown"),
        )
    m.trait(f"of {'three' if balls == 3 else 'two'} balls")
