"""Image tower of the embedded profile: pictures → the joint space.

Two paths end in the same space. ConSE (Norouzi et al., arXiv 1312.5650): the published trunk's class probabilities
weigh the text embeddings of ImageNet's class names, which lands photos without any training. For views of 3D shapes
the trunk's last blocks were tuned (`view_tail`), and a linear head leads from their features into the joint space; it
takes part in the judgement of photos as well, which may be pictures of drawings. The config says how they are mixed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import WeightsError
from ...profiles import read_config
from .efficientnet_lite import HEAD_WIDTH, EfficientNetLite
from .view_tail import ViewTail

BATCH = 8  # pictures at once; more only costs memory


class ImageTower(nn.Module):
    """EfficientNet-Lite trunk, ConSE over its classes, and the tuned tail with its linear head.

    config: `trunk`: its sizes; `first_tuned`: the first block of the tail; `view_size`: side in pixels of rendered
    views; `conse_classes`: likeliest classes that count; `photo_head_weight`: share of the head in photos.
    """

    def __init__(self, trunk: EfficientNetLite, tail: ViewTail, head: nn.Linear, classes: Tensor, config: dict):
        super().__init__()
        self.trunk, self.tail, self.head, self.config = trunk, tail, head, config
        self.register_buffer("class_embeddings", classes)  # (1000, D) unit norm

    @classmethod
    def from_folder(cls, folder: Path) -> ImageTower:
        """Load config.json, trunk.safetensors (published), views.safetensors (tail, head) and classes.safetensors.

        WeightsError when a file is missing or doesn't fit.
        """
        folder = Path(folder)
        config = read_config(folder)
        name = "trunk.safetensors"
        try:
            trunk = EfficientNetLite(**config["trunk"])
            trunk.load_state_dict(_floats(folder / name))
            name = "views.safetensors"
            weights = _floats(folder / name)
            tail = ViewTail(trunk, config["first_tuned"])
            head = nn.Linear(HEAD_WIDTH, weights["head.weight"].shape[0])
            head.load_state_dict({key: weights.pop(f"head.{key}") for key in ("weight", "bias")})
            tail.load_state_dict({key.removeprefix("tail."): value for key, value in weights.items()})
            name = "classes.safetensors"
            classes = _floats(folder / name)["class_embeddings"]
        except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
            raise WeightsError(f"{folder.name}/{name} doesn't load ({str(error).splitlines()[0][:160]}); "
                               "restore the folder from the repository") from error
        return cls(trunk, tail, head, classes, config).to(memory_format=torch.channels_last).eval()

    @property
    def view_size(self) -> int:
        """Side in pixels at which views of shapes are drawn."""
        return self.config["view_size"]

    def maps(self, images: list[Image.Image] | np.ndarray) -> Tensor:
        """Pictures (PIL, or uint8 (B, H, W, 3), the latter taken at their own size) → the trunk's maps (B, C, h, w)
        where the tail begins."""
        size = images.shape[1] if isinstance(images, np.ndarray) else None
        return self.trunk.maps(self.trunk.preprocess(images, size), self.config["first_tuned"])

    @torch.inference_mode()
    def features(self, images: list[Image.Image] | np.ndarray) -> Tensor:
        """Views, as for `maps` → the tail's features (B, 1280)."""
        parts = [self.tail(self.maps(images[at : at + BATCH])) for at in range(0, len(images), BATCH)]
        return torch.cat(parts)

    @torch.inference_mode()
    def published_features(self, images: list[Image.Image] | np.ndarray) -> Tensor:
        """The same by the trunk as it was published, which never saw our labels → (B, 1280)."""
        first = self.config["first_tuned"]
        parts = [self.trunk.pooled(self.maps(images[at : at + BATCH]), first) for at in range(0, len(images), BATCH)]
        return torch.cat(parts)

    @torch.inference_mode()
    def embed_photos(self, images: list[Image.Image]) -> Tensor:
        """Photographs → (B, D) unit norm: ConSE and the head, mixed as the config says."""
        rows = []
        for at in range(0, len(images), BATCH):
            maps = self.maps(images[at : at + BATCH])
            logits = self.trunk.classifier(self.trunk.pooled(maps, self.config["first_tuned"]))
            learned = F.normalize(self.head(self.tail(maps)), dim=-1)
            share = self.config["photo_head_weight"]
            rows.append(F.normalize(share * learned + (1 - share) * self._conse(logits), dim=-1))
        return torch.cat(rows)

    @torch.inference_mode()
    def embed_features(self, features: Tensor) -> Tensor:
        """Features of views of each shape (B, V, 1280) → (B, D) unit norm, from the mean over the views."""
        return F.normalize(self.head(features.mean(1)), dim=-1)

    def _conse(self, logits: Tensor) -> Tensor:
        """Class logits (B, 1000) → (B, D) unit norm."""
        top, index = logits.softmax(-1).topk(self.config["conse_classes"])  # (B, T)
        top = top / top.sum(-1, keepdim=True)
        return F.normalize((top[..., None] * self.class_embeddings[index]).sum(1), dim=-1)


def _floats(file: Path) -> dict[str, Tensor]:
    return {key: value.float() for key, value in load_file(file).items()}
