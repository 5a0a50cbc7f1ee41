"""From a modality's tensor to tokens: convolution or linear patches, class token, positions.

Module names are those of the published checkpoint (`modality_preprocessors.*`). Each stem takes exactly the size it was
trained on: its positions are not interpolated. The tensors come from `preprocess`; the sizes from `model`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pointllm.errors import InputError


def check_shape(modality: str, x: Tensor, shape: tuple[int, ...]) -> None:
    """Raises InputError naming the modality, unless `x` is (B, *shape)."""
    if tuple(x.shape[1:]) != shape:
        wanted = ", ".join(str(size) for size in shape)
        raise InputError(f"{modality} input of shape {tuple(x.shape)}: (B, {wanted}) is needed")


class RepeatToClip(nn.Module):
    """(B, C, H, W) or (B, C, 1, H, W) → (B, C, frames, H, W): a picture is a clip in which nothing moves."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        if x.ndim == 4:
            x = x.unsqueeze(2)
        return x.expand(-1, -1, self.frames, -1, -1) if x.shape[2] == 1 else x


class PatchEmbed(nn.Module):
    """Patches by a convolution (or a linear map, for patches already cut), then optionally LayerNorm."""

    def __init__(self, proj: nn.Module, norm: nn.Module | None) -> None:
        super().__init__()
        self.proj = proj
        self.norm_layer = norm if norm is not None else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, [T,] H, W) → (B, L, D); patches that are already (B, L, features) stay in their order."""
        x = self.proj(x)
        if x.ndim > 3:
            x = x.flatten(2).transpose(1, 2)
        return self.norm_layer(x)


class Positions(nn.Module):
    """Learned positions of the class token and all patches."""

    def __init__(self, patches: int, dim: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + patches, dim))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, 1 + patches, D) → the same."""
        return tokens + self.pos_embed


class PictureStem(nn.Module):
    """Images, clips, spectrograms, depth and heat: anything that a convolution cuts into patches."""

    def __init__(self, modality: str, stem: PatchEmbed, patches: int, dim: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.modality, self.shape = modality, shape
        self.stem_name = "depth_stem" if modality == "depth" else "rgbt_stem"  # as in the published keys
        self.add_module(self.stem_name, stem)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embedding_helper = Positions(patches, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, *shape) → (B, 1 + patches, D)."""
        if self.modality == "vision":
            if x.ndim not in (4, 5) or (x.shape[1], *x.shape[-2:]) != (self.shape[0], *self.shape[-2:]):
                check_shape("vision", x, self.shape)
            if x.ndim == 5 and x.shape[2] not in (1, self.shape[1]):
                check_shape("vision", x, self.shape)
        else:
            check_shape(self.modality, x, self.shape)
        tokens = self.get_submodule(self.stem_name)(x)
        tokens = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1)
        return self.pos_embedding_helper(tokens)


class TextStem(nn.Module):
    """Token ids to token vectors with positions."""

    def __init__(self, vocabulary: int, context: int, dim: int) -> None:
        super().__init__()
        self.shape = (context,)
        self.token_embedding = nn.Embedding(vocabulary, dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, context, dim))
        # Causal. It is read from the checkpoint like a weight, as the original does.
        self.register_buffer("mask", torch.full((context, context), float("-inf")).triu(1))
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.pos_embed, std=0.01)

    def forward(self, ids: Tensor) -> Tensor:
        """(B, context) int64 → (B, context, D)."""
        check_shape("text", ids, self.shape)
        return self.token_embedding(ids) + self.pos_embed


class ImuStem(nn.Module):
    """Six channels of an inertial sensor, cut into short stretches of time."""

    def __init__(self, channels: int, length: int, kernel: int, dim: int) -> None:
        super().__init__()
        self.shape, self.kernel = (channels, length), kernel
        self.imu_stem = PatchEmbed(nn.Linear(channels * kernel, dim, bias=False), nn.LayerNorm(dim))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + length // kernel, dim))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, length) → (B, 1 + length / kernel, D)."""
        check_shape("imu", x, self.shape)
        patches = x.unfold(-1, self.kernel, self.kernel).permute(0, 2, 1, 3).flatten(2)  # (B, L, channels · kernel)
        tokens = self.imu_stem(patches)
        tokens = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1)
        return tokens + self.pos_embed
