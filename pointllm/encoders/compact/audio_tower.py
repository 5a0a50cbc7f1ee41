"""Audio tower of the embedded profile: sounds → the joint space, near the text of what is heard.

A sound's log-mel spectrogram is a picture, and the image tower's trunk is a good reader of pictures: its pooled
features and plain statistics of the mel bands go through one linear layer. Levels are in decibels below the clip's own
peak, so a recording and its quieter copy are the same input. Long sounds are heard in overlapping windows.

Training lives in `pointllm.training.audio`, reading of files in `pointllm.inputs.audio`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import InputError
from ...profiles import read_config
from .efficientnet_lite import EfficientNetLite

SHORTEST_SECONDS = 0.1
SILENCE_PEAK = 1e-4  # -80 dB of full scale: below the noise floor of any recording worth hearing
QUANTILES = (0.1, 0.9)


@lru_cache(maxsize=4)
def mel_filterbank(sample_rate: int, window: int, bands: int, low: float, high: float) -> Tensor:
    """Triangles, evenly spaced on the mel scale 2595 · log10(1 + f / 700 Hz): (bands, window // 2 + 1) float32."""
    frequencies = np.linspace(0, sample_rate / 2, window // 2 + 1)
    mels = np.linspace(*(2595 * np.log10(1 + f / 700) for f in (low, high)), bands + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)[:, None]  # Hz
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    return torch.from_numpy(np.maximum(0, np.minimum(rising, falling)).astype(np.float32))


def log_mel(samples: Tensor, config: dict) -> Tensor:
    """Samples (T,) → decibels below the loudest band and frame, (bands, frames), 0 down to -floor_db."""
    spectrum = torch.stft(samples, config["window"], config["hop"], window=torch.hann_window(config["window"]),
                          return_complex=True).abs().square()
    bank = mel_filterbank(config["sample_rate"], config["window"], config["bands"], config["low"], config["high"])
    decibels = 10 * torch.log10((bank @ spectrum).clamp_min(1e-10))
    return (decibels - decibels.max()).clamp_min(-config["floor_db"])


def statistics(decibels: Tensor) -> Tensor:
    """(bands, frames) → (6 · bands,): level, spread and change of every band over time."""
    change = decibels.diff(dim=1)
    return torch.cat([decibels.mean(1), decibels.std(1), change.abs().mean(1), change.std(1),
                      *(decibels.quantile(q, dim=1) for q in QUANTILES)])


def prepare(waveform: np.ndarray, sample_rate: int, config: dict) -> list[Tensor]:
    """One channel at any rate → windows (T,) float32 at the tower's rate, the last one filled up with silence.

    Raises InputError for sounds that are too short, silent, not finite, or not one channel.
    """
    import soxr

    samples = np.asarray(waveform, dtype=np.float32)
    if samples.ndim != 1 or sample_rate <= 0:
        raise InputError(f"sound of shape {samples.shape} at {sample_rate} Hz; one channel at a positive rate needed")
    if len(samples) < SHORTEST_SECONDS * sample_rate:
        raise InputError(f"sound of {len(samples) / sample_rate:.3f} s; at least {SHORTEST_SECONDS} s are needed")
    if not np.isfinite(samples).all():
        raise InputError("sound with samples that are not finite; export it again as integer or float PCM")
    if float(np.abs(samples).max()) < SILENCE_PEAK:
        raise InputError("sound holds only silence; record it again, louder")
    if sample_rate != config["sample_rate"]:
        samples = soxr.resample(samples, sample_rate, config["sample_rate"])
    length = round(config["window_seconds"] * config["sample_rate"])
    if len(samples) < length:
        samples = np.pad(samples, (0, length - len(samples)))
    count = min(1 + -(-2 * (len(samples) - length) // length), config["most_windows"])  # half a window between starts
    starts = np.linspace(0, len(samples) - length, count).astype(int)
    windows = [samples[start:start + length] for start in starts]
    loud = [window for window in windows if np.abs(window).max() >= SILENCE_PEAK]
    return [torch.from_numpy(np.ascontiguousarray(window)) for window in loud or windows[:1]]


class AudioTower:
    """Waveforms → unit vectors in the joint space, through the image tower's trunk."""

    def __init__(self, trunk: EfficientNetLite, head: nn.Linear, config: dict):
        self.trunk, self.head, self.config = trunk, head, config

    @classmethod
    def from_folder(cls, folder: Path, trunk: EfficientNetLite) -> AudioTower:
        """Load config.json and head.safetensors. WeightsError when config.json can't be read."""
        folder = Path(folder)
        config = read_config(folder)
        weights = {k: v.float() for k, v in load_file(folder / "head.safetensors").items()}
        head = nn.Linear(weights["weight"].shape[1], weights["weight"].shape[0])
        head.load_state_dict(weights)
        return cls(trunk, head.requires_grad_(False), config)

    @torch.inference_mode()
    def features(self, windows: Sequence[Tensor]) -> Tensor:
        """Windows (T,) at the tower's rate → (W, 1280 + 6 · bands) float32."""
        size = self.config["picture_size"]
        found = []
        for window in windows:
            decibels = log_mel(window, self.config)
            shade = 1 + decibels / self.config["floor_db"]
            # Low frequencies at the bottom, as in a printed spectrogram.
            picture = F.interpolate(shade[None, None], (size, size), mode="bilinear", antialias=True).flip(2)
            pixels = (picture.expand(1, 3, -1, -1) - self.trunk.mean) / self.trunk.std
            found.append(torch.cat([self.trunk.features(pixels)[0], statistics(decibels)]))
        return torch.stack(found)

    @torch.inference_mode()
    def embed(self, sounds: Sequence[tuple[np.ndarray, int]]) -> Tensor:
        """Sounds, each (samples (T,) float, rate in Hz) → (B, D) float32 of unit norm: the mean over windows.

        Raises InputError, see `prepare`.
        """
        rows = []
        for waveform, sample_rate in sounds:
            features = self.features(prepare(waveform, sample_rate, self.config))
            rows.append(F.normalize(F.normalize(self.head(features), dim=-1).mean(0), dim=-1))
        return torch.stack(rows)
