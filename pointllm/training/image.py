"""`pointllm train image`: the image tower's last blocks and its head, tuned on rendered views of labelled objects.

Each label stands for the mean text embedding of its sentences; views are drawn towards their label's. What is averaged
over views in use is averaged in training. The trunk's first blocks and the photograph's path stay as published.
Figures on held-out objects come from the product's own cameras.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.records import read_labels, read_records
from ..encoders.compact.efficientnet_lite import HEAD_WIDTH
from ..encoders.compact.image_tower import ImageTower
from ..encoders.compact.view_tail import ViewTail
from ..errors import InputError
from ..profiles import read_config, resolve
from ..tasks.fingerprint import fingerprint
from . import upright
from .bind import label_names, label_prototypes
from .bind_evaluate import accuracy
from .frozen import FrozenTowers
from .image_config import ImageConfig
from .image_views import as_maps, collect, collect_pictures, fixed_maps_of, maps_of
from .processes import main_first, make_accelerator
from .profile_folder import complete, write_tensors
from .run_log import draw_curves
from .trainer import CONFIG, PROVENANCE, Trainer

logger = logging.getLogger("pointllm")


class ImageModel(nn.Module):
    """The tuned tail, the head, and what only training needs: a plain classifier and the scale of cosines."""

    def __init__(self, tower: ImageTower, anchors: Tensor, config: ImageConfig):
        super().__init__()
        self.config = config
        self.tail = ViewTail(tower.trunk, config.tower.first_tuned, config.drop_path)
        self.head = nn.Linear(HEAD_WIDTH, anchors.shape[1])
        self.classifier = nn.Linear(HEAD_WIDTH, len(anchors))
        self.log_scale = nn.Parameter(torch.tensor(math.log(config.scale)))
        self.register_buffer("anchors", anchors, persistent=False)  # (L, D) unit norm

    def forward(self, batch: dict[str, Tensor]) -> dict[str, tuple[float, Tensor]]:
        """maps (B, V, C, h, w) of V views of B objects, labels (B,); pictures (P, C, h, w) and their labels
        picture_labels (P,), where there are some → weighted losses."""
        views, maps = batch["maps"].shape[1], batch["maps"].flatten(0, 1)
        pictures = batch.get("pictures", maps[:0])
        features = self.tail(as_maps(torch.cat([maps, pictures])))
        features, pictured = features[: len(maps)].unflatten(0, (-1, views)), features[len(maps) :]  # (B, V, 1280)
        seen, labels = features.mean(1), batch["labels"]
        if views > 1:  # one view by itself as well: a picture may be all there is
            seen, labels = torch.cat([seen, features[:, 0]]), labels.repeat(2)
        losses = self._losses(seen, labels, "", 1.0)
        if len(pictured):
            weight = self.config.pictures.weight
            losses |= self._losses(pictured, batch["picture_labels"], "picture_", weight)
            losses = {name: (value / (1 + weight), loss) for name, (value, loss) in losses.items()}
        return losses

    def _losses(self, seen: Tensor, labels: Tensor, name: str, weight: float) -> dict[str, tuple[float, Tensor]]:
        seen = F.dropout(seen, self.config.dropout, self.training)
        cosines = F.normalize(self.head(seen), dim=-1) @ self.anchors.T
        smoothing = self.config.smoothing
        loss = F.cross_entropy(cosines * self.log_scale.exp(), labels, label_smoothing=smoothing)
        losses = {f"{name}label": (weight, loss)}
        if self.config.classifier:
            loss = F.cross_entropy(self.classifier(seen), labels, label_smoothing=smoothing)
            losses[f"{name}classifier"] = (weight * self.config.classifier, loss)
        return losses


class ImageTask:
    """A `Task` of the trainer. maps: an array (V, C, h, w) float16 a training object; held_out: {kind: maps} each;
    pictures: an array as `maps` for each labelled picture, and all their labels."""

    score = "mesh.top1"

    def __init__(self, config: ImageConfig, model: ImageModel, maps: list[np.ndarray], labels: Tensor,
                 held_out: list[dict[str, np.ndarray]], held_out_labels: Tensor, parts: int,
                 pictures: tuple[list[np.ndarray], Tensor] | None = None):
        self.config, self.module, self.maps, self.labels = config, model, maps, labels
        self.held_out, self.held_out_labels = held_out, held_out_labels
        self.pictures = pictures
        # Rare labels come more often than they are, pictures' always.
        self.shares = _shares(labels, config.balance) if config.balance else None
        self.picture_shares = _shares(pictures[1], 0.5) if pictures else None
        self.steps = max(1, math.ceil(config.epochs * len(maps) / (config.batch * parts)))

    def phase(self, step: int) -> Hashable:
        return 0

    def enter(self, step: int) -> None:
        pass

    def batch(self, step: int, part: int, parts: int) -> dict[str, Tensor]:
        """Objects in shuffled rounds, one after another, or drawn by their shares; of each some of its views."""
        size, rng = self.config.batch, np.random.default_rng([self.config.seed, step, part])
        if self.shares is None:
            chosen = _rows(self.config.seed, (step * parts + part) * size, size, len(self.maps))
        else:
            chosen = rng.choice(len(self.maps), size, replace=size > len(self.maps), p=self.shares).tolist()
        views = [np.stack([self.maps[row][v] for v in rng.choice(len(self.maps[row]), self.config.drawn, False)])
                 for row in chosen]
        made = {"maps": torch.from_numpy(np.stack(views)), "labels": self.labels[torch.as_tensor(chosen)]}
        if self.pictures:
            maps, labels = self.pictures
            rows = rng.choice(len(maps), self.config.pictures.drawn, p=self.picture_shares)
            made["pictures"] = torch.from_numpy(np.stack([maps[row][rng.integers(len(maps[row]))] for row in rows]))
            made["picture_labels"] = labels[torch.as_tensor(rows)]
        return made

    def evaluate(self, accelerator: Any, final: bool) -> dict[str, Any]:
        """Top-1 and top-5 in percent, by how the shapes are shown."""
        if not self.held_out:
            return {}
        kinds = list(self.held_out[0]) if final else ["mesh"]
        return {kind: accuracy(self._embedded(kind), self.module.anchors, self.held_out_labels) for kind in kinds}

    def _embedded(self, kind: str) -> Tensor:
        rows = [self.module.head(self.module.tail(as_maps(maps[kind])).mean(0)) for maps in self.held_out]
        return F.normalize(torch.stack(rows), dim=-1)


def _shares(labels: Tensor, balance: float) -> np.ndarray:
    """Probability of each item, n ** -balance of what n items of its label would have."""
    often = labels.bincount()[labels].double() ** -balance
    return (often / often.sum()).numpy()


def _rows(seed: int, start: int, size: int, count: int) -> list[int]:
    """The objects at places start … start + size of endless shuffled rounds over `count` objects."""
    rows: list[int] = []
    while len(rows) < size:
        rounds, index = divmod(start + len(rows), count)
        rows += np.random.default_rng([seed, rounds]).permutation(count)[index : index + size - len(rows)].tolist()
    return rows


def prepare(config: ImageConfig, folder: Path, cache: Path, parts: int) -> ImageTask:
    """The task for a data folder; maps of views are kept in `cache`. PointLLMError for what can't be used."""
    records, labels = read_records(folder), read_labels(folder)
    names = label_names(labels, records)
    source = resolve(config.profile)
    if not (source / "image" / "trunk.safetensors").is_file():
        raise InputError(f"profile {config.profile}: has no image trunk to tune; name a profile of compact towers")
    tower = ImageTower.from_folder(source / "image")
    tower.config = {**tower.config, **config.tower.model_dump(mode="json")}
    towers = FrozenTowers(config.profile, cache)
    anchors = label_prototypes(towers, names)
    made_by = f"{fingerprint(config.profile, 'image')} {config.tower.view_size} {config.tower.first_tuned}"
    settings, space = config.views, read_config(source)

    train = [record for record in records if record.split in config.splits and record.path]
    held_out = [record for record in records if record.split == config.evaluate_on and record.path]
    if not train:
        raise InputError(f"{folder}: no object with a 3D file in split {', '.join(config.splits)}; see objects.jsonl")
    shown = collect(train, tower, cache, "training-views", f"{made_by} {settings.model_dump_json()} {config.seed}",
                    lambda record: maps_of(record, tower, settings, config.seed))
    views, elevations = space["views"], tuple(space["elevations"])
    tests = collect(held_out, tower, cache, "fixed-views", f"{made_by} {views} {elevations}",
                    lambda record: fixed_maps_of(record, tower, views, elevations)) if held_out else {}

    def labels_of(found: dict) -> Tensor:
        label = {record.id: record.label for record in records}
        return torch.tensor([names.index(label[identity]) for identity in found])

    pictured = [record for record in records if record.split in config.splits and record.images and not record.path]
    pictures = None
    if pictured and config.pictures.drawn:
        made_by = f"{made_by} {settings.model_dump_json()} {config.pictures.model_dump_json()} {config.seed}"
        maps, of = collect_pictures(pictured, tower, cache, made_by, config.pictures, settings, config.seed)
        pictures = (maps, torch.tensor([names.index(label) for label in of])) if maps else None

    torch.manual_seed(config.seed)  # whatever was computed before, the first weights are the same
    model = ImageModel(tower, anchors, config)
    logger.info("%d objects, %d labels, %d held out, %d pictures", len(shown), len(names), len(tests),
                len(pictures[0]) if pictures else 0)
    return ImageTask(config, model, [arrays["maps"] for arrays in shown.values()], labels_of(shown),
                     list(tests.values()), labels_of(tests), parts, pictures)


def train(config: ImageConfig, folder: Path, out: Path, cache: Path, export_to: Path | None = None) -> bool:
    """A whole run in `out`, whose folder `trainer.open_run` has made; False where it was stopped before its end."""
    from accelerate.utils import set_seed

    accelerator = make_accelerator(config.trainer, out)
    with main_first(accelerator):  # which fills the cache for the others
        task = prepare(config, folder, cache, config.trainer.accumulate * accelerator.num_processes)
    set_seed(config.seed)
    finished = Trainer(task, config, out, accelerator).run()
    if finished and accelerator.is_main_process:
        profile = export_to or out / "profile"
        export(config, task, out, profile)
        export_upright(config, folder, cache, profile)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return finished


def export(config: ImageConfig, task: ImageTask, run: Path, profile: Path) -> dict:
    """Write views.safetensors, config and figures into `image/` of the profile; the rest comes from the config's."""
    complete(profile, config.profile, without="")
    out = profile / "image"
    weights = torch.load(run / "last.pt", weights_only=True)["weights"]
    write_tensors({name: value for name, value in weights.items() if name.startswith(("tail.", "head."))},
                  out / "views.safetensors")
    (out / "config.json").write_text(json.dumps(config.tower.model_dump(mode="json"), indent=1) + "\n", "utf-8")
    draw_curves(run / "metrics.jsonl", out / "curves.png")
    shutil.copyfile(run / CONFIG, out / "recipe.yaml")
    shutil.copyfile(run / PROVENANCE, out / PROVENANCE)
    written = ImageTower.from_folder(out)  # what is measured is what was written, rounded to fp16
    task.module.tail, task.module.head = written.tail, written.head
    with torch.inference_mode():
        results = task.evaluate(None, True)
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for kind, result in results.items():
        logger.info("%s: top-1 %.1f %%, top-5 %.1f %%", kind, result["top1"], result["top5"])
    return results


def export_upright(config: ImageConfig, folder: Path, cache: Path, profile: Path) -> dict[str, float]:
    """Train the test of the upward axis on features of the written tower; write `image/upright.safetensors`."""
    out = profile / "image"
    tower = ImageTower.from_folder(out)
    records = [record for record in read_records(folder) if record.path]
    made_by = f"{fingerprint(str(profile), 'image')} {config.seed}"

    def looks(split: tuple[str, ...]) -> list[dict[str, np.ndarray]]:
        chosen = [record for record in records if record.split in split]
        return list(collect(chosen, tower, cache, "upright", made_by,
                            lambda record: upright.looks(record, tower, config.seed)).values()) if chosen else []

    test = upright.train(looks(config.splits), config.seed)
    write_tensors(test.weights, out / "upright.safetensors")
    held_out = looks((config.evaluate_on,))
    right = upright.accuracy(test, held_out) if held_out else {}
    results = json.loads((out / "results.json").read_text(encoding="utf-8")) | {"upright": right}
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    logger.info("upward axis: %s", right)
    return right
