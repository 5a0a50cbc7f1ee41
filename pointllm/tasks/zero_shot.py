"""Zero-shot recognition: which of some labels an input is, by cosine similarity in the joint space.

A label in words stands for the mean of the sentences that `pointllm.data.templates` makes of it (prompt ensembling,
Radford et al., arXiv 2103.00020), a label given by sounds, pictures or shapes for the mean of theirs (audio-referred
and image-referred recognition, Point-Bind, arXiv 2309.00615). Scores are the softmax over the labels at a temperature
fitted for the input's modality. Knows vectors, not files; reading labels is `labels`' business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .calibration import Calibration, kind_of
from .labels import Label, embed_labels, word_vectors

if TYPE_CHECKING:
    from ..bind import PointBind
    from .label_cache import LabelCache

NEAREST = 3  # names of the background that an input is compared with


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


def none_score(vectors: np.ndarray, label_vectors: np.ndarray, background: np.ndarray) -> np.ndarray:
    """How well the labels explain each vector against all the names there are, (N,) float64; small: none of them does.

    The best cosine with a label (L, D), less the mean of the NEAREST best with the background (B, D), names of many
    common things. A plain cosine says less: some inputs lie near to everything, others near to nothing.
    """
    best = (vectors.astype(np.float64) @ label_vectors.T.astype(np.float64)).max(axis=1)
    others = vectors.astype(np.float64) @ background.T.astype(np.float64)  # (N, B)
    count = min(NEAREST, others.shape[1])
    return best - np.partition(others, -count, axis=1)[:, -count:].mean(axis=1)


class ZeroShot:
    """A joint space together with labels whose vectors are computed once.

    names: of the labels in use. errors: a line for each file of a label that could not be read.
    """

    def __init__(self, bind: PointBind, labels: Sequence[str | Label], *, templates: Sequence[str] | None = None,
                 cache: LabelCache | None = None, calibration: Calibration | None = None) -> None:
        """labels: one or more, distinct. `InputError` when there is none, or an empty one."""
        from ..data.templates import QUICK_TEMPLATES

        if not labels:
            raise InputError("no labels given; name at least one")
        given = [Label(label, label) if isinstance(label, str) else label for label in labels]
        self.calibration = calibration or Calibration()
        self.temperature = bind.temperature
        # Words are compared as the towers were trained to be; what comes through other towers needs the centres.
        self.by_files = any(label.files for label in given)
        found = embed_labels(bind, given, templates or QUICK_TEMPLATES, cache,
                             self.calibration if self.by_files else None)
        self.names = tuple(label.name for label in found.labels)
        self.label_vectors, self.errors = found.vectors, found.errors
        self._modalities = found.modalities

    def __call__(self, vectors: np.ndarray, top: int = 5, modality: str = "") -> list[list[Prediction]]:
        """The likeliest labels for each of vectors (N, D), unit norm, that come from inputs of one modality."""
        labels = self.label_vectors
        if self.by_files:
            vectors = self.calibration.centred(vectors, modality)
            words = self.calibration.spread_of(modality, "text")
            scale = [words / self.calibration.spread_of(modality, kind) for kind in self._modalities]
            labels = labels * np.array(scale, np.float32)[:, None]
        return classify(vectors, self.names, labels, top, self.temperature_for(modality))

    def temperature_for(self, modality: str) -> float:
        """Of the softmax: fitted for inputs of this modality, else the profile's one number."""
        return self.calibration.temperature.get(kind_of(modality), self.temperature)


class NoneOfThese:
    """Tells inputs that none of the labels names, by `none_score` and a threshold for each modality."""

    def __init__(self, bind: PointBind, recognise: ZeroShot, *, threshold: float | None = None,
                 cache: LabelCache | None = None) -> None:
        """threshold: instead of the calibration's. InputError for labels given by files, which it was not fitted for.

        The background's vectors come from `cache` where known: filled templates cost seconds, so names stand bare.
        """
        if recognise.by_files:
            raise InputError("--none tells whether words fit; it can't be used with sounds or pictures as labels")
        self.recognise, self.threshold = recognise, threshold
        self.background = background_vectors(bind, cache)

    def __call__(self, vectors: np.ndarray, modality: str) -> list[float]:
        """By how much each of vectors (N, D) passes the threshold; negative: none of the labels."""
        threshold = self.threshold
        if threshold is None:
            threshold = self.recognise.calibration.none.get(kind_of(modality))
        if threshold is None:
            raise InputError(f"the profile has no threshold for inputs of kind {modality}; give --none-threshold, or "
                             "fit one with: pointllm calibrate")
        return (none_score(vectors, self.recognise.label_vectors, self.background) - threshold).tolist()


BARE = ("{}",)  # the template of the background


def background_vectors(bind: PointBind, cache: LabelCache | None = None) -> np.ndarray:
    """(B, D) float32, unit norm: the names of the things that the object knowledge describes."""
    from ..data.questions import read_knowledge

    return word_vectors(bind, sorted(read_knowledge()), BARE, cache)
