"""What happens to sounds between the thing that makes them and a file: silence, distance, noise, cuts, narrow bands.

Two uses of the same steps: `disturbed` draws a random combination for training, `CONDITIONS` are fixed ones, one at a
time, under which recognition is measured. Everything is (samples (T,) float32, rate in Hz) → the same, and depends on
nothing but its arguments and the random generator. Reading files is `pointllm.inputs`' business.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Mapping

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import fftconvolve

Waveform = tuple[np.ndarray, int]
FRAME_SECONDS = 0.02


def with_silence(samples: np.ndarray, rate: int, seconds: float, rng: np.random.Generator) -> Waveform:
    """Digital silence of so many seconds, a random share of it before and the rest after."""
    total = round(seconds * rate)
    before = int(rng.integers(total + 1))
    return np.pad(samples, (before, total - before)), rate


def quieter(samples: np.ndarray, rate: int, decibels: float) -> Waveform:
    """Turned down and rounded to 16 bits, as a file keeps it."""
    return np.round(samples * 10 ** (-decibels / 20) * 32767).astype(np.float32) / 32767, rate


def with_noise(samples: np.ndarray, rate: int, decibels: float, colour: float, rng: np.random.Generator) -> Waveform:
    """Noise so many decibels below the sound (mean power against mean power, digital silence not counted).

    colour: its power falls with frequency to this power: 0 white, 1 pink, 2 brown.
    """
    noise = rng.standard_normal(len(samples), np.float32)
    if colour:
        size = next_fast_len(len(samples), real=True)
        spectrum = rfft(noise, size)
        spectrum /= np.maximum(np.arange(len(spectrum)), 1 + len(spectrum) // 500).astype(np.float32) ** (colour / 2)
        noise = irfft(spectrum, size)[:len(samples)]
    heard = samples[np.abs(samples) > 1e-4 * np.abs(samples).max(initial=0)]
    if not len(heard):
        return samples, rate
    level = np.sqrt(np.mean(heard**2) / np.mean(noise**2)) * 10 ** (-decibels / 20)
    return (samples + level * noise).astype(np.float32), rate


def powers(samples: np.ndarray, rate: int) -> np.ndarray:
    """Mean power of each frame of FRAME_SECONDS, (frames,) float64."""
    size = max(1, round(FRAME_SECONDS * rate))
    return np.add.reduceat(samples.astype(np.float64) ** 2, np.arange(0, len(samples), size)) / size


def loudest(samples: np.ndarray, rate: int, seconds: float) -> Waveform:
    """The stretch of so many seconds with the most power."""
    length = round(seconds * rate)
    if length >= len(samples):
        return samples, rate
    sums = np.concatenate([[0], np.cumsum(samples.astype(np.float64) ** 2)])
    start = int((sums[length:] - sums[:-length]).argmax())
    return samples[start:start + length], rate


def cut(samples: np.ndarray, rate: int, seconds: float, rng: np.random.Generator) -> Waveform:
    """A stretch of so many seconds around a moment that is drawn by its power: what is cut out is never all silence."""
    length = round(seconds * rate)
    weights = powers(samples, rate)
    if length >= len(samples) or not weights.sum():
        return samples, rate
    moment = rng.choice(len(weights), p=weights / weights.sum()) * round(FRAME_SECONDS * rate)
    start = int(np.clip(moment - rng.integers(length), 0, len(samples) - length))
    return samples[start:start + length], rate


def resampled(samples: np.ndarray, rate: int, wanted: int) -> Waveform:
    """At a lower rate, which nothing above half of it outlives."""
    import soxr

    return soxr.resample(samples, rate, wanted).astype(np.float32), wanted


def with_background(samples: np.ndarray, rate: int, other: Waveform, decibels: float,
                    rng: np.random.Generator) -> Waveform:
    """Another sound under it, its loudest second so many decibels below that of this one."""
    behind, other_rate = other
    if other_rate != rate:
        behind, _ = resampled(behind, other_rate, rate)
    behind = np.roll(np.resize(behind, len(samples)), rng.integers(len(samples)))
    mine, theirs = (np.mean(loudest(part, rate, 1.0)[0].astype(np.float64) ** 2) for part in (samples, behind))
    if not theirs:
        return samples, rate
    return (samples + behind * np.sqrt(mine / theirs) * 10 ** (-decibels / 20)).astype(np.float32), rate


def in_a_room(samples: np.ndarray, rate: int, seconds: float, share: float, rng: np.random.Generator) -> Waveform:
    """With an echo that is 60 dB down after so many seconds, mixed in by its share of the power."""
    length = max(2, round(seconds * rate))
    tail = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    wet = fftconvolve(samples, tail.astype(np.float32))[:len(samples)]
    dry_power, wet_power = np.mean(samples.astype(np.float64) ** 2), np.mean(wet**2)
    if not wet_power:
        return samples, rate
    mixed = np.sqrt(1 - share) * samples + np.sqrt(share * dry_power / wet_power) * wet
    return mixed.astype(np.float32), rate


def as_mp3(samples: np.ndarray, rate: int, level: float) -> Waveform:
    """Through an MP3 file; level: of compression, 0 (best) to 1. Peaks are turned down where they would be clipped."""
    import soundfile

    stream = io.BytesIO()
    soundfile.write(stream, samples / max(1.0, float(np.abs(samples).max(initial=0))), rate, format="MP3",
                    compression_level=level)
    stream.seek(0)
    return soundfile.read(stream, dtype="float32")


AS_RECORDED = "as-recorded"
Condition = Callable[[np.ndarray, int, np.random.Generator], Waveform]
CONDITIONS: Mapping[str, Condition] = {
    AS_RECORDED: lambda samples, rate, rng: (samples, rate),
    "silence-1s": lambda samples, rate, rng: with_silence(samples, rate, 1.0, rng),
    "silence-2s": lambda samples, rate, rng: with_silence(samples, rate, 2.0, rng),
    "silence-4s": lambda samples, rate, rng: with_silence(samples, rate, 4.0, rng),
    "quieter-20db": lambda samples, rate, rng: quieter(samples, rate, 20.0),
    "noise-10db": lambda samples, rate, rng: with_noise(samples, rate, 10.0, 0.0, rng),
    "loudest-second": lambda samples, rate, rng: loudest(samples, rate, 1.0),
    "rate-8khz": lambda samples, rate, rng: resampled(samples, rate, 8000),
    "mp3-8khz": lambda samples, rate, rng: as_mp3(*resampled(samples, rate, 8000), 0.9),
    "mp3": lambda samples, rate, rng: as_mp3(*resampled(samples, rate, 44100), 0.9),
}


def under(condition: str, samples: np.ndarray, rate: int, name: str) -> Waveform:
    """The sound under one of CONDITIONS; what is random about it depends on the sound's `name` alone."""
    rng = np.random.default_rng([zlib.crc32(condition.encode()), zlib.crc32(name.encode())])
    return CONDITIONS[condition](samples, rate, rng)


def disturbed(samples: np.ndarray, rate: int, strength, rng: np.random.Generator,
              background: Waveform | None = None) -> Waveform:
    """A random combination, each step with the probability that `strength` gives (`audio_config.Disturbances`).

    The order is that of the world: the thing, its surroundings, the microphone, the file, who cuts and sends it.
    """
    def happens(chance: float) -> bool:
        return bool(rng.random() < chance)

    if happens(strength.begun_elsewhere):
        samples = np.roll(samples, rng.integers(len(samples)))
    rate = round(rate * rng.uniform(*strength.speeds))
    if happens(strength.cut):
        samples, rate = cut(samples, rate, rng.uniform(*strength.cut_seconds), rng)
    if happens(strength.room):
        samples, rate = in_a_room(samples, rate, rng.uniform(0.1, 0.8), rng.uniform(0.1, 0.6), rng)
    late = happens(0.5)  # silence may come before the noise, and then is none, or after it
    if not late and happens(strength.silence):
        samples, rate = with_silence(samples, rate, rng.uniform(*strength.silence_seconds), rng)
    if background is not None and happens(strength.background):
        samples, rate = with_background(samples, rate, background, rng.uniform(*strength.background_db), rng)
    if happens(strength.noise):
        samples, rate = with_noise(samples, rate, rng.uniform(*strength.noise_db), rng.uniform(0, 2), rng)
    if happens(strength.narrow):
        samples, rate = resampled(samples, rate, round(rng.uniform(*strength.narrow_rates)))
    if happens(strength.mp3):
        rates = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100)  # all that MP3 knows but 48 kHz
        fitting = [known for known in rates if known <= rate] or [8000]
        samples, rate = as_mp3(*resampled(samples, rate, fitting[-1]), rng.uniform(0.5, 1.0))
    if late and happens(strength.silence):
        samples, rate = with_silence(samples, rate, rng.uniform(*strength.silence_seconds), rng)
    return quieter(samples, rate, rng.uniform(*strength.quieter_db))
