"""Losses of the contrastive stage, as functions of tensors.

All take unit vectors and return a scalar. Nothing here knows what made the vectors.
Point-Bind, arXiv 2309.00615, section 3.1; CLIP, arXiv 2103.00020; relational distillation, arXiv 1904.05068.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def label_targets(labels: Tensor, partner: Tensor, share: Tensor, classes: int, smoothing: float) -> Tensor:
    """(B, classes) probabilities: own label by its share, the partner's by the rest, smoothed over all.

    labels, partner: (B,) int64; share: (B,) in [0, 1].
    """
    own = F.one_hot(labels, classes) * share[:, None]
    other = F.one_hot(labels[partner], classes) * (1 - share)[:, None]
    return (own + other) * (1 - smoothing) + smoothing / classes


def prototype_loss(embedding: Tensor, prototypes: Tensor, targets: Tensor, scale: Tensor | float) -> Tensor:
    """Cross-entropy of scale · cosine with every prototype. (B, D), (C, D), (B, C)."""
    return F.cross_entropy(scale * embedding @ prototypes.T, targets)


def neighbor_targets(teacher: Tensor, index: Tensor, temperature: float) -> Tensor:
    """Which objects the teacher finds alike: (B, N) probabilities over all N objects for the rows in `index`."""
    return ((teacher[index] @ teacher.T) / temperature).softmax(-1)


def relation_loss(student: Tensor, teacher: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """Contrast with the teacher's vectors of all objects; targets from `neighbor_targets`. (B, D), (N, D), (B, N)."""
    return F.cross_entropy(student @ teacher.T / temperature, targets)


def whitened(features: Tensor, dim: int, power: float = 0.5) -> tuple[Tensor, Tensor, Tensor]:
    """Principal components with their spread evened out: a teacher space in which cosines mean something.

    features: (N, C). power 0 keeps the spread, 1 removes it. Returns unit rows (N, dim), and the mean (C,) and the
    map (C, dim) that make them.
    """
    mean = features.mean(0)
    _, singular, directions = torch.linalg.svd(features - mean, full_matrices=False)
    change = directions[:dim].T / singular[:dim].clamp_min(1e-6) ** power
    return F.normalize((features - mean) @ change, dim=-1), mean, change


def pair_targets(partner: Tensor, share: Tensor) -> Tensor:
    """(B, B) whose embedding belongs to whose cloud: its own by its share, its partner's by the rest."""
    return torch.diag(share) + F.one_hot(partner, len(share)) * (1 - share)[:, None]


def contrast(left: Tensor, right: Tensor, scale: Tensor | float, targets: Tensor, present: Tensor,
             excluded: Tensor | None = None, more: Tensor | None = None, own: Tensor | None = None) -> Tensor:
    """InfoNCE in both directions: the loss L(3D, modality) of the paper.

    left: (B, D) embeddings of clouds, right: (B, D) of another modality, where `present` (B,) says that there is one.
    targets: (B, B), rows of `pair_targets`, or softer ones. excluded: (B, B) bool, pairs that are no negatives of each
    other; what is a target stays. more: (E, D) further embeddings that clouds are told from, which belong to none of
    them where `own` (B, E) bool is false. Zero where there is nothing to compare.
    """
    rows = present.nonzero()[:, 0]
    if len(rows) < (2 if more is None else 1):
        return (left.sum() + (scale if isinstance(scale, Tensor) else 0.0)) * 0.0  # a gradient all the same
    targets = targets[rows][:, rows]
    logits = scale * left[rows] @ right[rows].T
    if excluded is not None:
        logits = logits.masked_fill(excluded[rows][:, rows] & (targets == 0), -1e4)
    further = None
    if more is not None:
        further = (scale * left[rows] @ more.T).masked_fill(own[rows], -1e4)
    loss = logits.new_zeros(())
    for values, wanted in ((logits, targets), (logits.T, targets.T)):
        total = wanted.sum(1)
        known = total > 0  # what a cloud was mixed from may be missing
        wanted = wanted / total.clamp_min(1e-6)[:, None]
        all_values = values if further is None else torch.cat([values, further], -1)
        further = None  # other embeddings have no clouds to be told from
        entropy = -(wanted * all_values.log_softmax(-1)[:, : len(rows)]).sum(-1)
        loss = loss + (entropy * known).sum() / known.sum().clamp_min(1) / 2
    return loss


def soften(targets: Tensor, alike: Tensor, share: float, temperature: float) -> Tensor:
    """Targets of which a share goes to what means nearly the same: by `alike` (B, B), cosines of the labels' texts."""
    return (1 - share) * targets + share * (alike / temperature).softmax(-1)
