"""Recognised labels as bars and tables, in plain HTML: read aloud they are lists and tables with numbers in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ..language import text

CARDS = 6  # files that get a chart each; more become a table


@dataclass(frozen=True)
class Named:
    """One file: its labels with probabilities, best first; none: no label fits (None: not asked); or an error."""

    name: str
    top: tuple[tuple[str, float], ...] = ()
    none: bool | None = None
    none_margin: float | None = None
    error: str = ""


def percent(share: float) -> str:
    """0.974 → 97 %; what is not nothing is not shown as 0."""
    return "< 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def recognised(rows: Sequence[Named], language: str) -> str:
    """Charts for a few files, else a table; the errors first."""
    errors = [row.error for row in rows if row.error]
    good = [row for row in rows if not row.error]
    charts = "".join(_card(row, language) for row in good) if len(good) <= CARDS else _table(good, language)
    return notes(errors) + (f'<div class="cards">{charts}</div>' if len(good) <= CARDS else charts)


def notes(lines: Sequence[str]) -> str:
    """What went wrong, a line each."""
    return "".join(f'<p class="note" role="alert">{escape(line)}</p>' for line in lines)


def bars(top: Sequence[tuple[str, float]], label: str) -> str:
    """A bar for each name with its share of 1."""
    rows = "".join(
        f'<li><span class="what">{escape(name)}</span><span class="number">{percent(share)}</span>'
        f'<span class="bar" aria-hidden="true"><span style="width:{100 * share:.1f}%"></span></span></li>'
        for name, share in top
    )
    return f'<ol class="bars" aria-label="{escape(label)}">{rows}</ol>'


def _none(row: Named, language: str) -> str:
    return f'<span class="badge">{escape(text(language, "recognise_none_found"))}</span>' if row.none else ""


def _card(row: Named, language: str) -> str:
    return (f'<section class="card{" faint" if row.none else ""}"><h3>{escape(row.name)} {_none(row, language)}</h3>'
            f'{bars(row.top, row.name)}</section>')


def _table(rows: Sequence[Named], language: str) -> str:
    heads = "".join(f'<th scope="col">{escape(text(language, key))}</th>'
                    for key in ("recognise_file", "recognise_label", "recognise_probability", "recognise_next"))
    lines = "".join(
        f'<tr><th scope="row">{escape(row.name)}</th><td>{escape(row.top[0][0])} {_none(row, language)}</td>'
        f'<td class="number">{percent(row.top[0][1])}</td>'
        f'<td>{escape(", ".join(f"{name} {percent(share)}" for name, share in row.top[1:]))}</td></tr>'
        for row in rows
    )
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(text(language, "recognise_table"))}">' \
           f'<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'
