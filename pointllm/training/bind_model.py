"""The network of `train bind`: a point branch, what only training needs, and the terms of the loss.

Total loss, arXiv 2309.00615, section 3.1: L(3D, image) + L(3D, text) + L(3D, audio), each InfoNCE in both directions.
Beside it, by weight: cross-entropy with the text embeddings of all labels, and prediction of the image tower's
features, which teach more than a batch's contrast where the data is small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from ..encoders.compact.point_tower import build_branch
from .bind_config import BindConfig, ModalitySection
from .losses import (
    contrast,
    label_targets,
    neighbor_targets,
    pair_targets,
    prototype_loss,
    relation_loss,
    soften,
)
from .processes import gathered, own_rows

MODALITIES = ("image", "text", "audio")


class BindModel(nn.Module):
    """`branch` is what is kept. prototypes: (C, D) unit text embeddings of the labels; teacher: (N, T) or None."""

    def __init__(self, config: BindConfig, prototypes: Tensor, teacher: Tensor | None = None):
        super().__init__()
        self.config = config
        self.branch = build_branch(config.tower.model_dump())
        self.branch.logit_scale.data.fill_(math.log(config.loss.scale))
        # A temperature for each modality, as the paper's losses have; the branch's own belongs to the labels.
        used = [name for name in MODALITIES if getattr(config.loss, name).weight]
        self.scales = nn.ParameterDict({name: torch.tensor(math.log(config.loss.scale)) for name in used})
        self.register_buffer("prototypes", prototypes, persistent=False)
        self.register_buffer("teacher", teacher, persistent=False)
        self.to_teacher = None
        if teacher is not None:
            width = self.branch.point_encoder.feature_dim
            self.to_teacher = nn.Sequential(
                nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, teacher.shape[1])
            )
        if not config.loss.label:
            self.branch.logit_scale.requires_grad_(False)

    def save_memory(self) -> None:
        """Gradient checkpointing: the encoder's blocks are computed again in the backward pass.

        Blocks with BatchNorm stay as they are: a second pass would count their statistics twice.
        """
        for stack in self.branch.point_encoder.modules():
            for block in stack if isinstance(stack, nn.ModuleList) else ():
                inner = list(block.modules())
                if not any(isinstance(part, nn.ModuleList | nn.modules.batchnorm._BatchNorm) for part in inner):
                    block.forward = partial(checkpoint, block.forward, use_reentrant=False)

    def set_resolution(self, sizes: dict) -> None:
        """Let the encoder look at other numbers of points, by settings that don't change its weights."""
        encoder = self.branch.point_encoder
        sizes = {key: tuple(value) if isinstance(value, list) else value for key, value in sizes.items()}
        encoder.config = replace(encoder.config, **sizes)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Each term of the loss for a batch of `BindData`, weighted."""
        loss = self.config.loss
        feature = self.branch.point_encoder(batch["points"], has_color=batch["has_color"])
        embedding = F.normalize(self.branch.modality_head(self.branch.projected(feature)).float(), dim=-1)
        losses = self._contrasts(embedding, batch)
        if loss.label:
            targets = label_targets(batch["labels"], batch["partner"], batch["share"], len(self.prototypes),
                                    loss.smoothing)
            scale = self.branch.logit_scale.exp().clamp(max=loss.scale_most)
            losses["label"] = loss.label * prototype_loss(embedding, self.prototypes, targets, scale)
        if self.to_teacher is not None:
            losses |= self._distilled(F.normalize(self.to_teacher(feature).float(), dim=-1), batch)
        return losses

    def _contrasts(self, embedding: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        used = [name for name in MODALITIES if name in self.scales]
        if not used:
            return {}
        first = own_rows(len(embedding)).start
        embedding, labels = gathered(embedding), gathered(batch["labels"])
        pairs = pair_targets(gathered(batch["partner"] + first), gathered(batch["share"]))
        same = labels[:, None] == labels
        losses = {}
        for name in used:
            settings: ModalitySection = getattr(self.config.loss, name)
            targets = pairs
            if settings.soft_share:
                words = self.prototypes[labels]
                targets = soften(pairs, words @ words.T, settings.soft_share, settings.soft_temperature)
            scale = self.scales[name].exp().clamp(max=self.config.loss.scale_most)
            losses[name] = settings.weight * contrast(
                embedding, gathered(batch[name]), scale, targets, gathered(batch[f"{name}_present"]),
                same if settings.same_label == "ignored" else None, *self._more(name, labels, batch),
            )
        return losses

    @staticmethod
    def _more(name: str, labels: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor] | tuple[()]:
        """Embeddings beside the batch's own, and which of them belong to the label of which cloud (B, E)."""
        if f"{name}_more" not in batch:
            return ()
        return batch[f"{name}_more"], labels[:, None] == batch[f"{name}_more_labels"]

    def _distilled(self, predicted: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        loss, index, partner, share = self.config.loss, batch["index"], batch["partner"], batch["share"][:, None]
        # What wasn't seen by the image tower, or was mixed with such, teaches nothing.
        known = batch["image_present"] & (batch["image_present"][partner] | (batch["share"] == 1))
        rows = known.nonzero()[:, 0]
        wanted = F.normalize(share * batch["feature"] + (1 - share) * batch["feature"][partner], dim=-1)
        losses = {}
        if loss.relation:
            alike = neighbor_targets(self.teacher, index, loss.relation_temperature)
            alike = share * alike + (1 - share) * alike[partner]
            term = relation_loss(predicted[rows], self.teacher, alike[rows], loss.relation_temperature)
            losses["relation"] = loss.relation * (term if len(rows) else predicted.sum() * 0)
        if loss.regression:
            term = 1 - (predicted[rows] * wanted[rows]).sum(-1)
            losses["regression"] = loss.regression * (term.mean() if len(rows) else predicted.sum() * 0)
        return losses


def stage_of(stages: Sequence, done: float):
    """The stage that holds when the share `done` of a run is over; None once the tower's own numbers do."""
    return next((stage for stage in stages if done < stage.until), None)
