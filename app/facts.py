"""Measured facts of an upload as a small table, in the language of the page. Numbers in, HTML out; measures nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from .language import text

# A handful of digits: a scan's 0.9834213 says no more than 0.983.
DIGITS = 3


class Html(str):
    """Words that are HTML already."""


def table(facts: dict[str, object], language: str) -> str:
    """`facts` of a `Look` as a definition list, in their order."""
    shown = dict(facts)
    if "palette" in shown:  # names of colours with a dab of each
        palette = shown.pop("palette")
        shown = {key: Html(_swatches(palette, language)) if key == "colors" and palette else value
                 for key, value in shown.items()}
    rows = ""
    for key, value in shown.items():
        words = value if isinstance(value, Html) else escape(WORDS[key](value, language))
        name = escape(text(language, f"fact_{key}"))
        rows += f'<div class="{key.replace("_", "-")}"><dt>{name}</dt><dd>{words}</dd></div>'
    return f'<dl class="facts" aria-label="{escape(text(language, "facts_label"))}">{rows}</dl>'


def short(value: float) -> str:
    """Three significant digits, thousands apart, without an exponent where one can do without."""
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e6:
        rounded = float(f"{value:.{DIGITS}g}")
        return f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:g}"
    return f"{value:.{DIGITS - 1}e}"


def file_size(count: int) -> str:
    """Bytes in the unit that people use."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{short(count)} {unit}"
        count /= 1000
    return f"{short(count)} GB"


def _size(value: Sequence[float], language: str) -> str:
    return " × ".join(short(side) for side in value) + f" {text(language, 'fact_size_unit')}"


def _count(value: int, language: str) -> str:
    return f"{value:,}"


def _yes_no(value: bool, language: str) -> str:
    return text(language, "yes" if value else "no")


def _swatches(palette: Sequence[dict], language: str) -> str:
    return "".join(
        f'<span class="swatch"><i style="background:{escape(color["rgb"])}"></i>'
        f'{escape(text(language, "color_" + color["name"]))} <small>{share(color["share"])}</small></span>'
        for color in palette
    )


def share(value: float) -> str:
    """0.873 → "87 %"; what is not nothing never reads 0."""
    return f"{value * 100:.0f} %" if value >= 0.01 or value == 0 else "<1 %"


def _colors(value: Sequence[str], language: str) -> str:
    return ", ".join(text(language, f"color_{name}") for name in value) or text(language, "none")


WORDS: dict[str, Callable[..., str]] = {
    "kind": lambda value, language: text(language, f"fact_kind_{value[0]}", format=value[1].upper()),
    "size": _size,
    "points": _count,
    "vertices": _count,
    "faces": _count,
    "area": lambda value, language: f"{short(value)} {text(language, 'fact_area_unit')}",
    "volume": lambda value, language: f"{short(value)} {text(language, 'fact_volume_unit')}",
    "colors": _colors,
    "watertight": _yes_no,
    "up_axis": lambda value, language: value.upper(),
    "dropped": _count,
    "pixels": lambda value, language: f"{value[0]:,} × {value[1]:,}",
    "duration": lambda value, language: text(language, "seconds", value=short(value)),
    "rate": lambda value, language: text(language, "kilohertz", value=short(value / 1000)),
    "frame_rate": lambda value, language: text(language, "frames_per_second", value=short(value)),
    "words": _count,
    "file_size": lambda value, language: file_size(value),
}
