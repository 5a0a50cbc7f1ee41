"""Reading the looser values of a call: lists that may be missing or stand in one line, numbers, names of a choice."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pointllm.errors import InputError

WITNESSES = ("point", "views", "both")


def words(value: object, what: str) -> list[str]:
    """A list of sentences: a list as it is, a text as one, nothing as none. InputError for anything else."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, Sequence) and all(isinstance(item, str) for item in value):
        if not all(item.strip() for item in value):
            raise InputError(f"{what} holds an empty text; leave it out")
        return list(value)
    raise InputError(f"{what} must be a list of texts, such as [\"a wooden chair\"]")


def labels(value: object) -> list[str]:
    """Labels: a list, or a text with commas between them."""
    if isinstance(value, str):
        return [label.strip() for label in value.split(",") if label.strip()]
    return words(value, "labels")


def numbers(value: object, what: str) -> tuple[float, ...] | None:
    """A list of finite numbers, or None for none."""
    if value is None or value == []:
        return None
    if isinstance(value, Sequence) and not isinstance(value, str):
        if all(isinstance(item, int | float) and not isinstance(item, bool) and math.isfinite(item) for item in value):
            return tuple(float(item) for item in value)
    raise InputError(f"{what} must be a list of numbers, such as [1, 0.5]")


def witness(value: str | None) -> str | None:
    """How 3D files are seen, or None for the profile's own way."""
    if value in (None, ""):
        return None
    if value not in WITNESSES:
        raise InputError(f"witness is {value!r}; give one of {', '.join(WITNESSES)}, or leave it out")
    return value
