"""The image tower's head: frozen features of rendered views → the joint space, and the test of what stands upright.

A linear layer is trained by cross-entropy against the labels' text embeddings, on the mean over a random subset of an
object's views, drawn as meshes, without colours, and as sparse clouds. Heads trained without a fifth of the objects
embed that fifth ("out of fold"): what later stages learn from then errs as it will on objects never seen.

    python -m pointllm.training.image_head --config configs/embedded/image.yaml --data FOLDER --views runs/views \
        --trunk efficientnet-lite2.pth --out checkpoints/embedded/image --embeddings runs/image_embeddings.npz
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
from ..encoders.compact.efficientnet_lite import fold_published_weights
from ..encoders.compact.text_minilm import TextTower
from ..profiles import resolve
from .view_features import load_features

log = logging.getLogger("pointllm")
OTHER_NAMES_WEIGHT = 0.35  # of an ImageNet class's further names against its first


class ViewBank:
    """Cached features of views of some objects, by kind: {kind: (N, V, 1280) float32}."""

    def __init__(self, folder: Path, ids: list[str], kinds: list[str]):
        self.features = {}
        for kind in kinds:
            found = load_features(folder, kind)
            self.features[kind] = torch.from_numpy(np.stack([found[i] for i in ids])).float()

    def draw(self, objects: Tensor, mix: dict[str, float], generator: torch.Generator) -> Tensor:
        """Means over random subsets of the views of `objects` (B,), of kinds drawn from `mix` → (B, 1280)."""
        kinds = list(mix)
        choice = torch.multinomial(torch.tensor([mix[k] for k in kinds]), len(objects), True, generator=generator)
        drawn = torch.empty(len(objects), next(iter(self.features.values())).shape[-1])
        for index, kind in enumerate(kinds):
            rows = (choice == index).nonzero()[:, 0]
            views = self.features[kind][objects[rows]]  # (b, V, 1280)
            order = torch.rand(views.shape[:2], generator=generator)
            least = torch.rand(len(rows), 1, generator=generator)  # keep at least one, up to all
            keep = (order <= torch.maximum(order.min(1, keepdim=True).values, least)).float()
            drawn[rows] = (views * keep[..., None]).sum(1) / keep.sum(1, keepdim=True)
        return drawn


def train_head(bank: ViewBank, objects: Tensor, labels: Tensor, anchors: Tensor, config: dict) -> nn.Linear:
    """A head for objects (n,) of the bank with labels (N,), against anchors (L, D); standardisation is folded in."""
    generator = torch.Generator().manual_seed(config["seed"])
    torch.manual_seed(config["seed"])
    reference = bank.features["mesh"][objects]
    mean, deviation = reference.mean((0, 1)), reference.std((0, 1)) + 0.05
    head = nn.Linear(len(mean), anchors.shape[1])
    log_scale = nn.Parameter(torch.tensor(float(np.log(config["scale"]))))
    optimizer = torch.optim.AdamW([{"params": head.parameters()}, {"params": [log_scale], "weight_decay": 0.0}],
                                  lr=config["learning_rate"], weight_decay=config["weight_decay"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config["learning_rate"], config["steps"], pct_start=0.1)
    for step in range(config["steps"]):
        chosen = objects[torch.randint(len(objects), (config["batch"],), generator=generator)]
        features = (bank.draw(chosen, config["mix"], generator) - mean) / deviation
        embedding = F.normalize(head(F.dropout(features, config["dropout"])), dim=-1)
        loss = F.cross_entropy(embedding @ anchors.T * log_scale.exp(), labels[chosen],
                               label_smoothing=config["label_smoothing"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 250 == 0 or step == config["steps"] - 1:
            log.info("step %d loss %.3f scale %.1f", step, loss.item(), log_scale.exp().item())
    with torch.no_grad():
        head.bias -= head.weight @ (mean / deviation)
        head.weight /= deviation
    return head.requires_grad_(False)


def train_upright(standing: Tensor, lying: Tensor, steps: int = 400) -> tuple[Tensor, Tensor]:
    """Logistic regression on features (n, 1280): weight (1280,) and bias, positive for shapes that stand."""
    inputs = torch.cat([standing, lying])
    wanted = torch.cat([torch.ones(len(standing)), torch.zeros(len(lying))])
    balance = torch.where(wanted > 0, len(inputs) / 2 / len(standing), len(inputs) / 2 / len(lying))
    mean, deviation = inputs.mean(0), inputs.std(0) + 0.05
    layer = nn.Linear(inputs.shape[1], 1)
    nn.init.zeros_(layer.weight)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=3e-3, weight_decay=0.1)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        rows = torch.randint(len(inputs), (512,), generator=generator)
        logits = layer((inputs[rows] - mean) / deviation)[:, 0]
        loss = F.binary_cross_entropy_with_logits(logits, wanted[rows], balance[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        weight = layer.weight[0] / deviation
        return weight, layer.bias[0] - weight @ mean


def accuracy(embeddings: Tensor, labels: Tensor, anchors: Tensor) -> tuple[float, float]:
    """Top-1 and top-5 in percent of embeddings (B, D) against anchors (L, D)."""
    top = (F.normalize(embeddings, dim=-1) @ anchors.T).topk(5).indices
    hits = top == labels[:, None]
    return 100 * hits[:, 0].float().mean().item(), 100 * hits.any(1).float().mean().item()


def class_embeddings(names: list[str], text: TextTower) -> Tensor:
    """ImageNet class names ("name, other name, …") → (1000, D) unit norm; other names count less."""
    rows = []
    for name in names:
        parts = [part.strip() for part in name.split(",")]
        weights = torch.tensor([1.0] + [OTHER_NAMES_WEIGHT] * (len(parts) - 1))
        rows.append((text.encode(parts) * weights[:, None]).sum(0))
    return F.normalize(torch.stack(rows), dim=-1)


def out_of_fold(bank: ViewBank, labels: Tensor, anchors: Tensor, config: dict) -> list[nn.Linear]:
    """Heads, one a fold; object i belongs to fold `i % folds` and wasn't seen by that head."""
    objects = torch.arange(len(labels))
    return [train_head(bank, objects[objects % config["folds"] != fold], labels, anchors, config)
            for fold in range(config["folds"])]


def main() -> None:
    """Train, measure on `val`, write the tower's files and the embeddings of the training objects."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("config", "data", "views", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--trunk", type=Path, help="the published efficientnet-lite2 .pth, to write trunk.safetensors")
    parser.add_argument("--embeddings", type=Path, help="where embeddings of the training objects' views go (.npz)")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = yaml.safe_load(args.config.read_text())
    rows = [json.loads(line) for line in (args.data / "objects.jsonl").read_text().splitlines()]
    names = sorted(json.loads((args.data / "labels.json").read_text()))
    kinds = list(config["mix"])
    text = TextTower.from_folder(resolve("embedded") / "text")
    anchors = label_embeddings(text, names, templates=QUICK_TEMPLATES)
    banks, labels, ids = {}, {}, {}
    for split in ("train", "val"):
        mine = [row for row in rows if row["split"] == split]
        ids[split] = [row["id"] for row in mine]
        labels[split] = torch.tensor([names.index(row["label"]) for row in mine])
        banks[split] = ViewBank(args.views, ids[split], [*kinds, "lying"])
    head = train_head(banks["train"], torch.arange(len(ids["train"])), labels["train"], anchors, config)
    train, val = banks["train"].features, banks["val"].features
    upright = train_upright(torch.cat([train[k].flatten(0, 1) for k in kinds]), train["lying"].flatten(0, 1))
    results = {}
    for kind in kinds:
        top1, top5 = accuracy(head(val[kind].mean(1)), labels["val"], anchors)
        results[kind] = {"top1": round(top1, 1), "top5": round(top5, 1)}
    logits = {kind: val[kind].mean(1) @ upright[0] + upright[1] for kind in ("mesh", "lying")}
    results["upright"] = round(100 * (logits["mesh"] > logits["lying"]).float().mean().item(), 1)
    log.info("val: %s", results)

    args.out.mkdir(parents=True, exist_ok=True)
    if args.trunk:
        published = torch.load(args.trunk, weights_only=True)
        folded = {k: v.half().contiguous() for k, v in fold_published_weights(published).items()}
        save_file(folded, args.out / "trunk.safetensors")
    classes = class_embeddings(json.loads((args.out / "imagenet_classes.json").read_text()), text)
    weights = {"head.weight": head.weight, "head.bias": head.bias, "class_embeddings": classes,
               "upright.weight": upright[0], "upright.bias": upright[1]}
    save_file({k: v.detach().half().contiguous() for k, v in weights.items()}, args.out / "head.safetensors")
    (args.out / "config.json").write_text(json.dumps(config["tower"], indent=1) + "\n")
    (args.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    if args.embeddings:
        save_embeddings(args.embeddings, ids["train"], banks["train"], labels["train"], anchors, head, config)


def save_embeddings(path: Path, ids: list[str], bank: ViewBank, labels: Tensor, anchors: Tensor, head: nn.Linear,
                    config: dict) -> None:
    """`embeddings` (N, 12, D) of the training objects' views: six by the head, six by heads that never saw the object.

    An object that is alone with its label gets all twelve from the head: no other head knows its name.
    """
    generator = torch.Generator().manual_seed(config["seed"] + 1)
    objects = torch.arange(len(ids))
    draws = torch.stack([bank.draw(objects, config["mix"], generator) for _ in range(8)], 1)  # (N, 8, 1280)
    unseen = torch.empty(*draws.shape[:2], anchors.shape[1])
    for fold, other in enumerate(out_of_fold(bank, labels, anchors, config)):
        mine = objects % config["folds"] == fold
        unseen[mine] = F.normalize(other(draws[mine]), dim=-1)
    top1, top5 = accuracy(unseen[:, 0], labels, anchors)
    log.info("out of fold: top-1 %.1f, top-5 %.1f", top1, top5)
    seen = F.normalize(head(draws), dim=-1)
    alone = labels.bincount(minlength=len(anchors))[labels] == 1
    unseen[alone] = seen[alone]
    both = torch.cat([seen[:, :6], unseen[:, 2:]], 1)
    np.savez(path, ids=np.array(ids), embeddings=both.half().numpy())


if __name__ == "__main__":
    main()
