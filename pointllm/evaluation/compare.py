"""Two evaluations of the same things side by side: is the difference more than chance?

Things judged right or wrong are compared by McNemar's exact test, things with a score by the bootstrap interval of the
mean difference; both are paired, since both evaluations judged the same things.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from ..errors import InputError
from .metrics import bootstrap_interval, mcnemar
from .report import read_results

LEVEL = 0.05  # below, a difference is called one


def compare(a: str | Path, b: str | Path) -> dict:
    """The comparison of two report folders (or results.json files).

    → {"task", "a", "b", "groups": [{"group", "items", "a", "b", "difference", "low", "high", "p", "only_a",
    "only_b"}…], "only_in_a", "only_in_b"}; a, b and the difference with its 95 % interval are in percent, or 0-1 for
    scores; p and only_… for right/wrong. Raises InputError where they are of different tasks or share nothing.
    """
    first, second = read_results(a), read_results(b)
    if first["task"] != second["task"]:
        raise InputError(f"{a} is of {first['task']}, {b} of {second['task']}; compare two of the same kind")
    items_a, items_b = ({item["key"]: item for item in results["items"]} for results in (first, second))
    shared = [key for key in items_a if key in items_b]
    if not shared:
        raise InputError(f"{a} and {b} judged no thing in common; evaluate the same data in both")
    groups: dict[str, list[str]] = defaultdict(list)
    for key in shared:
        groups[items_a[key].get("group", "all")].append(key)
    return {
        "task": first["task"], "a": str(a), "b": str(b),
        "groups": [_group(name, [items_a[k] for k in keys], [items_b[k] for k in keys])
                   for name, keys in groups.items()],
        "only_in_a": len(items_a) - len(shared), "only_in_b": len(items_b) - len(shared),
    }


def _group(name: str, a: list[dict], b: list[dict]) -> dict:
    figure = "right" if all("right" in item for item in (*a, *b)) else "score"
    values_a, values_b = (np.array([float(item.get(figure) or 0) for item in items]) for items in (a, b))
    scale = 100 if figure == "right" else 1
    low, high = bootstrap_interval(values_b - values_a)
    row = {"group": name, "items": len(a), "figure": figure, "a": scale * float(values_a.mean()),
           "b": scale * float(values_b.mean()), "difference": scale * float((values_b - values_a).mean()),
           "low": scale * low, "high": scale * high}
    if figure == "right":
        test = mcnemar(values_a > 0.5, values_b > 0.5)
        row |= {"only_a": test.only_a, "only_b": test.only_b, "p": test.p}
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()}


def comparison_table(found: dict) -> str:
    """The comparison as Markdown."""
    lines = [f"A: {found['a']}  ", f"B: {found['b']}", "",
             "| group | items | A | B | B - A | 95 % interval | only A right | only B right | p | |",
             "| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | --- |"]
    for row in found["groups"]:
        digits = 1 if row["figure"] == "right" else 3
        if "p" in row:
            differs = row["p"] < LEVEL
            last = [str(row["only_a"]), str(row["only_b"]), f"{row['p']:.3f}"]
        else:
            differs = row["low"] > 0 or row["high"] < 0
            last = ["", "", ""]
        word = ("B is better" if row["difference"] > 0 else "A is better") if differs else "no clear difference"
        lines.append("| " + " | ".join([
            row["group"], str(row["items"]), f"{row['a']:.{digits}f}", f"{row['b']:.{digits}f}",
            f"{row['difference']:+.{digits}f}", f"{row['low']:+.{digits}f} to {row['high']:+.{digits}f}", *last, word])
            + " |")
    if found["only_in_a"] or found["only_in_b"]:
        lines += ["", f"Not compared: {found['only_in_a']} things that only A judged, {found['only_in_b']} that only B "
                      "did."]
    return "\n".join(lines) + "\n"
