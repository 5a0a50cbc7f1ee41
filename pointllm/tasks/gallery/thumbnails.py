"""Small pictures of what an index holds: a view of a shape, a picture or a frame, the waveform of a sound.

Text has none. A picture that can't be made is left out: an index is about vectors.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ...inputs import Input
from ...inputs.orientation import with_up
from ...inputs.views import Camera, render_views

logger = logging.getLogger("pointllm")

FOLDER = "thumbnails"
SIDE = 160  # pixels
CAMERA = Camera(yaw=35.0, elevation=20.0)
INK = (66, 99, 235)


def write_thumbnail(item: Input, index: Path, content: str) -> str:
    """Write the picture of a file and return its name relative to the index, "" where there is none.

    Named by the file's content (a hash): a changed file gets a new name, so that nobody shows an old picture from a
    cache, and files of equal content share one.
    """
    try:
        picture = _picture(item)
        if picture is None:
            return ""
        name = f"{FOLDER}/{content}.webp"
        target = index / name
        target.parent.mkdir(exist_ok=True)
        partial = target.with_name(f".{target.name}.{os.getpid()}.part")
        picture.save(partial, "WEBP", quality=80)
        partial.replace(target)
        return name
    except Exception as error:  # renderers and codecs raise many kinds; the file itself was read without error
        logger.info("%s: no thumbnail (%s)", item.path, error)
        return ""


def clear_unused(index: Path, used: set[str]) -> None:
    """Delete pictures of entries that are gone, and what an interrupted run left."""
    folder = index / FOLDER
    if not folder.is_dir():
        return
    for file in folder.iterdir():
        if f"{FOLDER}/{file.name}" not in used:
            file.unlink(missing_ok=True)


def _picture(item: Input) -> Image.Image | None:
    if item.modality == "point":
        cloud = with_up(item.data, item.data.metadata.up_axis or "y")
        return Image.fromarray(render_views(cloud, [CAMERA], SIDE)[0])
    if item.modality in ("image", "video"):
        picture = item.data if item.modality == "image" else item.data[len(item.data) // 2]
        picture = picture.copy()
        picture.thumbnail((SIDE, SIDE))
        return picture
    return _waveform(item.data[0]) if item.modality == "audio" else None


def _waveform(samples: np.ndarray) -> Image.Image:
    """The sound's envelope, a bar for every four pixels."""
    picture = Image.new("RGB", (SIDE, SIDE // 2), "white")
    draw = ImageDraw.Draw(picture)
    pieces = np.array_split(np.abs(np.asarray(samples, np.float32)), SIDE // 4)
    levels = np.array([piece.max() if len(piece) else 0.0 for piece in pieces])
    levels = levels / max(float(levels.max()), 1e-6)
    middle = SIDE // 4
    for index, level in enumerate(levels):
        half = max(1.0, level * (middle - 4))
        draw.rectangle((4 * index, middle - half, 4 * index + 2, middle + half), fill=INK)
    return picture
