"""Trains the audio tower: sounds towards the text of what is heard, by cross-entropy and cosine in the joint space.

    python -m pointllm.training.audio_tower --config configs/embedded/audio.yaml --data FOLDER --out DIR
        [--hold-out FOLD | --cross-validate]

`FOLDER` holds `audio.jsonl` (path, class, fold, object_label). Without options all folds are trained on and the tower
is written to DIR; `--hold-out` leaves one out and measures on it; `--cross-validate` does so for each in turn, with the
mean in `DIR/cross_validation.json`. A run that was stopped goes on from its last epoch.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import yaml
from torch import Tensor

from pointllm.data.templates import QUICK_TEMPLATES, label_embeddings
from pointllm.encoders.compact.audio_cnn import (
    AudioConfig,
    AudioNetwork,
    AudioTower,
    cut_windows,
    mel_power,
    prepare,
    to_decibels,
)
from pointllm.encoders.compact.text_minilm import TextTower
from pointllm.inputs.audio import read_audio
from pointllm.training.audio_augment import crop, disturb, mask, uniform

logger = logging.getLogger("pointllm")


@dataclass
class Sounds:
    """Clips as mel power, one list per clip with a version for each playing speed (None: only the plain one)."""

    versions: list[list[Tensor]]  # [clip][speed] (F, M)
    plain: list[Tensor]  # [clip] (F, M) at the recorded speed
    labels: Tensor  # (N,) int64 into `classes`
    folds: Tensor  # (N,)
    classes: list[str]
    objects: list[str | None]  # [class] label of the object that makes the sound


def load_sounds(data: Path, config: AudioConfig, speeds: list[float]) -> Sounds:
    """Read every clip of `audio.jsonl`, once per speed."""
    records = [json.loads(line) for line in (data / "audio.jsonl").read_text(encoding="utf-8").splitlines() if line]
    classes = list(dict.fromkeys(record["class"] for record in records))
    makers = {record["class"]: record["object_label"] for record in records}
    versions, plain = [], []
    for record in records:
        samples, rate = read_audio(data / record["path"])
        plain.append(mel_power(prepare(samples, rate, config), config))
        # Declaring another rate plays the clip slower or faster.
        versions.append([mel_power(prepare(samples, round(rate * speed), config), config) for speed in speeds])
    return Sounds(
        versions,
        plain,
        torch.tensor([classes.index(record["class"]) for record in records]),
        torch.tensor([record["fold"] for record in records]),
        classes,
        [makers[name] for name in classes],
    )


def class_targets(tower: TextTower, sounds: Sounds, settings: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Where classes land, (C, D), and the vectors of their plain names as `classify` compares them, (C, D)."""
    names = [name.replace("_", " ") for name in sounds.classes]
    plain = label_embeddings(tower, names, templates=QUICK_TEMPLATES)
    rows = []
    for index, (name, key, maker) in enumerate(zip(names, sounds.classes, sounds.objects, strict=True)):
        phrases = settings["phrases"].get(key, [])
        said = tower.encode([name, *phrases, *(f"the sound of {phrase}" for phrase in phrases)])
        heard = F.normalize(plain[index] + said[0] + F.normalize(said.mean(dim=0), dim=0), dim=0)
        if maker:
            thing = tower.encode([maker])[0] + label_embeddings(tower, [maker], templates=QUICK_TEMPLATES)[0]
            heard = heard + settings["object_weight"] * F.normalize(thing, dim=0)
        rows.append(F.normalize(heard, dim=0))
    return torch.stack(rows), plain


def draw_batch(
    sounds: Sounds, rows: Tensor, settings: dict[str, Any], frames: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Clips → disturbed pictures (B, frames, M) and how much of each class is in them, (B, C)."""
    crops = []
    for row in rows.tolist():
        speeds = sounds.versions[row]
        version = speeds[int(torch.randint(len(speeds), (), generator=generator))]
        crops.append(crop(version, frames, settings["loop"], generator))
    power, partner, share = disturb(torch.stack(crops), settings, generator)
    shares = F.one_hot(sounds.labels[rows], len(sounds.classes)).float()
    shares = (1 - share[:, None]) * shares + share[:, None] * shares[partner]
    return power, shares


def step_loss(embedding: Tensor, shares: Tensor, targets: Tensor, settings: dict[str, float]) -> Tensor:
    """Cross-entropy over the classes and one minus the cosine to the mixture of the classes' targets."""
    classes = len(targets)
    smooth = (1 - settings["smoothing"]) * shares + settings["smoothing"] / classes
    entropy = F.cross_entropy(settings["scale"] * embedding @ targets.T, smooth)
    distance = 1 - (embedding * F.normalize(shares @ targets, dim=-1)).sum(dim=-1).mean()
    return entropy + settings["cosine"] * distance


@torch.inference_mode()
def evaluate(network: AudioNetwork, config: AudioConfig, sounds: Sounds, rows: Tensor, names: Tensor) -> dict[str, Any]:
    """Accuracy on undisturbed clips, heard in the same way as `AudioTower.embed` does."""
    network.eval()
    predictions, cosines = [], []
    for row in rows.tolist():
        windows = cut_windows(sounds.plain[row], config)
        loudness = windows.sum(dim=2).mean(dim=1).sqrt()
        vectors = network(to_decibels(windows, config.floor_db))
        vector = F.normalize((loudness[:, None] * vectors).sum(dim=0), dim=0)
        similarity = names @ vector
        predictions.append(int(similarity.argmax()))
        cosines.append(float(similarity[sounds.labels[row]]))
    found, labels = torch.tensor(predictions), sounds.labels[rows]
    by_class = {
        name: round(float((found == labels)[labels == index].float().mean()), 4)
        for index, name in enumerate(sounds.classes)
        if (labels == index).any()
    }
    confused = [[int(((labels == a) & (found == b)).sum()) for b in range(len(names))] for a in range(len(names))]
    return {
        "accuracy": round(float((found == labels).float().mean()), 4),
        "cosine": round(sum(cosines) / len(cosines), 4),
        "by_class": by_class,
        "confusion": confused,
    }


def learning_rate(step: int, total: int, settings: dict[str, Any]) -> float:
    """Linear warm-up, then half a cosine down to a hundredth."""
    if step < settings["warmup"]:
        return settings["lr"] * (step + 1) / settings["warmup"]
    share = (step - settings["warmup"]) / max(1, total - settings["warmup"])
    return settings["lr"] * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))


def save_atomically(value: Any, path: Path) -> None:
    """A run that dies while saving leaves the former file."""
    torch.save(value, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


def train(
    config: dict[str, Any], sounds: Sounds, targets: Tensor, names: Tensor, out: Path, hold_out: int | None = None
) -> dict[str, Any]:
    """One run; returns the last measurement on the fold held out (on the training clips where none is)."""
    out.mkdir(parents=True, exist_ok=True)
    audio = AudioConfig(**(config["audio"] | {"channels": tuple(config["audio"]["channels"])}))
    optim, augmentation = config["optimizer"], config["augmentation"]
    kept = sounds.folds != hold_out if hold_out is not None else torch.ones(len(sounds.folds), dtype=torch.bool)
    rows, probe = kept.nonzero()[:, 0], (~kept if hold_out is not None else kept).nonzero()[:, 0]

    torch.manual_seed(config["seed"])
    generator = torch.Generator().manual_seed(config["seed"])
    network = AudioNetwork(audio, optim["dropout"])
    average = copy.deepcopy(network).requires_grad_(False)
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": optim["weight_decay"]}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=optim["lr"])

    first, last = 0, out / "last.pt"
    if last.is_file():
        state = torch.load(last, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        torch.set_rng_state(state["dropout"])
        first = state["epoch"]
        logger.info("%s: going on after epoch %d", out, first)

    per_epoch = len(rows) // optim["batch"]
    total = per_epoch * optim["epochs"]
    per_second = audio.sample_rate / audio.hop
    result: dict[str, Any] = {}
    for epoch in range(first, optim["epochs"]):
        network.train()
        order, losses = rows[torch.randperm(len(rows), generator=generator)], []
        for index in range(per_epoch):
            step = epoch * per_epoch + index
            frames = round(float(uniform(generator, *augmentation["crop_seconds"])) * per_second)
            batch = order[index * optim["batch"] : (index + 1) * optim["batch"]]
            power, shares = draw_batch(sounds, batch, augmentation, frames, generator)
            picture = mask(to_decibels(power, audio.floor_db), augmentation, generator)
            loss = step_loss(network(picture), shares, targets, config["loss"])
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, total, optim)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            decay = min(optim["average"], (step + 1) / (step + 10))
            for kept_value, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
                if kept_value.is_floating_point():
                    kept_value.lerp_(value, 1 - decay)
            losses.append(loss.item())
        record = {"epoch": epoch + 1, "loss": round(sum(losses) / len(losses), 4)}
        if (epoch + 1) % 5 == 0 or epoch + 1 == optim["epochs"]:
            result = evaluate(average, audio, sounds, probe, names)
            record |= {"accuracy": result["accuracy"], "cosine": result["cosine"]}
        logger.info("%s: %s", out.name, record)
        with (out / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        save_atomically(
            {
                "epoch": epoch + 1,
                "network": network.state_dict(),
                "average": average.state_dict(),
                "optimizer": optimizer.state_dict(),
                "generator": generator.get_state(),
                "dropout": torch.get_rng_state(),
            },
            last,
        )
    result = result or evaluate(average, audio, sounds, probe, names)
    (out / "result.json").write_text(json.dumps({"hold_out": hold_out, **result}, indent=2) + "\n", encoding="utf-8")
    AudioTower(average, audio).save(out, classes=sounds.classes, hold_out=hold_out, seed=config["seed"])
    return result


def main(arguments: list[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser("python -m pointllm.training.audio_tower", description="Train the audio tower.")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder with audio.jsonl")
    parser.add_argument("--out", type=Path, required=True)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--hold-out", type=int, metavar="FOLD")
    choice.add_argument("--cross-validate", action="store_true")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")

    config = yaml.safe_load(options.config.read_text(encoding="utf-8"))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "recipe.yaml").write_text(options.config.read_text(encoding="utf-8"), encoding="utf-8")
    audio = AudioConfig(**(config["audio"] | {"channels": tuple(config["audio"]["channels"])}))
    sounds = load_sounds(options.data, audio, config["augmentation"]["speeds"])
    targets, names = class_targets(TextTower.from_folder(config["text_tower"]), sounds, config)
    if not options.cross_validate:
        train(config, sounds, targets, names, options.out, options.hold_out)
        return
    results = {}
    for fold in sounds.folds.unique().tolist():
        results[fold] = train(config, sounds, targets, names, options.out / f"fold{fold}", fold)
    mean = sum(result["accuracy"] for result in results.values()) / len(results)
    summary = {"mean_accuracy": round(mean, 4), "folds": results}
    (options.out / "cross_validation.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    logger.info("mean accuracy over the folds held out: %.4f", mean)


if __name__ == "__main__":
    main()
