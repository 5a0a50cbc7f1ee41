"""The compact joint space of the embedded profile: four small towers that end in one sentence space.

A 3D shape has two witnesses: the point tower on its points, and the image tower on views of it. Before either looks,
the shape is stood upright: files come with y or with z up and rarely say which. Reading files is `pointllm.inputs`'
business, choosing a profile `pointllm.bind`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ...errors import InputError
from ...inputs.orientation import with_up
from ...inputs.point_cloud import PointCloud
from ...inputs.views import render_views, ring
from .image_tower import ImageTower
from .point_tower import PointTower
from .text_minilm import TextTower

WITNESSES = ("point", "views", "both")


class CompactSpace:
    """Towers, loaded when they are first needed, from one folder with a config.json.

    config: `dim`; `witness` {point, views}: weights of the two witnesses; `views`: how many views are drawn;
    `elevations` of their cameras in degrees.
    """

    def __init__(self, folder: Path, config: dict):
        self.folder, self.config = Path(folder), config

    @cached_property
    def text_tower(self) -> TextTower:
        return TextTower.from_folder(self.folder / "text")

    @cached_property
    def image_tower(self) -> ImageTower:
        return ImageTower.from_folder(self.folder / "image")

    @cached_property
    def point_tower(self) -> PointTower:
        return PointTower.from_folder(self.folder / "point")

    @cached_property
    def audio_tower(self):
        from .audio_tower import AudioTower

        return AudioTower.from_folder(self.folder / "audio", self.image_tower.trunk)

    def load(self) -> None:
        """Load every tower now, so that the first question doesn't wait for them."""
        _ = self.text_tower, self.image_tower, self.point_tower, self.audio_tower

    def embed_text(self, sentences: Sequence[str]) -> Tensor:
        """(B, D) float32, unit norm."""
        return self.text_tower.encode(list(sentences))

    def embed_images(self, images: Sequence[Image.Image]) -> Tensor:
        """Photographs → (B, D) float32, unit norm."""
        return self.image_tower.embed_photos(list(images))

    def embed_audio(self, sounds: Sequence[tuple[np.ndarray, int]]) -> Tensor:
        """(samples (T,) float32, rate in Hz) each → (B, D) float32, unit norm."""
        return torch.as_tensor(self.audio_tower.embed(list(sounds)))

    def embed_video(self, frames: Sequence[Image.Image]) -> Tensor:
        """Frames of one video → (D,) float32, unit norm: the mean over its frames."""
        return F.normalize(self.embed_images(frames).mean(0), dim=-1)

    def embed_shape(self, cloud: PointCloud, witness: str | None = None) -> Tensor:
        """A shape → (D,) float32, unit norm, by the witness asked for, or by both, weighted as the config says.

        Raises InputError for a witness that isn't known.
        """
        witness = witness or "both"
        if witness not in WITNESSES:
            raise InputError(f"witness {witness!r} isn't known; choose {', '.join(WITNESSES)}")
        return self.embed_witnesses(cloud, (witness,))[witness]

    def embed_witnesses(self, cloud: PointCloud, witnesses: Sequence[str] = WITNESSES) -> dict[str, Tensor]:
        """What `embed_shape` gives for each of `witnesses`, (D,) each, from one look at the shape."""
        upright, features = self.stand_upright(cloud)
        found = {}
        if "views" in witnesses or "both" in witnesses:
            found["views"] = self.image_tower.embed_features(features[None])[0]
        if "point" in witnesses or "both" in witnesses:
            found["point"] = self.point_tower.embed([upright])[0]
        if "both" in witnesses:
            share = self.config["witness"]
            found["both"] = F.normalize(share["point"] * found["point"] + share["views"] * found["views"], dim=-1)
        return {witness: found[witness] for witness in witnesses}

    def stand_upright(self, cloud: PointCloud) -> tuple[PointCloud, Tensor]:
        """The shape with y up, and the features (V, 1280) of its views.

        An axis other than y must look better by a margin, a wide one where the file's format says that y is up.
        """
        tower = self.image_tower
        features = self.view_features(cloud)
        turned = with_up(cloud, "z")
        # A few views tell well enough; the whole ring is drawn only where the shape is turned.
        glance = self.view_features(turned, self.config["upright_views"])
        margin = tower.config["upright_margin_defined" if cloud.metadata.up_axis == "y" else "upright_margin"]
        if tower.upright_logit(glance) - tower.upright_logit(features) <= margin:
            return cloud, features
        return turned, self.view_features(turned)

    def view_features(self, cloud: PointCloud, count: int | None = None) -> Tensor:
        """Features (V, 1280) of views from a ring of cameras around a shape with y up."""
        cameras = ring(count or self.config["views"], tuple(self.config["elevations"]))
        return self.image_tower.features(render_views(cloud, cameras, self.image_tower.view_size))
