"""What the frozen towers of a profile say about the training data, computed once and kept.

One way for every profile: embeddings come from its joint space (`PointBind`). Where the image tower has features
below its embedding (the compact one's trunk), rendered views are kept as these, else as embeddings. The towers'
fingerprints are part of what is looked up, so other weights never meet an old cache.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ..bind import PointBind
from ..data.prepared import PreparedData
from ..data.records import Sound
from ..errors import DataError, InputError
from ..inputs import read_input
from ..tasks.fingerprint import fingerprint
from .shards import Arrays, cached, file_key

logger = logging.getLogger("pointllm")
SENTENCES = 512  # encoded between two looks at the progress


class FrozenTowers:
    """The image, text and audio towers of a profile, with a cache folder."""

    def __init__(self, profile: str, cache: Path):
        self.profile, self.cache = profile, Path(cache)
        self.bind = PointBind.from_pretrained(profile)

    @property
    def dim(self) -> int:
        """Of the joint space."""
        return self.bind.dim

    # text

    def texts(self, sentences: Sequence[str]) -> Tensor:
        """(N, D) float32 of unit norm, one row a sentence; only what isn't known yet is embedded."""
        path = self.cache / f"texts-{fingerprint(self.profile, 'text')}.npz"
        known = _read_texts(path)
        missing = sorted(set(sentences) - known.keys())
        if missing:
            from tqdm import tqdm

            vectors = []
            for start in tqdm(range(0, len(missing), SENTENCES), desc="texts", disable=None):
                vectors.append(self.bind.embed_text(missing[start : start + SENTENCES]).astype(np.float16))
            known |= dict(zip(missing, np.concatenate(vectors), strict=True))
            _write_texts(path, known)
        rows = np.stack([known[sentence] for sentence in sentences]).astype(np.float32)
        return F.normalize(torch.from_numpy(rows), dim=-1)

    # pictures

    @property
    def _image_tower(self):
        """The compact space's image tower, or None for spaces without features below the embedding."""
        tower = getattr(self.bind.space, "image_tower", None)
        return tower if hasattr(tower, "embed_features") else None

    def views(self, prepared: PreparedData, identities: Sequence[str],
              published: bool = False) -> dict[str, Tensor]:
        """id → features (V, C) float16 of the rendered views of prepared objects; only of those that have views.

        published: by the compact tower's trunk before it was tuned on views; no difference for other towers.
        """
        published = published and self._image_tower is not None
        made_by = f"{fingerprint(self.profile, 'image')} {'published ' if published else ''}views"
        keys = {identity: prepared.key(identity) for identity in identities if identity in prepared}

        def compute(identity: str) -> Arrays:
            pictures = prepared.views(identity)
            if not len(pictures):
                raise DataError("no views were rendered")
            return {"features": self._picture_features(pictures, published).numpy().astype(np.float16)}

        found = cached(self.cache, "views", made_by, keys, compute)
        return {identity: torch.from_numpy(arrays["features"]) for identity, arrays in found.items()}

    def pictures(self, paths: Sequence[Path]) -> dict[Path, Tensor]:
        """path → (D,) of picture files; what can't be read, or is no picture, is reported and left out."""
        made_by = f"{fingerprint(self.profile, 'image')} pictures"
        by_name = {str(path): path for path in paths}

        def compute(name: str) -> Arrays:
            given = read_input(by_name[name])
            if given.modality != "image":
                raise InputError(f"{name}: is {given.modality}, not a picture")
            return {"embedding": self.bind.embed_input(given).astype(np.float16)}

        keys = {name: file_key(path) for name, path in by_name.items()}
        found = cached(self.cache, "pictures", made_by, keys, compute)
        return {by_name[name]: unit(arrays["embedding"]) for name, arrays in found.items()}

    @torch.inference_mode()
    def _picture_features(self, pictures: np.ndarray, published: bool = False) -> Tensor:
        if self._image_tower is not None:
            tower = self._image_tower
            return tower.published_features(pictures) if published else tower.features(pictures)
        return self.bind.space.embed_images([Image.fromarray(picture) for picture in pictures]).float()

    @torch.inference_mode()
    def embed_features(self, features: Tensor) -> Tensor:
        """Features of views (N, V, C) → the joint embedding of each view (N, V, D), unit norm."""
        if self._image_tower is None:
            return F.normalize(features.float(), dim=-1)
        rows = [self._image_tower.embed_features(part.float()[:, None]) for part in features.flatten(0, 1).split(1024)]
        return torch.cat(rows).view(*features.shape[:2], -1).clone()

    # sounds

    def sounds(self, sounds: Sequence[Sound]) -> dict[str, Tensor]:
        """Label → (S, D) embeddings of the sounds that its objects make."""
        made_by = fingerprint(self.profile, "audio") + fingerprint(self.profile, "image")
        label_of = {str(sound.path): sound.object_label for sound in sounds if sound.object_label}

        def compute(name: str) -> Arrays:
            return {"embedding": self.bind.embed_input(read_input(name)).astype(np.float16)}

        found = cached(self.cache, "sounds", made_by, {name: file_key(Path(name)) for name in label_of}, compute)
        by_label: dict[str, list[Tensor]] = {}
        for name, arrays in found.items():
            by_label.setdefault(label_of[name], []).append(unit(arrays["embedding"]))
        return {label: torch.stack(rows) for label, rows in by_label.items()}


def unit(vector: np.ndarray) -> Tensor:
    """A stored vector (…, D) as float32 of unit norm."""
    return F.normalize(torch.from_numpy(vector.astype(np.float32)), dim=-1)


def _read_texts(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(zip(arrays["sentences"].tolist(), arrays["vectors"], strict=True))
    except (OSError, ValueError, KeyError) as error:
        logger.warning("%s can't be read (%s); made anew", path.name, type(error).__name__)
        return {}


def _write_texts(path: Path, known: dict[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial.npz")
    np.savez(partial, sentences=np.array(list(known)), vectors=np.stack(list(known.values())))
    os.replace(partial, path)


def seed_of(*parts: object) -> int:
    """A seed in [0, 2^63) that depends on nothing but the parts."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
