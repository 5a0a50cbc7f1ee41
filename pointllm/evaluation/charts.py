"""Drawings for reports as SVG: a confusion picture, a reliability diagram, bars. Text and numbers, no library.

Colours come from the page's style sheet where there is one (`currentColor`, classes), and read on white and on black.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

BLUE, RED, GRAY = "#2f6fb5", "#c8553d", "#8a8f98"
FONT = 'font-family="system-ui, sans-serif" fill="currentColor"'


def confusion(matrix: np.ndarray, names: Sequence[str]) -> str:
    """(C, C) counts → a square of cells: rows what it is, columns what it was taken for, each row in shares of itself.

    Right ones lie on the diagonal in blue, mistakes beside it in red.
    """
    count = len(names)
    cell = 26 if count <= 30 else max(9, 620 // count)
    size = 11 if cell >= 14 else 8
    left = top = int(max((len(name) for name in names), default=4) * size * 0.58) + 16
    width, height = left + count * cell + left // 2, top + count * cell + 12  # the last names lean to the right
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    parts = [_open(width, height, "confusion picture")]
    for row in range(count):
        y = top + row * cell
        parts.append(f'<path d="M{left} {y - 0.5}h{count * cell}" stroke="{GRAY}" stroke-opacity="0.16"/>')
        parts.append(f'<text x="{left - 6}" y="{y + cell * 0.68:.1f}" text-anchor="end" font-size="{size}" {FONT}>'
                     f"{escape(names[row])}</text>")
        parts.append(f'<text transform="translate({left + row * cell + cell * 0.66:.1f},{top - 6}) rotate(-60)" '
                     f'font-size="{size}" {FONT}>{escape(names[row])}</text>')
        for column in np.flatnonzero(matrix[row]):
            share = shares[row, column]
            color = BLUE if column == row else RED
            parts.append(
                f'<rect x="{left + column * cell}" y="{y}" width="{cell - 1}" height="{cell - 1}" rx="2" '
                f'fill="{color}" fill-opacity="{0.12 + 0.88 * share:.2f}"><title>{escape(names[row])} taken for '
                f"{escape(names[column])}: {matrix[row, column]} of {matrix[row].sum()}</title></rect>")
            if cell >= 22:
                ink = "#fff" if share > 0.45 else "currentColor"
                parts.append(f'<text x="{left + column * cell + (cell - 1) / 2}" y="{y + cell * 0.66:.1f}" '
                             f'text-anchor="middle" font-size="10" font-family="system-ui, sans-serif" fill="{ink}">'
                             f"{matrix[row, column]}</text>")
    frame = count * cell
    parts.append(f'<rect x="{left - 1}" y="{top - 1}" width="{frame + 1}" height="{frame + 1}" fill="none" '
                 f'stroke="{GRAY}" stroke-opacity="0.5"/></svg>')
    return "".join(parts)


def reliability(bins: Sequence[tuple[int, float, float]]) -> str:
    """(count, mean confidence, share right) of equal bins → a reliability diagram with the diagonal as the ideal."""
    left, top, side = 44, 14, 260
    parts = [_open(left + side + 20, top + side + 44, "reliability diagram")]
    most = max((count for count, _, _ in bins), default=1) or 1
    width = side / max(len(bins), 1)
    for index, (count, confidence, right) in enumerate(bins):
        if not count:
            continue
        opacity = 0.35 + 0.65 * (count / most) ** 0.5
        parts.append(f'<rect x="{left + index * width + 1:.1f}" y="{top + side * (1 - right):.1f}" '
                     f'width="{width - 2:.1f}" height="{max(side * right, 1):.1f}" fill="{BLUE}" '
                     f'fill-opacity="{opacity:.2f}"><title>{count} answers, said {100 * confidence:.0f} %, '
                     f"right {100 * right:.0f} %</title></rect>")
        inside = right > 0.94  # no room above the bar
        y, ink = (top + 11, "#fff") if inside else (top + side * (1 - right) - 3, "currentColor")
        parts.append(f'<text x="{left + (index + 0.5) * width:.1f}" y="{y:.1f}" text-anchor="middle" font-size="10" '
                     f'font-family="system-ui, sans-serif" fill="{ink}">{count}</text>')
    parts.append(f'<line x1="{left}" y1="{top + side}" x2="{left + side}" y2="{top}" stroke="{RED}" '
                 'stroke-dasharray="5 4"/>')
    parts.append(f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="none" stroke="{GRAY}" '
                 'stroke-opacity="0.6"/>')
    for share in (0, 0.5, 1):
        label = f"{100 * share:.0f}"
        parts.append(f'<text x="{left + side * share}" y="{top + side + 15}" text-anchor="middle" font-size="10" '
                     f"{FONT}>{label}</text>")
        parts.append(f'<text x="{left - 6}" y="{top + side * (1 - share) + 4}" text-anchor="end" font-size="10" '
                     f"{FONT}>{label}</text>")
    parts.append(f'<text x="{left + side / 2}" y="{top + side + 34}" text-anchor="middle" font-size="11" {FONT}>'
                 "confidence, %</text>")
    parts.append(f'<text transform="translate(12,{top + side / 2}) rotate(-90)" text-anchor="middle" font-size="11" '
                 f"{FONT}>right, %</text></svg>")
    return "".join(parts)


def bars(names: Sequence[str], values: Sequence[float], whole: float = 100.0,
         intervals: Sequence[tuple[float, float]] | None = None) -> str:
    """Horizontal bars, each with its value; `intervals`: 95 % intervals as whiskers."""
    left = int(max((len(name) for name in names), default=4) * 6.6) + 14
    side, step = 360, 26
    parts = [_open(left + side + 60, len(names) * step + 8, "bars")]
    for index, (name, value) in enumerate(zip(names, values, strict=True)):
        y = 4 + index * step
        length = side * min(max(value, 0) / whole, 1)
        parts.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end" font-size="12" {FONT}>{escape(name)}</text>')
        parts.append(f'<rect x="{left}" y="{y + 2}" width="{side}" height="17" rx="3" fill="{GRAY}" '
                     'fill-opacity="0.15"/>')
        parts.append(f'<rect x="{left}" y="{y + 2}" width="{length:.1f}" height="17" rx="3" fill="{BLUE}"/>')
        end = left + length
        if intervals:
            low, high = (left + side * min(max(edge / whole, 0), 1) for edge in intervals[index])
            parts.append(f'<path d="M{low:.1f} {y + 10.5}H{high:.1f}M{low:.1f} {y + 7}v7M{high:.1f} {y + 7}v7" '
                         'stroke="currentColor" stroke-opacity="0.7" fill="none"/>')
            end = max(end, high)
        parts.append(f'<text x="{end + 6:.1f}" y="{y + 15}" font-size="12" {FONT}>{value:.1f}</text>')
    return "".join(parts) + "</svg>"


def _open(width: float, height: float, label: str) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{label}">')
