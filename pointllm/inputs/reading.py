"""`read_input`: any file that people upload, by what it is. One look-up of suffixes, then the modality's own reader."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from . import audio, image, text, video
from .files import check_file
from .formats import READERS
from .media import has_video
from .shape import read_shape

MODALITIES = ("point", "image", "audio", "video", "text")
SUFFIXES: dict[str, str] = {
    **dict.fromkeys(READERS, "point"),
    **dict.fromkeys(image.SUFFIXES, "image"),
    **dict.fromkeys(audio.SUFFIXES, "audio"),
    **dict.fromkeys(video.SUFFIXES, "video"),
}


@dataclass(frozen=True)
class Input:
    """What was read. data: PointCloud, PIL.Image, (samples (T,), rate), Video or str, by modality."""

    path: str
    modality: str
    data: object


def modality_of(path: str | Path) -> str:
    """"point", "image", "audio", "video" or "text", from the suffix; of a .txt that exists, from its first lines.

    InputError for a suffix that is not known, with those that are.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        known = "; ".join(f"{m}: {' '.join(s for s in SUFFIXES if SUFFIXES[s] == m)}" for m in MODALITIES[:4])
        given = f"unknown file type {suffix!r}" if suffix else "a file type cannot be told without a suffix"
        raise InputError(f"{path.name}: {given}; known are {known}")
    if suffix in text.SUFFIXES and path.is_file() and text.is_prose(path):
        return "text"
    return SUFFIXES[suffix]


def read_input(path: str | Path, samples: int = 16384, seed: int = 0) -> Input:
    """Reads a file as what it is; `samples` and `seed` are `read_shape`'s. InputError with one line."""
    path = Path(path)
    try:
        modality = modality_of(path)
    except OSError:
        modality = SUFFIXES[path.suffix.lower()]  # the reader says what is wrong with the file
    check_file(path)
    if modality == "video" and not has_video(path):
        modality = "audio"  # what browsers record with a microphone comes as .webm or .mp4
    if modality == "point":
        return Input(str(path), modality, read_shape(path, samples, seed))
    readers = {"image": image.read_image, "audio": audio.read_audio, "video": video.read_video, "text": text.read_text}
    return Input(str(path), modality, readers[modality](path))
