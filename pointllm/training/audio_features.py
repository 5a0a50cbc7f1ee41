"""Sounds → features for the audio tower's layer: as recorded, and disturbed at random.

Computed once and kept, a clip at a time; what is random about a clip depends on the seed and its name alone. A clip's
background is another one of its fold, so that a fold that is left out is left out of all that is trained on.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..data.records import Sound
from ..data.sound_disturbances import disturbed, resampled
from ..encoders.compact.audio_tower import AudioTower, prepare
from ..errors import InputError
from ..inputs.audio import read_audio
from .audio_config import AudioConfig
from .shards import Arrays, cached, file_key

LONGEST_SECONDS = 60  # of a training clip
TRIES = 5  # at a disturbance that leaves something to hear


@dataclass(frozen=True)
class Clips:
    """Sounds that could be used, their folds (N,), and features (N, versions, F) float32, the first as recorded."""

    sounds: list[Sound]
    folds: Tensor
    features: Tensor


def clip_features(sounds: Sequence[Sound], tower: AudioTower, config: AudioConfig, cache: Path,
                  listeners: str) -> Clips:
    """listeners: what tells the weights that make the features from others. DataError when no sound can be used."""
    by_name = {str(sound.path): sound for sound in sounds}
    folds = {name: number % config.folds if sound.fold is None else sound.fold
             for number, (name, sound) in enumerate(by_name.items())}
    keys = {name: f"{file_key(sound.path)} {sound.name} {folds[name]}" for name, sound in by_name.items()}
    mates = {(fold, kind): [other for other, sound in by_name.items() if folds[other] == fold and sound.name != kind]
             for fold, kind in {(folds[name], sound.name) for name, sound in by_name.items()}}

    @lru_cache(maxsize=256)
    def clip(name: str) -> np.ndarray:
        samples, rate = read_audio(name)
        samples, rate = samples[:LONGEST_SECONDS * rate], rate
        wanted = tower.config["sample_rate"]
        return samples if rate == wanted else resampled(samples, rate, wanted)[0]

    def versions(name: str) -> Arrays:
        rng = np.random.default_rng([config.seed, zlib.crc32(by_name[name].path.name.encode())])
        rate, others = tower.config["sample_rate"], mates[folds[name], by_name[name].name]
        windows = prepare(clip(name), rate, tower.config)[:1]
        for _ in range(TRIES * (config.versions - 1)):
            if len(windows) == config.versions:
                break
            behind = (clip(others[rng.integers(len(others))]), rate) if others else None
            try:
                heard = prepare(*disturbed(clip(name), rate, config.disturbances, rng, behind), tower.config)
            except InputError:  # a quiet moment of a quiet clip, turned down: nothing is left to hear
                continue
            windows.append(heard[rng.integers(len(heard))])
        windows += windows[:1] * (config.versions - len(windows))
        return {"features": tower.features(windows).numpy().astype(np.float16)}

    made_by = repr((listeners, tower.config, config.versions, config.disturbances, config.seed, sorted(keys)))
    found = cached(cache, "clips", made_by, keys, versions)
    used = [name for name in by_name if name in found]
    return Clips([by_name[name] for name in used], torch.tensor([folds[name] for name in used]),
                 torch.from_numpy(np.stack([found[name]["features"] for name in used])).float())
