"""The schema of configs for `pointllm train bind`: what each key means and what it may be."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from .augment import Augmentation
from .config import OptimizerSection, Section, TrainerSection


class TowerSection(Section):
    """The point branch and how it is used; goes into the weights' config.json as it is."""

    encoder: str  # a name of `pointllm.encoders.registry`
    architecture: dict[str, Any] = {}  # sizes that differ from the encoder's published ones
    projection_layers: Literal[1, 2, 3] = 2
    projection_dim: int = Field(512, ge=1)
    dim: int = Field(ge=1)  # of the joint space
    dropout: float = Field(0.0, ge=0, lt=1)
    points: int = Field(1024, ge=16)
    yaw_turns: int = Field(4, ge=1)  # averaged in use, …
    samplings: int = Field(2, ge=1)  # … evened out, …
    random_samplings: int = Field(0, ge=0)  # … and at random

    @model_validator(mode="after")
    def _can_be_built(self) -> TowerSection:
        from ..encoders.registry import encoder_class

        known = {field.name for field in fields(encoder_class(self.encoder).Config)}
        if unknown := sorted(set(self.architecture) - known):
            raise ValueError(f"architecture: {self.encoder} has no {', '.join(unknown)}; known: "
                             f"{', '.join(sorted(known))}")
        return self


class StageSection(Section):
    """Early on the encoder may look at less: cheaper steps. Weights fit every resolution."""

    until: float = Field(gt=0, le=1)  # share of the run
    points: int = Field(ge=16)
    architecture: dict[str, Any] = {}  # such as groups and group_sizes; nothing that changes the weights' shapes


class ModalitySection(Section):
    """One term L(3D, modality) of the total loss, InfoNCE in both directions."""

    weight: float = Field(0.0, ge=0)
    same_label: Literal["ignored", "negative"] = "ignored"  # two chairs: no negatives of each other, or negatives
    soft_share: float = Field(0.0, ge=0, lt=1)  # of a target that goes to labels which mean nearly the same
    soft_temperature: float = Field(0.05, gt=0)  # of the cosines that tell which do


class LossSection(Section):
    """The weighted terms; each that is 0 costs nothing."""

    image: ModalitySection = ModalitySection()
    text: ModalitySection = ModalitySection()
    audio: ModalitySection = ModalitySection()
    scale: float = Field(14.3, gt=0)  # of cosines, 1 / temperature, at the start; learned
    scale_most: float = Field(100.0, gt=0)
    views: int = Field(3, ge=1)  # random views averaged into an object's image in a step
    captions: float = Field(0.3, ge=0, le=1)  # probability of a caption as text, where an object has some
    synonyms: float = Field(0.3, ge=0, le=1)  # probability of another name than the label, where it has some
    templates: int = Field(16, ge=1, le=64)  # sentences a name
    label: float = Field(0.0, ge=0)  # cross-entropy of cosines with all labels' text embeddings
    smoothing: float = Field(0.0, ge=0, lt=1)
    relation: float = Field(0.0, ge=0)  # contrast of a predicted image feature with those of all training objects
    relation_temperature: float = Field(0.07, gt=0)
    regression: float = Field(0.0, ge=0)  # 1 - cosine of it with the object's own
    teacher: Literal["tuned", "published"] = "tuned"  # trunk whose features are predicted, of a tower that has both
    teacher_dim: int = Field(256, ge=1)  # components of the features that are kept
    teacher_whitening: float = Field(0.5, ge=0, le=1)

    @property
    def distils(self) -> bool:
        """Whether image features are predicted."""
        return self.relation > 0 or self.regression > 0

    @model_validator(mode="after")
    def _something_is_learned(self) -> LossSection:
        if not any((self.image.weight, self.text.weight, self.audio.weight, self.label, self.relation,
                    self.regression)):
            raise ValueError("every term has weight 0; give one of image, text, audio, label, relation or regression")
        return self


class BindDataSection(Section):
    """What is sampled from each object."""

    points: int = Field(8192, ge=32, le=65536)  # kept of each
    subsets: int = Field(6, ge=1)  # evened-out subsets kept of each
    even: float = Field(0.6, ge=0, le=1)  # share of the clouds that are drawn from those, others are random subsets
    views: int = Field(6, ge=1, le=64)  # rendered of each
    splits: tuple[str, ...] = ("train",)
    evaluate_on: str = "val"
    evaluate_most: int | None = None  # objects looked at on the way; all at the end


class BindConfig(Section):
    """A config file of `pointllm train bind`."""

    seed: int = 0
    profile: str = "embedded"  # whose frozen image, text and audio towers are the teachers
    tower: TowerSection
    stages: tuple[StageSection, ...] = ()
    data: BindDataSection = BindDataSection()
    augmentation: dict[str, float] = {}  # what differs from `pointllm/training/augment.py`
    loss: LossSection
    optimizer: OptimizerSection
    trainer: TrainerSection = TrainerSection()
    export: Literal["last", "best"] = "last"  # best: chosen by the held-out objects, whose figures then flatter
    batch: int = Field(ge=2)  # clouds that go through the network at once
    epochs: float | None = Field(None, gt=0)
    steps: int | None = Field(None, ge=1)  # instead of epochs
    start_from: str | None = None  # a folder with a point tower whose weights the run begins with

    @field_validator("augmentation")
    @classmethod
    def _known_changes(cls, values: dict[str, float]) -> dict[str, float]:
        known = [field.name for field in fields(Augmentation)]
        if unknown := [key for key in values if key not in known]:
            raise ValueError(f"unknown key {unknown[0]}; known: {', '.join(known)}")
        return values

    @model_validator(mode="after")
    def _has_a_length(self) -> BindConfig:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give epochs or steps, one of them")
        return self
