"""What a person sees of an upload before any answer: its kind, measured facts, and something to look at.

Relies on the library's readers; the facts stay keys and numbers here, `facts` puts them into words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .uploads import scratch, sweep

if TYPE_CHECKING:
    from PIL import Image

PREVIEW_PIXELS = 1024
PREVIEW_CHARACTERS = 500
WAVE_BARS = 160
STRIP_HEIGHT = 88  # in points of the screen
# What browsers play themselves; of other sounds a copy is made, of other videos their frames are shown.
PLAYED_SOUNDS = frozenset({".wav", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".oga", ".opus", ".webm", ".mp4"})
PLAYED_VIDEOS = frozenset({".mp4", ".m4v", ".webm", ".mov", ".ogv"})


@dataclass(frozen=True)
class Look:
    """What was found in one file.

    modality: as the library names it; preview: a GLB of a shape, else a picture, or None; facts: key of the language
    files (after "fact_") → value, in the order to show them; words: of a text, its beginning; wave: of a sound, how
    loud it is over time, 0 to 1; played: a file that browsers play, or None; strip: a picture of a video's frames side
    by side.
    """

    path: str
    modality: str
    preview: str | None = None
    facts: dict[str, object] = field(default_factory=dict)
    words: str = ""
    wave: tuple[float, ...] = ()
    played: str | None = None
    strip: str | None = None

    @property
    def name(self) -> str:
        """The file's own name."""
        return Path(self.path).name


def look_at(path: str) -> Look:
    """Read a file whole, measure it and write its preview. Raises the library's InputError with one line."""
    from pointllm.inputs import read_input

    found = read_input(path)
    describe = {"point": _shape, "image": _image, "audio": _audio, "video": _video, "text": _text}[found.modality]
    look = describe(path, found.data)
    return replace(look, facts={**look.facts, "file_size": Path(path).stat().st_size})


def preview_file(path: str, suffix: str) -> Path:
    """Where the preview of an upload goes: named by its path, which gradio derives from the content."""
    sweep()
    return scratch() / (hashlib.sha256(path.encode()).hexdigest()[:24] + suffix)


def _shape(path: str, cloud) -> Look:
    from pointllm.inputs.facts import palette, shape_facts, surface_facts
    from pointllm.inputs.preview import write_preview

    target = preview_file(path, ".glb")
    write_preview(cloud, str(target))
    measured = shape_facts(cloud)
    kind = ("mesh" if "faces" in measured else "cloud", measured.pop("format"))
    colors = {"colors": measured.pop("colors"), "palette": palette(cloud)}
    facts = {"kind": kind, **measured, **surface_facts(cloud), **colors}
    return Look(path, "point", str(target), {key: value for key, value in facts.items() if value is not None})


def _image(path: str, image) -> Look:
    # Written anew: browsers draw neither TIFF nor a turned photo of every camera, and a small copy loads at once.
    return Look(path, "image", _picture(path, image), {"pixels": _pixels(path)})


def _picture(path: str, image) -> str:
    target = preview_file(path, ".png")
    small = image.copy()
    small.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS))
    small.save(target)
    return str(target)


def _pixels(path: str) -> tuple[int, int]:
    """Width and height of the file's own picture, upright; the reader's copy may be smaller."""
    from PIL import Image
    from PIL.ExifTags import Base

    with Image.open(path) as file:
        width, height = file.size
        turned = file.getexif().get(Base.Orientation, 1) >= 5
    return (height, width) if turned else (width, height)


def _audio(path: str, sound) -> Look:
    waveform, rate = sound
    facts = {"duration": len(waveform) / rate, "rate": rate}
    played = path
    if Path(path).suffix.lower() not in PLAYED_SOUNDS:
        import soundfile

        played = str(preview_file(path, ".flac"))
        soundfile.write(played, waveform.clip(-1, 1), rate, subtype="PCM_16")
    return Look(path, "audio", facts=facts, wave=loudness(waveform), played=played)


def loudness(waveform, bars: int = WAVE_BARS) -> tuple[float, ...]:
    """The loudest moment of each of `bars` equal stretches of samples (T,), 0 to 1; the loudest of all is 1."""
    import numpy as np

    starts = np.unique(np.linspace(0, len(waveform), bars, endpoint=False).astype(int))
    peaks = np.maximum.reduceat(np.abs(waveform).astype(np.float64), starts)
    return tuple(np.round(peaks / max(float(peaks.max()), 1e-9), 3).tolist())


def _video(path: str, video) -> Look:
    # The picture stands for videos that browsers don't play, .avi for one.
    return Look(path, "video", _picture(path, video[0]), {"duration": video.duration, "frame_rate": video.fps},
                played=path if Path(path).suffix.lower() in PLAYED_VIDEOS else None,
                strip=side_by_side(list(video), preview_file(path, ".jpg")))


def side_by_side(pictures: Sequence[Image.Image], target: Path, height: int = 2 * STRIP_HEIGHT) -> str:
    """Pictures at the same height in one row, as a JPEG at `target`; gives its path."""
    from PIL import Image

    small = [picture.resize((max(1, round(picture.width * height / picture.height)), height)) for picture in pictures]
    row = Image.new("RGB", (sum(picture.width for picture in small), height))
    across = 0
    for picture in small:
        row.paste(picture.convert("RGB"), (across, 0))
        across += picture.width
    row.save(target, quality=85)
    return str(target)


def _text(path: str, words: str) -> Look:
    return Look(path, "text", facts={"words": len(words.split())}, words=words[:PREVIEW_CHARACTERS])
