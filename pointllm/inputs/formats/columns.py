"""Which columns of a table of points are colours: the one rule for text tables and arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SAMPLE = 20_000  # rows looked at
COLOR_HEADERS = (("r", "g", "b"), ("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"))


def named_columns(names: Sequence[str]) -> tuple[list[int] | None, list[int] | None]:
    """Indices of x, y, z and of the colours among column names; None where they aren't named."""
    lowered = [n.strip('" ').lower().removeprefix("//").removeprefix("#").strip("[]() ").split("(")[0] for n in names]

    def find(wanted: Sequence[str]) -> list[int] | None:
        return [lowered.index(w) for w in wanted] if set(wanted) <= set(lowered) else None

    xyz = find("xyz") or find(("position_x", "position_y", "position_z"))
    return xyz, next((found for wanted in COLOR_HEADERS if (found := find(wanted))), None)


def guess_colors(table: np.ndarray, intensity_first: bool = False) -> list[int] | None:
    """Three columns of table (N, C) beyond x, y, z that look like colours; None where none do.

    Bytes (whole numbers from 0 to 255) are tried before shares of one, since normals never look like bytes.
    `intensity_first`: with seven columns the fourth is an intensity, as in Leica's .pts.
    """
    rows = table[:: max(1, len(table) // SAMPLE), :]
    starts = (4, 3, 6) if intensity_first and table.shape[1] >= 7 else (3, 4, 6)
    starts = [start for start in starts if start + 3 <= table.shape[1]]
    for test in (_are_bytes, _are_shares):
        for start in starts:
            if test(rows[:, start:start + 3]):
                return [start, start + 1, start + 2]
    return None


def to_unit(colors: np.ndarray) -> np.ndarray:
    """Colours (N, 3) of any range as float32 in [0, 1]: shares of one, bytes, or 16 bits, by their largest value."""
    colors = np.nan_to_num(np.asarray(colors, np.float32))
    top = float(colors.max()) if colors.size else 0.0
    scale = 1.0 if top <= 1.0 else 255.0 if top <= 255.0 else 65535.0
    return np.clip(colors / scale, 0.0, 1.0)


def _are_bytes(columns: np.ndarray) -> bool:
    with np.errstate(invalid="ignore"):
        whole = np.isfinite(columns).all() and (columns == np.round(columns)).all()
    return bool(whole and columns.min() >= 0 and 1 < columns.max() <= 255)


def _are_shares(columns: np.ndarray) -> bool:
    if not np.isfinite(columns).all() or columns.min() < 0 or columns.max() > 1 or columns.max() == 0:
        return False
    lengths = np.linalg.norm(columns, axis=1)
    return not bool((np.abs(lengths - 1) < 1e-3).mean() > 0.95)  # unit vectors: normals that all point one way
