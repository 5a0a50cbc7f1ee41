"""Image tower of the embedded profile: pictures → the joint space.

Two paths end in the same space. ConSE (Norouzi et al., arXiv 1312.5650): the trunk's class probabilities weigh the
text embeddings of ImageNet's class names, which lands photos without any training. A linear head on the pooled
features, trained on rendered views, does the same for drawings of 3D objects. The config says how they are mixed for
photos and for views.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from ...profiles import read_config
from .efficientnet_lite import EfficientNetLite

BATCH = 16


class ImageTower(nn.Module):
    """EfficientNet-Lite trunk, ConSE over its classes, and a linear head on its features."""

    def __init__(self, trunk: EfficientNetLite, head: nn.Linear, weights: dict[str, Tensor], config: dict):
        super().__init__()
        self.trunk, self.head, self.config = trunk, head, config
        self.register_buffer("class_embeddings", weights["class_embeddings"])  # (1000, D) unit norm
        self.register_buffer("upright_weight", weights["upright.weight"])  # (1280,)
        self.register_buffer("upright_bias", weights["upright.bias"])  # scalar

    @classmethod
    def from_folder(cls, folder: Path) -> ImageTower:
        """Load config.json, trunk.safetensors and head.safetensors (head, class embeddings, upright test)."""
        folder = Path(folder)
        config = read_config(folder)
        trunk = EfficientNetLite(**config["trunk"])
        trunk.load_state_dict({k: v.float() for k, v in load_file(folder / "trunk.safetensors").items()})
        weights = {k: v.float() for k, v in load_file(folder / "head.safetensors").items()}
        head = nn.Linear(weights["head.weight"].shape[1], weights["head.weight"].shape[0])
        head.load_state_dict({"weight": weights["head.weight"], "bias": weights["head.bias"]})
        return cls(trunk.to(memory_format=torch.channels_last), head, weights, config).eval()

    @property
    def view_size(self) -> int:
        """Side in pixels at which views of shapes are drawn."""
        return self.config["view_size"]

    @torch.inference_mode()
    def features(self, images: list[Image.Image] | np.ndarray) -> Tensor:
        """Pictures (PIL, or uint8 (B, H, W, 3), the latter taken at their own size) → pooled features (B, 1280)."""
        size = images.shape[1] if isinstance(images, np.ndarray) else None
        found = []
        for start in range(0, len(images), BATCH):
            found.append(self.trunk.features(self.trunk.preprocess(images[start:start + BATCH], size)))
        return torch.cat(found)

    @torch.inference_mode()
    def embed_photos(self, images: list[Image.Image]) -> Tensor:
        """Photographs → (B, D) unit norm: ConSE and the head, mixed as the config says."""
        features = self.features(images)
        return self._mixed(features, self.trunk.classifier(features), self.config["photo_head_weight"])

    @torch.inference_mode()
    def embed_views(self, pictures: np.ndarray) -> Tensor:
        """Views of one shape, uint8 (V, S, S, 3) → (D,) unit norm, from the mean of the views' features."""
        return self.embed_features(self.features(pictures)[None])[0]

    @torch.inference_mode()
    def embed_features(self, features: Tensor) -> Tensor:
        """Cached features of views (B, V, 1280) → (B, D) unit norm; the same mix as `embed_views`."""
        logits = self.trunk.classifier(features).mean(1)
        return self._mixed(features.mean(1), logits, self.config["view_head_weight"])

    def upright_logit(self, features: Tensor) -> Tensor:
        """Features of views (V, 1280) → scalar: how much the shape looks as if it stood the right way up."""
        return (features @ self.upright_weight + self.upright_bias).mean()

    def _mixed(self, features: Tensor, logits: Tensor, head_weight: float) -> Tensor:
        """(B, 1280), (B, 1000) → (B, D): w · head + (1 - w) · ConSE, each of unit norm."""
        top, index = logits.softmax(-1).topk(self.config["conse_classes"])  # (B, T)
        top = top / top.sum(-1, keepdim=True)
        conse = F.normalize((top[..., None] * self.class_embeddings[index]).sum(1), dim=-1)
        learned = F.normalize(self.head(features), dim=-1)
        return F.normalize(head_weight * learned + (1 - head_weight) * conse, dim=-1)
