"""Zero-shot accuracy of a point tower on cached clouds, as people may bring them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..encoders.compact.point_tower import PointTower
from ..inputs.point_cloud import PointCloud
from .objects import Objects

KINDS = ("as_is", "no_color", "z_up", "points_1024", "points_10_percent")


def variants(objects: Objects, row: int) -> dict[str, PointCloud]:
    """One object as it is, without colours, z up, as at most 1,024 points, and as a tenth of the points."""
    cloud = objects.cloud(row)
    rng = np.random.default_rng(row)

    def part(count: int) -> PointCloud:
        chosen = rng.choice(len(cloud), min(max(count, 1), len(cloud)), replace=False)
        rgb = None if cloud.rgb is None else cloud.rgb[chosen]
        return PointCloud(cloud.xyz[chosen], rgb, cloud.metadata)

    lying = np.stack([cloud.xyz[:, 0], -cloud.xyz[:, 2], cloud.xyz[:, 1]], -1)
    return {
        "as_is": cloud,
        "no_color": PointCloud(cloud.xyz, None, cloud.metadata),
        "z_up": PointCloud(lying, cloud.rgb, cloud.metadata),
        "points_1024": part(1024),
        "points_10_percent": part(len(cloud) // 10),
    }


def accuracy(embeddings: Tensor, prototypes: Tensor, labels: Tensor) -> dict[str, float]:
    """Percent of rows whose label is the first, or among the first five."""
    order = (embeddings @ prototypes.T).topk(min(5, len(prototypes)), dim=-1).indices == labels[:, None]
    return {"top1": round(100 * order[:, 0].float().mean().item(), 2),
            "top5": round(100 * order.any(1).float().mean().item(), 2)}  # fmt: skip


class Evaluation:
    """Measures a tower on held-out objects; what a quick look needs is prepared once."""

    def __init__(self, objects: Objects, prototypes: Tensor, most: int | None = None):
        self.objects, self.prototypes = objects, prototypes
        every = max(1, -(-len(objects) // most)) if most else 1
        self.quick_rows = range(0, len(objects), every)
        self._prepared: dict[tuple[int, int], tuple[Tensor, bool]] = {}

    def quick(self, tower: PointTower, accelerator: Any) -> dict[str, dict[str, float]]:
        """Objects as they are, one sampling in two turns."""
        rows = _own(self.quick_rows, accelerator)
        found = []
        for row in rows:
            key = (row, tower.config["points"])
            if key not in self._prepared:
                self._prepared[key] = tower.prepare(self.objects.cloud(row), 1)
            found.append(_embed(tower, *self._prepared[key], turns=2))
        return {"as_is": self._accuracy(rows, found, accelerator)}

    def full(self, tower: PointTower, accelerator: Any, kinds: Sequence[str] = KINDS) -> dict[str, dict[str, float]]:
        """Every kind of input, averaged over samplings and turns as in use."""
        rows = _own(range(len(self.objects)), accelerator)
        clouds = [variants(self.objects, row) for row in rows]
        return {kind: self._accuracy(rows, [_embed(tower, *tower.prepare(cloud[kind])) for cloud in clouds],
                                     accelerator) for kind in kinds}

    def _accuracy(self, rows: Sequence[int], found: list[Tensor], accelerator: Any) -> dict[str, float]:
        """Over the rows of every process."""
        pairs = list(zip(rows, (row.cpu() for row in found), strict=True))
        if accelerator is not None and accelerator.num_processes > 1:
            from accelerate.utils import gather_object

            pairs = gather_object(pairs)
        if not pairs:
            return {}
        labels = self.objects.labels[[row for row, _ in pairs]]
        return accuracy(torch.cat([vector for _, vector in pairs]), self.prototypes, labels)


def _own(rows: Sequence[int], accelerator: Any) -> Sequence[int]:
    """This process' share; all of them together hold each row once."""
    if accelerator is None:
        return list(rows)
    return list(rows)[accelerator.process_index :: accelerator.num_processes]


def _embed(tower: PointTower, points: Tensor, has_color: bool, turns: int | None = None) -> Tensor:
    device = next(tower.parameters()).device
    return tower.embed_prepared(points.to(device), has_color, turns)
