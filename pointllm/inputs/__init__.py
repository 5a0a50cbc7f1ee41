"""Reads what people upload: shapes, images, sound, video and text; one file a modality.

`read_input` reads any file, `read_shape` gives a `PointCloud`. Nothing here knows of models or embeddings; every error
is an `InputError` of one line.
"""

from __future__ import annotations

from .audio import read_audio
from .image import read_image
from .point_cloud import Mesh, PointCloud, ShapeMetadata
from .reading import Input, modality_of, read_input
from .shape import read_shape
from .video import Video, read_video

__all__ = ["Input", "Mesh", "PointCloud", "ShapeMetadata", "Video", "modality_of", "read_audio", "read_image",
           "read_input", "read_shape", "read_video"]
