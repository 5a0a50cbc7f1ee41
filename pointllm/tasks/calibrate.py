"""Fits a profile's `Calibration` on labelled objects and sounds, and measures what it is worth.

Criteria, all on data that the towers were not trained on:
- centre: the mean of a modality's embeddings (of text: over the labels);
- spread: the standard deviation of cosines between things of different labels, after the centres are subtracted;
- temperature: the least negative log-likelihood of the right label, over lists of LIST_SIZES labels, each list size
  alike (Guo et al., arXiv 1706.04599, fitted for softmax over labels of one's choice);
- none of these: the threshold where as many inputs whose label is in the list are refused as inputs whose label was
  held out of it are accepted (equal error rate), over lists of NONE_SIZES labels.

To tell how well a fit carries over, each half of the data is also judged by the fit to the other half.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError, PointLLMError
from .calibration import Calibration
from .zero_shot import none_score

if TYPE_CHECKING:
    from ..bind import PointBind

logger = logging.getLogger("pointllm")

LIST_SIZES = (5, 20, 100, 0)  # 0: all labels
NONE_SIZES = (3, 10, 50)
DRAWS = 4  # lists for each input and size
TEMPERATURES = np.geomspace(0.005, 0.3, 60)
PICTURE = 320  # pixels: one view of each object stands for pictures, where the data hold no photographs


@dataclass(frozen=True)
class Sample:
    """Embedded inputs of one modality: vectors (N, D) float32 of unit norm, and the label of each."""

    vectors: np.ndarray
    labels: tuple[str, ...]

    def half(self, which: int) -> Sample:
        """Every other row, from row `which` (0 or 1)."""
        return Sample(self.vectors[which::2], self.labels[which::2])


def embed_data(bind: PointBind, folder: str | Path, split: str = "val", every: int = 1, sounds: bool = True,
               step: Callable[[int, int], None] = lambda done, whole: None) -> dict[str, Sample]:
    """{"point", "image", "audio"} → samples: the objects' shapes, a view of each as a picture, sounds with an object.

    A data folder has objects.jsonl and, optionally, audio.jsonl (see `pointllm.data.records`). Objects that can't be
    read are left out with a line on the log.
    """
    from PIL import Image

    from ..data.records import read_records, read_sounds
    from ..inputs import Input, read_shape
    from ..inputs.views import Camera, render_views

    records = [record for record in read_records(folder, split) if record.path][::every]
    clips = [clip for clip in read_sounds(folder) if clip.object_label][::every] if sounds else []
    rows: dict[str, list[tuple[np.ndarray, str]]] = {"point": [], "image": [], "audio": []}
    for number, record in enumerate(records):
        step(number, len(records) + len(clips))
        try:
            cloud = read_shape(record.path)
            shape = bind.embed_input(Input(str(record.path), "point", cloud))
            picture = Image.fromarray(render_views(cloud, [Camera(35.0, 15.0)], PICTURE)[0])
            rows["image"].append((bind.embed_input(Input(str(record.path), "image", picture)), record.label))
            rows["point"].append((shape, record.label))
        except PointLLMError as error:
            logger.warning("left out: %s", error)
    for number, clip in enumerate(clips, start=len(records)):
        step(number, len(records) + len(clips))
        rows["audio"].append((bind.embed_file(clip.path).vector, clip.object_label))
    return {
        kind: Sample(np.stack([vector for vector, _ in found]), tuple(label for _, label in found))
        for kind, found in rows.items() if found
    }


def fit(samples: dict[str, Sample], names: Sequence[str], text: np.ndarray, background: np.ndarray) -> Calibration:
    """A calibration from samples by modality, labels with their vectors `text` (L, D), and a background (B, D).

    Samples of one label say nothing about telling labels apart and get no temperature. DataError without samples.
    """
    if not samples:
        raise DataError("nothing to calibrate on: no object or sound of the data can be read")
    inputs = {**samples, "text": Sample(text, tuple(names))}
    centred = Calibration(centres={kind: s.vectors.mean(axis=0) for kind, s in inputs.items()})
    spread: dict[str, dict[str, float]] = {}
    for one, a in inputs.items():
        for other, b in inputs.items():
            if other not in spread:
                spread.setdefault(one, {})[other] = _spread(centred, one, a, other, b)
    temperature, none = {}, {}
    for kind, sample in samples.items():
        right = right_labels(sample, names)
        if len(set(right)) > 1:
            temperature[kind] = round(fit_temperature(sample.vectors @ text.T, right), 4)
            none[kind] = round(fit_none(sample.vectors, right, text, background)[0], 4)
    return Calibration(centred.centres, spread, temperature, none)


def _spread(centred: Calibration, one: str, a: Sample, other: str, b: Sample) -> float:
    cosines = centred.centred(a.vectors, one) @ centred.centred(b.vectors, other).T
    unrelated = np.array(a.labels)[:, None] != np.array(b.labels)[None]
    return round(float(cosines[unrelated].std()), 4) if unrelated.any() else 1.0


def right_labels(sample: Sample, names: Sequence[str]) -> np.ndarray:
    """(N,) int: the place of each sample's label among `names`. DataError for a label that isn't there."""
    places = {name: place for place, name in enumerate(names)}
    missing = sorted({label for label in sample.labels if label not in places})
    if missing:
        raise DataError(f"label {missing[0]!r} is not among the {len(names)} labels; complete labels.json")
    return np.array([places[label] for label in sample.labels])


def draw_lists(right: np.ndarray, labels: int, size: int, *, holds_right: bool, seed: int) -> np.ndarray:
    """(N, size): places of distinct labels drawn for each input; its own stands first, or is held out."""
    rng = np.random.default_rng(seed)
    lists = np.empty((len(right), size), np.int64)
    for row, own in enumerate(right):
        others = rng.choice(labels - 1, size - holds_right, replace=False)
        others += others >= own
        lists[row] = np.concatenate([[own], others]) if holds_right else others
    return lists


def negative_log_likelihood(cosines: np.ndarray, right: np.ndarray, temperature: float, sizes: Sequence[int]) -> float:
    """Of the right label by softmax(cosines (N, L) / temperature), mean over inputs and then over list sizes."""
    losses = []
    for size in sizes:
        size = size if 0 < size < cosines.shape[1] else cosines.shape[1]
        drawn = []
        for draw in range(DRAWS if size < cosines.shape[1] else 1):
            lists = draw_lists(right, cosines.shape[1], size, holds_right=True, seed=draw)
            logits = np.take_along_axis(cosines, lists, axis=1).astype(np.float64) / temperature
            top = logits.max(axis=1)
            drawn.append(np.mean(top + np.log(np.exp(logits - top[:, None]).sum(axis=1)) - logits[:, 0]))
        losses.append(np.mean(drawn))
    return float(np.mean(losses))


def fit_temperature(cosines: np.ndarray, right: np.ndarray, sizes: Sequence[int] = LIST_SIZES) -> float:
    """The temperature of TEMPERATURES with the least loss."""
    return float(min(TEMPERATURES, key=lambda t: negative_log_likelihood(cosines, right, t, sizes)))


def none_scores(vectors: np.ndarray, right: np.ndarray, text: np.ndarray, background: np.ndarray,
                sizes: Sequence[int] = NONE_SIZES) -> tuple[np.ndarray, np.ndarray]:
    """`zero_shot.none_score` over drawn lists: of inputs whose label is in the list, and of those held out of it."""
    found: tuple[list, list] = ([], [])
    for size in sizes:
        if size >= len(text):
            continue
        for draw in range(DRAWS):
            for scores, holds_right in zip(found, (True, False), strict=True):
                lists = draw_lists(right, len(text), size, holds_right=holds_right, seed=draw)
                scores += [none_score(vectors[row:row + 1], text[chosen], background)[0]
                           for row, chosen in enumerate(lists)]
    return np.array(found[0]), np.array(found[1])


def fit_none(vectors: np.ndarray, right: np.ndarray, text: np.ndarray,
             background: np.ndarray) -> tuple[float, float]:
    """The threshold where both errors are alike, and that error, 0 to 1."""
    inside, outside = none_scores(vectors, right, text, background)
    if not len(inside):
        return 0.0, 0.5
    tried = np.sort(np.concatenate([inside, outside]))
    refused = np.searchsorted(np.sort(inside), tried) / len(inside)
    accepted = 1 - np.searchsorted(np.sort(outside), tried) / len(outside)
    best = int(np.abs(refused - accepted).argmin())
    return float(tried[best]), float((refused[best] + accepted[best]) / 2)


def judge(sample: Sample, names: Sequence[str], text: np.ndarray, background: np.ndarray,
          before: float) -> dict[str, float]:
    """What the numbers of one modality are worth on data they were not fitted to: each half by the other's fit.

    before: the temperature to compare with. Errors in percent, losses in nats.
    """
    losses, old_losses, refused, accepted = [], [], [], []
    for which in (0, 1):
        fitted, held = sample.half(1 - which), sample.half(which)
        right, held_right = right_labels(fitted, names), right_labels(held, names)
        if len(set(right)) < 2:
            return {}
        temperature = fit_temperature(fitted.vectors @ text.T, right)
        cosines = held.vectors @ text.T
        losses.append(negative_log_likelihood(cosines, held_right, temperature, LIST_SIZES))
        old_losses.append(negative_log_likelihood(cosines, held_right, before, LIST_SIZES))
        threshold, _ = fit_none(fitted.vectors, right, text, background)
        inside, outside = none_scores(held.vectors, held_right, text, background)
        refused.append(np.mean(inside < threshold))
        accepted.append(np.mean(outside >= threshold))
    return {
        "samples": len(sample.labels),
        "loss": round(float(np.mean(losses)), 3),
        "loss_before": round(float(np.mean(old_losses)), 3),
        "in_list_refused": round(100 * float(np.mean(refused)), 1),
        "held_out_accepted": round(100 * float(np.mean(accepted)), 1),
    }
