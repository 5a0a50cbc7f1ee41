"""Objects, pictures, sounds and labels → vectors, each computed once per weights and kept in the report's folder.

A shape is read once for a variant: every witness's vector and the thumbnail come from that one look. Objects that
can't be read get no vector; the caller counts them as wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..bind import PointBind
from ..errors import WeightsError
from ..inputs import PointCloud
from ..tasks.calibration import Calibration
from ..tasks.fingerprint import fingerprint
from ..tasks.label_cache import LabelCache
from ..tasks.zero_shot import ZeroShot
from .objects import Target, read_target
from .pictures import Thumbnails
from .provenance import Progress, Run, one_line
from .stores import VectorStore, file_key, key_of
from .variants import VARIANTS

logger = logging.getLogger("pointllm")

OWN = "own"  # the only way of seeing of a space that has no witnesses


@dataclass(frozen=True)
class Embedded:
    """vectors: witness → (N, D) float32, zeros where an object failed; failures: id → reason."""

    vectors: dict[str, np.ndarray]
    failures: dict[str, str]


def witnesses_of(bind: PointBind, asked: str | None = None) -> tuple[str, ...]:
    """The ways in which the joint space sees shapes, its own way last; only `asked` where one is named."""
    if asked:
        return (asked,)
    return ("point", "views", "both") if hasattr(bind.space, "embed_witnesses") else (OWN,)


def embed_objects(run: Run, bind: PointBind, targets: Sequence[Target], variant: str = "mesh",
                  witnesses: Sequence[str] = ("both",), thumbnails: Thumbnails | None = None) -> Embedded:
    """Vectors of all targets as `variant` shows them, from the store where they are known."""
    store = VectorStore(run.cache / "shapes" / f"{run.space_key[:12]}-{variant}-{'-'.join(witnesses)}",
                        (len(witnesses), bind.dim))
    keys = [key_of(file_key(target.path), target.up_axis) for target in targets]
    failures: dict[str, str] = {}
    progress = Progress(f"embedding {variant}", sum(key not in store for key in keys))
    try:
        for target, key in zip(targets, keys, strict=True):
            if key in store:
                continue
            try:
                cloud = read_target(target)
                if thumbnails is not None and variant == "mesh":
                    thumbnails.draw(target, cloud)
                store.put(key, _look(bind, VARIANTS[variant][0](cloud), witnesses))
            except WeightsError:
                raise
            except Exception as error:  # counted as wrong and listed; the others go on
                failures[target.id] = one_line(error)
                logger.warning("%s: %s", target.id, failures[target.id])
            progress.step()
    finally:
        store.flush()
    vectors = np.zeros((len(targets), len(witnesses), bind.dim), np.float32)
    for row, key in enumerate(keys):
        if key in store:
            vectors[row] = store[key]
    return Embedded({witness: vectors[:, column] for column, witness in enumerate(witnesses)}, failures)


@torch.inference_mode()
def _look(bind: PointBind, cloud: PointCloud, witnesses: Sequence[str]) -> np.ndarray:
    """One shape → (W, D)."""
    if hasattr(bind.space, "embed_witnesses"):
        found = bind.space.embed_witnesses(cloud, witnesses)
    else:
        found = {w: bind.space.embed_shape(cloud, None if w == OWN else w) for w in witnesses}
    return np.stack([torch.as_tensor(found[w]).float().cpu().numpy() for w in witnesses])


def embed_each(run: Run, bind: PointBind, kind: str, items: Sequence[tuple[str, Callable[[], np.ndarray]]],
               shape: Sequence[int] | None = None) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """(key, how to make its vector) each → key → vector, and key → reason for those that failed.

    kind: what they are, for the store's name and the log; shape: of a vector where it isn't (D,).
    """
    store = VectorStore(run.cache / kind / run.space_key[:12], shape or (bind.dim,))
    failures: dict[str, str] = {}
    missing = [(key, make) for key, make in items if key not in store]
    progress = Progress(f"embedding {kind}", len(missing))
    try:
        for key, make in missing:
            try:
                store.put(key, make())
            except WeightsError:
                raise
            except Exception as error:
                failures[key] = one_line(error)
                logger.warning("%s", failures[key])
            progress.step()
    finally:
        store.flush()
    return {key: store[key] for key, _ in items if key in store}, failures


def embed_sentences(run: Run, bind: PointBind, sentences: Sequence[str]) -> np.ndarray:
    """Sentences → (N, D) float32 unit norm, each distinct one embedded once; zeros for an empty one."""
    store = VectorStore(run.cache / "sentences" / run.space_key[:12], (bind.dim,))
    fresh = [s for s in dict.fromkeys(sentences) if s.strip() and key_of(s) not in store]
    progress = Progress("embedding sentences", len(fresh))
    try:
        for start in range(0, len(fresh), 64):
            part = fresh[start:start + 64]
            for sentence, vector in zip(part, bind.embed_text(part), strict=True):
                store.put(key_of(sentence), vector)
                progress.step()
    finally:
        store.flush()
    zero = np.zeros(bind.dim, np.float32)
    return np.stack([store[key_of(s)] if s.strip() else zero for s in sentences]) if sentences else zero[None][:0]


def recogniser(run: Run, bind: PointBind, names: Sequence[str], templates: Sequence[str]) -> ZeroShot:
    """What `pointllm classify` recognises with: the same code, label vectors and calibration."""
    return ZeroShot(bind, names, templates=templates, cache=LabelCache(fingerprint(run.profile, "text"), templates),
                    calibration=Calibration.of(run.profile))
