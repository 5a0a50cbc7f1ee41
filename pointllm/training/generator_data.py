"""The training objects of `train generator` as arrays: fields all facing the same way, and what they are asked for by.

A condition is an embedding of the joint space: of some rendered views of the object, of views of another object of its
label, or of a sentence about it. Making fields is `generator_fields`' matter, embeddings are `frozen`'s.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.prepared import PreparedData
from ..data.records import Label, Record
from ..data.templates import QUICK_TEMPLATES, fill
from ..errors import DataError
from ..inputs import read_shape
from ..inputs.orientation import with_up
from ..tasks.generation.grids import Grids
from ..tasks.generation.networks import Sizes
from .bind_data import Views
from .frozen import FrozenTowers
from .generator_config import ConditionSection
from .generator_fields import align, coarse, field_of, towards, turned
from .generator_model import blocks_of
from .shards import Arrays, cached, file_key

logger = logging.getLogger("pointllm")
VERSION = 1  # of what is made of a file; raise it when the same settings give something else


def load_fields(records: Sequence[Record], grids: Grids, cache: Path) -> dict[str, Arrays]:
    """id → what `field_of` gives of each object's file; those without a surface, or broken, are reported, left out."""
    by_id = {record.id: record for record in records if record.path is not None}

    def compute(identity: str) -> Arrays:
        record = by_id[identity]
        cloud = with_up(read_shape(record.path, samples=32), record.up_axis or "y")
        if cloud.mesh is None:
            raise DataError(f"{record.path}: is a cloud without a surface")
        return field_of(cloud.mesh, grids)

    keys = {identity: f"{file_key(record.path)} {record.up_axis}" for identity, record in by_id.items()}
    return cached(cache, "fields", f"{VERSION} {grids}", keys, compute)


@dataclass
class Fields:
    """distance (N, G, G, G) int8 and color (N, C, C, C, 3) uint8 of the records, labels (N,) int64 by number."""

    records: list[Record]
    distance: Tensor
    color: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.records)

    def batch(self, rows: Tensor, mirror: Tensor, sizes: Sizes) -> dict[str, Tensor]:
        """Some of them as `blocks_of` gives them; where mirror (B,) bool says so, left and right exchanged."""
        chosen = []
        for values in (self.distance[rows], self.color[rows]):
            values[mirror] = values[mirror].flip(1)
            chosen.append(values)
        return blocks_of(*chosen, sizes)


def facing_one_way(records: Sequence[Record], held_out: Sequence[Record], names: Sequence[str], likeness: np.ndarray,
                   grids: Grids, cache: Path) -> tuple[Fields, Fields | None]:
    """The fields of the training objects, turned alike, and of the held-out ones, each turned as its label is.

    likeness: (L, L) of the labels' names. Raises DataError when no object can be used.
    """
    number = {name: index for index, name in enumerate(names)}
    made = load_fields([*records, *held_out], grids, cache)
    train = [record for record in records if record.id in made]
    if not train:
        raise DataError("no training object has a surface; a generator needs meshes")
    labels = [number[record.label] for record in train]
    turns, means = align([made[record.id]["distance"] for record in train], labels, likeness)
    others = [record for record in held_out if record.id in made and number[record.label] in means]
    other_turns = [towards(coarse(made[record.id]["distance"]), means[number[record.label]]) for record in others]

    def gathered(chosen: list[Record], turns: Sequence[int]) -> Fields:
        arrays = (np.stack([turned(made[record.id][name], turn) for record, turn in zip(chosen, turns, strict=True)])
                  for name in ("distance", "color"))
        return Fields(chosen, *map(torch.from_numpy, arrays), torch.tensor([number[r.label] for r in chosen]))

    return gathered(train, turns), gathered(others, other_turns) if others else None


class Conditions:
    """What each training object may be asked for by."""

    def __init__(self, towers: FrozenTowers, prepared: PreparedData, fields: Fields, names: Sequence[str],
                 labels: Mapping[str, Label], captions: int):
        self.views = Views.embed(towers, prepared, fields.records)
        rows = torch.arange(len(fields))
        self.seen = {label: found for label in range(len(names))
                     if len(found := rows[(fields.labels == label) & self.views.known])}
        sentences: list[str] = []

        def add(new: Sequence[str]) -> range:
            sentences.extend(new)
            return range(len(sentences) - len(new), len(sentences))

        self.of_label = [add(fill(name, QUICK_TEMPLATES)) for name in names]
        self.synonyms = [add(labels[name].synonyms if name in labels else ()) for name in names]
        self.of_object = [add(record.captions[:captions]) for record in fields.records]
        self.texts = towers.texts(sentences).half()
        self.labels = fields.labels

    def draw(self, rows: Tensor, config: ConditionSection, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Embeddings (B, D) of unit norm for the objects in `rows` (B,), and which count for nothing (B,) bool."""
        dice = torch.rand(len(rows), 4, generator=generator)
        nothing = dice[:, 0] < config.nothing
        sources, by_text, text = rows.clone(), torch.zeros(len(rows), dtype=torch.bool), []
        for place, (row, (_, kind, which, index)) in enumerate(zip(rows.tolist(), dice.tolist(), strict=True)):
            label = int(self.labels[row])
            pool = self.seen.get(label)
            if kind < config.text or pool is None:
                by_text[place] = True
                lines = self.of_label[label]
                if which < config.caption and self.of_object[row]:
                    lines = self.of_object[row]
                elif which > 1 - config.synonym and self.synonyms[label]:
                    lines = self.synonyms[label]
                text.append(lines[int(index * len(lines))])
            elif kind < config.text + config.label or not self.views.known[row]:
                sources[place] = pool[int(index * len(pool))]
        count = int(torch.randint(1, self.views.embeddings.shape[1] + 1, (1,), generator=generator))
        found = self.views.choose(sources, count, generator)[0]
        found[by_text] = self.texts[text].float()
        found = found + config.noise * torch.randn(found.shape, generator=generator)
        return F.normalize(found, dim=-1), nothing
