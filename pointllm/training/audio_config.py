"""The schema of configs for `pointllm train audio`: what each key means and what it may be."""

from __future__ import annotations

from pydantic import Field

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


class AudioConfig(Section):
    """A config file of `pointllm train audio`."""

    seed: int = 0
    profile: str = "embedded"  # of the compact kind: its image trunk reads spectrograms, its text tower gives targets
    tower: AudioTowerSection
    object_weight: float = Field(0.75, ge=0)  # of the object that makes a sound, against 1 for the class's own words
    phrases: dict[str, tuple[str, ...]] = {}  # other words for a class of audio.jsonl
    folds: int = Field(4, ge=2)  # for sounds that have no fold of their own
    versions: int = Field(6, ge=1)  # of each clip; all but the first are disturbed
    speeds: tuple[float, float] = (0.9, 1.1)  # played slower and faster, pitch with it
    noise_db: tuple[float, float] = (-80, -40)  # white noise under the clip's peak
    steps: int = Field(500, ge=1)
    batch: int = Field(128, ge=1)
    learning_rate: float = Field(0.002, gt=0)
    weight_decay: float = Field(0.1, ge=0)
    dropout: float = Field(0.5, ge=0, lt=1)
    mixup: float = Field(0.3, gt=0)  # of the Beta distribution
    scale: float = Field(16.0, gt=0)  # of cosines in the cross-entropy over the classes
    cosine: float = Field(1.0, ge=0)  # weight of (1 - cosine to the target)
