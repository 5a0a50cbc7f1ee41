"""Point-BERT: groups of points as the words of a plain transformer, with a class token.

Relies on `grouping` and `point_blocks`. Gives a feature of the whole cloud: the class token beside the maximum of
the others. With the default config the parameters have the names and shapes of `pointbind_pointbert.pt`
(`point_encoder.*`); Point-LLM's `point_trunk` is the same network.

Point-BERT, arXiv 2111.14819.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pointllm.encoders.grouping import gather_points, group_points
from pointllm.encoders.i2p_mae import Level
from pointllm.encoders.point_blocks import (
    BlockStack,
    MiniPointNet,
    PointColors,
    gather_groups,
    initialize,
    position_embedding,
)
from pointllm.encoders.registry import register


@dataclass(frozen=True)
class PointBERTConfig:
    """Every size; the defaults are the published ones."""

    groups: int = 512
    group_size: int = 32
    dim: int = 384
    depth: int = 12
    heads: int = 6
    mlp_ratio: float = 4.0
    point_widths: tuple[int, int, int] = (128, 256, 512)
    token_dim: int = 256  # out of the mini-PointNet, before it is mapped to `dim`
    position_hidden: int = 128
    drop_path: float = 0.1
    in_channels: int = 3  # 6 = xyz and rgb


@register("point_bert")
class PointBERT(nn.Module):
    """Points -> feature of the cloud, (B, 2 · dim)."""

    Config = PointBERTConfig

    def __init__(self, config: PointBERTConfig | None = None):
        super().__init__()
        self.config = config = config or PointBERTConfig()
        self.colors = PointColors(config.in_channels)
        self.encoder = MiniPointNet(config.in_channels, config.point_widths, config.token_dim)
        self.reduce_dim = nn.Linear(config.token_dim, config.dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.cls_pos = nn.Parameter(torch.randn(1, 1, config.dim))
        self.pos_embed = position_embedding(config.position_hidden, config.dim)
        rates = torch.linspace(0, config.drop_path, config.depth, device="cpu").tolist()
        self.blocks = BlockStack(config.dim, config.heads, config.mlp_ratio, rates)
        self.norm = nn.LayerNorm(config.dim)
        self.apply(initialize)

    @property
    def feature_dim(self) -> int:
        return 2 * self.config.dim

    @torch.no_grad()
    def group(self, xyz: Tensor) -> list[Level]:
        """Centres and groups; one level. xyz: (B, N, 3)."""
        center_index, member_index = group_points(xyz, self.config.groups, self.config.group_size)
        return [Level(center_index, member_index, gather_points(xyz, center_index))]

    def forward(self, points: Tensor, has_color: Tensor | None = None, levels: list[Level] | None = None) -> Tensor:
        """points: (B, N, 3), or (B, N, 6) with colours; any float dtype. Returns (B, 2 · dim).

        has_color: (B,) bool, false where the colour channels are to be ignored; levels: from `group`, if at hand.
        """
        points = points.to(self.norm.weight.dtype)
        xyz, rgb = self.colors(points, has_color)
        level = (levels or self.group(xyz))[0]
        tokens = self.reduce_dim(self.encoder(gather_groups(xyz, rgb, level.center, level.member_index)))
        batch = len(tokens)
        tokens = torch.cat([self.cls_token.expand(batch, -1, -1), tokens], 1)  # (B, 1 + G, dim)
        position = torch.cat([self.cls_pos.expand(batch, -1, -1), self.pos_embed(level.center)], 1)
        tokens = self.norm(self.blocks(tokens, position))
        return torch.cat([tokens[:, 0], tokens[:, 1:].amax(1)], -1)
