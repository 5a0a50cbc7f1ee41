"""The schema of configs for `pointllm train image`: what each key means and what it may be."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .config import OptimizerSection, Section, TrainerSection


class ImageTowerSection(Section):
    """The image tower; goes into the weights' config.json as it is."""

    trunk: dict[str, Any]  # sizes of the EfficientNet-Lite
    first_tuned: int = Field(ge=0)  # the trunk's blocks from this one on are tuned for views
    view_size: int = Field(224, ge=32)
    conse_classes: int = Field(10, ge=1)
    photo_head_weight: float = Field(0.3, ge=0, le=1)


class ViewsSection(Section):
    """The random views that a training object is shown in."""

    mesh: int = Field(11, ge=1)
    plain: int = Field(4, ge=0)  # without colours
    dense: int = Field(3, ge=0)  # clouds of `dense_points`
    sparse: int = Field(2, ge=0)  # clouds of one of `sparse_points`
    dense_points: int = Field(8192, ge=64)
    sparse_points: tuple[int, ...] = (819, 1024, 2048, 4096)
    same_shape: int = Field(3, ge=1)  # views in a row of one deformed shape
    deformed: float = Field(0.65, ge=0, le=1)  # share that is stretched and tilted
    stretch: float = Field(1.25, ge=1)  # each axis by a factor in [1 / stretch, stretch]
    tilt_degrees: float = Field(5.0, ge=0)
    recolored: float = Field(0.5, ge=0, le=1)
    white: float = Field(0.6, ge=0, le=1)  # share of white backgrounds

    @property
    def kinds(self) -> list[str]:
        """The kind of each view, in order."""
        return [kind for kind in ("mesh", "plain", "dense", "sparse") for _ in range(getattr(self, kind))]


class PicturesSection(Section):
    """Labelled pictures without a shape (records with `images` and no `path`): drawings, icons, photographs."""

    drawn: int = Field(0, ge=0)  # of them in a step; 0: none are used
    weight: float = Field(0.25, ge=0)  # of their loss, that of the shapes being 1
    versions: int = Field(6, ge=1)  # of each picture: turned, stretched, recoloured, on other backgrounds
    turn_degrees: float = Field(10.0, ge=0)
    gray: float = Field(0.15, ge=0, le=1)  # share without colours


class ImageConfig(Section):
    """A config file of `pointllm train image`."""

    seed: int = 0
    profile: str = "embedded"  # whose text tower gives the labels' embeddings, and whose published trunk is tuned
    tower: ImageTowerSection
    views: ViewsSection = ViewsSection()
    pictures: PicturesSection = PicturesSection()
    drawn: int = Field(2, ge=1)  # views of an object in a step; their mean is judged, and one by itself
    drop_path: float = Field(0.1, ge=0, lt=1)
    dropout: float = Field(0.5, ge=0, lt=1)
    smoothing: float = Field(0.1, ge=0, lt=1)
    scale: float = Field(20.0, gt=0)  # of cosines, at the start; learned
    balance: float = Field(0.0, ge=0, le=1)  # objects of a label that n have are drawn n ** -balance as often
    classifier: float = Field(0.5, ge=0)  # weight of a plain classifier beside, which is thrown away
    optimizer: OptimizerSection
    trainer: TrainerSection = TrainerSection()
    batch: int = Field(32, ge=2)  # objects
    epochs: float = Field(24, gt=0)
    splits: tuple[str, ...] = ("train",)
    evaluate_on: str = "val"
