"""The frame of an animal on four legs, with many measures. It faces along z."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .model import Color, Model
from .solids import Solid, ball, curve, lathe, torus, tube


@dataclass
class Frame:
    """Measures of an animal, in shares of its body's length unless said otherwise.

    leg, girth, depth of the body; neck: length, and angle in degrees above the horizontal; head, snout: radius and
    length; thick: of the legs
    """

    leg: float
    girth: float
    neck: float
    angle: float
    head: float
    snout: float
    thick: float = 0.06
    ears: str = "pointed"
    tail: str = "thin"
    muzzle: float = 0.55


@dataclass
class Places:
    """Where things are, for what a kind of animal adds: centre and radius of the head, the body's middle and size."""

    head: np.ndarray
    radius: float
    body: np.ndarray
    girth: float
    long: float


def build(
    m: Model, f: Frame, coat: Color, belly: Color | None = None, hoof: Color | None = None, muzzle: Color | None = None
) -> Places:
    """Body, legs, neck, head with eyes, ears and snout, tail."""
    long = 1.0
    leg, g = f.leg * m.u(0.9, 1.1), f.girth * m.u(0.9, 1.1)
    y = leg + g * 0.75
    n = max(5, m.n)
    if m.style == "boxy":
        m.part("body", m.lump(g * 0.85, g * 0.85, long * 0.52).at(0, y, 0), coat)
    else:
        stations = curve([(0, y, -0.5), (0, y + 0.02, -0.25), (0, y, 0.2), (0, y + 0.03, 0.5)], 9)
        radii = g * np.array([0.35, 0.78, 0.95, 1.0, 1.0, 0.98, 0.97, 0.85, 0.4])
        m.part("body", tube(stations, radii, n), coat)
    if belly is not None:
        m.part("belly", m.lump(g * 0.8, g * 0.55, long * 0.36).at(0, y - g * 0.5, 0), belly)
    t = f.thick * m.u(0.85, 1.2)
    stride = m.u(-0.05, 0.05)
    legs = []
    for sx in (-1, 1):
        for sz in (-1, 1):
            x, z = sx * g * 0.55, sz * long * 0.35
            step = stride * sx * sz
            legs.append(
                tube(
                    [(x, t * 0.5, z + step), (x, leg * 0.55, z + step * 0.4), (x, y, z)],
                    [t * 0.85, t * 0.8, t * 1.5],
                    max(4, n // 2),
                )
            )
            if hoof is not None:
                m.part(None, (m.rod(t * 1.1, t * 1.2)).at(x, t * 0.6, z + step), hoof)
    m.part("leg", legs, coat)
    a = np.radians(f.angle * m.u(0.9, 1.1))
    neck = f.neck * m.u(0.9, 1.1)
    start = np.array([0, y + g * 0.3, long * 0.4])
    end = start + neck * np.array([0, np.sin(a), np.cos(a)])
    h = f.head * m.u(0.9, 1.12)
    if neck > 0.02:
        m.part(
            "neck",
            tube(
                [start - (0, g * 0.25, 0.1), start, (start + end) / 2, end],
                [g * 0.75, g * 0.6, h * 0.85, h * 0.75],
                max(5, n // 2),
            ),
            coat,
        )
    head = end + (0, h * 0.2, h * 0.5)
    m.part("head", m.lump(h, h * 0.95, h * 1.1).at(*head), coat)
    tip = head + (0, -h * 0.25, h * 0.7 + f.snout)
    snout = tube([head + (0, -h * 0.15, h * 0.3), tip], [h * 0.75, h * f.muzzle], max(5, n // 2))
    m.part("snout", snout, muzzle or coat)
    dark = m.color("black")
    m.part("nose", m.lump(h * 0.2, h * 0.15, h * 0.12).at(*(tip + (0, h * f.muzzle * 0.5, h * 0.02))), dark)
    m.part(
        "eye",
        [ball(h * 0.14, segments=8).at(sx * h * 0.62, head[1] + h * 0.35, head[2] + h * 0.72) for sx in (-1, 1)],
        dark,
    )
    _ears(m, f.ears, head, h, coat)
    _tail(m, f.tail, np.array([0, y + g * 0.4, -long * 0.48]), coat, leg)
    return Places(head, h, np.array([0, y, 0]), g, long)


def _ears(m: Model, kind: str, head: np.ndarray, h: float, coat: Color) -> None:
    if kind == "none":
        return
    ears: list[Solid] = []
    for s in (-1, 1):
        x, y, z = s * h * 0.55, head[1] + h * 0.75, head[2] - h * 0.1
        if kind == "pointed":
            ear = (
                lathe([(h * 0.32, 0), (h * 0.2, h * 0.45), (0.001, h * 0.8)], 6)
                .scaled(1, 1, 0.5)
                .turned("z", -s * 12)
                .at(x, y - 0.1 * h, z)
            )
        elif kind == "floppy":
            ear = m.lump(h * 0.14, h * 0.55, h * 0.32).turned("z", s * 14).at(s * h * 0.98, head[1] + h * 0.15, z)
        elif kind == "long":
            ear = m.lump(h * 0.22, h * 1.15, h * 0.14).turned("z", -s * 10).at(x * 0.7, y + h * 0.9, z)
        elif kind == "round":
            ear = m.lump(h * 0.34, h * 0.34, h * 0.14).at(s * h * 0.75, y, z)
        elif kind == "side":
            ear = m.lump(h * 0.5, h * 0.2, h * 0.12).turned("z", s * 12).at(s * h * 1.25, head[1] + h * 0.45, z)
        else:  # sails, as an elephant's
            ear = (
                m.lump(h * 0.75, h * 0.95, h * 0.1).turned("y", s * 22).at(s * h * 1.35, head[1] + h * 0.1, z - h * 0.2)
            )
        ears.append(ear)
    m.part("ear", ears, coat)


def _tail(m: Model, kind: str, root: np.ndarray, coat: Color, leg: float) -> None:
    if kind == "none":
        return
    if kind == "stub":
        m.part("tail", m.lump(0.08).at(*root), coat)
        return
    if kind == "bushy":
        path = curve([root, root + (0, 0.05, -0.18), root + (0, 0.2, -0.38)], 7)
        m.part("tail", tube(path, [0.05, 0.08, 0.1, 0.11, 0.1, 0.07, 0.02], 8), coat)
    elif kind == "up":
        path = curve([root, root + (0, 0.12, -0.12), root + (0, 0.34, -0.16), root + (0.05, 0.5, -0.1)], 8)
        m.part("tail", tube(path, np.linspace(0.045, 0.025, 8), 6), coat)
    elif kind == "curl":
        points = [root + (0.05 * np.cos(a), 0.05 * np.sin(a), -0.02 - 0.012 * a) for a in np.linspace(0, 9, 18)]
        m.part("tail", tube(points, 0.018, 5), coat)
    else:
        path = curve([root, root + (0, -0.05, -0.1), root + (0, -leg * 0.75, -0.13)], 6)
        m.part("tail", tube(path, np.linspace(0.035, 0.02, 6), 5), coat)
        if kind == "tuft":
            m.part("tuft", m.lump(0.05, 0.1, 0.05).at(*path[-1]), m.color("black", "brown"))


def patches(m: Model, p: Places, color: Color, count: int, size: tuple[float, float], name: str) -> None:
    """Patches of colour on the flanks and the back."""
    spots = []
    for _ in range(count):
        a, z, s = m.u(-1.9, 1.9), m.u(-0.42, 0.42) * p.long, m.u(*size)
        x, y = p.girth * 0.93 * np.sin(a), p.body[1] + p.girth * 0.93 * np.cos(a)
        spots.append(ball(s, s, s, 8).scaled(0.35 + 0.65 * abs(np.cos(a)), 0.35 + 0.65 * abs(np.sin(a)), 1).at(x, y, z))
    m.part(name, spots, color)


def stripes(m: Model, p: Places, color: Color, count: int) -> None:
    m.part(
        "stripe",
        [
            torus(p.girth * 0.99, p.girth * 0.06, 16, 5)
            .turned("x", 90)
            .at(0, p.body[1], (k / (count - 1) - 0.5) * p.long * 0.72)
            for k in range(count)
        ],
        color,
    )
