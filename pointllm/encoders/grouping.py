"""Centres and neighbourhoods of point clouds: exact farthest point sampling and exact nearest neighbours.

Batched, for CPU and GPU, without compiled extensions. The order of indices is that of the reference: sampling
starts at index 0; neighbours come nearest first; a tie goes to the lowest index. Distances are float32 sums of
squared differences, ((x² + y²) + z²), in every path, so that all of them decide alike. Knows coordinates only;
what is computed from a group is the encoders' matter (`point_blocks`).

On a CPU each cloud is worked on by NumPy and a k-d tree (SciPy), the clouds of a batch in threads; elsewhere by
tensor operations, which are also the twin that tests compare with.

Farthest point sampling: Eldar et al., "The farthest point strategy for progressive image sampling" (1997), as
used by PointNet++ (arXiv 1706.02413).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

# Largest distance matrix that nearest_neighbors_plain holds at once (elements); keeps batches from filling memory.
_MAX_DISTANCES = 1 << 22
# Neighbours that the tree is asked for beyond those wanted: among them float32 ties are put in order.
_SPARE_NEIGHBORS = 8
# Float32 distances differ from exact ones by less than this part of them (five roundings of 2⁻²⁴).
_ROUNDING = 1e-6


def _require_points(xyz: Tensor, wanted: int, what: str) -> None:
    if xyz.ndim != 3 or xyz.shape[-1] != 3:
        raise ValueError(f"points must be (B, N, 3), got {tuple(xyz.shape)}")
    if not 0 < wanted <= xyz.shape[1]:
        raise ValueError(f"{what} {wanted} asked of clouds of {xyz.shape[1]} points; resample them first")


def _cloud_by_cloud(function: Callable[..., np.ndarray], *batches: Tensor) -> Tensor:
    """`function` of each cloud, in as many threads as torch uses. batches: (B, …) on the CPU. Returns (B, …)."""
    clouds = list(zip(*(batch.numpy() for batch in batches), strict=True))
    threads = min(torch.get_num_threads(), len(clouds))
    if threads == 1:
        return torch.from_numpy(np.stack([function(*cloud) for cloud in clouds]))
    with ThreadPoolExecutor(threads) as pool:
        return torch.from_numpy(np.stack(list(pool.map(lambda cloud: function(*cloud), clouds))))


@torch.no_grad()
def farthest_point_sample(xyz: Tensor, count: int) -> Tensor:
    """Indices of `count` points, each the farthest from those before it.

    xyz: (B, N, 3) floating, any unit. Returns (B, count) int64; column 0 is index 0, ties take the lowest index.
    """
    _require_points(xyz, count, "centres")
    if xyz.device.type != "cpu" or not len(xyz):
        return farthest_point_sample_plain(xyz, count)
    return _cloud_by_cloud(lambda cloud: _farthest_points(cloud, count), xyz.detach().to(torch.float32))


def _farthest_points(cloud: np.ndarray, count: int) -> np.ndarray:
    """(N, 3) float32 -> (count,) int64."""
    columns = np.ascontiguousarray(cloud.T)  # each coordinate in one run of memory
    offset = np.empty_like(columns)
    x, y, z = offset
    nearest = np.full(len(cloud), np.inf, np.float32)  # squared distance to the chosen set
    chosen = np.zeros(count, np.int64)
    last = 0
    for step in range(1, count):
        np.subtract(columns, columns[:, last, None], out=offset)
        np.multiply(offset, offset, out=offset)
        np.add(x, y, out=x)
        np.add(x, z, out=x)
        np.minimum(nearest, x, out=nearest)
        last = chosen[step] = nearest.argmax()  # the first of several maxima
    return chosen


@torch.no_grad()
def farthest_point_sample_plain(xyz: Tensor, count: int) -> Tensor:
    """The same by a loop of tensor operations: the path on GPUs, and the twin that tests compare with."""
    _require_points(xyz, count, "centres")
    batch, number, _ = xyz.shape
    columns = xyz.detach().to(torch.float32).permute(2, 0, 1).contiguous()  # (3, B, N)
    position = torch.arange(number, device=xyz.device)
    chosen = torch.zeros(batch, count, dtype=torch.long, device=xyz.device)
    nearest = torch.full((batch, number), float("inf"), device=xyz.device)  # squared distance to the chosen set
    for step in range(1, count):
        last = columns.gather(2, chosen[:, step - 1].view(1, batch, 1).expand(3, -1, -1))  # (3, B, 1)
        nearest = torch.minimum(nearest, _sum_of_squares(columns - last))
        # argmax may return any of several maxima on some devices; the first is found by comparing.
        is_farthest = nearest == nearest.amax(1, keepdim=True)
        chosen[:, step] = torch.where(is_farthest, position, number).amin(1)
    return chosen


def _sum_of_squares(offset: Tensor) -> Tensor:
    """(3, …) -> (…), added in the order of the coordinates."""
    x, y, z = offset.square()
    return (x + y).add_(z)


@torch.no_grad()
def nearest_neighbors(queries: Tensor, xyz: Tensor, count: int) -> Tensor:
    """Indices of the `count` points nearest to each query, nearest first, the lowest index first where they tie.

    queries: (B, Q, 3), xyz: (B, N, 3) floating. Returns (B, Q, count) int64.
    """
    _require_points(xyz, count, "neighbours")
    if xyz.device.type != "cpu" or not len(xyz):
        return nearest_neighbors_plain(queries, xyz, count)
    queries, xyz = queries.detach().to(torch.float32), xyz.detach().to(torch.float32)
    return _cloud_by_cloud(lambda asked, cloud: _nearest_points(asked, cloud, count), queries, xyz)


def _nearest_points(queries: np.ndarray, cloud: np.ndarray, count: int) -> np.ndarray:
    """(Q, 3), (N, 3) float32 -> (Q, count) int64.

    The tree finds candidates by exact distances; their float32 distances decide the order. Where a point beyond the
    candidates might belong among them (many ties), the query is answered by comparing with all points.
    """
    from scipy.spatial import cKDTree

    if not (np.isfinite(queries).all() and np.isfinite(cloud).all()):  # the tree takes finite numbers only
        return _nearest_of_all(queries, cloud, count)
    asked = min(count + _SPARE_NEIGHBORS, len(cloud))
    tree = cKDTree(cloud, balanced_tree=False, compact_nodes=False)
    reach, candidates = tree.query(queries, [*range(1, asked + 1)])  # (Q, asked) each, nearest first
    x, y, z = np.moveaxis(np.square(cloud[candidates] - queries[:, None]), -1, 0)
    keys = np.sort(_ordered(np.add(np.add(x, y, out=x), z, out=x), candidates), axis=-1)[:, :count]
    index = keys & 0xFFFFFFFF
    if asked < len(cloud):
        farthest = (keys[:, -1] >> 32).astype(np.int32).view(np.float32)  # squared distance of the last one
        unsure = farthest >= reach[:, -1] ** 2 * (1 - _ROUNDING)
        if unsure.any():
            index[unsure] = _nearest_of_all(queries[unsure], cloud, count)
    return index


def _ordered(distance: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Integers that sort by (distance, index): the bits of a float that isn't negative sort like its value."""
    return distance.view(np.int32).astype(np.int64) << 32 | index


def _nearest_of_all(queries: np.ndarray, cloud: np.ndarray, count: int) -> np.ndarray:
    return nearest_neighbors_plain(torch.from_numpy(queries)[None], torch.from_numpy(cloud)[None], count)[0].numpy()


@torch.no_grad()
def nearest_neighbors_plain(queries: Tensor, xyz: Tensor, count: int) -> Tensor:
    """The same by comparing with all points: the path on GPUs, and the twin that tests compare with.

    The shorter |a|² - 2ab + |b|² would lose the digits that decide between close neighbours.
    """
    _require_points(xyz, count, "neighbours")
    queries, xyz = queries.detach().to(torch.float32), xyz.detach().to(torch.float32)
    batch, number, _ = xyz.shape
    position = torch.arange(number, device=xyz.device)
    index = torch.empty(batch, queries.shape[1], count, dtype=torch.long, device=xyz.device)
    rows = max(1, _MAX_DISTANCES // (batch * number)) if batch else 1
    for start in range(0, queries.shape[1], rows):
        part = queries[:, start : start + rows]
        distance = _sum_of_squares(part.permute(2, 0, 1)[..., None] - xyz.permute(2, 0, 1)[:, :, None])  # (B, q, N)
        keys = distance.view(torch.int32).long() << 32 | position  # sort by distance, then by index
        index[:, start : start + rows] = keys.topk(count, dim=-1, largest=False, sorted=True).values & 0xFFFFFFFF
    return index


@torch.no_grad()
def ball_query(queries: Tensor, xyz: Tensor, radius: float, count: int) -> Tensor:
    """The first `count` points in the order of the cloud that lie nearer than `radius` to each query (PointNet++).

    queries: (B, Q, 3), xyz: (B, N, 3) floating. Returns (B, Q, count) int64 in ascending order; a ball with fewer
    points repeats its first one, and one without any gives index 0. Points in random order are a fair sample of it.
    """
    _require_points(xyz, min(count, xyz.shape[-2]), "members")
    queries, xyz = queries.detach().to(torch.float32), xyz.detach().to(torch.float32)
    batch, number, _ = xyz.shape
    position = torch.arange(number, dtype=torch.int32, device=xyz.device)
    index = torch.full((batch, queries.shape[1], count), number, dtype=torch.long, device=xyz.device)
    rows = max(1, _MAX_DISTANCES // (batch * number)) if batch else 1
    for start in range(0, queries.shape[1], rows):
        part = queries[:, start : start + rows]
        distance = _sum_of_squares(part.permute(2, 0, 1)[..., None] - xyz.permute(2, 0, 1)[:, :, None])  # (B, q, N)
        inside = torch.where(distance < radius * radius, position, number)
        found = inside.topk(min(count, number), dim=-1, largest=False, sorted=True).values
        index[:, start : start + rows, : found.shape[-1]] = found
    first = torch.where(index[..., :1] < number, index[..., :1], 0)
    return torch.where(index < number, index, first)


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
