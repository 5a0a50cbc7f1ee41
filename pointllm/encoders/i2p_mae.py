"""I2P-MAE's hierarchical point encoder: three levels of ever fewer, ever wider tokens.

Relies on `grouping` (centres, neighbours) and `point_blocks`. Gives a feature of the whole cloud; projecting it
into a joint space is `point_head`'s matter. Takes points as they are: normalising is the caller's.
With the default config the parameters have the names and shapes of `pointbind_i2pmae.pt` (`point_encoder.*`).

I2P-MAE, arXiv 2212.06785; the encoder is Point-M2AE's, arXiv 2205.14401.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pointllm.encoders.grouping import gather_points, group_points
from pointllm.encoders.point_blocks import (
    BlockStack,
    MiniPointNet,
    PointColors,
    gather_groups,
    initialize,
    position_embedding,
)
from pointllm.encoders.registry import register

# Added to attention scores of tokens out of reach, as in the original.
_OUT_OF_REACH = -100000.0


@dataclass(frozen=True)
class I2PMAEConfig:
    """Every size; the defaults are the published ones. Tuples have one entry a level."""

    groups: tuple[int, ...] = (512, 256, 64)
    group_sizes: tuple[int, ...] = (48, 24, 24)
    dims: tuple[int, ...] = (96, 192, 384)
    depths: tuple[int, ...] = (5, 5, 5)
    radii: tuple[float, ...] = (0.24, 0.48, 0.96)  # reach of attention, in units of the cloud; 0 = everywhere
    heads: int = 6
    mlp_ratio: float = 4.0
    point_widths: tuple[int, int, int] = (128, 256, 512)  # of the first level's mini-PointNet
    drop_path: float = 0.1
    in_channels: int = 3  # 6 = xyz and rgb

    def __post_init__(self) -> None:
        levels = {len(v) for v in (self.groups, self.group_sizes, self.dims, self.depths, self.radii)}
        if len(levels) != 1:
            raise ValueError("groups, group_sizes, dims, depths and radii must have one entry a level each")


class Level(NamedTuple):
    """How one level is cut up: centres in the level before, members of their groups, and where they are."""

    center_index: Tensor  # (B, G) int64
    member_index: Tensor  # (B, G, K) int64
    center: Tensor  # (B, G, 3)


class HierarchicalEncoder(nn.Module):
    """The levels; key names of the original's `h_encoder`."""

    def __init__(self, config: I2PMAEConfig):
        super().__init__()
        self.radii = config.radii
        self.token_embed = nn.ModuleList()
        self.encoder_pos_embeds = nn.ModuleList()
        self.encoder_blocks = nn.ModuleList()
        rates = torch.linspace(0, config.drop_path, sum(config.depths), device="cpu").tolist()
        for level, (dim, depth) in enumerate(zip(config.dims, config.depths, strict=True)):
            if level == 0:
                embed = MiniPointNet(config.in_channels, config.point_widths, dim)
            else:
                below = config.dims[level - 1]
                embed = MiniPointNet(below, (below, below, dim), dim)
            self.token_embed.append(embed)
            self.encoder_pos_embeds.append(position_embedding(dim, dim))
            self.encoder_blocks.append(BlockStack(dim, config.heads, config.mlp_ratio, rates[:depth]))
            rates = rates[depth:]

    def forward(self, groups: Tensor, levels: list[Level]) -> Tensor:
        """groups: (B, G1, K1, C) of the first level. Returns the last level's tokens (B, G3, D3)."""
        tokens: Tensor | None = None
        distance: Tensor | None = None
        for number, level in enumerate(levels):
            embed = self.token_embed[number]
            tokens = embed(groups) if tokens is None else embed.merge(tokens, level.member_index)
            mask = None
            if self.radii[number] > 0:
                # The original keeps the matrix of the level before when the number of tokens is the same.
                if distance is None or distance.shape[1] != level.center.shape[1]:
                    distance = torch.cdist(level.center, level.center)
                mask = (distance >= self.radii[number])[:, None] * _OUT_OF_REACH  # (B, 1, G, G)
                mask = mask.to(tokens.dtype)
            tokens = self.encoder_blocks[number](tokens, self.encoder_pos_embeds[number](level.center), mask)
        return tokens


@register("i2p_mae")
class I2PMAE(nn.Module):
    """Points -> feature of the cloud, (B, dims[-1])."""

    Config = I2PMAEConfig

    def __init__(self, config: I2PMAEConfig | None = None):
        super().__init__()
        self.config = config or I2PMAEConfig()
        self.colors = PointColors(self.config.in_channels)
        self.h_encoder = HierarchicalEncoder(self.config)
        self.norm = nn.LayerNorm(self.config.dims[-1])
        self.apply(initialize)

    @property
    def feature_dim(self) -> int:
        return self.config.dims[-1]

    @torch.no_grad()
    def group(self, xyz: Tensor) -> list[Level]:
        """Centres and groups of every level; each level samples from the centres of the one before.

        xyz: (B, N, 3). Depends on nothing learned, so a training loop may compute it ahead.
        """
        levels = []
        for groups, size in zip(self.config.groups, self.config.group_sizes, strict=True):
            center_index, member_index = group_points(xyz, groups, size)
            xyz = gather_points(xyz, center_index)
            levels.append(Level(center_index, member_index, xyz))
        return levels

    def forward(self, points: Tensor, has_color: Tensor | None = None, levels: list[Level] | None = None) -> Tensor:
        """points: (B, N, 3), or (B, N, 6) with colours; any float dtype. Returns (B, dims[-1]).

        has_color: (B,) bool, false where the colour channels are to be ignored; levels: from `group`, if at hand.
        """
        points = points.to(self.norm.weight.dtype)
        xyz, rgb = self.colors(points, has_color)
        levels = levels or self.group(xyz)
        groups = gather_groups(xyz, rgb, levels[0].center, levels[0].member_index)
        tokens = self.norm(self.h_encoder(groups, levels))
        return tokens.mean(1) + tokens.amax(1)
