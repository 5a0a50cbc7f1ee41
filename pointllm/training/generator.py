"""`pointllm train generator`: any-to-3D in two stages, after CLIP-Forge (arXiv 2110.02624).

First an autoencoder of shapes, then a flow from embeddings of the joint space to its latents. Each stage is a run of
the trainer in a folder of its own inside `out`, so either goes on where it was stopped. Puts the parts together:
`generator_data`, `generator_model`, `trainer`; writing the weights is `generator_export`'s.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..data.prepared import Parameters, PreparedData
from ..data.records import read_labels, read_records
from ..errors import InputError
from ..tasks.generation.networks import Sizes
from ..weights.convert.tables import one_line
from .bind import label_names, label_prototypes
from .frozen import FrozenTowers, seed_of
from .generator_config import GeneratorConfig
from .generator_data import Conditions, Fields, facing_one_way
from .generator_export import export, sizes_of
from .generator_model import Autoencoder, Flow, blocks_of
from .objects import prepared_data
from .processes import main_first, make_accelerator
from .trainer import Trainer, open_run

logger = logging.getLogger("pointllm")
STAGES = ("autoencoder", "flow")
SHAPES = 4096  # looked at for principal components
MEASURED = 512  # objects of each split that the autoencoder is measured on


class _Stage:
    """What the tasks of both stages share: one phase, batches by weighted draws."""

    score: str | None = None
    module: nn.Module
    steps: int

    def __init__(self, seed: int, weights: np.ndarray):
        self.seed, self.cumulative = seed, np.cumsum(weights / weights.sum())

    def phase(self, step: int) -> Hashable:
        return 0

    def enter(self, step: int) -> None:
        pass

    def drawn(self, size: int, step: int, part: int, parts: int) -> tuple[Tensor, torch.Generator]:
        """Rows (size,) and a source of whatever else is random, by (seed, step, part) alone."""
        generator = torch.Generator().manual_seed(seed_of(type(self).__name__, self.seed, step, part, parts))
        dice = torch.rand(size, generator=generator, dtype=torch.float64).numpy()
        rows = np.searchsorted(self.cumulative, dice, side="right").clip(max=len(self.cumulative) - 1)
        return torch.from_numpy(rows), generator


class AutoencoderTask(_Stage):
    """A `Task` of the trainer: shapes to latents and back."""

    def __init__(self, config: GeneratorConfig, sizes: Sizes, fields: Fields, held_out: Fields | None):
        super().__init__(config.autoencoder.seed, source_weights(fields, config.data.source_weights))
        self.config, self.sizes, self.fields, self.held_out = config.autoencoder, sizes, fields, held_out
        self.steps = config.autoencoder.steps
        torch.manual_seed(self.seed)  # whatever was computed before, the first weights are the same
        self.module = Autoencoder(sizes, config.autoencoder)
        if self.config.initial:
            self.module.go_on_from(initial_weights(Path(self.config.initial)))
            return
        some = torch.from_numpy(np.random.default_rng(self.seed).permutation(len(fields))[:SHAPES])
        self.module.start_from(blocks_of(fields.distance[some], fields.color[some], sizes))

    def batch(self, step: int, part: int, parts: int) -> dict[str, Tensor]:
        rows, generator = self.drawn(self.config.batch, step, part, parts)
        return self.fields.batch(rows, torch.rand(len(rows), generator=generator) < 0.5, self.sizes)

    def evaluate(self, accelerator: Any, final: bool) -> dict[str, Any]:
        """Intersection over union in percent, of training objects and of held-out ones."""
        found = {}
        for name, fields in (("train", self.fields), ("held_out", self.held_out)):
            if fields is not None:
                rows = torch.linspace(0, len(fields) - 1, min(MEASURED, len(fields))).long()
                parts = [self.module.overlap(blocks_of(fields.distance[part], fields.color[part], self.sizes))
                         for part in rows.split(64)]
                found[f"{name}_iou"] = round(float(torch.cat(parts).mean()) * 100, 2)
        return found


class FlowTask(_Stage):
    """A `Task` of the trainer: embeddings to latents. latents: (2, N, L) of unit variance, as they are and mirrored."""

    def __init__(self, config: GeneratorConfig, sizes: Sizes, fields: Fields, latents: Tensor, conditions: Conditions,
                 held_out: tuple[Tensor, Tensor] | None):
        super().__init__(config.flow.seed, source_weights(fields, config.data.source_weights))
        self.config, self.latents, self.conditions, self.held_out = config.flow, latents, conditions, held_out
        self.steps = config.flow.steps
        torch.manual_seed(self.seed)
        self.module = Flow(sizes, config.flow)

    def batch(self, step: int, part: int, parts: int) -> dict[str, Tensor]:
        rows, generator = self.drawn(self.config.batch, step, part, parts)
        embedding, nothing = self.conditions.draw(rows, self.config.condition, generator)
        mirror = torch.randint(2, (len(rows),), generator=generator)
        return {"latent": self.latents[mirror, rows], "embedding": embedding, "nothing": nothing}

    def evaluate(self, accelerator: Any, final: bool) -> dict[str, Any]:
        """The loss on held-out objects, asked for by their views: always the same noise and times."""
        if self.held_out is None:
            return {}
        latent, embedding = self.held_out
        torch.manual_seed(0)  # the trainer restores the generator afterwards
        nothing = torch.zeros(len(latent), dtype=torch.bool)
        name = self.module.flow.objective
        losses = [float(self.module({"latent": latent, "embedding": embedding, "nothing": nothing})[name])
                  for _ in range(4)]
        return {f"held_out_{name}": round(float(np.mean(losses)), 4)}


def initial_weights(file: Path) -> dict[str, Tensor]:
    """The weights of another run's autoencoder; InputError when the file can't be read."""
    try:
        return torch.load(file, weights_only=True, map_location="cpu")["weights"]
    except Exception as error:  # the unpickler raises whatever the damaged part leads to
        raise InputError(f"autoencoder.initial {file}: can't be read ({one_line(error)}); name the "
                         "autoencoder/last.pt of a finished run") from error


def source_weights(fields: Fields, by_source: dict[str, float]) -> np.ndarray:
    """(N,) how often each object is drawn."""
    return np.array([by_source.get(record.source or "", 1.0) for record in fields.records])


@torch.inference_mode()
def latents_of(model: Autoencoder, fields: Fields) -> Tensor:
    """(2, N, L): mean latents of the objects and of their mirror images."""
    found = []
    for mirror in (False, True):
        rows = []
        for part in torch.arange(len(fields)).split(128):
            batch = fields.batch(part, torch.full((len(part),), mirror), model.sizes)
            rows.append(model.encode(batch["distance"].float() / 127, batch["color"].float() / 255)[0])
        found.append(torch.cat(rows))
    return torch.stack(found)


def train(config: GeneratorConfig, folder: Path, out: Path, cache: Path, export_to: Path | None = None,
          resume: bool = True) -> bool:
    """Both stages in `out`, whose folder `trainer.open_run` has made; False where it was stopped before its end.

    Raises InputError where `out` holds a run already and `resume` is False, or one of another config.
    """
    for stage in STAGES:
        open_run(getattr(config, stage), out / stage, resume, folder)
    accelerator = make_accelerator(config.autoencoder.trainer, out)
    with main_first(accelerator):  # which fills the cache for the others
        data = Prepared(config, folder, cache)
    sizes, fields, held_out = data.sizes, data.fields, data.held_out
    task = AutoencoderTask(config, sizes, fields, held_out)
    if not Trainer(task, config.autoencoder, out / "autoencoder", accelerator).run():
        return False
    weights = torch.load(out / "autoencoder" / "last.pt", weights_only=True)["weights"]
    model = Autoencoder(sizes, config.autoencoder).eval()
    model.load_state_dict(weights)
    latents = latents_of(model, fields)
    mean, scale = latents.flatten(0, 1).mean(0), latents.flatten(0, 1).std(0).clamp_min(1e-3)
    with main_first(accelerator):
        conditions, unseen = data.conditions(), None
        if held_out is not None:
            rows, seen = data.held_out_views()
            unseen = ((latents_of(model, held_out)[0][rows] - mean) / scale, seen)

    accelerator = make_accelerator(config.flow.trainer, out)
    second = FlowTask(config, sizes, fields, (latents - mean) / scale, conditions, unseen)
    finished = Trainer(second, config.flow, out / "flow", accelerator).run()
    if finished and accelerator.is_main_process:
        export(config, out, export_to or out / "profile", (mean, scale))
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return finished


class Prepared:
    """The data of both stages: training objects' fields and held-out ones, and what is needed to ask for them.

    Raises PointLLMError for what can't be used.
    """

    def __init__(self, config: GeneratorConfig, folder: Path, cache: Path) -> None:
        self.config, self.folder, self.cache = config, folder, cache
        records, self.labels = read_records(folder), read_labels(folder)
        self.names = label_names(self.labels, records)
        self.towers = FrozenTowers(config.profile, cache)
        self.sizes = sizes_of(config, self.towers.dim)
        data = config.data
        train = [record for record in records if record.split in data.splits and record.path]
        others = [record for record in records if record.split == data.evaluate_on and record.path]
        if not train:
            raise InputError(f"{folder}: no object with a 3D file in split {', '.join(data.splits)}; see objects.jsonl")
        prototypes = label_prototypes(self.towers, self.names)
        likeness = (prototypes @ prototypes.T).numpy()
        self.fields, self.held_out = facing_one_way(train, others, self.names, likeness, self.sizes.grids, cache)
        logger.info("%d objects, %d labels, %d held out", len(self.fields), len(self.names),
                    len(self.held_out) if self.held_out else 0)

    @cached_property
    def prepared(self) -> PreparedData:
        """Views of all objects but those of sources that are not to be rendered."""
        data = self.config.data
        everyone = [*self.fields.records, *(self.held_out.records if self.held_out else ())]
        shown = [record for record in everyone if record.source not in data.unseen_sources]
        parameters = Parameters(points=data.points, views=data.views, fixed_views=data.views)
        return prepared_data(shown, self.folder, self.cache, parameters, self.config.autoencoder.trainer.workers)

    def conditions(self) -> Conditions:
        """What training objects are asked for by."""
        return Conditions(self.towers, self.prepared, self.fields, self.names, self.labels, self.config.data.captions)

    def held_out_views(self) -> tuple[Tensor, Tensor]:
        """Rows of the held-out objects that have views, and the views' embeddings (M, D)."""
        records = self.held_out.records
        found = self.towers.views(self.prepared, [record.id for record in records])
        rows = [row for row, record in enumerate(records) if record.id in found]
        views = [self.towers.embed_features(found[records[row].id][None])[0].mean(0) for row in rows]
        return torch.tensor(rows), torch.nn.functional.normalize(torch.stack(views).float(), dim=-1)
