"""Moving pictures: any common video file to a few frames spread evenly over it. Its sound is not used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .files import check_file
from .media import open_media

SUFFIXES = (".mp4", ".m4v", ".webm", ".mov", ".avi", ".mkv", ".mpg", ".mpeg", ".wmv", ".flv", ".ogv", ".3gp")
MAX_PIXELS = 36_000_000  # of one frame: 8K
MAX_SIDE = 1024  # pixels kept along the longer side
SHORT = 400  # videos with no more frames are decoded from start to end, longer ones entered at key frames
MAX_DECODED = 600  # frames decoded after a key frame before the latest one is taken


@dataclass(frozen=True)
class Video(Sequence):
    """A sequence of frames, `PIL.Image` in RGB, with the rate (frames per second) and length (seconds) of the file."""

    frames: tuple
    fps: float
    duration: float

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index):
        return self.frames[index]


def read_video(path: str | Path, frames: int = 8) -> Video:
    """Up to `frames` frames from the middles of equal stretches of the video. InputError with one line."""
    path = Path(path)
    check_file(path)
    with open_media(path) as container:
        if not container.streams.video:
            raise InputError(f"{path.name}: holds no video; choose a file with moving pictures")
        stream = container.streams.video[0]
        size = stream.codec_context.width * stream.codec_context.height
        if size > MAX_PIXELS:
            raise InputError(f"{path.name}: frames of {stream.codec_context.width} × {stream.codec_context.height} "
                             "pixels are too large; scale it down first")
        fps = float(stream.average_rate or stream.guessed_rate or 0) or 25.0
        seconds = float(stream.duration * stream.time_base) if stream.duration else (container.duration or 0) / 1e6
        expected = stream.frames or round(seconds * fps)
        chosen = []
        if expected > SHORT and seconds > 0:
            chosen = list(_by_seeking(container, stream, seconds, frames))
        if not chosen:
            container.seek(0) if expected > SHORT else None
            chosen, seconds = _by_decoding(container, stream, frames, seconds)
        if not chosen:
            raise InputError(f"{path.name}: no frame of the video can be decoded; save it as .mp4 (H.264)")
        return Video(tuple(_image(f) for f in chosen), fps, seconds)


def _by_seeking(container, stream, seconds: float, frames: int) -> Iterator:
    start = stream.start_time or 0
    for i in range(frames):
        target = start + int((i + 0.5) / frames * seconds / stream.time_base)
        container.seek(target, stream=stream)
        latest = None
        for decoded, frame in enumerate(container.decode(stream)):
            latest = frame
            if frame.pts is None or frame.pts >= target or decoded >= MAX_DECODED:
                break
        if latest is not None:
            yield latest


def _by_decoding(container, stream, frames: int, seconds: float) -> tuple[list, float]:
    """Every `step`-th frame in one pass, the step doubled whenever too many are held; then an even choice of them."""
    held, step, count, last = [], 1, 0, None
    for frame in container.decode(stream):
        last = frame
        if count % step == 0:
            held.append(frame)
            if len(held) > max(4 * frames, 32):
                held, step = held[::2], step * 2
        count += 1
        if count > 20 * SHORT:
            break
    if last is not None and not seconds:
        seconds = float(last.time or 0.0)
    if len(held) > frames:
        held = [held[int((i + 0.5) / frames * len(held))] for i in range(frames)]
    return held, seconds


def _image(frame):
    image = frame.to_image().convert("RGB")
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    turn = round(getattr(frame, "rotation", 0) or 0) % 360  # phones store how they were held
    return image.rotate(turn, expand=True) if turn else image
