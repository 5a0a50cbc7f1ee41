"""Disturbances of sounds as power in mel bands: crops, equaliser, mixtures, noise, masks.

Working on mel power instead of samples costs almost nothing: the Fourier transforms are done once per clip. What
cannot be done there, playing a recording faster or slower, is prepared as several versions of each clip.

Every function draws from the generator that it is given, so that a run can be repeated and resumed.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def uniform(generator: torch.Generator, low: float, high: float, *size: int) -> Tensor:
    """`size` numbers from [low, high)."""
    return low + (high - low) * torch.rand(size, generator=generator)


def crop(power: Tensor, frames: int, loop: float, generator: torch.Generator) -> Tensor:
    """(F, M) → (frames, M): a random cut; a clip that is too short is repeated or laid somewhere in silence."""
    spare = frames - len(power)
    if spare <= 0:
        start = int(torch.randint(-spare + 1, (), generator=generator))
        return power[start : start + frames]
    if float(torch.rand((), generator=generator)) < loop:
        power = power.repeat(-(-frames // len(power)), 1)
        return power.roll(int(torch.randint(len(power), (), generator=generator)), 0)[:frames]
    before = int(torch.randint(spare + 1, (), generator=generator))
    return F.pad(power, (0, 0, before, spare - before))


def smooth_curves(count: int, bands: int, deviation: float, generator: torch.Generator) -> Tensor:
    """Random curves over the bands, in decibels: (count, bands), straight between six random knots."""
    knots = torch.randn(count, 1, 6, generator=generator) * deviation
    return F.interpolate(knots, bands, mode="linear", align_corners=True)[:, 0]


def amplify(power: Tensor, decibels: Tensor) -> Tensor:
    """(B, F, M) with gains (B, M) or (B, 1)."""
    return power * (10 ** (decibels / 10))[:, None, :]


def to_equal_level(power: Tensor) -> Tensor:
    """(B, F, M) → the same with a mean total power of 1 over the loudest tenth of frames, where the sound is."""
    frames = power.sum(dim=2)
    loudest = frames.topk(max(1, frames.shape[1] // 10), dim=1).values.mean(dim=1)
    return power / loudest.clamp_min(1e-12)[:, None, None]


def disturb(power: Tensor, settings: dict, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Equalise, shift, mix within the batch, add noise, cut highs.

    Args:
        power: (B, F, M) crops.
        settings: the `augmentation` block of the recipe.

    Returns:
        power (B, F, M), partner (B,) int64: the crop mixed in, share (B,): how much of the sound is the partner's.
    """
    count, frames, bands = power.shape
    power = to_equal_level(amplify(power, smooth_curves(count, bands, settings["tilt_db"], generator)))
    shift = int(torch.randint(-settings["band_shift"], settings["band_shift"] + 1, (), generator=generator))
    if shift:
        power = power.roll(shift, 2)
        edge = slice(0, shift) if shift > 0 else slice(bands + shift, bands)
        power[:, :, edge] = 0

    partner = torch.randperm(count, generator=generator)
    below = uniform(generator, *settings["mix_db"], count)
    mixed = torch.rand(count, generator=generator) < settings["mix"]
    gain = torch.where(mixed, 10 ** (-below / 10), torch.zeros(()))  # of the partner's power
    # Shares follow amplitudes, as in between-class learning (Tokozume et al., arXiv 1711.10282).
    share = gain.sqrt() / (1 + gain.sqrt())
    power = power + gain[:, None, None] * power[partner]

    color = smooth_curves(count, bands, 8.0, generator)
    below = uniform(generator, *settings["noise_db"], count)
    noisy = (torch.rand(count, generator=generator) < settings["noise"]).float()
    # Power of Gaussian noise in a band: roughly chi-squared, with more degrees of freedom than we spend here.
    noise = torch.randn(2, count, frames, bands, generator=generator).square().mean(dim=0)
    noise = to_equal_level(amplify(noise, color))
    power = power + (noisy * 10 ** (-below / 10))[:, None, None] * noise

    cut = torch.randint(bands // 2, bands, (count,), generator=generator)
    cut = torch.where(torch.rand(count, generator=generator) < settings["low_pass"], cut, bands)
    power = power * (torch.arange(bands)[None] < cut[:, None])[:, None, :]
    return power, partner, share


def mask(picture: Tensor, settings: dict, generator: torch.Generator) -> Tensor:
    """SpecAugment (Park et al., arXiv 1904.08779) on (B, F, M): stretches of time and groups of bands at the floor."""
    count, frames, bands = picture.shape
    for axis, size, number, widest in (
        (1, frames, settings["time_masks"], settings["time_mask"] * frames),
        (2, bands, settings["band_masks"], settings["band_mask"]),
    ):
        for _ in range(number):
            width = uniform(generator, 0, widest, count)
            start = uniform(generator, 0, 1, count) * (size - width)
            place = torch.arange(size)[None]
            hidden = (place >= start[:, None]) & (place < (start + width)[:, None])  # (B, size)
            picture = picture.masked_fill(hidden[:, :, None] if axis == 1 else hidden[:, None, :], -1.0)
    return picture
