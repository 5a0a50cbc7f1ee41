"""The grids that a generated shape is drawn on: sizes, places, and what their distances mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Grids:
    """A cube from -1 to 1 in `size` cells a side, distances at the cells' centres; colours on a coarser one.

    thickness: added to surfaces all round; reach: distances are cut off at this; extent: half the longest side of a
    shape. All in units of half the cube's side.
    """

    size: int = 32
    color_size: int = 16
    thickness: float = 0.035
    reach: float = 0.1
    extent: float = 0.87

    @property
    def cell(self) -> float:
        """Side of a cell."""
        return 2 / self.size

    @staticmethod
    def centres(size: int) -> np.ndarray:
        """(size, size, size, 3) float32: the centres of cells, axes in the order x, y, z."""
        along = ((np.arange(size) + 0.5) / size * 2 - 1).astype(np.float32)
        return np.stack(np.meshgrid(along, along, along, indexing="ij"), -1)
