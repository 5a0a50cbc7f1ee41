"""What a link to a page holds: the page, words, options and names of samples, as a query string; never an upload.

Links come from strangers. What is unknown, out of range or too long is passed over, and the page's own value stays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

PAGE = "use"  # gradio keeps "page" for itself
MOST_CHARACTERS = 4000  # of a value
MOST_QUERY = 40_000
MOST_FIELDS = 100


@dataclass(frozen=True)
class Field:
    """A value of a page that a link can hold. default: what it is where the link says nothing, and of which type.

    choices: all that it may be; of a tuple, each of its items. least, most: of a number.
    """

    key: str
    default: str | bool | int | float | tuple[str, ...]
    choices: tuple[str, ...] | None = None
    least: float = -math.inf
    most: float = math.inf

    def fits(self, value: object) -> bool:
        """Whether a link can hold the value: words may be too many."""
        return not isinstance(value, str) or len(value) <= MOST_CHARACTERS

    def write(self, value: object) -> str:
        """The value as it stands in a link."""
        if isinstance(self.default, bool):
            return "1" if value else "0"
        if isinstance(self.default, tuple):
            return ",".join(value or ())
        if isinstance(self.default, int | float):
            return f"{value:g}"
        return str(value)

    def read(self, written: str) -> object:
        """The value of a link; ValueError where it can't be one of this field."""
        if isinstance(self.default, bool):
            return {"1": True, "0": False}.get(written, self.default)
        if isinstance(self.default, tuple):
            return tuple(dict.fromkeys(name for name in written.split(",") if name in (self.choices or ())))
        if isinstance(self.default, int | float):
            number = float(written)
            if not self.least <= number <= self.most:  # also what is no number
                raise ValueError(written)
            return type(self.default)(number)
        if len(written) > MOST_CHARACTERS or (self.choices is not None and written not in self.choices):
            raise ValueError(written)
        return written


def write_link(page: str, fields: Sequence[Field], values: Mapping[str, object]) -> str:
    """"?use=…&…" with the values that differ from the page's own; what is too long is left out."""
    said = [(PAGE, page)]
    for field in fields:
        value = values.get(field.key, field.default)
        value = tuple(value or ()) if isinstance(field.default, tuple) else value
        if value is not None and value != field.default and field.fits(value):
            said.append((field.key, field.write(value)))
    return "?" + "&".join(f"{key}={quote(value, safe=',')}" for key, value in said)


def page_of(query: str) -> str:
    """The page that a query string names, "" for none."""
    return _said(query).get(PAGE, "")


def read_link(fields: Sequence[Field], query: str) -> dict[str, object]:
    """The values that a query string holds, by key; what it doesn't hold, or not validly, is left out."""
    said, found = _said(query), {}
    for field in fields:
        if field.key in said:
            try:
                found[field.key] = field.read(said[field.key])
            except (ValueError, OverflowError):
                continue
    return found


def _said(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query.removeprefix("?")[:MOST_QUERY], keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}
