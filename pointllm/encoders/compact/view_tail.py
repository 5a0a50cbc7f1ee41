"""The trunk's last blocks once more, tuned on rendered views: what tells views of 3D shapes apart.

The trunk's first blocks are shared with the photograph's path and stay as published; only what follows was trained
again, so that a photograph is still seen by the published network. Knows feature maps only, no pictures.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .efficientnet_lite import EfficientNetLite


class ViewTail(nn.Module):
    """Feature maps of the trunk after `first` blocks → pooled features (B, 1280).

    drop_path: probability of leaving out a block that has a skip, in training (Huang et al., arXiv 1603.09382).
    """

    def __init__(self, trunk: EfficientNetLite, first: int, drop_path: float = 0.0):
        super().__init__()
        self.first, self.drop_path = first, drop_path
        self.blocks, self.conv = copy.deepcopy(trunk.blocks[first:]), copy.deepcopy(trunk.head)

    def forward(self, maps: Tensor) -> Tensor:
        """maps (B, C, H, W) → (B, 1280)."""
        for block in self.blocks:
            if self.training and block.skip and self.drop_path:
                kept = (torch.rand(len(maps), 1, 1, 1) >= self.drop_path).float() / (1 - self.drop_path)
                maps = maps + (block(maps) - maps) * kept
            else:
                maps = block(maps)
        return F.relu6(self.conv(maps), inplace=True).mean((2, 3))
