"""Small pictures of objects for reports: drawn once, kept as JPEG beside the report's other files."""

from __future__ import annotations

import io
import logging
from pathlib import Path

from ..inputs import PointCloud
from ..inputs.orientation import with_up
from ..inputs.views import Camera, render_views
from .objects import Target, read_target
from .stores import file_key, key_of, make_folder

logger = logging.getLogger("pointllm")

SIDE = 176  # pixels
CAMERA = Camera(30.0, 20.0)


class Thumbnails:
    """Object → JPEG, in a folder; a changed file gets another picture."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def file(self, target: Target) -> Path:
        """Where the picture of that object lies, or would."""
        return self.folder / f"{key_of(target.id, target.up_axis, file_key(target.path))[:16]}.jpg"

    def draw(self, target: Target, cloud: PointCloud) -> bytes:
        """The picture of a shape that was read anyway."""
        from PIL import Image

        file = self.file(target)
        if not file.is_file():
            upright = with_up(cloud, cloud.metadata.up_axis or "y")
            # drawn at twice the size: no jagged edges
            picture = Image.fromarray(render_views(upright, [CAMERA], 2 * SIDE)[0]).resize((SIDE, SIDE), Image.LANCZOS)
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=86)
            make_folder(self.folder)
            file.write_bytes(buffer.getvalue())
        return file.read_bytes()

    def of(self, target: Target) -> bytes | None:
        """The picture of an object; None where it can't be read."""
        file = self.file(target)
        if file.is_file():
            return file.read_bytes()
        try:
            return self.draw(target, read_target(target))
        except Exception as error:  # a report without a picture is better than none
            logger.debug("no picture of %s: %s", target.id, error)
            return None
