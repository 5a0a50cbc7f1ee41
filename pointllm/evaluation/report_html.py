"""A report as one HTML file that needs no other: style, drawings and thumbnails are inside, and nothing runs."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from .report import Card, Gallery, Heading, Picture, Report, Table, Text, figure_text

STYLE = Path(__file__).with_name("report.css")


def html_of(report: Report, provenance: Mapping[str, object]) -> str:
    """The page."""
    sections = [block.text for block in report.blocks if isinstance(block, Heading) and block.level == 2]
    contents = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name in sections)
    body = [
        f"<header><p class=task>pointllm eval {escape(report.task)}</p><h1>{escape(report.title)}</h1>"
        f"<p class=origin>{escape(report.origin)} · profile {escape(str(provenance['profile']))} · "
        f"weights {escape(str(provenance['weights_key'])[:12])}</p></header>",
        "<div class=tiles>" + "".join(map(_tile, report.tiles)) + "</div>" if report.tiles else "",
        f"<nav>{contents}<a href=\"#made\">How it was made</a></nav>",
        *map(_block, report.blocks),
        _made(provenance),
    ]
    return (f"<!doctype html><html lang=en><head><meta charset=utf-8>"
            f'<meta name=viewport content="width=device-width, initial-scale=1"><title>{escape(report.title)}</title>'
            f"<style>{STYLE.read_text(encoding='utf-8')}</style></head><body><main>{''.join(body)}</main></body></html>\n")


def _tile(tile) -> str:
    note = f"<small>{escape(tile.note)}</small>" if tile.note else ""
    unit = f"<i>{escape(tile.unit)}</i>" if tile.unit else ""
    return f"<div class=tile><span>{escape(tile.name)}</span><b>{escape(figure_text(tile.value))}{unit}</b>{note}</div>"


def _block(block: object) -> str:
    if isinstance(block, Heading):
        anchor = f' id="{_anchor(block.text)}"' if block.level == 2 else ""
        return f"<h{block.level}{anchor}>{escape(block.text)}</h{block.level}>"
    if isinstance(block, Text):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Table):
        table = _table(block.head, block.rows) + (f"<p class=note>{escape(block.note)}</p>" if block.note else "")
        return f"<details><summary>{escape(block.folded)}</summary>{table}</details>" if block.folded else table
    if isinstance(block, Picture):
        return f"<figure>{block.svg}<figcaption>{escape(block.caption)}</figcaption></figure>"
    if isinstance(block, Gallery):
        return "<div class=gallery>" + "".join(map(_card, block.cards)) + "</div>"
    raise TypeError(f"no such block: {type(block).__name__}")


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    numeric = [bool(rows) and all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(head))]
    kinds = [" class=number" if number else "" for number in numeric]
    top = "".join(f"<th{kind}>{escape(name)}</th>" for name, kind in zip(head, kinds, strict=True))
    lines = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(figure_text(value))}</td>"
                         for value, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows)
    return f"<div class=scroll><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>"


def _card(card: Card) -> str:
    kind = {True: "right", False: "wrong", None: "open"}[card.right]
    mark = {True: "right", False: "wrong", None: ""}[card.right]
    picture = (f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(card.picture).decode()}">'
               if card.picture is not None else "<div class=blank>no picture</div>")
    lines = "".join(f"<dt>{escape(what)}</dt><dd>{escape(text)}</dd>" for what, text in card.lines)
    badge = f"<span class=mark>{mark}</span>" if mark else ""
    return f'<article class="{kind}">{picture}<h3>{escape(card.title)}{badge}</h3><dl>{lines}</dl></article>'


def _made(provenance: Mapping[str, object]) -> str:
    versions = " · ".join(f"{escape(n)} {escape(v)}" for n, v in provenance["versions"].items())
    weights = _table(["file", "sha256"], list(provenance["weights"].items()))
    return (f'<h2 id=made>How it was made</h2><pre>{escape(str(provenance["command"]))}</pre>'
            f'<p>Witness: {escape(str(provenance["witness"]))}. {provenance["seconds"]} s.</p>'
            f"<p class=note>{versions}</p>"
            f"<details><summary>sha256 of the weights</summary>{weights}</details>")


def _anchor(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower())
