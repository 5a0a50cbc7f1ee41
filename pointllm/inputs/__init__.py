"""Reads what people upload: shapes, images, sound, video and text; one file a modality.

`read_shape` gives a `PointCloud`; nothing here knows of models or embeddings.
"""

from __future__ import annotations

from .point_cloud import Mesh, PointCloud, ShapeMetadata
from .shape import read_shape

__all__ = ["Mesh", "PointCloud", "ShapeMetadata", "read_shape"]
