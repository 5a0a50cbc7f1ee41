"""From a `PointCloud` to its embedding by a published point branch (I2P-MAE or Point-BERT, as config.json says).

The published encoders take points without colours, y up, centred on their centroid and scaled into the unit sphere
(`pc_normalize` of the original's data loader; its demo takes prepared tensors as they are). Files may be of any scale,
precision and size here: a mesh was sampled over its surface by the reader, more points than wanted are evened out by
farthest point sampling, fewer are repeated.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pointllm.encoders.compact.point_tower import build_branch
from pointllm.encoders.point_head import PointBranch
from pointllm.errors import WeightsError
from pointllm.inputs.point_cloud import PointCloud
from pointllm.profiles import read_config
from pointllm.tensor_folder import TensorFolder

POINTS = 8192  # that the published branches were trained on; config.json may say another number


class OfficialPointTower:
    """A `PointBranch` with its preprocessing. Always in float32: it is small, and distances decide about neighbours."""

    def __init__(self, branch: PointBranch, config: dict[str, Any]):
        self.branch, self.config = branch, config

    @classmethod
    def from_folder(cls, folder: Path, device: str | torch.device = "cpu") -> OfficialPointTower:
        """Load config.json and model.safetensors. WeightsError when a file is missing or doesn't fit."""
        folder = Path(folder)
        config = read_config(folder)
        state = TensorFolder(folder)
        try:
            with torch.inference_mode(False):  # weights made in inference mode can't be laid out for the CPU once
                branch = build_branch(config)
                branch.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise WeightsError(f"{folder.name}/model.safetensors doesn't fit {folder.name}/config.json ({reason}); "
                               "convert the point branch again") from error
        return cls(branch.to(device).eval().requires_grad_(False), config)

    @property
    def dim(self) -> int:
        """Of the joint space."""
        return self.config["dim"]

    def prepare(self, cloud: PointCloud) -> Tensor:
        """(1, P, 3) float32, centred and scaled; the same cloud, the same points."""
        cloud = replace(cloud, mesh=None, rgb=None).normalized().resampled(self.config.get("points", POINTS))
        # Evening out moves the centroid a little; the encoders were trained on points centred as they are.
        return torch.from_numpy(cloud.normalized().xyz)[None]

    @torch.inference_mode()
    def embed(self, clouds: list[PointCloud]) -> Tensor:
        """(B, dim) float32 of unit norm on the CPU, one row a cloud; clouds stand with y up."""
        if not clouds:
            return torch.zeros(0, self.dim)
        return torch.cat([self.embed_points(self.prepare(cloud)) for cloud in clouds])

    @torch.inference_mode()
    def embed_points(self, points: Tensor) -> Tensor:
        """Points (B, P, 3) of any float type, taken as they are → (B, dim) float32 of unit norm on the CPU."""
        device = self.branch.logit_scale.device
        return F.normalize(self.branch(points.to(device)).float(), dim=-1).cpu()
