"""From a point encoder's feature to the joint embedding: projection, ImageBind-style head, unit norm, scale.

`PointBranch` is the whole way from points to an embedding, for every profile. It also reads the two published
layouts of it: Point-Bind's (`point_encoder.*`, `pc_projection`, `bind.modality_head_point.*` …) and Point-LLM's
(`point_trunk.*`, `modality_heads.point.*` …). Reading files is `pointllm.weights`' matter; this takes tensors.

Point-Bind & Point-LLM, arXiv 2309.00615; ImageBind, arXiv 2305.05665.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointllm.encoders.registry import build_encoder

# Published prefix -> ours. A key that starts with none of them belongs to another part of the file.
POINT_BIND_KEYS = {
    "point_encoder.": "point_encoder.",
    "pc_projection": "pc_projection",
    "logit_scale": "logit_scale",
    "bind.modality_head_point.": "modality_head.",
    "bind.modality_postprocessor_point.": "modality_postprocessor.",
}
POINT_TRUNK_KEYS = {
    "point_trunk.point_encoder.": "point_encoder.",
    "point_trunk.pc_projection": "pc_projection",
    "modality_heads.point.": "modality_head.",
    "modality_postprocessors.point.": "modality_postprocessor.",
}
MAX_LOGIT_SCALE = 100.0


class UnitNorm(nn.Module):
    """Rows to length one."""

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=-1)


class FixedScale(nn.Module):
    """Multiplies by a stored, untrained scale: exp(log_logit_scale), at most 100."""

    def __init__(self, scale: float = 1.0):
        super().__init__()
        self.register_buffer("log_logit_scale", torch.tensor(math.log(scale)))

    def forward(self, x: Tensor) -> Tensor:
        return self.log_logit_scale.exp().clamp(max=MAX_LOGIT_SCALE) * x


class PointBranch(nn.Module):
    """Points (B, N, 3 or 6) -> joint embedding (B, joint_dim), unit norm times a fixed scale (1 as published).

    projection_layers: linear layers between feature and embedding, an ablation of the paper: 2 is the
    published layout, with a norm before the second; 1 leaves out `pc_projection`; 3 has one more, with its own norm.
    """

    def __init__(self, encoder: nn.Module, projection_dim: int = 512, joint_dim: int = 1024, dropout: float = 0.5,
                 projection_layers: int = 2):
        super().__init__()
        if projection_layers not in (1, 2, 3):
            raise ValueError(f"projection_layers must be 1, 2 or 3, not {projection_layers}")
        self.point_encoder = encoder
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))  # of the contrastive loss
        self.pc_projection = None
        width = encoder.feature_dim
        if projection_layers > 1:
            self.pc_projection = nn.Parameter(torch.empty(width, projection_dim))
            nn.init.normal_(self.pc_projection, std=projection_dim**-0.5)
            width = projection_dim
        more = [nn.Linear(width, width, bias=False), nn.LayerNorm(width)] if projection_layers == 3 else []
        self.modality_head = nn.Sequential(
            nn.LayerNorm(width), *more, nn.Dropout(dropout), nn.Linear(width, joint_dim, bias=False)
        )
        self.modality_postprocessor = nn.Sequential(UnitNorm(), FixedScale())

    def projected(self, feature: Tensor) -> Tensor:
        """A feature of the encoder (B, F) through the first linear layer, where there is one before the head."""
        return feature if self.pc_projection is None else feature @ self.pc_projection

    def project(self, points: Tensor, **grouping: Any) -> Tensor:
        """Encoder and projection, before the head: (B, projection_dim)."""
        return self.projected(self.point_encoder(points, **grouping))

    def forward(self, points: Tensor, **grouping: Any) -> Tensor:
        """Keyword arguments (`has_color`, `levels`) go to the encoder."""
        return self.modality_postprocessor(self.modality_head(self.project(points, **grouping)))

    @classmethod
    def from_published(
        cls, state: dict[str, Tensor], encoder: str, encoder_config: dict[str, Any] | None = None
    ) -> PointBranch:
        """A branch with the tensors of a published file, in float32 and evaluation mode.

        state: the file's tensors, those of other modalities may be among them; either layout. encoder: its name in
        the registry; encoder_config: sizes that differ from the published ones.
        Raises ValueError when the tensors are not of this layout, or naming the first key that does not fit.
        """
        table = POINT_TRUNK_KEYS if any(key.startswith("point_trunk.") for key in state) else POINT_BIND_KEYS
        ours = rename(state, table)
        head, projection = ours.get("modality_head.2.weight"), ours.get("pc_projection")
        if head is None or projection is None:
            raise ValueError(
                "not the tensors of a point branch: no pc_projection and modality head; expected the layout of "
                "pointbind_i2pmae.pt, pointbind_pointbert.pt or imagebind_w3D.pth"
            )
        branch = cls(build_encoder(encoder, encoder_config), head.shape[1], head.shape[0])
        expected = branch.state_dict()
        # The scale of the contrastive loss is not in the trunk's file, and nothing at inference needs it.
        ours.setdefault("logit_scale", expected["logit_scale"])
        for key in sorted({*expected, *ours}):
            if key not in ours or key not in expected:
                raise ValueError(f"{'missing' if key not in ours else 'unexpected'} key {key} for encoder {encoder!r}")
            if ours[key].shape != expected[key].shape:
                raise ValueError(
                    f"key {key} has shape {tuple(ours[key].shape)}, {encoder!r} expects {tuple(expected[key].shape)}"
                )
        branch.load_state_dict(ours)
        return branch.eval()


def rename(state: dict[str, Tensor], table: dict[str, str]) -> dict[str, Tensor]:
    """The tensors whose key starts with a prefix of the table, under our names."""
    renamed = {}
    for key, tensor in state.items():
        for published, ours in table.items():
            if key.startswith(published):
                renamed[ours + key[len(published) :]] = tensor
                break
    return renamed
