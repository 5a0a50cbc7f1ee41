"""Trains the audio tower's linear layer: sounds towards the text of what is heard.

    python -m pointllm.training.audio_tower --config configs/embedded/audio.yaml --data FOLDER --out DIR

`FOLDER` holds `audio.jsonl` (path, class, fold, object_label). Each fold in turn is left out and measured, then all
clips are trained on and the tower is written to DIR with `results.json` and the recipe.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.templates import QUICK_TEMPLATES, label_embeddings
from ..encoders.compact.audio_tower import AudioTower, prepare
from ..encoders.compact.image_tower import ImageTower
from ..encoders.compact.text_minilm import TextTower
from ..inputs.audio import read_audio
from ..profiles import resolve

log = logging.getLogger("pointllm")


def disturbed(samples: np.ndarray, rate: int, config: dict, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """The clip begun elsewhere, played at another speed (by another stated rate), with noise under it."""
    samples = np.roll(samples, rng.integers(len(samples)))
    level = np.abs(samples).max() * 10 ** (rng.uniform(*config["noise_db"]) / 20)
    noisy = samples + rng.standard_normal(len(samples)).astype(np.float32) * level
    return noisy, round(rate * rng.uniform(*config["speeds"]))


def clip_features(rows: list[dict], folder: Path, tower: AudioTower, config: dict) -> Tensor:
    """(N, versions, F) float32: the first version of each clip is as recorded."""
    rng = np.random.default_rng(config["seed"])
    found = []
    for row in rows:
        samples, rate = read_audio(folder / row["path"])
        versions = [(samples, rate)] + [disturbed(samples, rate, config, rng) for _ in range(config["versions"] - 1)]
        found.append(tower.features([prepare(*version, tower.config)[0] for version in versions]))
    return torch.stack(found)


def class_targets(text: TextTower, classes: list[str], objects: list[str | None],
                  config: dict) -> tuple[Tensor, Tensor]:
    """Where classes land, (C, D), and the vectors of their plain names as `classify` compares them, (C, D)."""
    names = [name.replace("_", " ") for name in classes]
    plain = label_embeddings(text, names, templates=QUICK_TEMPLATES)
    rows = []
    for index, (name, key, maker) in enumerate(zip(names, classes, objects, strict=True)):
        phrases = config["phrases"].get(key, [])
        said = text.encode([name, *phrases, *(f"the sound of {phrase}" for phrase in phrases)])
        heard = F.normalize(plain[index] + said[0] + F.normalize(said.mean(0), dim=0), dim=0)
        if maker:
            thing = text.encode([maker])[0] + label_embeddings(text, [maker], templates=QUICK_TEMPLATES)[0]
            heard = heard + config["object_weight"] * F.normalize(thing, dim=0)
        rows.append(F.normalize(heard, dim=0))
    return torch.stack(rows), plain


def train_head(features: Tensor, labels: Tensor, targets: Tensor, config: dict) -> nn.Linear:
    """A layer for features (N, versions, F) of classes (N,) with targets (C, D); standardisation is folded in."""
    torch.manual_seed(config["seed"])
    generator = torch.Generator().manual_seed(config["seed"])
    mean, deviation = features.mean((0, 1)), features.std((0, 1)) + 1e-3
    standard = (features - mean) / deviation
    head = nn.Linear(features.shape[-1], targets.shape[1])
    optimizer = torch.optim.AdamW(head.parameters(), lr=config["learning_rate"], weight_decay=config["weight_decay"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config["steps"])
    beta = torch.distributions.Beta(config["mixup"], config["mixup"])
    for _ in range(config["steps"]):
        clips = torch.randint(len(labels), (config["batch"],), generator=generator)
        version = torch.randint(features.shape[1], (config["batch"],), generator=generator)
        share, partner = beta.sample((config["batch"], 1)), torch.randperm(config["batch"], generator=generator)
        inputs = standard[clips, version]
        wanted = F.one_hot(labels[clips], len(targets)).float()
        inputs = share * inputs + (1 - share) * inputs[partner]
        wanted = share * wanted + (1 - share) * wanted[partner]
        embedding = F.normalize(head(F.dropout(inputs, config["dropout"])), dim=-1)
        entropy = F.cross_entropy(config["scale"] * embedding @ targets.T, wanted)
        distance = 1 - (embedding * F.normalize(wanted @ targets, dim=-1)).sum(-1).mean()
        optimizer.zero_grad()
        (entropy + config["cosine"] * distance).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        head.weight /= deviation
        head.bias -= head.weight @ mean
    return head.requires_grad_(False)


def cross_validate(features: Tensor, labels: Tensor, folds: Tensor, targets: Tensor, plain: Tensor, classes: list[str],
                   config: dict) -> dict:
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


def main(arguments: list[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("config", "data", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = yaml.safe_load(args.config.read_text(encoding="utf-8"))
    rows = [json.loads(line) for line in (args.data / "audio.jsonl").read_text(encoding="utf-8").splitlines() if line]
    classes = list(dict.fromkeys(row["class"] for row in rows))
    makers = {row["class"]: row["object_label"] for row in rows}
    labels = torch.tensor([classes.index(row["class"]) for row in rows])
    folds = torch.tensor([row["fold"] for row in rows])
    text = TextTower.from_folder(resolve("embedded") / "text")
    trunk = ImageTower.from_folder(resolve("embedded") / "image").trunk
    features = clip_features(rows, args.data, AudioTower(trunk, None, config["tower"]), config)
    targets, plain = class_targets(text, classes, [makers[name] for name in classes], config)
    results = cross_validate(features, labels, folds, targets, plain, classes, config)
    log.info("%s", results)
    head = train_head(features, labels, targets, config)
    args.out.mkdir(parents=True, exist_ok=True)
    save_file({k: v.half().contiguous() for k, v in head.state_dict().items()}, args.out / "head.safetensors")
    (args.out / "config.json").write_text(json.dumps(config["tower"], indent=1) + "\n", encoding="utf-8")
    (args.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (args.out / "recipe.yaml").write_text(args.config.read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    main()
