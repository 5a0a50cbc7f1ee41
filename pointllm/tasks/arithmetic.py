"""Embedding arithmetic: any number of inputs added and subtracted with weights, and each one's share of a similarity.

Point-Bind (arXiv 2309.00615, section 3.4) adds the embeddings of a shape and a sound to find pictures with both. With
terms of different modalities the plain sum is ruled by whichever lies closer to what is searched; here every term
counts by how unusual a similarity is between its modality and that of the entry (`calibration`):

    score(x) = Σ_i w_i cos(v_i - c_mi, x - c_mx) / σ(m_i, m_x) / Σ_i |w_i|                               (1)

c: centre of a modality, σ: spread of unrelated pairs. The score is linear, so the terms' shares add up to it; it is
the inner product of x with one vector for each modality searched. For one term and no calibration it is the cosine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .calibration import Calibration

# Of the sum of the terms' lengths: what is left of terms that cancel out is rounding noise, not a direction.
CANCELLED = 1e-3


@dataclass(frozen=True)
class Term:
    """One input: its vector (D,) of unit norm, its modality, its signed weight, and what to call it."""

    name: str
    modality: str
    vector: np.ndarray
    weight: float = 1.0


class Query:
    """A weighted sum of terms, as vectors to search each modality with."""

    def __init__(self, terms: Sequence[Term], calibration: Calibration | None = None) -> None:
        """InputError for no term, a weight that is not finite, weights that are all zero."""
        self.terms = tuple(terms)
        self.calibration = calibration or Calibration()
        weights = np.array([term.weight for term in self.terms], np.float64)
        if not len(weights):
            raise InputError("nothing to search for: give a file, or a sentence with --text")
        if not np.isfinite(weights).all():
            raise InputError("a weight is not a finite number; give numbers such as 1 or 0.5")
        if not weights.any():
            raise InputError("all weights are zero; give at least one input a weight")
        self._weights = weights / np.abs(weights).sum()
        self._centred = np.concatenate(
            [self.calibration.centred(term.vector[None], term.modality) for term in self.terms]
        ).astype(np.float64)  # (T, D)

    def parts(self, modality: str) -> np.ndarray:
        """(T, D) float64: each term's part of equation (1) for entries of a modality; they add up to `vector`."""
        scale = np.array([1.0 / self.calibration.spread_of(term.modality, modality) for term in self.terms])
        return self._centred * (self._weights * scale)[:, None]

    def vector(self, modality: str) -> np.ndarray:
        """(D,) float32: inner products with centred entries of a modality are scores. InputError when terms cancel."""
        parts = self.parts(modality)
        total = parts.sum(axis=0)
        if np.linalg.norm(total) < CANCELLED * np.linalg.norm(parts, axis=1).sum():
            raise InputError("the inputs cancel each other out: what is added is also subtracted; "
                             "change the inputs or their weights")
        return total.astype(np.float32)

    def shares(self, entries: np.ndarray, modality: str) -> np.ndarray:
        """Centred entries (N, D) of a modality → (N, T) float64: what each term adds to the score of each entry."""
        return entries.astype(np.float64) @ self.parts(modality).T


def combine(vectors: np.ndarray, weights: Sequence[float] | None = None) -> np.ndarray:
    """The plain weighted sum of vectors (N, D), (D,) float32 of unit norm; weights may be negative.

    For what wants one vector of the joint space, such as a generator. InputError when the terms cancel out.
    """
    vectors = np.asarray(vectors, np.float64)
    weights = np.ones(len(vectors)) if weights is None else np.asarray(weights, np.float64)
    if len(weights) != len(vectors):
        raise InputError(f"{len(weights)} weights for {len(vectors)} inputs; give one for each")
    terms = [Term(str(i), "", vector, float(weight)) for i, (vector, weight) in
             enumerate(zip(vectors, weights, strict=True))]
    total = Query(terms).vector("").astype(np.float64)
    return (total / np.linalg.norm(total)).astype(np.float32)
