"""What a person sees of an upload before any answer: its kind, measured facts, and something to look at.

Relies on the library's readers; the facts stay keys and numbers here, `facts` puts them into words.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from .uploads import scratch, sweep

PREVIEW_PIXELS = 1024
PREVIEW_CHARACTERS = 500


@dataclass(frozen=True)
class Look:
    """What was found in one file.

    modality: as the library names it; preview: a GLB of a shape, else a picture, or None; words: of a text, its
    beginning; facts: key of the language files (after "fact_") → value, in the order to show them.
    """

    path: str
    modality: str
    preview: str | None
    facts: dict[str, object] = field(default_factory=dict)
    words: str = ""

    @property
    def name(self) -> str:
        """The file's own name."""
        return Path(self.path).name


def look_at(path: str) -> Look:
    """Read a file whole, measure it and write its preview. Raises the library's InputError with one line."""
    from pointllm.inputs import read_input

    found = read_input(path)
    describe = {"point": _shape, "image": _image, "audio": _audio, "video": _video, "text": _text}[found.modality]
    preview, facts = describe(path, found.data)
    words = found.data[:PREVIEW_CHARACTERS] if found.modality == "text" else ""
    return Look(path, found.modality, preview, {**facts, "file_size": Path(path).stat().st_size}, words)


def _preview_file(path: str, suffix: str) -> Path:
    """Where the preview of an upload goes: named by its path, which gradio derives from the content."""
    sweep()
    return scratch() / (hashlib.sha256(path.encode()).hexdigest()[:24] + suffix)


def _shape(path: str, cloud) -> tuple[str, dict[str, object]]:
    from pointllm.inputs.facts import shape_facts
    from pointllm.inputs.preview import write_preview

    target = _preview_file(path, ".glb")
    write_preview(cloud, str(target))
    measured = shape_facts(cloud)
    kind = ("mesh" if "faces" in measured else "cloud", measured.pop("format"))
    return str(target), {"kind": kind, **{key: value for key, value in measured.items() if value is not None}}


def _image(path: str, image) -> tuple[str, dict[str, object]]:
    # Written anew: browsers draw neither TIFF nor a turned photo of every camera, and a small copy loads at once.
    return _picture(path, image), {"pixels": _pixels(path)}


def _picture(path: str, image) -> str:
    target = _preview_file(path, ".png")
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


def _audio(path: str, sound) -> tuple[None, dict[str, object]]:
    waveform, rate = sound
    return None, {"duration": len(waveform) / rate, "rate": rate}


def _video(path: str, video) -> tuple[str, dict[str, object]]:
    # The picture stands for videos that browsers don't play, .avi for one.
    return _picture(path, video[0]), {"duration": video.duration, "frame_rate": video.fps}


def _text(path: str, words: str) -> tuple[None, dict[str, object]]:
    return None, {"words": len(words.split())}
