"""Audio tower of the embedded profile: sounds → the joint space, near the text of what is heard.

Two listeners: a sound's log-mel spectrogram is a picture, and the image tower's trunk is a good reader of pictures;
beside it hears a network that was trained on sound effects (`effects_net`). The features of both, and plain statistics
of the mel bands, go through a small head. What a file adds to a sound is taken away first: levels are in decibels below
the clip's own peak, silence at both ends is cut off, and a sound that is shorter than a window is heard again and again
until the window is full. Long sounds are heard in overlapping windows.

Training lives in `pointllm.training.audio`, reading of files in `pointllm.inputs.audio`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import InputError, WeightsError
from ...profiles import read_config
from .effects_net import FEATURES as EFFECTS_FEATURES
from .effects_net import EffectsNet
from .efficientnet_lite import HEAD_WIDTH, EfficientNetLite

EFFECTS = "effects.safetensors"
SHORTEST_SECONDS = 0.1
SILENCE_PEAK = 1e-4  # -80 dB of full scale: below the noise floor of any recording worth hearing
QUANTILES = (0.1, 0.9)
STATISTICS = 4 + len(QUANTILES)  # of each mel band
FRAME_SECONDS = 0.02  # in which silence is looked for


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
                      decibels.quantile(torch.tensor(QUANTILES), dim=1).flatten()])


def without_silent_ends(samples: np.ndarray, rate: int, decibels: float) -> np.ndarray:
    """The stretch from the first to the last frame that is less than so many decibels below the loudest one."""
    size = max(1, round(FRAME_SECONDS * rate))
    power = np.add.reduceat(samples.astype(np.float64) ** 2, np.arange(0, len(samples), size))
    heard = np.flatnonzero(power > power.max() * 10 ** (-decibels / 10))
    return samples[heard[0] * size:(heard[-1] + 1) * size]


def prepare(waveform: np.ndarray, sample_rate: int, config: dict) -> list[Tensor]:
    """One channel at any rate → windows (T,) float32 at the tower's rate, of peak 1 over the whole sound.

    Silent ends are cut off (`silence_db` of the config), and what is shorter than a window is repeated: at least
    `shortest_period` seconds apart, so that a bark stays a bark and does not become a rattle.
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
    peak = float(np.abs(samples).max())
    if peak < SILENCE_PEAK:
        raise InputError("sound holds only silence; record it again, louder")
    samples = samples / peak
    if sample_rate != config["sample_rate"]:
        samples = soxr.resample(samples, sample_rate, config["sample_rate"])
    rate, silence_db = config["sample_rate"], config["silence_db"]
    length, period = round(config["window_seconds"] * rate), round(config["shortest_period"] * rate)
    samples = without_silent_ends(samples, rate, silence_db)
    if len(samples) < length:
        samples = np.resize(np.pad(samples, (0, max(0, period - len(samples)))), length)
    count = min(1 + -(-2 * (len(samples) - length) // length), config["most_windows"])  # half a window between starts
    starts = np.linspace(0, len(samples) - length, count).astype(int)
    windows = [samples[start:start + length] for start in starts]
    loud = [window for window in windows if np.abs(window).max() > 10 ** (-silence_db / 20)]
    return [torch.from_numpy(np.ascontiguousarray(window)) for window in loud or windows[:1]]


class SoundHead(nn.Module):
    """Features → the joint space by way of the kinds of sound that were trained on, as ConSE (arXiv 1312.5650) does.

    A linear layer tells how likely each kind is; the embedding is the mean of their directions, so weighted. What is
    heard clearly lands where its kind belongs, what is like several kinds between them.
    """

    def __init__(self, features: int, kinds: int, dim: int):
        super().__init__()
        self.linear = nn.Linear(features, kinds)
        self.register_buffer("directions", torch.zeros(kinds, dim))  # unit norm

    def forward(self, features: Tensor) -> Tensor:
        """(B, F) → (B, D) of unit norm."""
        return F.normalize(self.linear(features).softmax(-1) @ self.directions, dim=-1)


class AudioTower:
    """Waveforms → unit vectors in the joint space, through the image tower's trunk and the network for sound effects.

    effects: None where the config has no `effects`, as in profiles of before: then the trunk listens alone.
    """

    def __init__(self, trunk: EfficientNetLite, head: SoundHead | None, config: dict,
                 effects: EffectsNet | None = None):
        self.trunk, self.head, self.config, self.effects = trunk, head, config, effects

    @classmethod
    def from_folder(cls, folder: Path, trunk: EfficientNetLite) -> AudioTower:
        """Load config.json, head.safetensors and effects.safetensors. WeightsError for what can't be read."""
        folder = Path(folder)
        return cls.without_head(folder, trunk, read_config(folder)).with_head(folder / "head.safetensors")

    @classmethod
    def without_head(cls, folder: Path, trunk: EfficientNetLite, config: dict) -> AudioTower:
        """What gives features, to train a head on. WeightsError when effects.safetensors can't be read."""
        return cls(trunk, None, config, EffectsNet.from_file(Path(folder) / EFFECTS) if config.get("effects") else None)

    @property
    def widths(self) -> tuple[int, ...]:
        """How many features come from each listener."""
        mine = HEAD_WIDTH + STATISTICS * self.config["bands"]
        return (mine,) if self.effects is None else (mine, EFFECTS_FEATURES)

    def with_head(self, file: Path) -> AudioTower:
        """The same tower with the head of a file. WeightsError when it can't be read."""
        try:
            weights = {key: value.float() for key, value in load_file(file).items()}
            (kinds, features), dim = weights["linear.weight"].shape, weights["directions"].shape[1]
            head = SoundHead(features, kinds, dim)
            head.load_state_dict(weights)
        except (OSError, KeyError, RuntimeError, SafetensorError) as error:
            raise WeightsError(f"{file.parent.name}/{file.name} doesn't load ({str(error).splitlines()[0][:160]}); "
                               "restore it, or train it again") from error
        return AudioTower(self.trunk, head.requires_grad_(False).eval(), self.config, self.effects)

    @torch.inference_mode()
    def features(self, windows: Sequence[Tensor]) -> Tensor:
        """Windows (T,) at the tower's rate → (W, sum of `widths`) float32."""
        size = self.config["picture_size"]
        found = []
        for window in windows:
            decibels = log_mel(window, self.config)
            shade = 1 + decibels / self.config["floor_db"]
            # Low frequencies at the bottom, as in a printed spectrogram.
            picture = F.interpolate(shade[None, None], (size, size), mode="bilinear", antialias=True).flip(2)
            pixels = (picture.expand(1, 3, -1, -1) - self.trunk.mean) / self.trunk.std
            parts = [self.trunk.features(pixels)[0], statistics(decibels)]
            if self.effects is not None:
                parts.append(self.effects.features(window))
            found.append(torch.cat(parts))
        return torch.stack(found)

    @torch.inference_mode()
    def embed(self, sounds: Sequence[tuple[np.ndarray, int]]) -> Tensor:
        """Sounds, each (samples (T,) float, rate in Hz) → (B, D) float32 of unit norm: the mean over windows.

        Raises InputError, see `prepare`.
        """
        rows = []
        for waveform, sample_rate in sounds:
            features = self.features(prepare(waveform, sample_rate, self.config))
            rows.append(F.normalize(self.head(features).mean(0), dim=-1))
        return torch.stack(rows)
