"""The audio tower of the embedded profile: sounds to unit vectors of dimension 384, near the text of what is heard.

A log-mel front end and a small residual convolutional network. The front end takes the level out: spectra
are in decibels below the clip's own peak, so a recording and its quieter copy are the same input. Clips longer than
one window are heard in overlapping windows.

Every size stands in the folder's `config.json`; training lives in `pointllm.training.audio_tower`, reading of files
in `pointllm.inputs.audio`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointllm.errors import InputError, WeightsError

FILES = ("config.json", "model.safetensors")
SHORTEST_SECONDS = 0.1
SILENCE_PEAK = 1e-4  # -80 dB of full scale: below the noise floor of any recording worth hearing


@dataclass(frozen=True)
class AudioConfig:
    """Every number of the front end and the network.

    Attributes:
        sample_rate: Hz that inputs are resampled to.
        window: samples of a Fourier transform. hop: samples between two of them.
        mels: bands. f_min, f_max: Hz, the outer edges of the bands.
        floor_db: levels further below the clip's loudest band are cut off.
        window_seconds, window_hop_seconds: how a long clip is cut for `AudioTower.embed`; padded_seconds: a shorter
            one is filled up with silence, because the network was trained on nothing shorter.
        channels: width of the network's stages; each halves time and frequency.
        dim: width of the joint space.
    """

    sample_rate: int = 32000
    window: int = 1024
    hop: int = 640
    mels: int = 64
    f_min: float = 40.0
    f_max: float = 15000.0
    floor_db: float = 80.0
    window_seconds: float = 5.0
    window_hop_seconds: float = 2.5
    padded_seconds: float = 1.5
    channels: tuple[int, ...] = (24, 48, 96, 192)
    dim: int = 384


@lru_cache(maxsize=8)
def mel_filterbank(sample_rate: int, window: int, mels: int, f_min: float, f_max: float) -> Tensor:
    """Triangular bands, evenly spaced on the mel scale 2595 · log10(1 + f / 700): (window // 2 + 1, mels) float32."""
    frequencies = np.linspace(0, sample_rate / 2, window // 2 + 1)
    low, high = (2595 * np.log10(1 + f / 700) for f in (f_min, f_max))
    edges = 700 * (10 ** (np.linspace(low, high, mels + 2) / 2595) - 1)  # Hz: lower, middle, upper of each band
    rising = (frequencies[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies[:, None]) / (edges[2:] - edges[1:-1])
    return torch.from_numpy(np.maximum(0, np.minimum(rising, falling)).astype(np.float32))


def mel_power(waveform: Tensor, config: AudioConfig) -> Tensor:
    """Samples (T,) at `config.sample_rate` → power in mel bands (frames, mels), one frame per started hop."""
    spectrum = torch.stft(
        waveform,
        config.window,
        config.hop,
        window=torch.hann_window(config.window, device=waveform.device),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    power = spectrum.abs().square().T  # (frames, bins)
    bank = mel_filterbank(config.sample_rate, config.window, config.mels, config.f_min, config.f_max)
    return power @ bank.to(power.device)


def to_decibels(power: Tensor, floor_db: float) -> Tensor:
    """Power (..., frames, mels) → decibels below each clip's own peak, scaled so that peak is 1 and floor is -1."""
    peak = power.amax(dim=(-2, -1), keepdim=True).clamp_min(1e-12)
    decibels = 10 * torch.log10((power / peak).clamp_min(10 ** (-floor_db / 10)))
    return 1 + decibels * (2 / floor_db)


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions; the first one halves time and frequency, the shortcut averages."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.reduce_norm = nn.BatchNorm2d(outputs)
        self.refine = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.refine_norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, M) → (B, C', T/2, M/2), rounded up."""
        y = F.relu(self.reduce_norm(self.reduce(x)))
        y = self.refine_norm(self.refine(y))
        return F.relu(y + self.shortcut(F.avg_pool2d(x, 2, ceil_mode=True)))


class AudioNetwork(nn.Module):
    """Log-mel pictures to unit vectors: stem, residual stages, mean and maximum over time, one linear map."""

    def __init__(self, config: AudioConfig, dropout: float = 0.0) -> None:
        super().__init__()
        first, *rest = config.channels
        # Each band has its own scale and shift: recordings differ most in how their bands are tilted.
        self.band_norm = nn.BatchNorm1d(config.mels)
        self.stem = nn.Conv2d(1, first, 5, stride=2, padding=2, bias=False)
        self.stem_norm = nn.BatchNorm2d(first)
        pairs = zip(config.channels[:-1], rest, strict=True)
        self.stages = nn.Sequential(*(ResidualBlock(inputs, outputs) for inputs, outputs in pairs))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * config.channels[-1], config.dim)

    def features(self, x: Tensor) -> Tensor:
        """(B, frames, mels) from `to_decibels` → pooled features (B, 2 C)."""
        x = self.band_norm(x.transpose(1, 2)).transpose(1, 2)
        x = F.relu(self.stem_norm(self.stem(x[:, None])))  # (B, C, T/2, M/2)
        x = self.stages(x).mean(dim=3)  # (B, C, T'): mean over frequency
        # The mean hears what lasts, the maximum what happens once.
        return torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, frames, mels) → (B, dim) of unit norm."""
        return F.normalize(self.head(self.dropout(self.features(x))), dim=-1)


def prepare(waveform: np.ndarray, sample_rate: int, config: AudioConfig) -> Tensor:
    """One channel at any rate → (T,) float32 at the tower's rate, its silent ends cut off.

    Raises:
        InputError: shorter than 0.1 s, nothing but silence, not finite, or not one channel.
    """
    import soxr

    samples = np.asarray(waveform, dtype=np.float32)
    if samples.ndim != 1 or sample_rate <= 0:
        raise InputError(f"sound of shape {samples.shape} at {sample_rate} Hz: one channel, at a positive rate, needed")
    if len(samples) < SHORTEST_SECONDS * sample_rate:
        raise InputError(f"sound of {len(samples) / sample_rate:.3f} s: at least {SHORTEST_SECONDS} s are needed")
    if not np.isfinite(samples).all():
        raise InputError("sound with samples that are not finite: export it again as integer or float PCM")
    peak = float(np.abs(samples).max())
    if peak < SILENCE_PEAK:
        raise InputError("sound holds only silence: record it again, louder")
    samples = samples / peak
    if sample_rate != config.sample_rate:
        samples = soxr.resample(samples, sample_rate, config.sample_rate, quality="HQ")
    loud = np.flatnonzero(np.abs(samples) > 1e-3)  # 60 dB below the peak
    shortest = round(SHORTEST_SECONDS * config.sample_rate)
    start, stop = (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, len(samples))
    stop = max(stop, start + shortest)
    return torch.from_numpy(np.ascontiguousarray(samples[start:stop], dtype=np.float32))


def cut_windows(power: Tensor, config: AudioConfig) -> Tensor:
    """Mel power (frames, mels) of a whole clip → (W, frames ≤ window, mels): overlapping windows of equal length."""
    per_second = config.sample_rate / config.hop
    power = F.pad(power, (0, 0, 0, max(0, round(config.padded_seconds * per_second) - len(power))))
    length = min(len(power), round(config.window_seconds * per_second))
    last = len(power) - length
    count = 1 + -(-last // max(1, round(config.window_hop_seconds * per_second)))
    starts = np.unique(np.linspace(0, last, count).round().astype(int))
    return torch.stack([power[start : start + length] for start in starts])


class AudioTower:
    """Waveforms → unit vectors in the joint space. Stored in half precision, computed in float32."""

    def __init__(self, network: AudioNetwork, config: AudioConfig) -> None:
        self.network = network.eval().requires_grad_(False)
        self.config = config
        self.dim = config.dim

    @classmethod
    def from_folder(cls, folder: str | Path, device: str | torch.device = "cpu") -> AudioTower:
        """Load a tower from a folder with `config.json` and `model.safetensors`.

        Raises:
            WeightsError: a file is missing, damaged, or does not fit the other.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        folder = Path(folder)
        for name in FILES:
            if not (folder / name).is_file():
                raise WeightsError(f"{folder / name}: missing; an audio tower's folder holds {', '.join(FILES)}")
        try:
            values = json.loads((folder / "config.json").read_text(encoding="utf-8"))["audio"]
            config = AudioConfig(**(values | {"channels": tuple(values["channels"])}))
            network = AudioNetwork(config)
            state = load_file(folder / "model.safetensors")
            network.load_state_dict({name: tensor.float() for name, tensor in state.items()}, strict=False)
            missing = network.state_dict().keys() - state.keys()
            if extra := (state.keys() - network.state_dict().keys()) | {
                name for name in missing if not name.endswith("num_batches_tracked")
            }:
                raise ValueError(f"keys differ: {', '.join(sorted(extra)[:3])}")
        except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise WeightsError(f"{folder}: not a usable audio tower ({reason}); restore the folder") from error
        return cls(network.to(device), config)

    def save(self, folder: str | Path, **facts: object) -> None:
        """Write the half-precision weights and `config.json`; `facts` go into the latter beside the sizes."""
        from safetensors.torch import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        state = self.network.state_dict().items()
        save_file(
            {name: tensor.half().cpu().contiguous() for name, tensor in state if "num_batches" not in name},
            folder / "model.safetensors",
        )
        text = json.dumps({"audio": asdict(self.config), **facts}, indent=2)
        (folder / "config.json").write_text(text + "\n", encoding="utf-8")

    @torch.inference_mode()
    def embed(self, sounds: Sequence[tuple[np.ndarray, int]]) -> Tensor:
        """Sounds, each (samples (T,) float, sample rate in Hz) → (B, 384) float32 of unit norm, on the CPU.

        A long sound is the mean of its windows, each weighed by its loudness, so that pauses count little.

        Raises:
            InputError: see `prepare`; the message tells which sound of several.
        """
        device = self.network.head.weight.device
        rows = []
        for index, (waveform, sample_rate) in enumerate(sounds):
            try:
                samples = prepare(waveform, sample_rate, self.config)
            except InputError as error:
                raise InputError(f"sound {index + 1}: {error}" if len(sounds) > 1 else str(error)) from error
            windows = cut_windows(mel_power(samples.to(device), self.config), self.config)  # (W, F, M)
            loudness = windows.sum(dim=2).mean(dim=1).sqrt()  # (W,): amplitude
            vectors = self.network(to_decibels(windows, self.config.floor_db))
            rows.append(F.normalize((loudness[:, None] * vectors).sum(dim=0), dim=0))
        return torch.stack(rows).cpu() if rows else torch.zeros(0, self.dim)
