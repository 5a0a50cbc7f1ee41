"""The training objects' clouds, read once and held in memory small: coordinates in half precision, colours in bytes.

Reads through `pointllm.inputs`, so training sees the clouds that the product sees. A step draws a new subset of each
object's points; evened-out subsets, which are what resampling gives in use, are too slow to make in every step, so
some are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..data.records import Record
from ..errors import DataError
from ..inputs.point_cloud import CANDIDATES_PER_POINT, PointCloud, ShapeMetadata, farthest_points
from ..inputs.shape import read_shape
from .shards import Arrays, cached

FORMAT = "1"  # changes when shards of clouds are to be made anew


@dataclass
class Objects:
    """Clouds of N objects: xyz (N, P, 3) float16, rgb (N, P, 3) uint8, has_color (N,) bool, labels (N,) int64.

    even: (N, K, S) int16 or int32, indices of K evened-out subsets of S points.
    """

    records: list[Record]
    xyz: Tensor
    rgb: Tensor
    has_color: Tensor
    even: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.records)

    def draw(self, index: Tensor, points: int, even: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Float clouds (B, points, 3) and colours in [0, 1] of the objects in `index` (B,): a new subset each time."""
        batch, total = len(index), self.xyz.shape[1]
        subset = torch.randint(self.even.shape[1], (batch,), generator=generator)
        chosen = self.even[index, subset][:, :points].long()
        start = torch.randint(total, (batch, 1), generator=generator)
        random = (start + torch.arange(points)) % total  # samples are independent, so any run of them is random
        use_even = torch.rand(batch, 1, generator=generator) < even
        chosen = torch.where(use_even, chosen, random) + (index * total)[:, None]
        return tuple(
            values.view(-1, 3).index_select(0, chosen.view(-1)).view(batch, points, 3).float() / scale
            for values, scale in ((self.xyz, 1.0), (self.rgb, 255.0))
        )

    def cloud(self, row: int) -> PointCloud:
        """One object as the readers give it."""
        xyz = self.xyz[row].float().numpy()
        rgb = self.rgb[row].float().numpy() / 255 if self.has_color[row] else None
        metadata = ShapeMetadata("glb", 0, 0, len(xyz), (0, 0, 0), (0, 0, 0), name=self.records[row].id)
        return PointCloud(xyz, rgb, metadata)


def sample(record: Record, points: int, subsets: int, largest: int, seed: int = 0) -> Arrays:
    """One object's arrays: xyz, rgb, has_color (0-d bool) and even; `largest`: points of an evened-out subset."""
    cloud = read_shape(record.path, samples=points, seed=seed).normalized().resampled(points, seed)
    color = np.full_like(cloud.xyz, 0.5) if cloud.rgb is None else cloud.rgb
    xyz = cloud.xyz.astype(np.float16)
    rng = np.random.default_rng(seed)
    even = np.empty((subsets, largest), np.int16 if points <= 2**15 else np.int32)
    for subset in even:
        chosen = rng.choice(points, min(points, CANDIDATES_PER_POINT * largest), replace=False)
        subset[:] = chosen[farthest_points(xyz[chosen].astype(np.float32), largest)]
    return {"xyz": xyz, "rgb": np.round(color * 255).astype(np.uint8), "even": even,
            "has_color": np.array(cloud.rgb is not None)}  # fmt: skip


def load_objects(records: Sequence[Record], names: Sequence[str], cache: Path, points: int, subsets: int,
                 largest: int) -> Objects:
    """The records that have a readable 3D file and a label among `names`, in their order.

    Raises DataError when there is none.
    """
    number = {name: index for index, name in enumerate(names)}
    wanted = [record for record in records if record.path is not None and record.label in number]
    if not wanted:
        raise DataError("no object with a 3D file and a label; look at objects.jsonl and labels.json")
    largest = min(largest, points)
    made_by = f"{FORMAT} {points} {subsets} {largest}"
    found = cached(cache, "clouds", made_by, wanted, lambda record: sample(record, points, subsets, largest))
    kept = [record for record in wanted if record.id in found]

    def stacked(key: str) -> Tensor:
        return torch.from_numpy(np.stack([found[record.id].pop(key) for record in kept]))

    labels = torch.tensor([number[record.label] for record in kept])
    return Objects(kept, stacked("xyz"), stacked("rgb"), stacked("has_color"), stacked("even"), labels)
