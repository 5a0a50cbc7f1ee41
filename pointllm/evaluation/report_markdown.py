"""A report as Markdown, with pictures in files beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .report import Card, Gallery, Heading, Picture, Report, Table, Text, figure_text

COLUMNS = 4  # examples a row


def markdown_of(report: Report, provenance: Mapping[str, object]) -> tuple[str, dict[str, bytes]]:
    """The text, and name → content of the pictures that it shows from the folder `pictures/`."""
    pictures: dict[str, bytes] = {}
    lines = [f"# {report.title}", "", f"Data: {report.origin}. Profile: {provenance['profile']}.", ""]
    if report.tiles:
        lines += _table(["figure", "value", ""],
                        [[t.name, f"{figure_text(t.value)} {t.unit}".strip(), t.note] for t in report.tiles]) + [""]
    for block in report.blocks:
        if isinstance(block, Heading):
            lines += [f"{'#' * block.level} {_escaped(block.text)}", ""]
        elif isinstance(block, Text):
            lines += [_escaped(block.text), ""]
        elif isinstance(block, Table):
            table = _table(block.head, block.rows)
            if block.folded:
                table = ["<details>", f"<summary>{_escaped(block.folded)}</summary>", "", *table, "", "</details>"]
            lines += table + [""] + ([_escaped(block.note), ""] if block.note else [])
        elif isinstance(block, Picture):
            # alone it has no page to take its colours from
            pictures[f"{block.name}.svg"] = block.svg.replace("<svg ", '<svg style="background:#fff;color:#1d2128" ',
                                                              1).encode()
            lines += [f"![{_escaped(block.caption)}](pictures/{block.name}.svg)", "", _escaped(block.caption), ""]
        elif isinstance(block, Gallery):
            lines += _gallery(block.cards, pictures) + [""]
    versions = ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())
    lines += ["## How it was made", "", "```", str(provenance["command"]), "```", "",
              f"Witness: {provenance['witness']}. {provenance['seconds']} s. {versions}.", "",
              "<details>", "<summary>sha256 of the weights</summary>", "",
              *_table(["file", "sha256"], [[n, f"`{sha}`"] for n, sha in provenance["weights"].items()]),
              "", "</details>", ""]
    return "\n".join(lines), pictures


def table_of(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table alone."""
    return "\n".join(_table(head, rows)) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    numeric = [bool(rows) and all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(head))]
    return [
        "| " + " | ".join(map(_cell, head)) + " |",
        "| " + " | ".join("---:" if number else "---" for number in numeric) + " |",
        *("| " + " | ".join(_cell(figure_text(value)) for value in row) + " |" for row in rows),
    ]


def _gallery(cards: Sequence[Card], pictures: dict[str, bytes]) -> list[str]:
    lines = ["|" + "   |" * COLUMNS, "|" + " --- |" * COLUMNS]
    for start in range(0, len(cards), COLUMNS):
        row = list(cards[start:start + COLUMNS])
        cells = [_card(card, pictures) for card in row] + [""] * (COLUMNS - len(row))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _card(card: Card, pictures: dict[str, bytes]) -> str:
    mark = {True: "✓ ", False: "✗ ", None: ""}[card.right]
    parts = [f"{mark}**{_cell(card.title)}**", *(f"{_cell(what)}: {_cell(text)}" for what, text in card.lines)]
    if card.picture is not None:
        name = f"{card.name or len(pictures)}.jpg"
        pictures[name] = card.picture
        parts.insert(0, f"<img src=\"pictures/{name}\" width=\"120\" alt=\"\">")
    return "<br>".join(parts)


def _cell(text: str) -> str:
    return _escaped(str(text)).replace("|", "\\|")


def _escaped(text: str) -> str:
    """Text of models and files, so that it stays text."""
    return " ".join(text.split()).replace("<", "&lt;").replace(">", "&gt;")
