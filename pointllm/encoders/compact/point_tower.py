"""Point tower of the embedded profile: clouds → the joint space.

The one definition of what happens between a `PointCloud` and its embedding: normalising, resampling to the
encoder's number, colours if there are any, and averaging over turns about the up axis and over samplings. Training
evaluates with it and the product runs it. Clouds are taken to stand upright, y up; finding out which axis is up is
the caller's matter (`pointllm.inputs.orientation`).
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pointllm.encoders.point_head import PointBranch
from pointllm.encoders.registry import build_encoder
from pointllm.errors import WeightsError
from pointllm.inputs.point_cloud import PointCloud
from pointllm.profiles import read_config

# Clouds that go through the encoder at once; more gains nothing on a CPU.
_BATCH = 16


def build_branch(config: dict[str, Any]) -> PointBranch:
    """The untrained network of a tower's config (`encoder`, `architecture`, `projection_dim`, `projection_layers`,
    `dim`)."""
    encoder = build_encoder(config["encoder"], config["architecture"])
    return PointBranch(encoder, config["projection_dim"], config["dim"], config.get("dropout", 0.0),
                       config.get("projection_layers", 2))


def turned(xyz: Tensor, angle: float) -> Tensor:
    """Points (…, 3) turned about the y axis by `angle`, radians."""
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = xyz.new_tensor([[cosine, 0.0, -sine], [0.0, 1.0, 0.0], [sine, 0.0, cosine]])
    return xyz @ turn


def random_subset(cloud: PointCloud, count: int, seed: int) -> PointCloud:
    """`count` points as the file has them, dense parts denser; small clouds are resampled."""
    if len(cloud) <= count:
        return cloud.resampled(count, seed)
    chosen = np.random.default_rng(seed).choice(len(cloud), count, replace=False)
    return replace(cloud, xyz=cloud.xyz[chosen], rgb=None if cloud.rgb is None else cloud.rgb[chosen])


class PointTower(nn.Module):
    """A `PointBranch` with its preprocessing.

    config: `points` that the encoder reads; what is averaged: `yaw_turns`, `samplings` (evened out) and
    `random_samplings`; and the network's sizes.
    """

    def __init__(self, branch: PointBranch, config: dict[str, Any]):
        super().__init__()
        self.branch, self.config = branch, config

    @classmethod
    def from_folder(cls, folder: Path) -> PointTower:
        """Load config.json and model.safetensors. WeightsError when a file is missing or doesn't fit."""
        folder = Path(folder)
        config = read_config(folder)
        try:
            branch = build_branch(config)
            weights = load_file(folder / "model.safetensors")
            branch.load_state_dict({key: value.float() for key, value in weights.items()})
        except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
            raise WeightsError(
                f"{folder.name}/model.safetensors doesn't load ({str(error).splitlines()[0][:160]}); "
                "restore the folder from the repository"
            ) from error
        return cls(branch, config).eval()

    @property
    def dim(self) -> int:
        return self.config["dim"]

    def prepare(self, cloud: PointCloud, samplings: int | None = None) -> tuple[Tensor, bool]:
        """Points (S, P, 6) float32, centred and scaled, and whether the colour channels mean anything.

        samplings: so many evened-out samplings and no others; None takes the numbers of the config.
        """
        cloud = replace(cloud, mesh=None).normalized()
        count, random = self.config["points"], self.config.get("random_samplings", 0)
        if samplings is not None:
            random = 0
        parts = [cloud.resampled(count, seed) for seed in range(samplings or self.config["samplings"])]
        # Evened-out points and plain random ones err differently: averaging both is worth two points of top-5.
        parts += [random_subset(cloud, count, seed) for seed in range(random)]
        found = []
        for part in parts:
            color = np.zeros_like(part.xyz) if part.rgb is None else part.rgb
            found.append(np.concatenate([part.xyz, color], -1))
        return torch.from_numpy(np.stack(found)).float(), cloud.rgb is not None

    @torch.inference_mode()
    def embed(self, clouds: list[PointCloud]) -> Tensor:
        """(B, dim) float32 of unit norm, one row a cloud; the same cloud, the same row."""
        if not clouds:
            return torch.zeros(0, self.dim)
        return torch.cat([self.embed_prepared(*self.prepare(cloud)) for cloud in clouds])

    @torch.inference_mode()
    def embed_prepared(self, points: Tensor, has_color: bool, yaw_turns: int | None = None) -> Tensor:
        """points: (S, P, 6) of one cloud, from `prepare`. Returns (1, dim): the mean over samplings and turns."""
        turns = yaw_turns or self.config["yaw_turns"]
        views = [
            torch.cat([turned(points[..., :3], 2 * math.pi * turn / turns), points[..., 3:]], -1)
            for turn in range(turns)
        ]
        views = torch.cat(views)  # (turns · S, P, 6)
        if not has_color:
            views = views[..., :3].contiguous()
        rows = torch.cat([F.normalize(self.branch(part), dim=-1) for part in views.split(_BATCH)])
        return F.normalize(rows.mean(0, keepdim=True), dim=-1)
