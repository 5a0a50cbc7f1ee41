"""Training of the compact point tower: contrast with label texts and with features of rendered views.

Sampled clouds come from `point_clouds`, features from `view_features`, changes from `augment`, losses from
`losses`; the network and its preprocessing from `encoders.compact.point_tower`. Runs on one CPU core; can be
stopped at any time and goes on from its last checkpoint.

    python -m pointllm.training.point_tower --config configs/embedded/point.yaml --data FOLDER \
        --clouds runs/clouds.npz --features runs/views --out runs/point
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor, nn

from pointllm.data.templates import QUICK_TEMPLATES, label_embeddings
from pointllm.encoders.compact.point_tower import PointTower, build_branch
from pointllm.encoders.compact.text_minilm import TextTower
from pointllm.inputs.point_cloud import PointCloud, ShapeMetadata
from pointllm.profiles import resolve
from pointllm.training.augment import Augmentation, drop_points, mix_clouds, recolor, transform
from pointllm.training.losses import label_targets, neighbor_targets, prototype_loss, relation_loss, whitened
from pointllm.training.point_clouds import read_records
from pointllm.training.view_features import load_features

logger = logging.getLogger("pointllm")
CHECKPOINT_SECONDS = 120


@dataclass
class Objects:
    """Clouds of one split: xyz (N, P, 3) float16, rgb (N, P, 3) uint8, has_color, labels (N,), subsets (N, K, S)."""

    ids: list[str]
    xyz: Tensor
    rgb: Tensor
    has_color: Tensor
    even: Tensor
    labels: Tensor

    def draw(self, index: Tensor, points: int, even: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Float clouds (B, points, 3) and colours in [0, 1] of the objects in `index` (B,): a new subset each time."""
        batch, total = len(index), self.xyz.shape[1]
        subset = torch.randint(self.even.shape[1], (batch,), generator=generator)
        chosen = self.even[index, subset][:, :points].long()
        start = torch.randint(total, (batch, 1), generator=generator)
        random = (start + torch.arange(points)) % total  # samples are independent, so any run of them is random
        use_even = torch.rand(batch, 1, generator=generator) < even
        chosen = torch.where(use_even, chosen, random) + (index * total)[:, None]
        return tuple(
            values.view(-1, 3).index_select(0, chosen.view(-1)).view(batch, points, 3).float() / scale
            for values, scale in ((self.xyz, 1.0), (self.rgb, 255.0))
        )

    def cloud(self, row: int) -> PointCloud:
        """One object as the readers give it."""
        xyz = self.xyz[row].float().numpy()
        rgb = self.rgb[row].float().numpy() / 255 if self.has_color[row] else None
        metadata = ShapeMetadata("glb", 0, 0, len(xyz), (0, 0, 0), (0, 0, 0), name=self.ids[row])
        return PointCloud(xyz, rgb, metadata)


def load_objects(data: Path, clouds: Path, split: str, names: list[str]) -> Objects:
    """The objects of a split; labels are indices into `names`."""
    labels = {r["id"]: names.index(r["label"]) for r in read_records(data) if r["split"] == split}
    with np.load(clouds) as file:
        arrays = {key: file[key] for key in file.files}
    rows = [row for row, name in enumerate(arrays["ids"].tolist()) if name in labels]
    ids = arrays["ids"][rows].tolist()
    return Objects(
        ids,
        *(torch.from_numpy(arrays[key][rows]) for key in ("xyz", "rgb", "has_color")),
        torch.from_numpy(arrays["even"][rows].astype(np.int16)),
        torch.tensor([labels[name] for name in ids]),
    )


@dataclass
class Teacher:
    """Features of views of the training objects. views: (N, V, C); known: (N,) bool; all: (N, D) unit rows."""

    views: Tensor
    known: Tensor
    mean: Tensor
    change: Tensor
    all: Tensor

    @classmethod
    def load(cls, folder: Path, ids: list[str], dim: int, power: float) -> Teacher:
        found = load_features(folder, "mesh")
        known = torch.tensor([name in found for name in ids])
        count = min(len(value) for value in found.values())
        width = next(iter(found.values())).shape[-1]
        views = torch.zeros(len(ids), count, width)
        for row, name in enumerate(ids):
            if name in found:
                views[row] = torch.from_numpy(found[name][:count].astype(np.float32))
        _, mean, change = whitened(views[known].mean(1), dim, power)
        rows = F.normalize((views.mean(1) - mean) @ change, dim=-1) * known[:, None]
        return cls(views, known, mean, change, rows)

    def targets(self, index: Tensor, views: int, generator: torch.Generator) -> Tensor:
        """(B, D) unit vectors of the objects, from a random choice of their views."""
        order = torch.rand(len(index), self.views.shape[1], generator=generator).argsort(1)[:, :views]
        chosen = self.views[index].gather(1, order[..., None].expand(-1, -1, self.views.shape[-1]))
        return F.normalize((chosen.mean(1) - self.mean) @ self.change, dim=-1)


class Student(nn.Module):
    """The branch that is kept, and what only training needs: the way to the teacher's space and the scale."""

    def __init__(self, config: dict[str, Any]):
        super().__init__()
        self.branch = build_branch(config["tower"])
        feature = self.branch.point_encoder.feature_dim
        self.to_teacher = nn.Sequential(
            nn.LayerNorm(feature), nn.Linear(feature, 2 * feature), nn.GELU(),
            nn.Linear(2 * feature, config["loss"]["teacher_dim"]),
        )  # fmt: skip
        self.branch.logit_scale.data.fill_(math.log(config["loss"]["scale"]))

    def forward(self, points: Tensor, has_color: Tensor) -> tuple[Tensor, Tensor]:
        """(B, P, 6), (B,) -> joint embedding (B, dim) and prediction of the teacher's feature, unit norm."""
        feature = self.branch.point_encoder(points, has_color=has_color)
        embedding = F.normalize(self.branch.modality_head(feature @ self.branch.pc_projection), dim=-1)
        return embedding, F.normalize(self.to_teacher(feature), dim=-1)


def augmented(
    objects: Objects, index: Tensor, points: int, even: float, how: Augmentation, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A batch as the network sees it: points (B, P, 6), has_color (B,), partner (B,), own share (B,)."""
    xyz, rgb = objects.draw(index, points, even, generator)
    xyz, rgb, partner, share = mix_clouds(xyz, rgb, how, generator)
    xyz, rgb = drop_points(xyz, rgb, how, generator)
    xyz, rgb = transform(xyz, how, generator), recolor(rgb, how, generator)
    has_color = objects.has_color[index] & (objects.has_color[index][partner] | (share == 1))
    has_color &= torch.rand(len(index), generator=generator) >= how.colorless
    return torch.cat([xyz, rgb], -1), has_color, partner, share


def step_losses(
    student: Student, objects: Objects, teacher: Teacher | None, prototypes: Tensor, index: Tensor,
    config: dict[str, Any], number: int, how: Augmentation, generator: torch.Generator,
) -> dict[str, Tensor]:  # fmt: skip
    """Each loss of a batch of clouds of `number` points, weighted; their sum is what is minimised."""
    weight = config["loss"]
    points, has_color, partner, share = augmented(objects, index, number, config["even"], how, generator)
    embedding, predicted = student(points, has_color)
    targets = label_targets(objects.labels[index], partner, share, len(prototypes), weight["smoothing"])
    scale = student.branch.logit_scale.exp().clamp(max=weight["scale_most"])
    losses = {"label": weight["label"] * prototype_loss(embedding, prototypes, targets, scale)}
    if teacher is not None:
        own = teacher.targets(index, weight["teacher_views"], generator)
        wanted = F.normalize(share[:, None] * own + (1 - share)[:, None] * own[partner], dim=-1)
        temperature = weight["relation_temperature"]
        alike = neighbor_targets(teacher.all, index, temperature)
        alike = share[:, None] * alike + (1 - share)[:, None] * alike[partner]
        losses["relation"] = weight["relation"] * relation_loss(predicted, teacher.all, alike, temperature)
        losses["regression"] = weight["regression"] * (1 - (predicted * wanted).sum(-1)).mean()
    return losses


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Exponential moving average of parameters and buffers; counters are copied."""
    pairs = list(zip(average.state_dict().values(), model.state_dict().values(), strict=True))
    floating = [pair for pair in pairs if pair[0].is_floating_point()]
    torch._foreach_lerp_([old for old, _ in floating], [new for _, new in floating], 1 - decay)
    for old, new in pairs:
        if not old.is_floating_point():
            old.copy_(new)


def set_resolution(branch: nn.Module, tower: dict[str, Any], stages: list[dict[str, Any]], done: float) -> int:
    """Lets the encoder look at fewer points and groups early on; weights fit every resolution.

    stages: each with `until` (share of the run), `points`, `groups`, `group_sizes`; after the last one the tower's own
    numbers hold. done: share of the run that is over. Returns the number of points to draw.
    """
    stage = next((stage for stage in stages if done < stage["until"]), None)
    sizes = stage or tower["architecture"]
    encoder = branch.point_encoder
    encoder.config = replace(
        encoder.config, groups=tuple(sizes["groups"]), group_sizes=tuple(sizes["group_sizes"])
    )
    return stage["points"] if stage else tower["points"]


def variants(objects: Objects, row: int) -> dict[str, PointCloud]:
    """One object as people may bring it: as it is, without colours, z up, 1,024 points, a tenth of the points."""
    cloud = objects.cloud(row)
    rng = np.random.default_rng(row)

    def part(count: int) -> PointCloud:
        chosen = rng.choice(len(cloud), count, replace=False)
        rgb = None if cloud.rgb is None else cloud.rgb[chosen]
        return PointCloud(cloud.xyz[chosen], rgb, cloud.metadata)

    lying = np.stack([cloud.xyz[:, 0], -cloud.xyz[:, 2], cloud.xyz[:, 1]], -1)
    return {
        "as_is": cloud,
        "no_color": PointCloud(cloud.xyz, None, cloud.metadata),
        "z_up": PointCloud(lying, cloud.rgb, cloud.metadata),
        "points_1024": part(1024),
        "points_10_percent": part(len(cloud) // 10),
    }


def accuracy(embeddings: Tensor, prototypes: Tensor, labels: Tensor) -> dict[str, float]:
    """Percent of rows whose label is the first, or among the first five."""
    order = (embeddings @ prototypes.T).topk(min(5, len(prototypes)), dim=-1).indices == labels[:, None]
    return {"top1": round(100 * order[:, 0].float().mean().item(), 2),
            "top5": round(100 * order.any(1).float().mean().item(), 2)}  # fmt: skip


def evaluate(
    tower: PointTower, objects: Objects, prototypes: Tensor, kinds: tuple[str, ...], quick: bool
) -> dict[str, dict[str, float]]:
    """Accuracy of each kind of input; `quick` uses two turns of one sampling."""
    tower.eval()
    rows: dict[str, list[Tensor]] = {kind: [] for kind in kinds}
    for row in range(len(objects.ids)):
        clouds = variants(objects, row)
        for kind in kinds:
            prepared = tower.prepare(clouds[kind], 1 if quick else None)
            rows[kind].append(tower.embed_prepared(*prepared, 2 if quick else None))
    return {kind: accuracy(torch.cat(found), prototypes, objects.labels) for kind, found in rows.items()}


def load_prototypes(out: Path, names: list[str]) -> Tensor:
    """Text embeddings of the labels (C, dim) unit norm, as zero-shot recognition makes them; kept beside the run."""
    path = out / "label_embeddings.pt"
    if not path.exists():
        text_tower = TextTower.from_folder(resolve("embedded") / "text")
        with torch.inference_mode():
            torch.save(label_embeddings(text_tower, names, templates=QUICK_TEMPLATES).clone(), path)
    return torch.load(path, weights_only=True)


def learning_rate(step: int, total: int, config: dict[str, Any]) -> float:
    """Linear warm-up, then half a cosine to zero."""
    warmup = config["warmup_steps"]
    if step < warmup:
        return config["learning_rate"] * (step + 1) / warmup
    return config["learning_rate"] * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))


def make_optimizer(student: Student, config: dict[str, Any]) -> torch.optim.AdamW:
    """AdamW; vectors and scalars (norms, biases, scale) without weight decay."""
    decayed = [value for value in student.parameters() if value.ndim > 1]
    others = [value for value in student.parameters() if value.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config["weight_decay"]}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config["learning_rate"], betas=(0.9, 0.98), fused=True)


def save_checkpoint(path: Path, **parts: Any) -> None:
    """Written whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save(parts, partial)
    os.replace(partial, path)


def train(config: dict[str, Any], data: Path, clouds: Path, features: Path | None, out: Path) -> None:
    """The whole run; continues from `out/checkpoint.pt` where there is one."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    torch.manual_seed(config["seed"])
    names = sorted(json.loads((data / "labels.json").read_text(encoding="utf-8")))
    objects, held_out = (load_objects(data, clouds, split, names) for split in ("train", "val"))
    prototypes = load_prototypes(out, names)
    weight = config["loss"]
    teacher = None
    if features is not None:
        teacher = Teacher.load(features, objects.ids, weight["teacher_dim"], weight["teacher_whitening"])
    how = Augmentation(**config["augmentation"])
    student, average = Student(config), Student(config)
    average.load_state_dict(student.state_dict())
    optimizer = make_optimizer(student, config["optimizer"])
    steps_an_epoch = len(objects.ids) // config["batch"]
    total, epoch = steps_an_epoch * config["epochs"], 0
    if (out / "checkpoint.pt").exists():
        state = torch.load(out / "checkpoint.pt", weights_only=True)
        student.load_state_dict(state["student"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        for group in optimizer.param_groups:
            group["fused"] = True
        epoch = state["epoch"]
        logger.info("continuing after epoch %d", epoch)
    saved = time.monotonic()
    while epoch < config["epochs"]:
        started = time.monotonic()
        for branch in (student.branch, average.branch):
            points = set_resolution(branch, config["tower"], config["stages"], epoch / config["epochs"])
        tower = PointTower(average.branch, {**config["tower"], "points": points})
        generator = torch.Generator().manual_seed(config["seed"] * 100_003 + epoch)  # resuming repeats nothing
        torch.manual_seed(config["seed"] * 100_003 + epoch)
        student.train()
        sums: dict[str, float] = {}
        order = torch.randperm(len(objects.ids), generator=generator)
        for number in range(steps_an_epoch):
            step = epoch * steps_an_epoch + number
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, total, config["optimizer"])
            index = order[number * config["batch"] : (number + 1) * config["batch"]]
            losses = step_losses(student, objects, teacher, prototypes, index, config, points, how, generator)
            optimizer.zero_grad(set_to_none=True)
            sum(losses.values()).backward()
            nn.utils.clip_grad_norm_(student.parameters(), config["optimizer"]["clip"])
            optimizer.step()
            update_average(average, student, min(config["optimizer"]["ema"], (1 + step) / (10 + step)))
            for key, value in losses.items():
                sums[key] = sums.get(key, 0.0) + value.item()
        epoch += 1
        record: dict[str, Any] = {"epoch": epoch, "seconds": round(time.monotonic() - started, 1)}
        record |= {key: round(value / steps_an_epoch, 4) for key, value in sums.items()}
        record["points"] = points
        record["scale"] = round(student.branch.logit_scale.exp().item(), 2)
        last = epoch == config["epochs"]
        if last or epoch % config["evaluate_every"] == 0:
            kinds = ("as_is", "no_color", "z_up", "points_1024", "points_10_percent") if last else ("as_is",)
            record["val"] = evaluate(tower, held_out, prototypes, kinds, quick=not last)
        with (out / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        logger.info("%s", record)
        if last or time.monotonic() - saved > CHECKPOINT_SECONDS:
            save_checkpoint(out / "checkpoint.pt", student=student.state_dict(), average=average.state_dict(),
                            optimizer=optimizer.state_dict(), epoch=epoch)  # fmt: skip
            saved = time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clouds", type=Path, required=True, help="from pointllm.training.point_clouds")
    parser.add_argument("--features", type=Path, help="folder from pointllm.training.view_features")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = yaml.safe_load(args.config.read_text(encoding="utf-8"))
    train(config, args.data, args.clouds, args.features, args.out)


if __name__ == "__main__":
    main()
