"""The training objects' clouds, held in memory small: coordinates in half precision, colours in bytes.

Reading and sampling files is `pointllm.data.prepared`'s matter. A step draws a new subset of each object's points;
evened-out subsets, which are what resampling gives in use, are too slow to make in every step, so some are kept.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..data.prepared import Parameters, PreparedData, prepare
from ..data.records import Record
from ..errors import DataError
from ..inputs.point_cloud import CANDIDATES_PER_POINT, PointCloud, ShapeMetadata, farthest_points
from .shards import Arrays, cached

logger = logging.getLogger("pointllm")


def prepared_data(records: Sequence[Record], folder: Path, cache: Path, parameters: Parameters,
                  workers: int = 0) -> PreparedData:
    """Clouds and views of the records: those in the data folder where they fit, else made in the cache folder.

    Objects that can't be read are reported and left out. Raises DataError when none can be.
    """
    try:
        found = PreparedData(folder / "prepared")
        if found.parameters == parameters and all(record.id in found for record in records):
            return found
        logger.info("%s doesn't hold all that this run needs; preparing in %s", found.folder, cache)
    except DataError:  # there is none: make it
        pass
    result = prepare(records, cache / "prepared", parameters, workers=workers)
    for identity, path, reason in result.failed:
        logger.warning("left out %s (%s): %s", identity, path, reason)
    return PreparedData(cache / "prepared")


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


def even_subsets(xyz: np.ndarray, subsets: int, size: int, seed: int = 0) -> np.ndarray:
    """(subsets, size) indices into xyz (P, 3), chosen as `PointCloud.resampled` does from another random start each."""
    rng = np.random.default_rng(seed)
    found = np.empty((subsets, size), np.int16 if len(xyz) <= 2**15 else np.int32)
    for subset in found:
        chosen = rng.choice(len(xyz), min(len(xyz), CANDIDATES_PER_POINT * size), replace=False)
        subset[:] = chosen[farthest_points(xyz[chosen].astype(np.float32), size)]
    return found


def load_objects(records: Sequence[Record], names: Sequence[str], prepared: PreparedData, cache: Path, subsets: int,
                 largest: int) -> Objects:
    """The records with a prepared cloud and a label among `names`, in their order; `largest`: points of a subset.

    Raises DataError when there is none.
    """
    number = {name: index for index, name in enumerate(names)}
    by_id = {record.id: record for record in records
             if record.path is not None and record.id in prepared and record.label in number}
    if not by_id:
        raise DataError("no object with a readable 3D file and a label; look at objects.jsonl and labels.json")
    clouds = prepared.clouds(list(by_id))
    rows = {identity: row for row, identity in enumerate(clouds["ids"].tolist())}
    keys = {identity: prepared.key(identity) for identity in rows}

    def compute(identity: str) -> Arrays:
        return {"even": even_subsets(clouds["xyz"][rows[identity]], subsets, largest)}

    even = cached(cache, "subsets", f"{subsets} {largest}", keys, compute)
    kept = [by_id[identity] for identity in rows]
    return Objects(
        kept, *(torch.from_numpy(clouds[name]) for name in ("xyz", "rgb", "has_color")),
        torch.from_numpy(np.stack([even[identity]["even"] for identity in rows])),
        torch.tensor([number[record.label] for record in kept]),
    )
