"""Small pictures of objects for reports: drawn once, kept as JPEG beside the report's other files."""

from __future__ import annotations

import io
import logging
from pathlib import Path

from ..inputs import PointCloud, read_shape
from ..inputs.orientation import with_up
from ..inputs.views import Camera, render_views
from .objects import Target
from .stores import key_of, make_folder

logger = logging.getLogger("pointllm")

SIDE = 176  # pixels
CAMERA = Camera(30.0, 20.0)


class Thumbnails:
    """id of an object → JPEG, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def file(self, name: str) -> Path:
        """Where the picture of that object lies, or would."""
        return self.folder / f"{key_of(name)[:16]}.jpg"

    def draw(self, name: str, cloud: PointCloud) -> bytes:
        """The picture of a shape that was read anyway."""
        from PIL import Image

        file = self.file(name)
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
        file = self.file(target.id)
        if file.is_file():
            return file.read_bytes()
        try:
            return self.draw(target.id, read_shape(target.path))
        except Exception as error:  # a report without a picture is better than none
            logger.debug("no picture of %s: %s", target.id, error)
            return None
