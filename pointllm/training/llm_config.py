"""The schema of configs for `pointllm train llm`: what each key means and what it may be."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ..errors import WeightsError
from ..llm.adapters import AdapterConfig
from ..llm.bind_network import NORMS
from ..llm.injection import POSITIONS
from .config import OptimizerSection, Section, TrainerSection


class DisturbanceSection(Section):
    """How much training embeddings are disturbed; amounts are the largest values of uniform draws."""

    noise: float = Field(0.9, ge=0)  # length of a random vector added to a unit vector
    confusable: float = Field(0.6, ge=0)  # share of another label's vector
    image_noise: float = Field(0.3, ge=0)
    image_share: float = Field(0.7, ge=0, le=1)  # probability of an image embedding where the label has one
    cache_share: float = Field(0.6, ge=0, le=1)  # probability that the cache is applied


class CacheSection(Section):
    """One kind of keys of the visual cache, see `pointllm.llm.visual_cache`."""

    tensor: Literal["labels", "images"] = "labels"
    k: int = Field(ge=1)
    weight: float = Field(ge=0, le=1)
    temperature: float = Field(gt=0)


class HintsSection(Section):
    """What the visual cache says in words, see `pointllm.llm.hints.HintSettings`; needs the cache's labels."""

    names: int = Field(3, ge=1)
    temperature: float = Field(60.0, gt=0)
    sure: float = Field(0.35, ge=0, le=1)
    among: float = Field(0.2, ge=0, le=1)
    likely: float = Field(0.12, ge=0, le=1)


class SourceSection(Section):
    """Questions and answers from a file: LLaVA's conversations, COCO's captions, Alpaca's instructions."""

    format: Literal["llava", "coco", "alpaca"]
    file: str  # relative to the data folder, or absolute
    images: str = "."  # the folder that the file's pictures are relative to
    most: int | None = Field(None, ge=1)  # rows that are used, the first ones


class GroupSection(Section):
    """One question of a step, asked about `size` objects. From our own knowledge by `kinds`, or from a `source`."""

    size: int = Field(ge=1)
    weight: float = Field(1.0, gt=0)  # of its loss against the other groups'
    kinds: dict[str, float] = {}  # kinds of `pointllm.data.questions` and their weights
    source: str | None = None  # a name of `sources`
    hints: bool = False  # with what the visual cache recognised before the question, see `llm_hints`
    unfinished: bool = False  # without full stop and end mark: the cheapest lesson in names

    @model_validator(mode="after")
    def _one_of_both(self) -> GroupSection:
        if bool(self.kinds) == bool(self.source):
            raise ValueError("give kinds (of our own questions) or source (a name of sources), one of them")
        if self.hints and (self.source or self.unfinished):
            raise ValueError("hints go with kinds of our own questions, finished ones")
        return self


class PhaseSection(Section):
    """Steps of one kind. Stage 1 trains bind network, prefixes and gates; stage 2 also LoRA, norms and biases."""

    steps: int = Field(ge=1)
    stage: Literal[1, 2]
    groups: tuple[GroupSection, ...] = Field(min_length=1)


class LlmConfig(Section):
    """A config file of `pointllm train llm`."""

    seed: int = 0
    profile: str = "embedded"  # whose frozen text and image towers make the embeddings
    language_model: str = "smollm2-135m-instruct"  # a name of the weights' manifest, or a folder
    base_precision: Literal["fp32", "bf16", "fp16"] = "fp32"  # of the frozen language model
    prompt: Literal["chat", "alpaca"] = "chat"
    adapters: dict[str, Any]  # `pointllm.llm.adapters.AdapterConfig`
    sources: dict[str, SourceSection] = {}
    views: int = Field(6, ge=0, le=64)  # rendered of each object, for image embeddings; 0: text embeddings only
    image_embeddings: str | None = None  # instead of views: an npz with ids and embeddings (N, V, D), out_of_fold
    disturbance: DisturbanceSection = DisturbanceSection()
    training_caches: tuple[CacheSection, ...] = ()  # one is drawn for each question
    phases: tuple[PhaseSection, ...] = Field(min_length=1)
    optimizer: OptimizerSection
    trainer: TrainerSection = TrainerSection()
    export: Literal["last", "best"] = "last"  # best: chosen by the held-out objects, whose figures then flatter
    evaluate_rows: int = Field(160, ge=1)
    val_embeddings: str | None = None  # instead of views: an npz with labels and embeddings (N, D) of held-out objects
    cache: tuple[CacheSection, ...] = ()  # shipped with the weights
    hints: HintsSection | None = None  # shipped with the weights, and used by groups with hints
    start_from: str | None = None  # a profile whose adapters the run begins with; None: from nothing
    generation: dict[str, int | float] = {"temperature": 0.0, "top_p": 0.9, "no_repeat": 6}

    @field_validator("adapters")
    @classmethod
    def _can_be_built(cls, values: dict[str, Any]) -> dict[str, Any]:
        try:
            config = AdapterConfig.from_dict(values)
        except WeightsError as error:
            raise ValueError(str(error).removeprefix("config.json: ")) from error
        if config.positions not in POSITIONS:
            raise ValueError(f"positions is {config.positions!r}; known: {', '.join(POSITIONS)}")
        if config.bind.norm not in NORMS:
            raise ValueError(f"bind.norm is {config.bind.norm!r}; known: {', '.join(NORMS)}")
        return values

    @model_validator(mode="after")
    def _groups_have_their_sources(self) -> LlmConfig:
        for phase in self.phases:
            for group in phase.groups:
                if group.hints and self.hints is None:
                    raise ValueError("a group has hints, and the config's own hints say nothing of them")
                if group.source is None:
                    continue
                if group.source not in self.sources:
                    known = ", ".join(self.sources) or "none"
                    raise ValueError(f"a group's source is {group.source!r}; known: {known}")
                if self.sources[group.source].format == "alpaca" and phase.stage == 1:
                    raise ValueError(f"source {group.source!r} is text alone, from which stage 1 (bind network, "
                                     "prefixes, gates) learns nothing; use it in stage 2")
        if self.base_precision != "fp32" and self.trainer.precision == "no":
            raise ValueError(f"base_precision {self.base_precision} needs trainer.precision bf16 or fp16")
        return self

    @property
    def steps(self) -> int:
        """Of all phases."""
        return sum(phase.steps for phase in self.phases)
