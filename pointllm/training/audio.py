"""`pointllm train audio`: the audio tower's linear layer, sounds towards the text of what is heard.

Each fold in turn is left out and measured, then all clips are trained on. A layer on frozen features is fitted in
seconds, so a run has no checkpoints: what takes long, the features, is kept in the cache.
"""

from __future__ import annotations

import json
import logging
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.records import Sound, read_sounds
from ..data.templates import QUICK_TEMPLATES, label_embeddings
from ..encoders.compact.audio_tower import AudioTower, prepare
from ..encoders.compact.space import CompactSpace
from ..encoders.compact.text_minilm import TextTower
from ..errors import DataError, InputError
from ..inputs.audio import read_audio
from ..tasks.fingerprint import fingerprint
from .audio_config import AudioConfig
from .frozen import FrozenTowers
from .profile_folder import complete, write_tensors
from .shards import Arrays, cached, file_key
from .trainer import CONFIG, PROVENANCE

log = logging.getLogger("pointllm")


def disturbed(samples: np.ndarray, rate: int, config: AudioConfig,
              rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """The clip begun elsewhere, played at another speed (by another stated rate), with noise under it."""
    samples = np.roll(samples, rng.integers(len(samples)))
    level = np.abs(samples).max() * 10 ** (rng.uniform(*config.noise_db) / 20)
    noisy = samples + rng.standard_normal(len(samples)).astype(np.float32) * level
    return noisy, round(rate * rng.uniform(*config.speeds))


def clip_features(sounds: Sequence[Sound], tower: AudioTower, config: AudioConfig, cache: Path,
                  trunk: str) -> tuple[list[Sound], Tensor]:
    """The sounds that can be used and their features (N, versions, F) float32, the first version as recorded.

    trunk: what tells the weights that make the features from others.
    """
    by_name = {str(sound.path): sound for sound in sounds}

    def compute(name: str) -> Arrays:
        rng = np.random.default_rng([config.seed, zlib.crc32(by_name[name].path.name.encode())])
        samples, rate = read_audio(by_name[name].path)
        versions = [(samples, rate)] + [disturbed(samples, rate, config, rng) for _ in range(config.versions - 1)]
        features = tower.features([prepare(*version, tower.config)[0] for version in versions])
        return {"features": features.numpy().astype(np.float16)}

    made_by = repr((trunk, tower.config, config.versions, config.speeds, config.noise_db, config.seed))
    found = cached(cache, "clips", made_by, {name: file_key(sound.path) for name, sound in by_name.items()}, compute)
    used = [sound for name, sound in by_name.items() if name in found]
    return used, torch.from_numpy(np.stack([found[str(sound.path)]["features"] for sound in used])).float()


def class_targets(text: TextTower, classes: list[str], objects: list[str | None],
                  config: AudioConfig) -> tuple[Tensor, Tensor]:
    """Where classes land, (C, D), and the vectors of their plain names as `classify` compares them, (C, D)."""
    names = [name.replace("_", " ") for name in classes]
    plain = label_embeddings(text, names, templates=QUICK_TEMPLATES)
    rows = []
    for index, (name, key, maker) in enumerate(zip(names, classes, objects, strict=True)):
        phrases = config.phrases.get(key, ())
        said = text.encode([name, *phrases, *(f"the sound of {phrase}" for phrase in phrases)])
        heard = F.normalize(plain[index] + said[0] + F.normalize(said.mean(0), dim=0), dim=0)
        if maker:
            thing = text.encode([maker])[0] + label_embeddings(text, [maker], templates=QUICK_TEMPLATES)[0]
            heard = heard + config.object_weight * F.normalize(thing, dim=0)
        rows.append(F.normalize(heard, dim=0))
    return torch.stack(rows), plain.clone()


def train_head(features: Tensor, labels: Tensor, targets: Tensor, config: AudioConfig) -> nn.Linear:
    """A layer for features (N, versions, F) of classes (N,) with targets (C, D); standardisation is folded in."""
    torch.manual_seed(config.seed)
    generator = torch.Generator().manual_seed(config.seed)
    mean, deviation = features.mean((0, 1)), features.std((0, 1)) + 1e-3
    standard = (features - mean) / deviation
    head = nn.Linear(features.shape[-1], targets.shape[1])
    optimizer = torch.optim.AdamW(head.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.steps)
    beta = torch.distributions.Beta(config.mixup, config.mixup)
    for _ in range(config.steps):
        clips = torch.randint(len(labels), (config.batch,), generator=generator)
        version = torch.randint(features.shape[1], (config.batch,), generator=generator)
        share, partner = beta.sample((config.batch, 1)), torch.randperm(config.batch, generator=generator)
        inputs = standard[clips, version]
        wanted = F.one_hot(labels[clips], len(targets)).float()
        inputs = share * inputs + (1 - share) * inputs[partner]
        wanted = share * wanted + (1 - share) * wanted[partner]
        embedding = F.normalize(head(F.dropout(inputs, config.dropout)), dim=-1)
        entropy = F.cross_entropy(config.scale * embedding @ targets.T, wanted)
        distance = 1 - (embedding * F.normalize(wanted @ targets, dim=-1)).sum(-1).mean()
        optimizer.zero_grad()
        (entropy + config.cosine * distance).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        head.weight /= deviation
        head.bias -= head.weight @ mean
    return head.requires_grad_(False)


def cross_validate(features: Tensor, labels: Tensor, folds: Tensor, targets: Tensor, plain: Tensor, classes: list[str],
                   config: AudioConfig) -> dict:
    """Accuracy in percent on each fold by a head that didn't hear it, their mean, and the accuracy of each class."""
    right = torch.zeros(len(labels), dtype=torch.bool)
    for fold in folds.unique():
        head = train_head(features[folds != fold], labels[folds != fold], targets, config)
        mine = folds == fold
        right[mine] = (head(features[mine, 0]) @ plain.T).argmax(1) == labels[mine]
    by_fold = {int(fold): round(100 * right[folds == fold].float().mean().item(), 1) for fold in folds.unique()}
    by_class = {name: round(100 * right[labels == index].float().mean().item(), 1)
                for index, name in enumerate(classes)}
    return {"accuracy": round(100 * right.float().mean().item(), 1), "folds": by_fold, "classes": by_class}


def train(config: AudioConfig, folder: Path, out: Path, cache: Path, export_to: Path | None = None) -> bool:
    """A whole run in `out`, whose folder `trainer.open_run` has made; the tower goes into a profile's `audio/`."""
    towers = FrozenTowers(config.profile, cache)
    space = towers.bind.space
    if not isinstance(space, CompactSpace):
        raise InputError(f"profile {config.profile}: has no compact image trunk to read spectrograms with; "
                         "train the audio tower of a compact profile, such as embedded")
    sounds = read_sounds(folder)
    if not sounds:
        raise DataError(f"{folder}: holds no audio.jsonl with sounds")
    tower = AudioTower(space.image_tower.trunk, None, config.tower.model_dump())
    used, features = clip_features(sounds, tower, config, cache, fingerprint(config.profile, "image"))
    classes = list(dict.fromkeys(sound.name for sound in used))
    makers = {sound.name: sound.object_label for sound in used}
    labels = torch.tensor([classes.index(sound.name) for sound in used])
    folds = torch.tensor([number % config.folds if sound.fold is None else sound.fold
                          for number, sound in enumerate(used)])
    targets, plain = class_targets(space.text_tower, classes, [makers[name] for name in classes], config)
    targets, plain = targets.clone(), plain.clone()
    results = {}
    if len(folds.unique()) > 1:
        results = cross_validate(features, labels, folds, targets, plain, classes, config)
    log.info("%s", results)
    head = train_head(features, labels, targets, config)
    profile = export_to or out / "profile"
    complete(profile, config.profile, without="audio")
    target = profile / "audio"
    target.mkdir(parents=True, exist_ok=True)
    write_tensors(head.state_dict(), target / "head.safetensors")
    (target / "config.json").write_text(json.dumps(config.tower.model_dump(), indent=1) + "\n", encoding="utf-8")
    (target / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    shutil.copyfile(out / CONFIG, target / "recipe.yaml")
    shutil.copyfile(out / PROVENANCE, target / PROVENANCE)
    return True
