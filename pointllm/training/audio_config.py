"""The schema of configs for `pointllm train audio`: what each key means and what it may be."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from ..encoders.compact.effects_net import SAMPLE_RATE
from .config import Section


class AudioTowerSection(Section):
    """How a sound becomes a picture; goes into the weights' config.json as it is."""

    sample_rate: int = Field(gt=0)
    window: int = Field(ge=16)  # samples of a Fourier transform
    hop: int = Field(ge=1)  # samples between two of them
    bands: int = Field(ge=1)
    low: float = Field(ge=0)  # Hz, outer edges of the bands
    high: float = Field(gt=0)
    floor_db: float = Field(gt=0)  # below the loudest band
    picture_size: int = Field(ge=32)
    window_seconds: float = Field(gt=0)  # of one look; long sounds get overlapping ones
    most_windows: int = Field(ge=1)
    silence_db: float = Field(60.0, gt=0)  # below the loudest moment; such ends are cut off
    shortest_period: float = Field(1.0, ge=0)  # seconds; what is shorter than a window is repeated, so far apart
    effects: bool = False  # whether the profile's network for sound effects listens as well (`effects_net`)

    @model_validator(mode="after")
    def _rate_of_effects(self) -> AudioTowerSection:
        if self.effects and self.sample_rate != SAMPLE_RATE:
            raise ValueError(f"effects needs sample_rate {SAMPLE_RATE}, which its network was trained at")
        return self


Range = tuple[float, float]
Chance = Annotated[float, Field(ge=0, le=1)]


class DisturbanceSection(Section):
    """What may happen to a training clip, each step with a probability of its own; see `data.sound_disturbances`."""

    begun_elsewhere: Chance = 0.5
    speeds: Range = (0.9, 1.1)  # played slower and faster, pitch with it
    cut: Chance = 0.4
    cut_seconds: Range = (0.5, 4.0)
    room: Chance = 0.15  # an echo
    silence: Chance = 0.5
    silence_seconds: Range = (0.0, 4.0)
    background: Chance = 0.25  # a sound of another class and the same fold under it
    background_db: Range = (6.0, 25.0)
    noise: Chance = 0.6  # of any colour from white to brown
    noise_db: Range = (0.0, 40.0)
    narrow: Chance = 0.3  # at a lower sample rate
    narrow_rates: Range = (6000, 16000)  # Hz
    mp3: Chance = 0.1
    quieter_db: Range = (0.0, 30.0)


class AudioConfig(Section):
    """A config file of `pointllm train audio`."""

    seed: int = 0
    profile: str = "embedded"  # of the compact kind: its image trunk reads spectrograms, its text tower gives targets
    tower: AudioTowerSection
    object_weight: float = Field(0.75, ge=0)  # of the object that makes a sound, against 1 for the class's own words
    phrases: dict[str, tuple[str, ...]] = {}  # other words for a class of audio.jsonl
    folds: int = Field(4, ge=2)  # for sounds that have no fold of their own
    versions: int = Field(5, ge=1)  # of each clip; all but the first are disturbed
    disturbances: DisturbanceSection = DisturbanceSection()
    steps: int = Field(500, ge=1)
    batch: int = Field(128, ge=1)
    learning_rate: float = Field(0.002, gt=0)
    weight_decay: float = Field(0.1, ge=0)
    dropout: float = Field(0.5, ge=0, lt=1)
    mixup: float = Field(0.3, gt=0)  # of the Beta distribution
