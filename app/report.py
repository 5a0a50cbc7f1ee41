"""The panel "how it saw it" as HTML: figures of an answer, nearest names as bars, shares, views. Measures nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape

from .facts import share, short
from .insight import Insight, Name
from .language import text
from .messages import address


def report(figures: Mapping[str, float], insight: Insight | None, language: str, words: str = "") -> str:
    """HTML, or "" where there is nothing to tell. words: what stands in the place of an insight that isn't there."""
    parts = [_figures(figures, language)] if figures else []
    if insight is not None:
        parts += _seen(insight, language)
    elif words:
        parts.append(f'<p class="working" role="status">{escape(words)}</p>')
    if not parts:
        return ""
    title = escape(text(language, "report_title"))
    return f'<section class="report" aria-label="{title}"><h2>{title}</h2>{"".join(parts)}</section>'


def _figures(figures: Mapping[str, float], language: str) -> str:
    rows = []
    if "first" in figures:
        rows.append((text(language, "seconds", value=short(figures["first"])), "report_first"))
    if "rate" in figures:
        rows.append((short(figures["rate"]), "report_rate"))
    rows.append((f"{figures['tokens']:,}", "report_tokens"))
    # dd before dt on the screen is the style sheet's doing.
    return '<dl class="figures">' + "".join(
        f"<div><dt>{escape(text(language, key))}</dt><dd>{escape(value)}</dd></div>" for value, key in rows) + "</dl>"


def _seen(insight: Insight, language: str) -> list[str]:
    mixed = len(insight.inputs) > 1
    parts = [_heading("report_names_mixed" if mixed else "report_names", language, count=insight.names),
             _bars([(name_of(name.label, language), name.score, "") for name in insight.top])]
    if mixed:
        parts += [_heading("report_shares", language),
                  _bars([(seen.name, seen.share, name_of(seen.top[0].label, language)) for seen in insight.inputs])]
    if insight.neighbours:
        parts += [_heading("report_cache", language), _neighbours(insight.neighbours, language)]
    drawn = [seen for seen in insight.inputs if seen.views]
    if drawn:
        parts.append(_heading("report_views", language))
        for seen in drawn:
            alt = escape(text(language, "report_views_alt", name=seen.name, count=seen.view_count))
            parts.append(f'<div class="strip" tabindex="0" role="group" aria-label="{alt}">'
                         f'<img src="{address(seen.views)}" alt="{alt}"></div>')
    return parts


def _heading(key: str, language: str, **values: object) -> str:
    return f"<h3>{escape(text(language, key, **values))}</h3>"


def _bars(rows: Sequence[tuple[str, float, str]]) -> str:
    """rows: name, share from 0 to 1, and a note."""
    return '<ol class="bars">' + "".join(
        f'<li><span class="of">{escape(name)}{f" <small>{escape(note)}</small>" if note else ""}</span>'
        f'<span class="bar" aria-hidden="true"><i style="width:{100 * value:.1f}%"></i></span>'
        f'<span class="value">{escape(share(value))}</span></li>' for name, value, note in rows) + "</ol>"


def _neighbours(neighbours: Sequence[Name], language: str) -> str:
    rows = ""
    for name in neighbours:
        title = escape(text(language, "report_similarity", value=f"{name.score:.3f}"))
        rows += f'<li title="{title}">{escape(name_of(name.label, language))} <small>{name.score:.2f}</small></li>'
    return f'<ul class="neighbours">{rows}</ul>'


def name_of(label: str, language: str) -> str:
    """A label of the object knowledge in the reader's language."""
    return _names(language).get(label, label)


@cache
def _names(language: str) -> dict[str, str]:
    from pointllm.tasks.labels import known_labels

    return {known.words: known.name for known in known_labels(language).labels}
