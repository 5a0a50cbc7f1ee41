"""ImageBind's preprocessing: pictures, sounds and videos as they come from `pointllm.inputs`, to its input tensors.

The numbers are those of the original: CLIP's mean and deviation, 224 pixels, three clips of 2 s as 128-band Kaldi
filterbanks, five clips of two frames in three crops. Text is the tokeniser's; depth, heat and IMU have no published
preprocessing and go in as tensors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from pointllm.encoders.imagebind.resample import resample
from pointllm.errors import InputError

IMAGE_SIZE = 224
IMAGE_MEAN = (0.48145466, 0.4578275, 0.40821073)
IMAGE_STD = (0.26862954, 0.26130258, 0.27577711)

AUDIO_RATE = 16000
AUDIO_CLIPS = 3
AUDIO_CLIP_SECONDS = 2
AUDIO_MEAN = -4.268
AUDIO_STD = 9.138
MEL_BANDS = 128
MEL_FRAMES = 204
# Kaldi's filterbank: 25 ms frames every 10 ms, 512-point transforms, 20 Hz to half the rate.
FRAME, FRAME_SHIFT, TRANSFORM, LOWEST_HZ, PREEMPHASIS = 400, 160, 512, 20.0, 0.97

VIDEO_CLIPS = 5
VIDEO_CLIP_SECONDS = 2
VIDEO_FRAMES = 2


def normalize_image(pixels: Tensor) -> Tensor:
    """(..., 3, H, W) in [0, 1] → zero mean and unit deviation per channel, as CLIP has it."""
    mean, std = (torch.tensor(values, device=pixels.device)[:, None, None] for values in (IMAGE_MEAN, IMAGE_STD))
    return (pixels - mean) / std


def image_tensor(image: Image.Image, size: int = IMAGE_SIZE) -> Tensor:
    """A picture → (3, size, size) float32: short side to `size` (bicubic), centre crop, normalised."""
    image = image.convert("RGB")
    width, height = image.size
    short = min(width, height)
    # The long side is rounded down, the crop's corner to the nearest even: as in torchvision.
    width, height = (size * side // short if side > short else size for side in (width, height))
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = round((width - size) / 2), round((height - size) / 2)
    pixels = np.asarray(image.crop((left, top, left + size, top + size)), dtype=np.float32) / 255
    return normalize_image(torch.from_numpy(pixels).permute(2, 0, 1))


def clip_starts(seconds: float, clip_seconds: float, clips: int) -> list[Fraction]:
    """Where evenly spread clips begin, in seconds, the last ending with the recording; all 0 when it is shorter."""
    latest = max(Fraction(seconds) - Fraction(clip_seconds), Fraction(0))
    return [latest * index / max(clips - 1, 1) for index in range(clips)]


@lru_cache(maxsize=1)
def kaldi_mel_bands() -> Tensor:
    """(257, 128) float32: triangles of equal width on the scale 1127 · ln(1 + f / 700), of height 1 in mel."""

    low, high = (1127.0 * math.log(1.0 + frequency / 700.0) for frequency in (LOWEST_HZ, AUDIO_RATE / 2))
    step = (high - low) / (MEL_BANDS + 1)
    left = low + step * torch.arange(MEL_BANDS)  # (128,); in float32 throughout, which is the original to the last bit
    middle, right = left + step, left + 2.0 * step
    frequency = AUDIO_RATE / TRANSFORM * torch.arange(TRANSFORM // 2)  # (256,): without half the rate
    mel = (1127.0 * (1.0 + frequency / 700.0).log())[:, None]
    bands = torch.minimum((mel - left) / (middle - left), (right - mel) / (right - middle)).clamp_min(0)
    return F.pad(bands, (0, 0, 0, 1))


def kaldi_filterbank(waveform: Tensor) -> Tensor:
    """Samples (T,) at 16 kHz, T ≥ 400 → log mel energies (frames, 128), as Kaldi's fbank without dither.

    Each frame: mean taken out, pre-emphasis, Hann window, power spectrum, bands, natural logarithm.
    """
    frames = waveform.unfold(0, FRAME, FRAME_SHIFT)  # (frames, 400)
    frames = frames - frames.mean(dim=1, keepdim=True)
    before = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)  # the first sample is its own predecessor
    frames = (frames - PREEMPHASIS * before) * torch.hann_window(FRAME, periodic=False)
    power = torch.fft.rfft(frames, TRANSFORM).abs().square()  # (frames, 257)
    return (power @ kaldi_mel_bands()).clamp_min(torch.finfo(torch.float32).eps).log()


def audio_tensor(waveform: np.ndarray | Tensor, sample_rate: int) -> Tensor:
    """One channel (T,) → (3, 1, 128, 204) float32: three clips of 2 s, spread evenly, as normalised filterbanks.

    Raises:
        InputError: shorter than one frame (25 ms), or not one channel.
    """
    samples = np.asarray(waveform, dtype=np.float32)
    if samples.ndim != 1:
        raise InputError(f"sound of shape {samples.shape}: one channel (T,) is needed")
    samples = resample(samples, sample_rate, AUDIO_RATE)
    if len(samples) < FRAME:
        raise InputError(f"sound of {len(samples) / AUDIO_RATE:.3f} s: at least {FRAME / AUDIO_RATE} s are needed")
    sound = torch.from_numpy(np.ascontiguousarray(samples))
    clips = []
    for start in clip_starts(len(sound) / AUDIO_RATE, AUDIO_CLIP_SECONDS, AUDIO_CLIPS):
        clip = sound[int(start * AUDIO_RATE) : int((start + AUDIO_CLIP_SECONDS) * AUDIO_RATE)]
        bank = kaldi_filterbank(clip - clip.mean()).T[:, :MEL_FRAMES]  # (128, frames)
        clips.append(F.pad(bank, (0, MEL_FRAMES - bank.shape[1]))[None])
    return (torch.stack(clips) - AUDIO_MEAN) / AUDIO_STD


def video_tensor(frames: Sequence[Image.Image] | np.ndarray, fps: float, size: int = IMAGE_SIZE) -> Tensor:
    """Frames of a whole video → (15, 3, 2, size, size) float32: five clips of 2 s in three crops each.

    Args:
        frames: pictures, or (N, H, W, 3) uint8, evenly spaced in time.
        fps: frames per second of `frames`, which need not be the file's.

    Each clip gives its first and last frame; crops lie at both ends and in the middle of the longer side. Clips vary
    slower than crops, as in the original.

    Raises:
        InputError: no frames, or a rate that is not positive.
    """
    if not len(frames) or not fps > 0:
        raise InputError(f"video of {len(frames)} frames at {fps} frames per second: nothing to see")
    crops = []
    for start in clip_starts(len(frames) / fps, VIDEO_CLIP_SECONDS, VIDEO_CLIPS):
        first = min(math.ceil(float(start) * fps), len(frames) - 1)
        last = min(max(math.ceil(float(start + VIDEO_CLIP_SECONDS) * fps), first + 1), len(frames))
        chosen = torch.linspace(first, last - 1, VIDEO_FRAMES).long().tolist()
        clip = np.stack([np.asarray(frames[index])[..., :3] for index in chosen])
        pixels = torch.from_numpy(clip.astype(np.float32)).permute(0, 3, 1, 2)  # (T, 3, H, W)
        height, width = pixels.shape[-2:]
        short = min(height, width)
        new = [size if side == short else math.floor(side / short * size) for side in (height, width)]
        pixels = normalize_image(F.interpolate(pixels, new, mode="bilinear", align_corners=False) / 255)
        crops.extend(crop.transpose(0, 1) for crop in three_crops(pixels, size))  # (3, T, size, size)
    return torch.stack(crops)


def three_crops(pixels: Tensor, size: int) -> list[Tensor]:
    """(..., H, W) → the first, the middle and the last square of `size` along the longer side."""
    height, width = pixels.shape[-2:]
    top, left = math.ceil((height - size) / 2), math.ceil((width - size) / 2)
    tops = (0, top, height - size) if height > width else (top, top, top)
    lefts = (left, left, left) if height > width else (0, left, width - size)
    return [pixels[..., y : y + size, x : x + size] for y, x in zip(tops, lefts, strict=True)]
