"""`pointllm train bind`: the contrastive stage, from a data folder to a point tower that a profile can use.

Puts the parts together: `objects` (clouds), `frozen` (what the other towers say), `bind_data` (batches), `bind_model`
(network and loss), `trainer` (everything else), `bind_evaluate`, `bind_export`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..data.prepared import Parameters
from ..data.records import Label, Record, read_labels, read_records, read_sounds
from ..data.templates import QUICK_TEMPLATES, fill
from ..encoders.compact.point_tower import PointTower
from ..errors import InputError
from .bind_config import BindConfig
from .bind_data import BindData, Texts, Views
from .bind_evaluate import Evaluation
from .bind_model import BindModel, stage_of
from .frozen import FrozenTowers
from .objects import Objects, load_objects, prepared_data
from .trainer import Trainer

logger = logging.getLogger("pointllm")


class BindTask:
    """A `Task` of the trainer."""

    score = "as_is.top1"

    def __init__(self, config: BindConfig, data: BindData, model: BindModel, evaluation: Evaluation | None,
                 parts: int):
        self.config, self.data, self.module, self.evaluation = config, data, model, evaluation
        size = config.batch * parts
        self.steps = config.steps or max(1, math.ceil(config.epochs * len(data.objects) / size))
        self._stage: Any = "unset"

    def points(self, step: int) -> int:
        """Points a cloud in step number `step`."""
        stage = stage_of(self.config.stages, step / self.steps)
        return stage.points if stage else self.config.tower.points

    def phase(self, step: int) -> Hashable:
        return 0

    def enter(self, step: int) -> None:
        stage = stage_of(self.config.stages, step / self.steps)
        if stage is self._stage:
            return
        self._stage = stage
        sizes = dict(self.config.tower.architecture)
        if stage is None or stage.architecture:
            keys = {key for one in self.config.stages for key in one.architecture}
            defaults = type(self.module.branch.point_encoder).Config()
            sizes = {key: sizes.get(key, getattr(defaults, key)) for key in keys}
            self.module.set_resolution(sizes | (stage.architecture if stage else {}))

    def batch(self, step: int, part: int, parts: int) -> dict[str, Tensor]:
        return self.data.batch(step, part, parts, self.points(step))

    def evaluate(self, accelerator: Any, final: bool) -> dict[str, Any]:
        if self.evaluation is None:
            return {}
        config = self.config.tower.model_dump(mode="json")
        if final:
            return self.evaluation.full(PointTower(self.module.branch, config), accelerator)
        step_points = config["points"] if self._stage is None else self._stage.points
        return self.evaluation.quick(PointTower(self.module.branch, {**config, "points": step_points}), accelerator)


def label_names(labels: dict[str, Label], records: list[Record]) -> list[str]:
    """All labels, sorted: those of labels.json and of the objects."""
    return sorted({*labels, *(record.label for record in records)})


def label_prototypes(towers: FrozenTowers, names: list[str]) -> Tensor:
    """Text embeddings of the labels (C, D), unit norm, as zero-shot recognition makes them of a quick list."""
    vectors = towers.texts([sentence for name in names for sentence in fill(name, QUICK_TEMPLATES)])
    means = vectors.view(len(names), len(QUICK_TEMPLATES), -1).mean(1)
    return torch.nn.functional.normalize(means, dim=-1)


def prepare(config: BindConfig, folder: Path, cache: Path, parts: int) -> BindTask:
    """The task for a data folder; what is computed once is kept in `cache`.

    parts: batches in a step, over all processes and accumulated ones. Raises PointLLMError for what can't be used.
    """
    records, labels = read_records(folder), read_labels(folder)
    names = label_names(labels, records)
    towers = FrozenTowers(config.profile, cache)
    if towers.dim != config.tower.dim:
        raise InputError(f"tower.dim is {config.tower.dim}, the joint space of {config.profile} has {towers.dim}")
    largest = max([config.tower.points, *(stage.points for stage in config.stages)])
    if largest > config.data.points:
        raise InputError(f"the tower reads {largest} points, but data.points keeps {config.data.points} of an object")

    parameters = Parameters(points=config.data.points, views=config.data.views, fixed_views=config.data.views)
    splits = {*config.data.splits, config.data.evaluate_on}
    prepared = prepared_data([record for record in records if record.split in splits], folder, cache, parameters,
                             config.trainer.workers)

    def objects_of(splits: tuple[str, ...]) -> Objects | None:
        chosen = [record for record in records if record.split in splits]
        return load_objects(chosen, names, prepared, cache, config.data.subsets, largest) if chosen else None

    objects = objects_of(config.data.splits)
    if objects is None:
        raise InputError(f"{folder}: no object in split {', '.join(config.data.splits)}; look at objects.jsonl")
    held_out = objects_of((config.data.evaluate_on,))
    loss = config.loss
    needs_views = loss.image.weight or loss.distils
    views = Views.embed(towers, prepared, objects.records, loss.teacher, loss.image.weight > 0) if needs_views else None
    texts = Texts.embed(towers, names, labels, objects.records, loss) if loss.text.weight else None
    sounds = towers.sounds(read_sounds(folder, "train")) if loss.audio.weight else None
    if loss.audio.weight and not sounds:
        logger.warning("no sound in %s belongs to a label: L(3D, audio) is masked everywhere", folder)
    prototypes = label_prototypes(towers, names)
    data = BindData(config, objects, names, views, texts, sounds)
    torch.manual_seed(config.seed)  # whatever was computed before, the first weights are the same
    model = BindModel(config, prototypes, data.teacher.all if data.teacher else None)
    if config.start_from:
        model.branch.load_state_dict(PointTower.from_folder(Path(config.start_from)).branch.state_dict())
    logger.info("%d objects, %d labels, %d held out", len(objects), len(names), len(held_out) if held_out else 0)
    most = config.data.evaluate_most
    evaluation = Evaluation(held_out, prototypes, most) if held_out is not None else None
    return BindTask(config, data, model, evaluation, parts)


def train(config: BindConfig, folder: Path, out: Path, cache: Path, export_to: Path | None = None) -> bool:
    """A whole run in `out`, whose folder `trainer.open_run` has made; False where it was stopped before its end."""
    from accelerate.utils import set_seed

    from .bind_export import export
    from .processes import main_first, make_accelerator

    accelerator = make_accelerator(config.trainer, out)
    parts = config.trainer.accumulate * accelerator.num_processes
    with main_first(accelerator):  # which fills the cache for the others
        task = prepare(config, folder, cache, parts)
    set_seed(config.seed)
    trainer = Trainer(task, config, out, accelerator)
    finished = trainer.run()
    if finished and accelerator.is_main_process:
        export(out, export_to or out / "profile", task.evaluation, f"{config.export}.pt")
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return finished
