"""Galleries: folders of mixed files as an index of their joint embeddings, kept up to date and searched.

`store` is the index on disk, `scan` what changed in the folder, `build` the embedding, `thumbnails` the small pictures,
`search` the nearest neighbours. An index is one folder and can be copied.
"""

from __future__ import annotations

from .build import Report, build_index
from .search import Gallery, Hit
from .store import Identity, is_index

__all__ = ["Gallery", "Hit", "Identity", "Report", "build_index", "is_index"]
