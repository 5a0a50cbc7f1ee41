"""Figures of many evaluations in one table: one part of a model changed at a time, a row each (the paper's Table 3)."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import InputError
from .report import read_results


def ablation(runs: list[str], figures: list[str] | None = None) -> tuple[list[str], list[list[object]]]:
    """Figures of several runs as a table: head, and a row a run.

    runs: report folders, each as `name=folder` or as a folder that stands for its own name. figures: names in the
    summary, nested ones with dots ("name.named"); None: those numbers that all runs have and that differ between
    some of them. Raises InputError for a run or a figure that isn't there.
    """
    rows = []
    for given in runs:
        name, _, folder = given.rpartition("=")
        rows.append((name or Path(folder).name, flat(read_results(folder)["summary"])))
    known = [key for key in rows[0][1] if all(key in summary for _, summary in rows)]
    if figures is None:
        figures = [key for key in known if len({json.dumps(s[key]) for _, s in rows}) > 1] or known
    for figure in figures:
        if figure not in known:
            raise InputError(f"figure {figure!r} isn't in all of the runs; those that are: {', '.join(known)}")
    return ["run", *figures], [[name, *(summary[figure] for figure in figures)] for name, summary in rows]


def flat(summary: dict, before: str = "") -> dict[str, object]:
    """{"name": {"named": 60}} → {"name.named": 60}; numbers only."""
    found: dict[str, object] = {}
    for key, value in summary.items():
        if isinstance(value, dict):
            found |= flat(value, f"{before}{key}.")
        elif isinstance(value, int | float):
            found[f"{before}{key}"] = value
    return found
