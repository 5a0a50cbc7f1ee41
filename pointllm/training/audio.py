"""`pointllm train audio`: the audio tower's head, from kinds of sound to absolute directions of the joint space.

A class's direction is made of the words for what is heard and of the label of the object that makes the sound, so that
a sound lies near names, pictures and shapes of that object. It is set, not learned: embeddings that are trained to be
told apart end up far from the object's label.

Each fold in turn is left out and measured, and the head that didn't hear it is kept; then all clips are trained on. A
head on frozen features is trained in seconds, so a run has no checkpoints: what takes long, the features, is cached.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.records import read_sounds
from ..data.templates import QUICK_TEMPLATES, label_embeddings
from ..encoders.compact.audio_tower import EFFECTS, AudioTower, SoundHead
from ..encoders.compact.space import CompactSpace
from ..encoders.compact.text_minilm import TextTower
from ..errors import DataError, InputError
from ..profiles import resolve
from ..weights.manifest import sha256_of
from .audio_config import AudioConfig
from .audio_features import Clips, clip_features
from .frozen import FrozenTowers
from .profile_folder import complete, place, write_tensors
from .trainer import CONFIG, PROVENANCE

log = logging.getLogger("pointllm")
FOLDS, FOLD_HEAD = "folds", "fold-{}.safetensors"  # heads that didn't hear a fold, for pointllm eval audio --heads


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


def train_head(features: Tensor, labels: Tensor, targets: Tensor, config: AudioConfig,
               widths: Sequence[int] | None = None) -> SoundHead:
    """A head for features (N, versions, F) of classes (N,) with directions (C, D); standardisation is folded in.

    widths: how many of the F features come from each listener (None: one listener). A layer is trained for each of them
    alone and the mean of their logits taken: two opinions of their own are worth more than one layer that may lean on
    either. Two linear layers and their mean are one linear layer, so the head stays what it is.
    """
    widths = tuple(widths or (features.shape[-1],))
    head = SoundHead(features.shape[-1], *targets.shape)
    head.directions.copy_(targets)
    layers = [_train_layer(part, labels, len(targets), config) for part in features.split(widths, -1)]
    with torch.no_grad():
        head.linear.weight.copy_(torch.cat([layer.weight for layer in layers], 1) / len(layers))
        head.linear.bias.copy_(torch.stack([layer.bias for layer in layers]).mean(0))
    return head.requires_grad_(False).eval()


def _train_layer(features: Tensor, labels: Tensor, classes: int, config: AudioConfig) -> nn.Linear:
    """Cross-entropy over the classes, each drawn equally often, with dropout of features and mixup (arXiv 1710.09412).
    """
    torch.manual_seed(config.seed)
    generator = torch.Generator().manual_seed(config.seed)
    mean, deviation = features.mean((0, 1)), features.std((0, 1)) + 1e-3
    standard = (features - mean) / deviation
    layer = nn.Linear(features.shape[-1], classes)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.steps)
    share = (1 / torch.bincount(labels, minlength=classes).clamp_min(1))[labels]
    beta = torch.distributions.Beta(config.mixup, config.mixup)
    for _ in range(config.steps):
        clips = torch.multinomial(share, config.batch, replacement=True, generator=generator)
        version = torch.randint(features.shape[1], (config.batch,), generator=generator)
        mine, partner = beta.sample((config.batch, 1)), torch.randperm(config.batch, generator=generator)
        inputs, wanted = standard[clips, version], F.one_hot(labels[clips], classes).float()
        inputs = mine * inputs + (1 - mine) * inputs[partner]
        wanted = mine * wanted + (1 - mine) * wanted[partner]
        loss = F.cross_entropy(layer(F.dropout(inputs, config.dropout)), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        layer.weight /= deviation
        layer.bias -= layer.weight @ mean
    return layer


def cross_validate(clips: Clips, labels: Tensor, targets: Tensor, plain: Tensor, classes: list[str],
                   config: AudioConfig, widths: Sequence[int]) -> tuple[dict, dict[int, SoundHead]]:
    """Accuracy in percent on each fold by a head that didn't hear it, and these heads.

    accuracy: of clips as recorded, among all classes; disturbed: of their other versions.
    """
    right = torch.zeros(clips.features.shape[:2], dtype=torch.bool)
    heads = {}
    for fold in clips.folds.unique().tolist():
        mine = clips.folds == fold
        heads[fold] = train_head(clips.features[~mine], labels[~mine], targets, config, widths)
        right[mine] = (heads[fold](clips.features[mine]) @ plain.T).argmax(-1) == labels[mine, None]
    recorded = right[:, 0]

    def percent(hits: Tensor) -> float:
        return round(100 * hits.float().mean().item(), 1)

    results = {"accuracy": percent(recorded)}
    if right.shape[1] > 1:
        results["disturbed"] = percent(right[:, 1:])
    results["folds"] = {fold: percent(recorded[clips.folds == fold]) for fold in heads}
    results["classes"] = {name: percent(recorded[labels == index]) for index, name in enumerate(classes)}
    return results, heads


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
    source = resolve(config.profile)
    tower = AudioTower.without_head(source / "audio", space.image_tower.trunk, config.tower.model_dump())
    listeners = [source / "image/trunk.safetensors", *([source / "audio" / EFFECTS] if config.tower.effects else [])]
    clips = clip_features(sounds, tower, config, cache, " ".join(sha256_of(file) for file in listeners))
    classes = list(dict.fromkeys(sound.name for sound in clips.sounds))
    makers = {sound.name: sound.object_label for sound in clips.sounds}
    labels = torch.tensor([classes.index(sound.name) for sound in clips.sounds])
    targets, plain = class_targets(space.text_tower, classes, [makers[name] for name in classes], config)
    targets, plain = targets.clone(), plain.clone()
    results = {}
    if len(clips.folds.unique()) > 1:
        results, heads = cross_validate(clips, labels, targets, plain, classes, config, tower.widths)
        (out / FOLDS).mkdir(exist_ok=True)
        for fold, head in heads.items():
            write_tensors(head.state_dict(), out / FOLDS / FOLD_HEAD.format(fold))
    log.info("%s", results)
    head = train_head(clips.features, labels, targets, config, tower.widths)
    profile = export_to or out / "profile"
    complete(profile, config.profile, without="audio")
    target = profile / "audio"
    target.mkdir(parents=True, exist_ok=True)
    if config.tower.effects and not (target / EFFECTS).exists():
        place(source / "audio" / EFFECTS, target / EFFECTS)
    write_tensors(head.state_dict(), target / "head.safetensors")
    (target / "config.json").write_text(json.dumps(config.tower.model_dump(), indent=1) + "\n", encoding="utf-8")
    (target / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    shutil.copyfile(out / CONFIG, target / "recipe.yaml")
    shutil.copyfile(out / PROVENANCE, target / PROVENANCE)
    return True
