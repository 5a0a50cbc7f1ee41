"""The compact joint space of the embedded profile: four small towers that end in one sentence space.

A 3D shape has two witnesses. "point" sees its points alone: the point tower reads them, and the image tower sees them
drawn. "views" sees pictures of its surface. Before either looks, the shape is stood upright: files come with y or with
z up and rarely say which. Reading files is `pointllm.inputs`' business, choosing a profile `pointllm.bind`'s.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
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
from .upright import UprightTest, measurements

WITNESSES = ("point", "views", "both")
REMEMBERED = 256  # shapes whose upward axis is kept


def _identity(cloud: PointCloud) -> bytes:
    return hashlib.blake2b(cloud.xyz.tobytes(), digest_size=16).digest()


def _mixed(share: float, first: Tensor, second: Tensor) -> Tensor:
    """Two unit vectors (D,), the first with this share, 0 to 1 → their sum, of unit norm."""
    return F.normalize(share * first + (1 - share) * second, dim=-1)


class CompactSpace:
    """Towers, loaded when they are first needed, from one folder with a config.json.

    config: `dim`; `witness` {point, views}: shares of the two witnesses; `point_witness` {tower, points, views}: share
    of the point tower, the rest being that of so many points, drawn so many times; `sparse` {points, tower, point}:
    shares of the tower and of the witness "point" in bare clouds of so few points; `views`: how many are drawn;
    `elevations` of their cameras in degrees; `upright` {views, margin, margin_defined}: how the upward axis is found.
    """

    def __init__(self, folder: Path, config: dict):
        self.folder, self.config = Path(folder), config
        self._upright: dict[bytes, str] = {}  # shapes seen lately → their upward axis

    @cached_property
    def text_tower(self) -> TextTower:
        return TextTower.from_folder(self.folder / "text")

    @cached_property
    def image_tower(self) -> ImageTower:
        return ImageTower.from_folder(self.folder / "image")

    @cached_property
    def upright_test(self) -> UprightTest:
        return UprightTest.from_file(self.folder / "image" / "upright.safetensors")

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
        found = {"views": self.image_tower.embed_features(features[None])[0]}
        if "point" in witnesses or "both" in witnesses:
            # Without a surface the views are drawn points already.
            drawn = found["views"] if upright.mesh is None else self._drawn_points(upright)
            by_tower = self.point_tower.embed([upright])[0]
            tower, point = self._shares(upright)
            found["point"] = _mixed(tower, by_tower, drawn)
            found["both"] = _mixed(point, found["point"], found["views"])
        return {witness: found[witness] for witness in witnesses}

    def _shares(self, cloud: PointCloud) -> tuple[float, float]:
        """Of the tower in the witness "point", and of this witness in both, each 0 to 1.

        Few points make a poor picture, while the tower reads no more than 1,024: the fewer there are, the more it
        counts, by the logarithm of their number. A surface can be sampled as densely as one likes.
        """
        dense, point = self.config["point_witness"], self.config["witness"]["point"]
        sparse = self.config.get("sparse")
        if cloud.mesh is not None or sparse is None:
            return dense["tower"], point
        few = math.log(dense["points"] / max(len(cloud), 1)) / math.log(dense["points"] / sparse["points"])
        few = min(max(few, 0.0), 1.0)
        return dense["tower"] + few * (sparse["tower"] - dense["tower"]), point + few * (sparse["point"] - point)

    def _drawn_points(self, upright: PointCloud) -> Tensor:
        """The points alone, drawn as pictures for the image tower (point-to-pixel, arXiv 2208.02812) → (D,)."""
        settings = self.config["point_witness"]
        bare = replace(upright.resampled(settings["points"]), mesh=None)
        return self.image_tower.embed_features(self.view_features(bare, settings["views"])[None])[0]

    def pictures(self, cloud: PointCloud, size: int) -> np.ndarray:
        """What the image tower is shown of a shape: (V, size, size, 3) uint8 sRGB. Quick where it was embedded lately.
        """
        if (key := _identity(cloud)) not in self._upright:
            self.stand_upright(cloud)
        upright = with_up(cloud, self._upright[key])
        return render_views(upright, ring(self.config["views"], tuple(self.config["elevations"])), size)

    def stand_upright(self, cloud: PointCloud) -> tuple[PointCloud, Tensor]:
        """The shape with y up, and the features (V, 1280) of its views."""
        upright, features, axis = self._stand_upright(cloud)
        self._upright[_identity(cloud)] = axis
        while len(self._upright) > REMEMBERED:
            self._upright.pop(next(iter(self._upright)))
        return upright, features

    def _stand_upright(self, cloud: PointCloud) -> tuple[PointCloud, Tensor, str]:
        """As above, and the axis that was found to be up.

        z must look more like the upward axis by a margin, a wide one where the file's format says that y is up.
        """
        settings = self.config["upright"]
        features = self.view_features(cloud)
        turned = with_up(cloud, "z")
        # A few views tell well enough; the whole ring is drawn only where the shape is turned.
        glance = self.view_features(turned, settings["views"])
        measured = torch.from_numpy(measurements(cloud))
        margin = settings["margin_defined" if cloud.metadata.up_axis == "y" else "margin"]
        if self.upright_test(measured, features, glance) <= margin:
            return cloud, features, "y"
        return turned, self.view_features(turned), "z"

    def view_features(self, cloud: PointCloud, count: int | None = None) -> Tensor:
        """Features (V, 1280) of views from a ring of cameras around a shape with y up."""
        cameras = ring(count or self.config["views"], tuple(self.config["elevations"]))
        return self.image_tower.features(render_views(cloud, cameras, self.image_tower.view_size))
