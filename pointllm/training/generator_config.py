"""The schema of configs for `pointllm train generator`: what each key means and what it may be."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .config import OptimizerSection, Section, TrainerSection


class GridsSection(Section):
    """The grids that shapes are learned on; goes into the weights' config.json as it is. See `Grids`."""

    size: int = Field(32, ge=8)
    color_size: int = Field(16, ge=4)
    thickness: float = Field(0.035, gt=0)
    reach: float = Field(0.1, gt=0)
    extent: float = Field(0.87, gt=0, lt=1)


class SizesSection(Section):
    """The networks; goes into the weights' config.json as it is. See `Sizes`."""

    latent: int = Field(192, ge=2)
    block: int = Field(8, ge=2)
    distance_rank: int = Field(48, ge=1)
    color_rank: int = Field(12, ge=1)
    decoder_width: int = Field(640, ge=8)
    decoder_blocks: int = Field(2, ge=0)
    refinement_width: int = Field(0, ge=0)  # channels of what adds to sums of patterns; 0: nothing does
    flow_width: int = Field(512, ge=8)
    flow_blocks: int = Field(4, ge=1)


class SamplerSection(Section):
    """How latents are drawn where nothing else is asked for; goes into the weights' config.json as it is."""

    steps: int = Field(24, ge=1)
    guidance: float = Field(3.0, ge=0)
    resolution: int = Field(64, ge=8)  # cells a side when the surface is extracted
    level: float = 0.0  # of the distance at which the surface lies; below nought takes some of the thickness off
    best_of: int = Field(4, ge=1)  # tries, of which the one most like what was asked for is kept
    views: int = Field(4, ge=1)  # pictures of a candidate, where the best of several is chosen


class DataSection(Section):
    """The training objects."""

    splits: tuple[str, ...] = ("train",)
    evaluate_on: str = "val"
    points: int = Field(8192, ge=32)  # of prepared clouds, and their views: they must fit what is prepared already
    views: int = Field(6, ge=1)
    unseen_sources: tuple[str, ...] = ()  # objects of these are not rendered where it wasn't done already
    source_weights: dict[str, float] = {}  # how often objects of a source are drawn, against 1
    captions: int = Field(1, ge=0)  # sentences about an object itself that are embedded, at most


class AutoencoderSection(Section):
    """The first stage: shapes to latents and back. initial: the `autoencoder/last.pt` of another run to begin with,
    which may lack the refinement; without one, training begins as the best linear autoencoder."""

    seed: int = 0
    initial: str | None = None
    width: int = Field(640, ge=8)  # of the encoder
    layers: int = Field(2, ge=0)
    noise: float = Field(0.0, ge=0)  # on what the encoder sees
    near: float = Field(3.0, ge=0)  # extra weight of cells within reach of the surface
    sharpness: float = Field(1.0, ge=1)  # how much sooner than at the reach a cell counts as all inside or outside
    color: float = Field(0.5, ge=0)  # weight of the colours' loss
    divergence: float = Field(1e-4, ge=0)  # weight of the latents' divergence from the normal distribution
    batch: int = Field(64, ge=1)
    steps: int = Field(ge=1)
    optimizer: OptimizerSection
    trainer: TrainerSection = TrainerSection()


class ConditionSection(Section):
    """What a shape is asked for by, in training: shares of the steps; the rest are some of its own views."""

    nothing: float = Field(0.1, ge=0, le=1)
    text: float = Field(0.35, ge=0, le=1)  # a sentence with the object's label, one of its captions, or a synonym
    caption: float = Field(0.4, ge=0, le=1)  # share of these, where there is one
    synonym: float = Field(0.2, ge=0, le=1)
    label: float = Field(0.2, ge=0, le=1)  # views of another object of the same label
    noise: float = Field(0.02, ge=0)  # standard deviation of each coordinate of an embedding of unit norm


class FlowSection(Section):
    """The second stage: embeddings to latents. kind: rectified, or coupling (a normalising flow as in CLIP-Forge)."""

    kind: Literal["rectified", "coupling"] = "rectified"
    seed: int = 0
    condition: ConditionSection = ConditionSection()
    latent_noise: float = Field(0.0, ge=0)  # on latents of unit variance
    batch: int = Field(256, ge=1)
    steps: int = Field(ge=1)
    optimizer: OptimizerSection
    trainer: TrainerSection = TrainerSection()


class GeneratorConfig(Section):
    """A config file of `pointllm train generator`."""

    profile: str = "embedded"  # whose joint space shapes are asked for in
    grids: GridsSection = GridsSection()
    sizes: SizesSection = SizesSection()
    sampler: SamplerSection = SamplerSection()
    data: DataSection = DataSection()
    autoencoder: AutoencoderSection
    flow: FlowSection

    @property
    def seed(self) -> int:
        """Of the whole run, for its provenance."""
        return self.autoencoder.seed
