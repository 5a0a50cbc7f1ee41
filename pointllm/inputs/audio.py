"""Sound: any common audio file to one channel of samples.

Resampling and spectra are the audio tower's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from .files import check_file
from .media import open_media

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".au", ".caf", ".wma",
            ".amr")
MAX_SECONDS = 600  # read from the start; the rest of a longer recording is left out
MAX_VALUES = 120_000_000  # samples × channels held at once


def read_audio(path: str | Path) -> tuple[np.ndarray, int]:
    """Samples (T,) float32 in about [-1, 1], channels averaged, and the sample rate in Hz. InputError with one line."""
    path = Path(path)
    check_file(path)
    samples, rate = _with_soundfile(path) or _with_ffmpeg(path)
    if not len(samples):
        raise InputError(f"{path.name}: holds no sound; record or export it again")
    return np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0), rate


def _with_soundfile(path: Path) -> tuple[np.ndarray, int] | None:
    """As `read_audio`, or None where libsndfile doesn't know the format."""
    import soundfile

    try:
        with soundfile.SoundFile(str(path)) as file:
            rate, channels = file.samplerate, file.channels
            wanted = min(MAX_SECONDS * rate, MAX_VALUES // max(channels, 1))
            blocks = []
            while wanted > 0:
                block = file.read(min(wanted, 1_000_000), dtype="float32", always_2d=True)  # (T, channels)
                if not len(block):
                    break
                blocks.append(block.mean(axis=1, dtype=np.float32))
                wanted -= len(block)
            return (np.concatenate(blocks) if blocks else np.zeros(0, np.float32)), rate
    except (RuntimeError, TypeError, ValueError, OSError):  # libsndfile's errors are RuntimeErrors
        return None


def _with_ffmpeg(path: Path) -> tuple[np.ndarray, int]:
    with open_media(path) as container:
        from av.audio.resampler import AudioResampler

        if not container.streams.audio:
            raise InputError(f"{path.name}: holds no sound; choose a file with an audio track")
        stream = container.streams.audio[0]
        rate = stream.rate or 0
        if not 0 < rate <= 1_000_000:
            raise InputError(f"{path.name}: an impossible sample rate; export it as .wav")
        resampler = AudioResampler(format="flt", layout="mono", rate=rate)
        blocks, total = [], 0
        for frame in container.decode(stream):
            for mono in resampler.resample(frame):
                block = mono.to_ndarray().ravel()
                blocks.append(block)
                total += len(block)
            if total >= min(MAX_SECONDS * rate, MAX_VALUES):
                break
        return (np.concatenate(blocks) if blocks else np.zeros(0, np.float32)), rate
