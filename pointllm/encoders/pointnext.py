"""PointNeXt: set abstraction with residual connections, on features of single points rather than on patches.

Relies on `grouping` (centres, balls) and `packed_linear`. The defaults are PointNeXt-S as published for whole objects:
a linear stem of 32 channels, four stages that halve the points and double the channels, each reading balls of
32 points, and a last one over all points; 512-d feature, 968,480 parameters (1.37 M with the paper's classifier of
ModelNet40). `blocks` adds the inverted residual blocks of the larger ones. No weights of it were published for a joint
space: it is there to be trained (`encoder: pointnext` in a training config).

PointNeXt, arXiv 2206.04670 (section 3.2; sizes: its public configuration for ModelNet40); PointNet++, arXiv 1706.02413.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointllm.encoders.grouping import ball_query, farthest_point_sample, gather_points
from pointllm.encoders.packed_linear import Caching, FastLinear
from pointllm.encoders.point_blocks import Map, PointColors, folded, linear_map
from pointllm.encoders.registry import register


@dataclass(frozen=True)
class PointNeXtConfig:
    """Every size; the defaults are PointNeXt-S. Tuples have one entry a stage; the last stage, over all points, has
    none."""

    width: int = 32  # of the stem; each stage doubles it
    strides: tuple[int, ...] = (2, 2, 2, 2)  # how many times fewer points
    blocks: tuple[int, ...] = (0, 0, 0, 0)  # inverted residual blocks after the set abstraction
    layers: int = 2  # linear maps of a set abstraction
    radius: float = 0.15  # of the first stage's balls, in units of the cloud; later ones are `radius_scaling` larger
    radius_scaling: float = 1.5
    members: int = 32  # points read of a ball
    expansion: int = 4  # of the inverted residual blocks
    in_channels: int = 3  # 6 = xyz and rgb

    def __post_init__(self) -> None:
        if len(self.strides) != len(self.blocks):
            raise ValueError("strides and blocks must have one entry a stage each")
        if self.layers < 1 or min(self.strides, default=0) < 2:
            raise ValueError("layers must be at least 1, strides at least 2, and there must be a stage")


class Stage(NamedTuple):
    """How one stage is cut up: centres in the stage before, members of their balls, and where the centres are."""

    center_index: Tensor  # (B, G) int64
    member_index: Tensor  # (B, G, K) int64, points of the stage before
    center: Tensor  # (B, G, 3)
    own_index: Tensor | None  # (B, G, K) int64, centres around each centre; None where no block reads them


class LinearNorm(Caching):
    """A linear map without bias, BatchNorm and perhaps ReLU; in evaluation one map. Works on (…, C)."""

    def __init__(self, in_channels: int, out_channels: int, activation: str = "relu"):
        super().__init__()
        self.linear = nn.Linear(in_channels, out_channels, bias=False)
        self.norm = nn.BatchNorm1d(out_channels)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return self._normed(F.linear(x, self.linear.weight))
        return self._evaluated("whole", self.linear.weight, self.activation)(x)

    def grouped(self, xyz: Tensor, features: Tensor, index: Tensor, center: Tensor, radius: float) -> Tensor:
        """The map of [(x_j - c) / radius, f_j] for the members j of balls, without building that.

        xyz: (B, N, 3), features: (B, N, C), index: (B, G, K), center: (B, G, 3). Returns (B, G, K, C_out). A linear
        map commutes with gathering and differences, so it is computed once a point and once a centre.
        """
        inputs = torch.cat([xyz / radius, features], -1)
        offset = F.linear(center / radius, self.linear.weight[:, :3])[:, :, None]  # (B, G, 1, C_out)
        if self.training:
            return self._normed(gather_points(F.linear(inputs, self.linear.weight), index) - offset)
        scale = self.norm.weight * torch.rsqrt(self.norm.running_var + self.norm.eps)
        hidden = gather_points(self._evaluated("inputs", self.linear.weight, "none")(inputs), index) - scale * offset
        return F.relu(hidden) if self.activation == "relu" else hidden

    def _normed(self, x: Tensor) -> Tensor:
        x = self.norm(x.reshape(-1, x.shape[-1])).view(x.shape)
        return F.relu(x) if self.activation == "relu" else x

    def _evaluated(self, name: str, weight: Tensor, activation: str) -> Map:
        """The folded map of the weights as they are now."""

        def make() -> Map:
            return linear_map(*folded(weight, None, self.norm), activation)

        if torch.is_grad_enabled():
            self._cache.clear()
            return make()
        return self._cache.get(name, (*self.parameters(), *self.buffers()), make)


class SetAbstraction(nn.Module):
    """Fewer points with more channels: maps of a ball's members, their maximum, and the centre's own feature added."""

    def __init__(self, in_channels: int, out_channels: int, layers: int, radius: float):
        super().__init__()
        widths = [3 + in_channels, *[out_channels // 2] * (layers - 1), out_channels]
        last = layers - 1
        self.maps = nn.ModuleList(
            LinearNorm(before, after, "none" if number == last else "relu")
            for number, (before, after) in enumerate(zip(widths, widths[1:], strict=False))
        )
        self.skip = FastLinear(in_channels, out_channels)
        self.radius = radius

    def forward(self, xyz: Tensor, features: Tensor, stage: Stage) -> Tensor:
        """xyz: (B, N, 3), features: (B, N, C). Returns (B, G, C_out)."""
        hidden = self.maps[0].grouped(xyz, features, stage.member_index, stage.center, self.radius)
        for layer in self.maps[1:]:
            hidden = layer(hidden)
        return F.relu(hidden.amax(2) + self.skip(gather_points(features, stage.center_index)))


class InvertedResidual(nn.Module):
    """A ball's maximum, then two maps of single points with a wide layer between, beside a residual connection."""

    def __init__(self, channels: int, expansion: int, radius: float):
        super().__init__()
        self.neighbors = LinearNorm(3 + channels, channels)
        self.wide = LinearNorm(channels, channels * expansion)
        self.narrow = LinearNorm(channels * expansion, channels, "none")
        self.radius = radius

    def forward(self, stage: Stage, features: Tensor) -> Tensor:
        """features: (B, G, C) of the stage's centres. Returns the same shape."""
        pooled = self.neighbors.grouped(stage.center, features, stage.own_index, stage.center, self.radius).amax(2)
        return F.relu(features + self.narrow(self.wide(pooled)))


@register("pointnext")
class PointNeXt(nn.Module):
    """Points -> feature of the cloud, (B, width · 2^stages)."""

    Config = PointNeXtConfig

    def __init__(self, config: PointNeXtConfig | None = None):
        super().__init__()
        self.config = config = config or PointNeXtConfig()
        self.colors = PointColors(config.in_channels)
        self.stem = FastLinear(config.in_channels, config.width)
        self.abstractions, self.residuals = nn.ModuleList(), nn.ModuleList()
        channels = config.width
        for number, blocks in enumerate(config.blocks):
            radius = self._radius(number)
            self.abstractions.append(SetAbstraction(channels, 2 * channels, config.layers, radius))
            channels *= 2
            self.residuals.append(nn.ModuleList(
                InvertedResidual(channels, config.expansion, radius * config.radius_scaling) for _ in range(blocks)
            ))
        widths = [3 + channels, *[channels] * config.layers]
        self.whole = nn.Sequential(*(LinearNorm(a, b) for a, b in zip(widths, widths[1:], strict=False)))

    def _radius(self, stage: int) -> float:
        return self.config.radius * self.config.radius_scaling**stage

    @property
    def feature_dim(self) -> int:
        return self.config.width * 2 ** len(self.config.strides)

    @torch.no_grad()
    def group(self, xyz: Tensor) -> list[Stage]:
        """Centres and balls of every stage, each sampled from the centres of the one before.

        xyz: (B, N, 3). Depends on nothing learned, so a training loop may compute it ahead.
        """
        config, stages = self.config, []
        for number, (stride, blocks) in enumerate(zip(config.strides, config.blocks, strict=True)):
            center_index = farthest_point_sample(xyz, max(1, xyz.shape[1] // stride))
            center, radius = gather_points(xyz, center_index), self._radius(number)
            members = ball_query(center, xyz, radius, config.members)
            own = ball_query(center, center, radius * config.radius_scaling, config.members) if blocks else None
            stages.append(Stage(center_index, members, center, own))
            xyz = center
        return stages

    def forward(self, points: Tensor, has_color: Tensor | None = None, levels: list[Stage] | None = None) -> Tensor:
        """points: (B, N, 3), or (B, N, 6) with colours; any float dtype. Returns (B, feature_dim).

        has_color: (B,) bool, false where the colour channels are to be ignored; levels: from `group`, if at hand.
        """
        points = points.to(self.stem.weight.dtype)
        xyz, rgb = self.colors(points, has_color)
        features = self.stem(xyz if rgb is None else torch.cat([xyz, rgb], -1))
        for number, stage in enumerate(levels or self.group(xyz)):
            features = self.abstractions[number](xyz, features, stage)
            for block in self.residuals[number]:
                features = block(stage, features)
            xyz = stage.center
        return self.whole(torch.cat([xyz, features], -1)).amax(1)
