"""Recognition by the name of a profile: labels of any kind, the label cache and the calibration put together.

What the command line and the app call; the mathematics is `zero_shot`'s, reading labels is `labels`'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .calibration import Calibration
from .fingerprint import fingerprint
from .label_cache import LabelCache
from .labels import Label
from .zero_shot import BARE, NoneOfThese, Prediction, ZeroShot

if TYPE_CHECKING:
    from ..bind import PointBind


@dataclass(frozen=True)
class Recognition:
    """top: the likeliest labels, best first. none_margin: by how much the best one passes the threshold for "none of
    these" (negative: none of them), or None where it was not asked for."""

    top: tuple[Prediction, ...]
    none_margin: float | None = None

    @property
    def none(self) -> bool | None:
        """Whether none of the labels fits; None where it was not asked for."""
        return None if self.none_margin is None else self.none_margin < 0


class Recogniser:
    """Labels in a profile's joint space. errors: a line for each file of a label that could not be read."""

    def __init__(self, bind: PointBind, profile: str, labels: Sequence[Label], *, templates: Sequence[str],
                 none: bool = False, none_threshold: float | None = None) -> None:
        """labels: one or more. templates: sentences for labels in words, see `labels.read_templates`.

        none: tell inputs that no label names; none_threshold: instead of the profile's. InputError when no label can be
        used, or for `none` with labels given by files.
        """
        tower = fingerprint(profile, "text")
        self._recognise = ZeroShot(bind, labels, templates=templates, cache=LabelCache(tower, templates),
                                   calibration=Calibration.of(profile))
        self._none = NoneOfThese(bind, self._recognise, threshold=none_threshold,
                                 cache=LabelCache(tower, BARE)) if none else None
        self.errors = self._recognise.errors
        self.names = self._recognise.names

    def __call__(self, vector: np.ndarray, modality: str, top: int = 5) -> Recognition:
        """What one input is, by its vector (D,) of unit norm. InputError where the profile has no threshold for it."""
        found = self._recognise(vector[None], top, modality)[0]
        margin = self._none(vector[None], modality)[0] if self._none else None
        return Recognition(tuple(found), margin)
