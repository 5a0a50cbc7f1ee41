"""EfficientNet-Lite, the image tower's trunk of the embedded profile.

The published architecture (Tan & Le, arXiv 1905.11946; the "lite" variant drops squeeze-and-excitation, uses ReLU6
and keeps stem and head widths fixed) for inference: batch norms are folded into the convolutions when weights are
loaded. Preprocessing lives here as well, so that training, chat and tests share it. Knows nothing of the joint space.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

# (repeats, kernel, stride, expansion, channels) of EfficientNet-B0; width and depth multipliers scale them.
BASE_STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112),
               (4, 5, 2, 6, 192), (1, 3, 1, 6, 320))
STEM_WIDTH, HEAD_WIDTH = 32, 1280
BATCH_NORM_EPS = 1e-3


def scaled_width(width: float, multiplier: float) -> int:
    """Channels after width scaling, rounded to a multiple of 8 and never more than 10 % down."""
    scaled = width * multiplier
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


class SamePadConv(nn.Conv2d):
    """Convolution with TensorFlow's "SAME" padding: what is left over goes to the bottom and the right."""

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) → (B, C', ceil(H / stride), ceil(W / stride))."""
        if self.stride[0] == 1:
            return F.conv2d(x, self.weight, self.bias, 1, self.kernel_size[0] // 2, 1, self.groups)
        pad_h = self._left_over(x.shape[-2])
        pad_w = self._left_over(x.shape[-1])
        x = F.pad(x, (pad_w // 2, pad_w - pad_w // 2, pad_h // 2, pad_h - pad_h // 2))
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, 1, self.groups)

    def _left_over(self, size: int) -> int:
        stride, kernel = self.stride[0], self.kernel_size[0]
        return max((-(-size // stride) - 1) * stride + kernel - size, 0)


class InvertedResidual(nn.Module):
    """Expand (1×1) → depthwise → project (1×1), with a skip where the shape stays the same."""

    def __init__(self, width_in: int, width_out: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        hidden = width_in * expansion
        self.expand = SamePadConv(width_in, hidden, 1) if expansion > 1 else None
        self.depthwise = SamePadConv(hidden, hidden, kernel, stride, groups=hidden)
        self.project = SamePadConv(hidden, width_out, 1)
        self.skip = stride == 1 and width_in == width_out

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) → (B, C', H / stride, W / stride)."""
        h = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        h = self.project(F.relu6(self.depthwise(h), inplace=True))
        return x + h if self.skip else h


class EfficientNetLite(nn.Module):
    """Images → pooled features (1280) and class logits (1000)."""

    def __init__(self, width: float = 1.1, depth: float = 1.2, resolution: int = 260, classes: int = 1000,
                 mean: float = 127 / 255, std: float = 128 / 255):
        super().__init__()
        self.resolution, self.mean, self.std = resolution, mean, std
        self.stem = SamePadConv(3, STEM_WIDTH, 3, 2)
        blocks, channels = [], STEM_WIDTH
        for index, (repeats, kernel, stride, expansion, base_width) in enumerate(BASE_STAGES):
            # The lite variant keeps the first and the last stage at one block.
            fixed = index in (0, len(BASE_STAGES) - 1)
            count = repeats if fixed else int(np.ceil(repeats * depth))
            out = scaled_width(base_width, width)
            for block in range(count):
                blocks.append(InvertedResidual(channels, out, kernel, stride if block == 0 else 1, expansion))
                channels = out
        self.blocks = nn.Sequential(*blocks)
        self.head = SamePadConv(channels, HEAD_WIDTH, 1)
        self.classifier = nn.Linear(HEAD_WIDTH, classes)

    def maps(self, pixels: Tensor, blocks: int) -> Tensor:
        """pixels (B, 3, R, R) float32, normalised → feature maps (B, C, H, W) after the first `blocks` blocks."""
        pixels = pixels.to(memory_format=torch.channels_last)
        return self.blocks[:blocks](F.relu6(self.stem(pixels), inplace=True))

    def pooled(self, maps: Tensor, blocks: int) -> Tensor:
        """The rest of the way: maps after the first `blocks` blocks → pooled features (B, 1280)."""
        return F.relu6(self.head(self.blocks[blocks:](maps)), inplace=True).mean((2, 3))

    def features(self, pixels: Tensor) -> Tensor:
        """pixels (B, 3, R, R) float32, normalised → pooled features (B, 1280)."""
        return self.pooled(self.maps(pixels, 0), 0)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """pixels (B, 3, R, R) float32 → (features (B, 1280), logits (B, 1000))."""
        features = self.features(pixels)
        return features, self.classifier(features)

    def preprocess(self, images: list[Image.Image] | np.ndarray, size: int | None = None) -> Tensor:
        """Images (PIL, or uint8 (B, H, W, 3)) → (B, 3, R, R) float32: bicubic resize of the short side, centre crop.

        R is the trunk's resolution, or `size`.
        """
        size = size or self.resolution
        arrays = []
        for image in images:
            image = image if isinstance(image, Image.Image) else Image.fromarray(image)
            scale = size / min(image.size)
            if scale != 1:
                width, height = (max(size, round(side * scale)) for side in image.size)
                image = image.resize((width, height), Image.Resampling.BICUBIC)
            left, top = (image.width - size) // 2, (image.height - size) // 2
            image = image.crop((left, top, left + size, top + size))
            arrays.append(np.asarray(image.convert("RGB")))
        pixels = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).float().div_(255)
        return pixels.sub_(self.mean).div_(self.std)


def fold_published_weights(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """State dict of the published PyTorch port (`_blocks.0._bn1.…`) → this module's, batch norms folded in."""

    def fold(conv: str, norm: str) -> tuple[Tensor, Tensor]:
        scale = published[f"{norm}.weight"] / (published[f"{norm}.running_var"] + BATCH_NORM_EPS).sqrt()
        bias = published[f"{norm}.bias"] - published[f"{norm}.running_mean"] * scale
        return published[f"{conv}.weight"] * scale[:, None, None, None], bias

    pairs = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    count = 1 + max(int(key.split(".")[1]) for key in published if key.startswith("_blocks."))
    for index in range(count):
        source, target = f"_blocks.{index}", f"blocks.{index}"
        if f"{source}._expand_conv.weight" in published:
            pairs[f"{target}.expand"] = (f"{source}._expand_conv", f"{source}._bn0")
        pairs[f"{target}.depthwise"] = (f"{source}._depthwise_conv", f"{source}._bn1")
        pairs[f"{target}.project"] = (f"{source}._project_conv", f"{source}._bn2")
    folded = {}
    for target, (conv, norm) in pairs.items():
        folded[f"{target}.weight"], folded[f"{target}.bias"] = fold(conv, norm)
    folded["classifier.weight"], folded["classifier.bias"] = published["_fc.weight"], published["_fc.bias"]
    return folded
