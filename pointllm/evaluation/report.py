"""What a protocol hands over: figures, tables, pictures, examples. And the three files that are made of it.

`results.json` is for programs (`compare`, `ablation`), `report.md` for repositories, `report.html` stands alone and is
for people. The renderers are `report_markdown` and `report_html`; protocols know only the blocks here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError
from .metrics import rounded
from .provenance import Run
from .stores import make_folder

FORMAT = 1  # of results.json


@dataclass(frozen=True)
class Heading:
    """A section begins, or a part of one (level 3)."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows under a head; numbers are floats in percent unless the head says otherwise. `note`: a line beneath.

    folded: shown closed at first, for long ones.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""
    folded: str = ""


@dataclass(frozen=True)
class Picture:
    """A drawing as SVG; `name`: of its file beside report.md."""

    name: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Card:
    """One example: its picture (JPEG), a title, lines of (what, text), and whether it was right (None: neither)."""

    picture: bytes | None
    title: str
    lines: Sequence[tuple[str, str]]
    right: bool | None
    name: str = ""


@dataclass(frozen=True)
class Gallery:
    """Examples side by side."""

    cards: Sequence[Card]


@dataclass(frozen=True)
class Tile:
    """A key figure for the top of the report; unit "" for a bare number."""

    name: str
    value: float | int | str
    unit: str = "%"
    note: str = ""


@dataclass
class Report:
    """One evaluation.

    summary: figures by name, nested at most twice; items: one a judged thing, {"key", "right" or "score", …}, by which
    two reports are compared.
    """

    task: str
    title: str
    origin: str
    tiles: list[Tile] = field(default_factory=list)
    summary: dict[str, object] = field(default_factory=dict)
    blocks: list[object] = field(default_factory=list)
    items: list[dict] = field(default_factory=list)

    def add(self, *blocks: object) -> None:
        """Append blocks."""
        self.blocks.extend(blocks)


def write_report(report: Report, run: Run, with_llm: bool = False) -> dict[str, object]:
    """results.json, report.md (with its pictures beside) and report.html in `run.out`; returns the summary line."""
    from .report_html import html_of
    from .report_markdown import markdown_of

    make_folder(run.out)
    provenance = run.provenance(with_llm)
    summary = rounded(report.summary)
    results = {"format": FORMAT, "task": report.task, "title": report.title, "data": report.origin,
               "summary": summary, **provenance, "items": [rounded(item, 4) for item in report.items]}
    write_text(run.out / "results.json", json.dumps(results, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    text, pictures = markdown_of(report, provenance)
    for name, content in pictures.items():
        make_folder(run.out / "pictures")
        (run.out / "pictures" / name).write_bytes(content)
    write_text(run.out / "report.md", text)
    write_text(run.out / "report.html", html_of(report, provenance))
    return {"task": report.task, "out": str(run.out), "data": report.origin, "summary": summary,
            "seconds": provenance["seconds"]}


def write_text(file: Path, text: str) -> None:
    """A text file that is whole or not there; InputError where it can't be written."""
    partial = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{file}: can't be written ({error.strerror}); choose another --out") from error


def read_results(path: str | Path) -> dict:
    """results.json of a report's folder, or the file itself. InputError where it is none."""
    path = Path(path)
    file = path / "results.json" if path.is_dir() else path
    try:
        results = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: can't be read as results of an evaluation ({type(error).__name__}); name a folder "
                         "that `pointllm eval … --out` wrote") from error
    if not isinstance(results, dict) or not {"task", "summary", "items"} <= results.keys():
        raise InputError(f"{file}: holds no results of `pointllm eval`; name a folder that it wrote")
    return results


def figure_text(value: object) -> str:
    """A cell as people read it: 62.0, 1,024, –."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return "–" if value != value else f"{value:.1f}"
    return str(value)
