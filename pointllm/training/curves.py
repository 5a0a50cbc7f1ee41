"""A picture of training curves with Pillow alone: panels side by side, each with some named lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

COLORS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#8c564b")
Curve = Sequence[tuple[float, float]]  # (x, y)


def draw_panels(panels: Mapping[str, Mapping[str, Curve]], file: Path, x_name: str = "step",
                panel: tuple[int, int] = (470, 340)) -> None:
    """Write a PNG: a panel per title, a line per name, both axes from zero."""
    from PIL import Image, ImageDraw

    width, height = panel
    picture = Image.new("RGB", (width * len(panels), height), "white")
    draw = ImageDraw.Draw(picture)
    for number, (title, curves) in enumerate(panels.items()):
        left, top, right, bottom = number * width + 50, 30, (number + 1) * width - 20, height - 40
        last = max((x for curve in curves.values() for x, _ in curve), default=1) or 1
        most = max((y for curve in curves.values() for _, y in curve), default=1) or 1
        draw.rectangle((left, top, right, bottom), outline="#888888")
        draw.text((left, 8), title, fill="black")
        draw.text((right - 70, bottom + 8), f"{x_name} {last}", fill="black")
        draw.text((left - 42, top), f"{most:.3g}", fill="black")
        draw.text((left - 15, bottom - 10), "0", fill="black")
        for line, (name, curve) in enumerate(curves.items()):
            color = COLORS[line % len(COLORS)]
            points = [(left + x / last * (right - left), bottom - y / most * (bottom - top)) for x, y in curve]
            if len(points) > 1:
                draw.line(points, fill=color, width=2)
            draw.text((right - 150, top + 8 + 16 * line), name, fill=color)
    picture.save(file)


def smoothed(curve: Curve, share: float = 0.9) -> list[tuple[float, float]]:
    """Exponential moving average of the y values."""
    out: list[tuple[float, float]] = []
    for x, y in curve:
        out.append((x, y if not out else share * out[-1][1] + (1 - share) * y))
    return out
