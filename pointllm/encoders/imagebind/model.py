"""ImageBind: stems, trunks, heads and scales of six modalities, key for key with `imagebind_huge.pth`.

Girdhar et al., arXiv 2305.05665. Inputs are tensors made by `preprocess` and `tokenizer`; outputs are unit vectors,
times a scale for text, audio, depth, heat and IMU as in the original (`scaled=False` leaves them unit vectors).
Files and their conversion are `pointllm.weights`' matter: this takes a state dict.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointllm.encoders.imagebind.stems import ImuStem, PatchEmbed, PictureStem, RepeatToClip, TextStem
from pointllm.encoders.imagebind.transformer import NORM_EPS, Trunk
from pointllm.errors import InputError, WeightsError

MODALITIES = ("vision", "text", "audio", "depth", "thermal", "imu")
# Point-Bind and Point-LLM store their point branch in the same file; `pointllm.encoders.point_head` reads those.
POINT_KEYS = (
    "modality_head_point.",
    "modality_postprocessor_point.",
    "point_trunk.",
    "modality_heads.point.",
    "modality_postprocessors.point.",
)
MAX_LOGIT_SCALE = 100.0


@dataclass(frozen=True)
class ImageBindConfig:
    """Every size, under the original constructor's names; the defaults are ImageBind-Huge."""

    out_embed_dim: int = 1024
    video_frames: int = 2
    image_size: int = 224
    kernel_size: tuple[int, int, int] = (2, 14, 14)
    vision_embed_dim: int = 1280
    vision_num_blocks: int = 32
    vision_num_heads: int = 16
    text_embed_dim: int = 1024
    text_num_blocks: int = 24
    text_num_heads: int = 16
    text_context: int = 77
    text_vocabulary: int = 49408
    audio_embed_dim: int = 768
    audio_num_blocks: int = 12
    audio_num_heads: int = 12
    audio_kernel_size: int = 16
    audio_stride: int = 10
    audio_num_mel_bins: int = 128
    audio_target_len: int = 204
    depth_embed_dim: int = 384
    depth_num_blocks: int = 12
    depth_num_heads: int = 8
    depth_kernel_size: int = 16
    thermal_embed_dim: int = 768
    thermal_num_blocks: int = 12
    thermal_num_heads: int = 12
    thermal_kernel_size: int = 16
    imu_embed_dim: int = 512
    imu_num_blocks: int = 6
    imu_num_heads: int = 8
    imu_kernel_size: int = 8
    imu_channels: int = 6
    imu_length: int = 2000

    @classmethod
    def names(cls) -> set[str]:
        """Every size that there is."""
        return {field.name for field in fields(cls)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ImageBindConfig:
        """From a config file; drop-path rates, which matter in training only, are left out. ValueError on others."""
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if not k.endswith("drop_path")}
        if unknown := sorted(values.keys() - cls.names()):
            raise ValueError(f"ImageBind has no size {', '.join(unknown)}; known: {', '.join(sorted(cls.names()))}")
        return cls(**values)


class FirstToken(nn.Module):
    """(B, L, D) → (B, D): the class token."""

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return x[:, 0]


class EndOfText(nn.Module):
    """The text head: the token at the end of the text, normalised and projected."""

    def __init__(self, dim: int, joint_dim: int) -> None:
        super().__init__()
        self.proj = nn.Sequential(nn.LayerNorm(dim, eps=NORM_EPS), nn.Linear(dim, joint_dim, bias=False))

    def forward(self, x: Tensor, end: Tensor) -> Tensor:
        """(B, L, D) and positions (B,) → (B, joint_dim)."""
        return self.proj(x[torch.arange(len(x), device=x.device), end])


class LogitScale(nn.Module):
    """exp(log_logit_scale) · x, at most a hundredfold. A parameter for text, a constant for the others."""

    def __init__(self, scale: float, learnable: bool) -> None:
        super().__init__()
        value = torch.tensor(math.log(scale))
        if learnable:
            self.log_logit_scale = nn.Parameter(value)
        else:
            self.register_buffer("log_logit_scale", value)

    def forward(self, x: Tensor) -> Tensor:
        """(B, D) → (B, D)."""
        return self.log_logit_scale.exp().clamp(max=MAX_LOGIT_SCALE) * x


class ImageBind(nn.Module):
    """Six modalities into one joint space of `config.out_embed_dim` dimensions."""

    def __init__(self, config: ImageBindConfig | None = None, modalities: Iterable[str] = MODALITIES) -> None:
        """`modalities`: the ones to build; a subset needs less memory."""
        super().__init__()
        self.config = config = config or ImageBindConfig()
        modalities = list(modalities)
        if unknown := sorted(set(modalities) - set(MODALITIES)):
            raise ValueError(f"ImageBind knows no modality {', '.join(unknown)}; known: {', '.join(MODALITIES)}")
        self.modality_preprocessors = nn.ModuleDict({name: build_stem(name, config) for name in modalities})
        self.modality_trunks = nn.ModuleDict({name: build_trunk(name, config) for name in modalities})
        self.modality_heads = nn.ModuleDict({name: build_head(name, config) for name in modalities})
        self.modality_postprocessors = nn.ModuleDict({name: build_scale(name) for name in modalities})

    @classmethod
    def from_published(
        cls,
        state: Mapping[str, Tensor],
        config: ImageBindConfig | None = None,
        modalities: Iterable[str] = MODALITIES,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> ImageBind:
        """A model in eval mode with the weights of a state dict in the published layout, not copied if the type fits.

        `state` may be read on demand: only tensors of `modalities` are asked for, one after the other.

        Raises:
            WeightsError: a key is missing, unknown, or of another shape than the config says.
        """
        modalities = tuple(modalities)
        with torch.device("meta"):
            model = cls(config, modalities)
        wanted = model.state_dict()
        others = tuple(name for name in MODALITIES if name not in modalities)
        given = {
            key for key in state if not key.startswith(POINT_KEYS) and key.split(".")[1:2] not in [[n] for n in others]
        }
        if missing := sorted(wanted.keys() - given):
            raise WeightsError(f"not a complete ImageBind checkpoint: {len(missing)} keys missing, first {missing[0]}")
        if unknown := sorted(given - wanted.keys()):
            raise WeightsError(f"not an ImageBind checkpoint: {len(unknown)} unknown keys, first {unknown[0]}")
        placed = {}
        for key in sorted(given):
            value = state[key]
            if value.shape != wanted[key].shape:
                sizes = f"{tuple(value.shape)}, {tuple(wanted[key].shape)} needed"
                raise WeightsError(f"ImageBind checkpoint of another size: {key} is {sizes}")
            placed[key] = value.to(device, dtype)
        model.load_state_dict(placed, assign=True)
        return model.eval().requires_grad_(False)

    @property
    def device(self) -> torch.device:
        """Where the weights lie; inputs are taken there."""
        return next(self.parameters()).device

    def embed(self, modality: str, x: Tensor, scaled: bool = True) -> Tensor:
        """One modality → (B, out_embed_dim).

        Args:
            modality: one of those that were built.
            x: vision (B, 3, 224, 224) or (B, 3, T, 224, 224); text ids (B, 77); audio (B, 1, 128, 204); depth and
                thermal (B, 1, 224, 224); imu (B, 6, 2000). Vision and audio may have clips: (B, clips, …) with five
                or six dimensions more than a batch of single clips; their embeddings are averaged.
            scaled: with the original's logit scale behind the unit norm.

        Raises:
            InputError: unknown modality or a shape that does not fit.
        """
        if modality not in self.modality_trunks:
            raise InputError(f"modality {modality!r} was not built; built: {', '.join(self.modality_trunks)}")
        x = x.to(self.device)
        if x.is_floating_point():
            x = x.to(self.modality_trunks[modality].blocks[0].norm_1.weight.dtype)
        # A sixth dimension of vision and a fifth of audio count clips.
        clips = x.shape[1] if (modality, x.ndim) in (("vision", 6), ("audio", 5)) else 0
        if clips:
            x = x.flatten(0, 1)
        stem, trunk = self.modality_preprocessors[modality], self.modality_trunks[modality]
        head, scale = self.modality_heads[modality], self.modality_postprocessors[modality]
        if modality == "text":
            features = head(trunk(stem(x), stem.mask), x.argmax(dim=-1))  # the end mark has the highest id
        else:
            features = head(trunk(stem(x)))
        features = scale(features) if scaled else F.normalize(features, dim=-1)
        return features.unflatten(0, (-1, clips)).mean(dim=1) if clips else features

    def forward(self, inputs: Mapping[str, Tensor], scaled: bool = True) -> dict[str, Tensor]:
        """Tensors by modality → embeddings by modality; see `embed`."""
        return {modality: self.embed(modality, x, scaled) for modality, x in inputs.items()}


def build_stem(modality: str, config: ImageBindConfig) -> nn.Module:
    """The stem of a modality at the sizes of `config`."""
    if modality == "text":
        return TextStem(config.text_vocabulary, config.text_context, config.text_embed_dim)
    if modality == "imu":
        return ImuStem(config.imu_channels, config.imu_length, config.imu_kernel_size, config.imu_embed_dim)
    dim = getattr(config, f"{modality}_embed_dim")
    side = config.image_size
    if modality == "vision":
        convolution = nn.Conv3d(3, dim, config.kernel_size, config.kernel_size, bias=False)
        stem = PatchEmbed(nn.Sequential(RepeatToClip(config.video_frames), convolution), None)
        shape: tuple[int, ...] = (3, config.video_frames, side, side)
        patches = math.prod(size // kernel for size, kernel in zip(shape[1:], config.kernel_size, strict=True))
        return PictureStem(modality, stem, patches, dim, shape)
    kernel = getattr(config, f"{modality}_kernel_size")
    stride = config.audio_stride if modality == "audio" else kernel
    shape = (1, config.audio_num_mel_bins, config.audio_target_len) if modality == "audio" else (1, side, side)
    stem = PatchEmbed(nn.Conv2d(1, dim, kernel, stride, bias=False), nn.LayerNorm(dim))
    patches = math.prod((size - kernel) // stride + 1 for size in shape[1:])
    return PictureStem(modality, stem, patches, dim, shape)


def build_trunk(modality: str, config: ImageBindConfig) -> Trunk:
    """The trunk of a modality at the sizes of `config`."""
    dim, depth, heads = (getattr(config, f"{modality}_{size}") for size in ("embed_dim", "num_blocks", "num_heads"))
    return Trunk(dim, depth, heads, bias_kv=modality not in ("vision", "text"), pre_norm=modality == "vision")


def build_head(modality: str, config: ImageBindConfig) -> nn.Module:
    """From trunk width to the joint dimension."""
    dim, joint_dim = getattr(config, f"{modality}_embed_dim"), config.out_embed_dim
    if modality == "text":
        return EndOfText(dim, joint_dim)
    # IMU's dropout does nothing here, but the published numbering of the layers counts it.
    extra = [nn.Dropout(0.5)] if modality == "imu" else []
    return nn.Sequential(nn.LayerNorm(dim, eps=NORM_EPS), FirstToken(), *extra, nn.Linear(dim, joint_dim, bias=False))


class UnitNorm(nn.Module):
    """Rows to length one."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, D) → (B, D)."""
        return F.normalize(x, dim=-1)


def build_scale(modality: str) -> nn.Module:
    """Unit norm, then the modality's scale before training (none for vision)."""
    scales = {"text": 1 / 0.07, "audio": 20.0, "depth": 5.0, "thermal": 10.0, "imu": 5.0}
    if modality not in scales:
        return UnitNorm()
    return nn.Sequential(UnitNorm(), LogitScale(scales[modality], learnable=modality == "text"))
