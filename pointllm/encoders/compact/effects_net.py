"""The network for sound effects of the embedded profile's audio tower: sound → features of what makes it.

The architecture of Ma & Lerch (ISMIR 2022, "Representation Learning for the Automatic Indexing of Sound Effects
Libraries"; blocks after arXiv 1808.00773), a plain convolutional network over log-mel frames that was trained on
professional libraries of sound effects. Written anew for inference: batch norms are folded into the convolutions when
weights are loaded, and the spectrogram is computed here as the network was trained with it (Essentia's), so that
nothing beside PyTorch is needed. Which sounds come in at which level is `audio_tower`'s business.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import WeightsError

SAMPLE_RATE = 44100
WINDOW, HOP, BANDS = 2048, 1024, 96
LARGEST = 9.457798957824707  # log-mel value that the published training scaled to 1
WIDTHS = (64, 128, 256, 512)
FEATURES = 3 * WIDTHS[-1]
BATCH_NORM_EPS = 1e-5


@lru_cache(maxsize=1)
def mel_weights() -> Tensor:
    """Triangles on the mel scale itself, from 0 Hz to half the rate, each with a sum of 1: (BANDS, WINDOW // 2 + 1)."""
    def mel(hertz: np.ndarray | float) -> np.ndarray:
        return 2595 * np.log10(1 + np.asarray(hertz) / 700)

    edges = np.linspace(0, mel(SAMPLE_RATE / 2), BANDS + 2)[:, None]
    bins = mel(np.arange(WINDOW // 2 + 1) * SAMPLE_RATE / WINDOW)
    width = edges[1] - edges[0]
    triangles = np.clip(1 - np.abs(bins - edges[1:-1]) / width, 0, None)
    return torch.from_numpy((triangles / triangles.sum(1, keepdims=True)).astype(np.float32))


def spectrogram(samples: Tensor) -> Tensor:
    """Samples (T,) at SAMPLE_RATE, full scale ±1 → (frames, BANDS): log10(1 + 10⁴ · power), scaled to about 0 to 1."""
    window = torch.hann_window(WINDOW, periodic=False)
    power = torch.stft(samples, WINDOW, HOP, window=window, pad_mode="constant", return_complex=True).abs().square()
    return (1 + 1e4 * (mel_weights() @ power)).log10().T / LARGEST


class EffectsNet(nn.Module):
    """Four blocks of two convolutions; the first three halve time and frequency."""

    def __init__(self):
        super().__init__()
        into = (1, *WIDTHS[:-1])
        self.convolutions = nn.ModuleList(nn.Conv2d(width, after, 3, padding=1)
                                          for before, after in zip(into, WIDTHS, strict=True)
                                          for width in (before, after))

    @classmethod
    def from_file(cls, file: Path) -> EffectsNet:
        """WeightsError when it can't be read."""
        net = cls()
        try:
            net.load_state_dict({key: value.float() for key, value in load_file(file).items()})
        except (OSError, RuntimeError, SafetensorError) as error:
            raise WeightsError(f"{file.parent.name}/{file.name} doesn't load ({str(error).splitlines()[0][:160]}); "
                               "restore it from the repository") from error
        return net.requires_grad_(False).eval().to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def features(self, samples: Tensor) -> Tensor:
        """Samples (T,) at SAMPLE_RATE, at least 0.2 s → (FEATURES,): maximum, mean and deviation over time."""
        maps = self(spectrogram(samples)[None])[0]
        return torch.cat([maps.amax(1), maps.mean(1), maps.std(1, correction=0)])

    def forward(self, spectrograms: Tensor) -> Tensor:
        """(B, frames, BANDS) → (B, 512, frames // 8): what is heard in the course of time, the mean over frequency."""
        x = spectrograms[:, None].to(memory_format=torch.channels_last)
        for number, convolution in enumerate(self.convolutions):
            x = F.relu(convolution(x), inplace=True)
            if number in (1, 3, 5):
                x = F.max_pool2d(x, 2)
        return x.mean(3)


def fold_published_weights(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """State dict of the published network (`embedding_net.conv_block1.conv1.weight` …) → `EffectsNet`'s.

    Its classifiers, one for each library that it was trained on, are left out.
    """
    folded = {}
    for block in range(len(WIDTHS)):
        for layer in (1, 2):
            source = f"embedding_net.conv_block{block + 1}"
            norm = {key: published[f"{source}.bn{layer}.{key}"]
                    for key in ("weight", "bias", "running_mean", "running_var")}
            scale = norm["weight"] / (norm["running_var"] + BATCH_NORM_EPS).sqrt()
            target = f"convolutions.{2 * block + layer - 1}"
            folded[f"{target}.weight"] = published[f"{source}.conv{layer}.weight"] * scale[:, None, None, None]
            folded[f"{target}.bias"] = norm["bias"] - norm["running_mean"] * scale
    return folded
