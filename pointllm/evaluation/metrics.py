"""The figures of the protocols, as pure functions of arrays. Shares are in percent where the name says so, else in 0-1.

Knows neither files nor models.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

TOPS = (1, 3, 5)
NOWHERE = 1 << 30  # a place beyond any ranking


def percent(hits: Iterable[bool | float]) -> float:
    """Mean of `hits` in percent; 0 for none."""
    hits = list(hits)
    return 100 * float(np.mean(hits)) if hits else 0.0


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, float64."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def ranks_of_right(order: Sequence[Sequence[Hashable]], accepted: Sequence[Iterable[Hashable]]) -> np.ndarray:
    """Place (N,) of the first right one in each ranking, from 0; NOWHERE where none of it is right.

    order: N rankings, best first. accepted: what counts as right for each.
    """
    places = np.empty(len(order), np.int64)
    for row, (ranking, right) in enumerate(zip(order, accepted, strict=True)):
        right = set(right)
        places[row] = next((place for place, item in enumerate(ranking) if item in right), NOWHERE)
    return places


def grouped_percent(hits: Sequence[bool], groups: Sequence[str]) -> dict[str, tuple[int, float]]:
    """group → (how many, percent right), sorted by name."""
    by_group: dict[str, list[bool]] = defaultdict(list)
    for hit, group in zip(hits, groups, strict=True):
        by_group[group].append(bool(hit))
    return {name: (len(by_group[name]), percent(by_group[name])) for name in sorted(by_group)}


def macro_percent(hits: Sequence[bool], classes: Sequence[str]) -> float:
    """Mean over classes of the percentage right in each: every class counts alike, however many objects it has."""
    per_class = grouped_percent(hits, classes)
    return float(np.mean([share for _, share in per_class.values()])) if per_class else 0.0


def confusions(wanted: Sequence[str], got: Sequence[str], most: int = 20) -> list[tuple[str, str, int]]:
    """(label, what it was taken for, how often) of the wrong ones, commonest first; ties by name."""
    pairs = Counter((w, g) for w, g in zip(wanted, got, strict=True) if w != g)
    return [(*pair, count) for pair, count in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:most]]


def confusion_matrix(wanted: Sequence[str], got: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """(C, C) int64: row = what it is, column = what it was taken for; names outside the list are left out."""
    place = {name: index for index, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)), np.int64)
    for w, g in zip(wanted, got, strict=True):
        if w in place and g in place:
            matrix[place[w], place[g]] += 1
    return matrix


@dataclass(frozen=True)
class Calibration:
    """ece: expected calibration error in percent; bins: (count, mean confidence, share right) for each."""

    ece: float
    bins: tuple[tuple[int, float, float], ...]


def calibration(confidences: Sequence[float], hits: Sequence[bool], bins: int = 10) -> Calibration:
    """Expected calibration error (Guo et al., arXiv 1706.04599, eq. 3) over `bins` equal intervals of [0, 1].

    How far the confidence of the first answer is, on average, from the share of such answers that are right.
    """
    confidences, hits = np.asarray(confidences, np.float64), np.asarray(hits, np.float64)
    place = np.clip((confidences * bins).astype(int), 0, bins - 1)
    rows, error = [], 0.0
    for index in range(bins):
        inside = place == index
        count = int(inside.sum())
        confidence = float(confidences[inside].mean()) if count else 0.0
        right = float(hits[inside].mean()) if count else 0.0
        rows.append((count, confidence, right))
        error += count * abs(confidence - right)
    return Calibration(100 * error / max(len(hits), 1), tuple(rows))


@dataclass(frozen=True)
class Retrieval:
    """Mean average precision and recalls in percent; queries that counted, and those without a relevant item."""

    map: float
    recall: dict[int, float]
    queries: int
    left_out: int
    average_precision: np.ndarray  # (Q,) in 0-1; NaN where the query was left out


def retrieval(similarity: np.ndarray, relevant: np.ndarray, allowed: np.ndarray | None = None,
              recalls: Sequence[int] = (1, 5)) -> Retrieval:
    """Ranks a gallery for each query.

    similarity: (Q, G) float. relevant: (Q, G) bool. allowed: (Q, G) bool, what is in the gallery of a query (so that
    an object isn't found by itself); None: all. Average precision is the mean, over the relevant items, of the
    precision at the place where each is found; recall at k is the share of queries with a relevant item among the
    first k. Queries without any relevant item are left out and counted. Ties keep the order of the gallery.
    """
    allowed = np.ones_like(relevant) if allowed is None else allowed
    precisions = np.full(len(similarity), np.nan)
    found = {k: [] for k in recalls}
    for row in range(len(similarity)):
        inside = np.flatnonzero(allowed[row])
        order = inside[np.argsort(-similarity[row, inside], kind="stable")]
        hits = relevant[row, order]
        if not hits.any():
            continue
        places = np.flatnonzero(hits) + 1
        precisions[row] = float(np.mean(np.arange(1, len(places) + 1) / places))
        for k in recalls:
            found[k].append(bool(hits[:k].any()))
    counted = ~np.isnan(precisions)
    return Retrieval(percent(precisions[counted]), {k: percent(hits) for k, hits in found.items()},
                     int(counted.sum()), int((~counted).sum()), precisions)


def chance_map(relevant: np.ndarray, allowed: np.ndarray | None = None) -> float:
    """Expected mAP in percent of rankings at random: the floor that a figure is to be read against.

    With R relevant among N, the expectation of average precision is the mean over places i of
    (1 + (i - 1) (R - 1) / (N - 1)) / i: one at i is relevant with R / N, and so is each before it, given that, with
    (R - 1) / (N - 1).
    """
    allowed = np.ones_like(relevant) if allowed is None else allowed
    sizes, counts = allowed.sum(axis=1), (relevant & allowed).sum(axis=1)
    expected = []
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        if count:
            places = np.arange(1, size + 1)
            expected.append(float(np.mean((1 + (places - 1) * (count - 1) / max(size - 1, 1)) / places)))
    return percent(expected)


def balanced_accuracy(said_yes: Sequence[bool | None], truth: Sequence[bool]) -> float:
    """Mean of the percentages right among the true and among the false; None (neither yes nor no) is wrong."""
    shares = [percent([said is t for said, t in zip(said_yes, truth, strict=True) if t is wanted])
              for wanted in (True, False) if any(t is wanted for t in truth)]
    return float(np.mean(shares)) if shares else 0.0


def token_f1(given: Iterable[str], wanted: Iterable[str]) -> float:
    """F1 of two bags of words, 0-1: the harmonic mean of the shares that each has of the other."""
    given, wanted = Counter(given), Counter(wanted)
    shared = sum((given & wanted).values())
    if not shared:
        return 0.0
    precision, recall = shared / sum(given.values()), shared / sum(wanted.values())
    return 2 * precision * recall / (precision + recall)


def bootstrap_interval(values: Sequence[float], seed: int = 0, rounds: int = 2000,
                       level: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of `values` (Efron, 1979); (0, 0) for none."""
    values = np.asarray(values, np.float64)
    if not len(values):
        return 0.0, 0.0
    rng = np.random.default_rng(seed)
    means = np.concatenate([
        values[rng.integers(0, len(values), (min(200, rounds - start), len(values)))].mean(axis=1)
        for start in range(0, rounds, 200)
    ])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class McNemar:
    """only_a, only_b: items that one alone has right; p: two-sided probability of such a difference by chance."""

    only_a: int
    only_b: int
    p: float


def mcnemar(a: Sequence[bool], b: Sequence[bool]) -> McNemar:
    """McNemar's exact test on paired right/wrong outcomes: a sign test on the items where the two differ."""
    from scipy.stats import binomtest

    only_a = sum(bool(x) and not y for x, y in zip(a, b, strict=True))
    only_b = sum(bool(y) and not x for x, y in zip(a, b, strict=True))
    return McNemar(only_a, only_b, float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0)


def rounded(figures: Mapping[str, object], digits: int = 2) -> dict[str, object]:
    """The same figures with floats rounded, for people and for JSON (NaN becomes None)."""
    def one(value: object) -> object:
        if isinstance(value, Mapping):
            return rounded(value, digits)
        if isinstance(value, float | np.floating):
            return None if np.isnan(value) else round(float(value), digits)
        return value
    return {key: one(value) for key, value in figures.items()}
