"""Opening audio and video containers of strangers with FFmpeg (PyAV), as plain files of plain formats only.

Playlists and scripts that name further files or addresses (HLS, concat, …) are not in the list of formats, and only
the file itself may be read. `audio` and `video` do the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError

logger = logging.getLogger("pointllm")

FORMATS = ("mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,ogg,mpegts,mpeg,mpegvideo,flv,asf,wav,w64,flac,mp3,aac,aiff,au,"
           "caf,amr,ac3,h264,hevc,m4v,gif")


@contextmanager
def open_media(path: Path) -> Iterator:
    """The container of a file; InputError where FFmpeg can't open it or fails while it is read."""
    try:
        import av
    except ImportError as error:
        raise InputError(f"{path.name}: reading this format needs the package av; run: pip install av") from error
    try:
        options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
        with av.open(str(path.resolve()), options=options) as container:
            yield container
    except InputError:
        raise
    except Exception as error:  # FFmpeg's own kinds, and what half-read streams lead to
        logger.debug("reading %s failed", path, exc_info=True)
        cause = getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0][:80]
        raise InputError(f"{path.name}: not sound or video that can be read ({cause}); "
                         "save it as .wav or .mp4 (H.264)") from error


def has_video(path: Path) -> bool:
    """Whether a container holds moving pictures rather than sound only (with or without a cover picture)."""
    with open_media(path) as container:
        import av

        return any(not s.disposition & av.stream.Disposition.attached_pic for s in container.streams.video)
