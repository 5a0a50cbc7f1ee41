"""Zero-shot recognition: which of some names an input is, by cosine similarity in the joint space.

A label stands for the mean of the sentences that `pointllm.data.templates` makes of it (prompt ensembling, Radford et
al., arXiv 2103.00020); scores are the softmax over the labels at the profile's temperature. Knows vectors and names,
not files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError

if TYPE_CHECKING:
    from ..bind import PointBind


@dataclass(frozen=True)
class Prediction:
    """A label and its share of the probability over all labels, 0 to 1."""

    label: str
    score: float


def classify(
    vectors: np.ndarray, names: Sequence[str], label_vectors: np.ndarray, top: int, temperature: float
) -> list[list[Prediction]]:
    """The `top` likeliest labels of each vector, best first; ties keep the order of `names`.

    vectors: (N, D) and label_vectors: (L, D), float, unit norm. temperature: > 0, in units of cosine similarity.
    """
    logits = vectors.astype(np.float64) @ label_vectors.astype(np.float64).T / temperature  # (N, L)
    logits -= logits.max(axis=1, keepdims=True)
    scores = np.exp(logits)
    scores /= scores.sum(axis=1, keepdims=True)
    best = np.argsort(-logits, axis=1, kind="stable")[:, :top]  # (N, top)
    return [
        [Prediction(names[label], float(row[label])) for label in chosen]
        for row, chosen in zip(scores, best, strict=True)
    ]


class ZeroShot:
    """A joint space together with labels whose vectors are computed once."""

    def __init__(self, bind: PointBind, names: Sequence[str]) -> None:
        """names: one or more distinct labels. `InputError` when there is none, or an empty one."""
        from ..data.templates import QUICK_TEMPLATES, label_embeddings

        if not names:
            raise InputError("no labels given; name at least one")
        self.names = tuple(names)
        self.temperature = bind.temperature
        self.label_vectors = label_embeddings(bind.text_tower, self.names, templates=QUICK_TEMPLATES).numpy()

    def __call__(self, vectors: np.ndarray, top: int = 5) -> list[list[Prediction]]:
        """The likeliest labels for each of vectors (N, D), unit norm."""
        return classify(vectors, self.names, self.label_vectors, top, self.temperature)
