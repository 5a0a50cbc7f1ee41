"""Centres and neighbourhoods of point clouds: exact farthest point sampling and exact nearest neighbours.

Batched, for CPU and GPU, without compiled extensions. The order of indices is that of the reference: sampling
starts at index 0 and a tie goes to the lowest index; neighbours come nearest first. Knows coordinates only;
what is computed from a group is the encoders' matter (`point_blocks`).

Farthest point sampling: Eldar et al., "The farthest point strategy for progressive image sampling" (1997), as
used by PointNet++ (arXiv 1706.02413).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

try:  # a compiled sampler for the CPU; without it the plain loop below gives the same indices, slower
    from fpsample import fps_sampling as _fps_compiled
except ImportError:  # pragma: no cover
    _fps_compiled = None

# Largest distance matrix that nearest_neighbors holds at once (elements); keeps batches from filling memory.
_MAX_DISTANCES = 1 << 24


def _require_points(xyz: Tensor, wanted: int, what: str) -> None:
    if xyz.ndim != 3 or xyz.shape[-1] != 3:
        raise ValueError(f"points must be (B, N, 3), got {tuple(xyz.shape)}")
    if not 0 < wanted <= xyz.shape[1]:
        raise ValueError(f"{what} {wanted} asked of clouds of {xyz.shape[1]} points; resample them first")


def farthest_point_sample(xyz: Tensor, count: int) -> Tensor:
    """Indices of `count` points, each the farthest from those before it.

    xyz: (B, N, 3) floating, any unit. Returns (B, count) int64; column 0 is index 0, ties take the lowest index.
    """
    _require_points(xyz, count, "centres")
    if xyz.device.type == "cpu" and _fps_compiled is not None:
        # The compiled sampler resolves ties towards the highest index, so it is given the points backwards.
        points = xyz.detach().to(torch.float32).flip(1).contiguous().numpy()
        last = xyz.shape[1] - 1
        index = np.stack([_fps_compiled(cloud, count, start_idx=last) for cloud in points])
        return torch.from_numpy(last - index.astype(np.int64))
    return farthest_point_sample_plain(xyz, count)


@torch.no_grad()
def farthest_point_sample_plain(xyz: Tensor, count: int) -> Tensor:
    """The same by a loop of tensor operations: the path on GPUs, and the twin that tests compare with."""
    _require_points(xyz, count, "centres")
    batch, number, _ = xyz.shape
    xyz = xyz.detach().to(torch.float32)
    chosen = torch.zeros(batch, count, dtype=torch.long, device=xyz.device)
    nearest = torch.full((batch, number), float("inf"), device=xyz.device)  # squared distance to the chosen set
    for step in range(1, count):
        last = xyz.gather(1, chosen[:, step - 1, None, None].expand(-1, 1, 3))  # (B, 1, 3)
        nearest = torch.minimum(nearest, (xyz - last).square_().sum(-1))
        # argmax leaves open which of several maxima it returns; the first is found by comparing.
        is_farthest = nearest == nearest.amax(1, keepdim=True)
        chosen[:, step] = _first_true(is_farthest)
    return chosen


def _first_true(mask: Tensor) -> Tensor:
    """(B, N) bool, at least one true in a row -> (B,) index of the first one."""
    position = torch.arange(mask.shape[1], device=mask.device)
    return torch.where(mask, position, mask.shape[1]).amin(1)


@torch.no_grad()
def nearest_neighbors(queries: Tensor, xyz: Tensor, count: int) -> Tensor:
    """Indices of the `count` points nearest to each query, nearest first.

    queries: (B, Q, 3), xyz: (B, N, 3). Returns (B, Q, count) int64. Distances are sums of squared differences:
    the shorter |a|² - 2ab + |b|² loses the digits that decide between close neighbours.
    """
    _require_points(xyz, count, "neighbours")
    queries, xyz = queries.detach().to(torch.float32), xyz.detach().to(torch.float32)
    batch, number, _ = xyz.shape
    index = torch.empty(batch, queries.shape[1], count, dtype=torch.long, device=xyz.device)
    clouds = max(1, _MAX_DISTANCES // max(1, queries.shape[1] * number))
    for start in range(0, batch, clouds):
        part = slice(start, start + clouds)
        distance = torch.cdist(queries[part], xyz[part], compute_mode="donot_use_mm_for_euclid_dist")
        index[part] = distance.topk(count, dim=-1, largest=False, sorted=True).indices
    return index


def gather_points(values: Tensor, index: Tensor) -> Tensor:
    """Rows of `values` by index, cloud by cloud.

    values: (B, N, C), index: (B, …) int64 in [0, N). Returns (B, …, C). One index_select over the flattened
    batch: its backward pass is one index_add.
    """
    batch, number, channels = values.shape
    offset = torch.arange(batch, device=index.device).view(batch, *[1] * (index.ndim - 1)) * number
    rows = values.reshape(batch * number, channels).index_select(0, (index + offset).reshape(-1))
    return rows.view(*index.shape, channels)


def group_points(xyz: Tensor, groups: int, group_size: int) -> tuple[Tensor, Tensor]:
    """Centres by farthest point sampling and the members of their groups.

    xyz: (B, N, 3). Returns centre indices (B, groups) and member indices (B, groups, group_size), both int64.
    """
    center_index = farthest_point_sample(xyz, groups)
    return center_index, nearest_neighbors(gather_points(xyz, center_index), xyz, group_size)
