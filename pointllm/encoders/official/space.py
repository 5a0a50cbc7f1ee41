"""The joint space of the published models: six modalities of ImageBind and the point branch of Point-Bind.

Text, images, sounds, videos and shapes come as `pointllm.inputs` reads them; depth, heat and inertial measurements as
tensors of the published form (`embed_raw`). Everything that leaves is of unit norm: ImageBind's logit scales belong to
its loss, and `temperature` in config.json stands for the text's. Towers are loaded when they are first needed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ...errors import InputError, WeightsError
from ...inputs.orientation import with_up
from ...inputs.point_cloud import PointCloud
from ...inputs.video import Video
from ...profiles import read_config
from ...tensor_folder import TensorFolder
from ..compact.point_tower import build_branch
from ..imagebind.model import MODALITIES, ImageBind, ImageBindConfig
from ..imagebind.preprocess import audio_tensor, image_tensor, video_tensor
from ..imagebind.tokenizer import Tokenizer
from .point_tower import OfficialPointTower

WITNESSES = ("point", "views", "both")
BATCH = {"text": 64, "vision": 8, "audio": 12}  # rows that go through a tower at once
VIDEO_FRAMES = 64  # read of a video, evenly spread; clips take the ones nearest to their ends
VIEW_SIZE = 448  # pixels of a drawn view, before ImageBind's own preprocessing


class TextTower:
    """ImageBind's text tower behind the interface of the compact one: sentences to unit vectors."""

    def __init__(self, tower: ImageBind):
        self._tower = tower
        self._tokenizer = Tokenizer()
        self.dim = tower.config.out_embed_dim

    @torch.inference_mode()
    def encode(self, sentences: Sequence[str]) -> Tensor:
        """(B, D) float32, unit norm, on the CPU."""
        ids = self._tokenizer(list(sentences), self._tower.config.text_context)
        return _in_batches(self._tower, "text", ids) if len(ids) else torch.zeros(0, self.dim)


class ImageBindSpace:
    """Towers of a converted profile, loaded when they are first needed.

    config: `dim`; optionally `witness` {point, views}: shares of the two ways to see a shape (without it the point
    branch alone, as in the paper), `views` and `elevations` of the drawn views.
    """

    video_frames = VIDEO_FRAMES

    def __init__(self, folder: Path, config: dict, device: str | torch.device = "cpu",
                 dtype: torch.dtype = torch.float32):
        """`dtype` is ImageBind's; the point branch stays in float32."""
        self.folder, self.config = Path(folder), config
        self.device, self.dtype = torch.device(device), dtype
        self._towers: dict[str, ImageBind] = {}
        self._lock = threading.RLock()

    # -- towers ------------------------------------------------------------------------------------------------------

    @cached_property
    def sizes(self) -> ImageBindConfig:
        """ImageBind's sizes, from imagebind/config.json."""
        values = read_config(self.folder / "imagebind")
        try:
            return ImageBindConfig.from_dict({k: v for k, v in values.items() if k in ImageBindConfig.names()})
        except (TypeError, ValueError) as error:
            raise WeightsError(f"imagebind/config.json can't be used ({error}); convert ImageBind again") from error

    def tower(self, modality: str) -> ImageBind:
        """ImageBind with one modality. InputError for an unknown one, WeightsError where the weights don't fit."""
        if modality not in MODALITIES:
            raise InputError(f"modality {modality!r} isn't known; choose {', '.join(MODALITIES)}")
        with self._lock:
            if modality not in self._towers:
                weights = TensorFolder(self.folder / "imagebind")
                with torch.inference_mode(False):
                    self._towers[modality] = ImageBind.from_published(
                        weights, self.sizes, (modality,), self.dtype, self.device)
            return self._towers[modality]

    @cached_property
    def text_tower(self) -> TextTower:
        return TextTower(self.tower("text"))

    @cached_property
    def point_tower(self) -> OfficialPointTower:
        return OfficialPointTower.from_folder(self.folder / "point", self.device)

    def count(self) -> tuple[dict[str, int], int]:
        """Numbers in ImageBind's towers by modality, and in the point branch, from the configs alone."""
        with torch.device("meta"):
            towers = {name: ImageBind(self.sizes, (name,)) for name in MODALITIES}
            branch = build_branch(read_config(self.folder / "point"))
        return {name: sum(p.numel() for p in tower.parameters()) for name, tower in towers.items()}, \
            sum(p.numel() for p in branch.parameters())

    def load(self) -> None:
        """Load the towers that people's files need now, so that the first question doesn't wait for them."""
        _ = self.text_tower, self.point_tower, self.tower("vision"), self.tower("audio")

    # -- embeddings --------------------------------------------------------------------------------------------------

    def embed_text(self, sentences: Sequence[str]) -> Tensor:
        """(B, D) float32, unit norm."""
        return self.text_tower.encode(sentences)

    def embed_images(self, images: Sequence[Image.Image]) -> Tensor:
        """Pictures → (B, D) float32, unit norm."""
        size = self.sizes.image_size
        pixels = torch.stack([image_tensor(image, size) for image in images])
        return _in_batches(self.tower("vision"), "vision", pixels)

    def embed_audio(self, sounds: Sequence[tuple[np.ndarray, int]]) -> Tensor:
        """(samples (T,) float32, rate in Hz) each → (B, D) float32, unit norm: the mean over three clips of 2 s."""
        clips = [audio_tensor(samples, rate) for samples, rate in sounds]  # (3, 1, 128, 204) each
        rows = _in_batches(self.tower("audio"), "audio", torch.cat(clips))
        return F.normalize(rows.unflatten(0, (len(clips), -1)).mean(1), dim=-1)

    def embed_video(self, frames: Video | Sequence[Image.Image]) -> Tensor:
        """A video → (D,) float32, unit norm: the mean over five clips of two frames, each in three crops.

        Frames without a duration count as a second each.
        """
        seconds = getattr(frames, "duration", 0) or len(frames)
        clips = video_tensor(list(frames), len(frames) / seconds, self.sizes.image_size)  # (15, 3, 2, S, S)
        return F.normalize(_in_batches(self.tower("vision"), "vision", clips).mean(0), dim=-1)

    def embed_raw(self, modality: str, values: np.ndarray | Tensor) -> Tensor:
        """A batch of prepared tensors of any of ImageBind's modalities, or of points → (B, D) float32, unit norm.

        depth and thermal (B, 1, S, S), imu (B, 6, 2000), vision (B, 3, S, S) or (B, [clips,] 3, T, S, S), audio
        (B, [clips,] 1, 128, 204), text ids (B, 77), point (B, N, 3): normalised as the published models expect them.
        InputError for other shapes.
        """
        values = torch.as_tensor(values)
        if modality == "point":
            if values.ndim != 3 or values.shape[-1] != 3:
                raise InputError(f"points of shape {tuple(values.shape)}: (B, N, 3) is needed")
            return self.point_tower.embed_points(values)
        with torch.inference_mode():
            return F.normalize(self.tower(modality).embed(modality, values, scaled=False).float(), dim=-1).cpu()

    def embed_shape(self, cloud: PointCloud, witness: str | None = None) -> Tensor:
        """A shape → (D,) float32, unit norm: by its points, by drawn views of it, or both, as asked or configured.

        Raises InputError for a witness that isn't known.
        """
        share = self.config.get("witness")
        witness = witness or ("both" if share else "point")
        if witness not in WITNESSES:
            raise InputError(f"witness {witness!r} isn't known; choose {', '.join(WITNESSES)}")
        cloud = self.stand_upright(cloud)
        if witness == "point":
            return self.point_tower.embed([cloud])[0]
        by_views = F.normalize(self.embed_images(self.views(cloud)).mean(0), dim=-1)
        if witness == "views":
            return by_views
        share = share or {"point": 0.5, "views": 0.5}
        return F.normalize(share["point"] * self.point_tower.embed([cloud])[0] + share["views"] * by_views, dim=-1)

    def pictures(self, cloud: PointCloud, size: int) -> np.ndarray:
        """What the image tower is shown of a shape: (V, size, size, 3) uint8 sRGB; none where only points are read."""
        if not self.config.get("witness"):
            return np.zeros((0, size, size, 3), np.uint8)
        views = self.views(self.stand_upright(cloud))
        return np.stack([np.asarray(view.resize((size, size), Image.Resampling.LANCZOS)) for view in views])

    @staticmethod
    def stand_upright(cloud: PointCloud) -> PointCloud:
        """The shape with y up, as the published encoders were trained: turned where its file says that z is up."""
        return with_up(cloud, cloud.metadata.up_axis or "y")

    def views(self, cloud: PointCloud) -> list[Image.Image]:
        """Pictures of a shape with y up, from a ring of cameras."""
        from ...inputs.views import render_views, ring

        cameras = ring(self.config.get("views", 6), tuple(self.config.get("elevations", (20.0,))))
        return [Image.fromarray(picture) for picture in render_views(cloud, cameras, VIEW_SIZE)]


@torch.inference_mode()
def _in_batches(tower: ImageBind, modality: str, values: Tensor) -> Tensor:
    """Rows through a tower, a few at a time → (B, D) float32, unit norm, on the CPU."""
    rows = [tower.embed(modality, part, scaled=False).float() for part in values.split(BATCH[modality])]
    return F.normalize(torch.cat(rows), dim=-1).cpu()
