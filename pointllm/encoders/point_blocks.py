"""The parts that both point encoders are made of: the mini-PointNet of a group and the transformer block.

Names of parameters are those of the published checkpoints (`first_conv.0.weight` (C, 3, 1), `attn.qkv.weight` …).
The arithmetic is rearranged: a linear map commutes with gathering, the half of the second map that sees the
group's maximum is computed once a group instead of once a point, and in evaluation BatchNorm is folded into the
map before it. The results equal the plain form to rounding (tests/encoders/test_point_blocks.py).

Point-BERT, arXiv 2111.14819; Point-M2AE, arXiv 2205.14401; PointNet, arXiv 1612.00593.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointllm.encoders.grouping import gather_points
from pointllm.encoders.packed_linear import ACTIVATIONS, Caching, FastLinear, PackedLinear, can_pack

# Rows of the widest hidden layer that are worked on at once in evaluation: they then stay in the cache.
_CHUNK_ROWS = 2048

Map = Callable[[Tensor], Tensor]


def _linear(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """A 1×1 convolution as the linear map that it is; x: (rows, C_in)."""
    return F.linear(x, conv.weight.squeeze(-1), conv.bias)


def folded(weight: Tensor, bias: Tensor | None, norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """Weight (C_out, C_in) and bias of a linear map followed by BatchNorm with its running statistics."""
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    shift = -norm.running_mean if bias is None else bias - norm.running_mean
    return weight * scale[:, None], shift * scale + norm.bias


def _folded(conv: nn.Conv1d, norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """The same of a 1×1 convolution."""
    return folded(conv.weight.squeeze(-1), conv.bias, norm)


def linear_map(weight: Tensor, bias: Tensor | None, activation: str = "none") -> Map:
    """The linear map in the form that is fastest here; differentiable where gradients are wanted."""
    if can_pack(weight):
        return PackedLinear(weight, bias, activation)
    return lambda x: ACTIVATIONS[activation](F.linear(x, weight, bias))


class _FoldedMaps(NamedTuple):
    """The mini-PointNet in evaluation: five linear maps, without BatchNorm."""

    inner: Map  # C_in -> C, then ReLU
    feature: Map  # C -> F: what the group's maximum is taken of
    own: Map  # C -> H: a point's part of the second map's hidden layer
    shared: Map  # F -> H: the maximum's part, and all biases
    out: Map  # H -> C_out


class MiniPointNet(Caching):
    """One token from each group of points or tokens (two shared maps, a maximum after each).

    widths: (hidden of the first map, its output F, hidden of the second map); the second map reads 2F channels,
    the group's maximum first, then the point's own.
    """

    def __init__(self, in_channels: int, widths: tuple[int, int, int], out_channels: int):
        super().__init__()
        first, middle, second = widths
        self.first_conv = nn.Sequential(
            nn.Conv1d(in_channels, first, 1), nn.BatchNorm1d(first), nn.ReLU(), nn.Conv1d(first, middle, 1)
        )
        self.second_conv = nn.Sequential(
            nn.Conv1d(2 * middle, second, 1), nn.BatchNorm1d(second), nn.ReLU(), nn.Conv1d(second, out_channels, 1)
        )

    def forward(self, groups: Tensor) -> Tensor:
        """groups: (B, G, K, C_in), points relative to their centre. Returns tokens (B, G, C_out)."""
        batch, number, size, channels = groups.shape
        rows = groups.reshape(-1, channels)  # (B·G·K, C_in)
        pooled = self._pool_points_train(rows, size) if self.training else self._pool_points(rows, size)
        return pooled.view(batch, number, -1)

    def merge(self, tokens: Tensor, index: Tensor) -> Tensor:
        """Tokens of the level above from those of this one: groups are rows of `tokens`, taken by `index`.

        tokens: (B, N, C_in), index: (B, G, K) int64. Returns (B, G, C_out). What depends on a member alone is
        computed before gathering, once a token; in training the first BatchNorm therefore averages over tokens
        and not over group members.
        """
        batch, number, channels = tokens.shape
        groups, size = index.shape[1:]
        rows = tokens.reshape(-1, channels)
        if not self.training:
            maps = self._maps()
            inner = maps.inner(rows)
            maximum = gather_points(maps.feature(inner).view(batch, number, -1), index).amax(2)  # (B, G, F)
            hidden = gather_points(maps.own(inner).view(batch, number, -1), index)  # (B, G, K, H)
            hidden = hidden.add_(maps.shared(maximum)[:, :, None]).relu_()
            return maps.out(hidden).amax(2)
        first, second = self.first_conv, self.second_conv
        feature = _linear(first[3], F.relu(first[1](_linear(first[0], rows))))  # (B·N, F)
        weight, middle = second[0].weight.squeeze(-1), feature.shape[-1]
        maximum = gather_points(feature.view(batch, number, middle), index).amax(2)  # (B, G, F)
        shared = F.linear(maximum, weight[:, :middle], second[0].bias)  # (B, G, H)
        own = F.linear(feature, weight[:, middle:]).view(batch, number, -1)
        hidden = gather_points(own, index) + shared[:, :, None]  # (B, G, K, H)
        hidden = F.relu(second[1](hidden.view(-1, hidden.shape[-1])))
        return _linear(second[3], hidden).view(batch, groups, size, -1).amax(2)

    def _pool_points_train(self, rows: Tensor, size: int) -> Tensor:
        """(G·K, C_in) -> (G, C_out), with batch statistics."""
        first, second = self.first_conv, self.second_conv
        feature = _linear(first[3], F.relu(first[1](_linear(first[0], rows))))  # (G·K, F)
        middle = feature.shape[-1]
        weight = second[0].weight.squeeze(-1)  # (H, 2F)
        maximum = feature.view(-1, size, middle).amax(1)  # (G, F)
        shared = F.linear(maximum, weight[:, :middle], second[0].bias)
        hidden = F.linear(feature, weight[:, middle:]).view(-1, size, weight.shape[0]) + shared[:, None]
        hidden = F.relu(second[1](hidden.view(-1, weight.shape[0])))
        return _linear(second[3], hidden).view(-1, size, second[3].out_channels).amax(1)

    def _pool_points(self, rows: Tensor, size: int) -> Tensor:
        """The same in evaluation, a few groups at a time."""
        maps = self._maps()
        groups = max(1, _CHUNK_ROWS // size)
        out = []
        for part in rows.split(groups * size):
            inner = maps.inner(part)  # (g·K, C)
            maximum = maps.feature(inner).view(-1, size, self.first_conv[3].out_channels).amax(1)  # (g, F)
            hidden = maps.own(inner).view(len(maximum), size, -1)
            hidden = hidden.add_(maps.shared(maximum)[:, None]).relu_()
            out.append(maps.out(hidden).amax(1))
        return torch.cat(out)

    def _maps(self) -> _FoldedMaps:
        """The folded maps of the weights as they are now; kept until they change."""
        if torch.is_grad_enabled():
            self._cache.clear()
            return self._fold()
        sources = [*self.parameters(), *self.buffers()]
        return self._cache.get("maps", sources, self._fold)

    def _fold(self) -> _FoldedMaps:
        """Nothing nonlinear lies between the first map's last layer and the second map's first one but the maximum,
        so for a point's own half the two matrices are multiplied beforehand (128 → 512 instead of 128 → 256 → 512).
        """
        first, second = self.first_conv, self.second_conv
        weight_mid, bias_mid = first[3].weight.squeeze(-1), first[3].bias
        weight, bias = _folded(second[0], second[1])
        of_all, of_own = weight.split(len(weight_mid), 1)
        return _FoldedMaps(
            inner=linear_map(*_folded(first[0], first[1]), "relu"),
            feature=linear_map(weight_mid, bias_mid),
            own=linear_map(of_own @ weight_mid, None),
            shared=linear_map(of_all, bias + of_own @ bias_mid),
            out=linear_map(second[3].weight.squeeze(-1), second[3].bias),
        )


class Mlp(nn.Module):
    """Two linear layers with GELU between; keys `fc1`, `fc2`."""

    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.fc1 = FastLinear(dim, hidden, activation="gelu")
        self.fc2 = FastLinear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.fc1(x))


class Attention(nn.Module):
    """Self-attention without bias in q, k, v; keys `qkv`, `proj`."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = FastLinear(dim, 3 * dim, bias=False)
        self.proj = FastLinear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x: (B, N, D); mask: (B, 1, N, N), added to the scores, or None."""
        batch, number, dim = x.shape
        qkv = self.qkv(x).view(batch, number, 3, self.heads, dim // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, N, D / heads) each
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.proj(out.transpose(1, 2).reshape(batch, number, dim))


class Block(nn.Module):
    """Pre-norm transformer block; in training a whole residual branch is dropped with probability `drop_path`."""

    def __init__(self, dim: int, heads: int, mlp_ratio: float, drop_path: float):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))
        self.drop_path = drop_path

    def _residual(self, branch: Tensor) -> Tensor:
        if not self.training or self.drop_path == 0:
            return branch
        keep = 1 - self.drop_path
        kept = torch.rand(branch.shape[0], 1, 1, device=branch.device) < keep  # an object at a time
        return branch * kept.to(branch.dtype) / keep

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = x + self._residual(self.attn(self.norm1(x), mask))
        return x + self._residual(self.mlp(self.norm2(x)))


class BlockStack(nn.Module):
    """Blocks in a row, key `blocks.N`; the positions are added again before every one."""

    def __init__(self, dim: int, heads: int, mlp_ratio: float, drop_paths: list[float]):
        super().__init__()
        self.blocks = nn.ModuleList(Block(dim, heads, mlp_ratio, rate) for rate in drop_paths)

    def forward(self, x: Tensor, position: Tensor, mask: Tensor | None = None) -> Tensor:
        for block in self.blocks:
            x = block(x + position, mask)
        return x


def position_embedding(hidden: int, dim: int) -> nn.Sequential:
    """Centre coordinates (…, 3) -> (…, dim); keys `0`, `2`."""
    return nn.Sequential(nn.Linear(3, hidden), nn.GELU(), nn.Linear(hidden, dim))


def initialize(module: nn.Module) -> None:
    """The papers' initialisation of linear layers, for `Module.apply`; convolutions keep PyTorch's."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class PointColors(nn.Module):
    """Splits the input into coordinates and colours, and stands in for missing colours.

    in_channels 3: coordinates only, no parameter (the published layout). in_channels 6: colours are kept as they
    are (sRGB, 0 to 1), and an object without colours gets one learned colour.
    """

    def __init__(self, in_channels: int):
        super().__init__()
        if in_channels not in (3, 6):
            raise ValueError(f"in_channels must be 3 (xyz) or 6 (xyz, rgb), not {in_channels}")
        self.in_channels = in_channels
        if in_channels == 6:
            self.missing = nn.Parameter(torch.full((3,), 0.5))

    def forward(self, points: Tensor, has_color: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """points: (B, N, 3 or 6), has_color: (B,) bool or None (= colours are there when the channels are).

        Returns xyz (B, N, 3) and rgb (B, N, 3) or None.
        """
        xyz = points[..., :3]
        if self.in_channels == 3:
            return xyz, None
        missing = self.missing.expand_as(xyz)
        if points.shape[-1] == 3:
            return xyz, missing
        rgb = points[..., 3:6]
        return xyz, rgb if has_color is None else torch.where(has_color[:, None, None], rgb, missing)


def gather_groups(xyz: Tensor, rgb: Tensor | None, center: Tensor, index: Tensor) -> Tensor:
    """Members of groups, coordinates relative to the centre, colours as they are: (B, G, K, 3 or 6)."""
    relative = gather_points(xyz, index) - center[:, :, None]
    return relative if rgb is None else torch.cat([relative, gather_points(rgb, index)], -1)
