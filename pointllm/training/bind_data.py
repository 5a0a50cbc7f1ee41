"""Batches for `train bind`: augmented clouds with what the frozen towers say of the same objects.

A batch depends on (seed, step, part) alone. A modality that an object lacks is masked: `image_present` and the like.
The clouds are `objects`' matter, the towers' embeddings `frozen`'s, the changes `augment`'s.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.prepared import PreparedData
from ..data.records import Label, Record
from ..data.templates import TEMPLATES, fill
from .augment import Augmentation, drop_points, mix_clouds, recolor, transform
from .bind_config import BindConfig, LossSection
from .frozen import FrozenTowers, seed_of
from .losses import whitened
from .objects import Objects


@dataclass
class Texts:
    """Embedded sentences: rows (T, D); for each label the rows of its name and of other names; for objects captions."""

    rows: Tensor
    names: list[range]
    synonyms: list[range]
    captions: list[range]

    @classmethod
    def embed(cls, towers: FrozenTowers, names: Sequence[str], labels: Mapping[str, Label],
              records: Sequence[Record], loss: LossSection) -> Texts:
        """Names and synonyms in `loss.templates` of the 64 templates, spread evenly over them; captions as they are."""
        templates = TEMPLATES[:: len(TEMPLATES) // loss.templates][: loss.templates]
        sentences: list[str] = []

        def add(new: Sequence[str]) -> range:
            sentences.extend(new)
            return range(len(sentences) - len(new), len(sentences))

        own = [add(fill(name, templates)) for name in names]
        others = [add([s for other in labels[name].synonyms for s in fill(other, templates)]
                      if name in labels and loss.synonyms else []) for name in names]
        captions = [add(record.captions if loss.captions else ()) for record in records]
        return cls(towers.texts(sentences).half(), own, others, captions)

    def draw(self, objects: Objects, index: Tensor, loss: LossSection, generator: torch.Generator) -> Tensor:
        """(B, D): a sentence about each object."""
        chosen = []
        dice = torch.rand(len(index), 3, generator=generator).tolist()
        for row, (caption, synonym, place) in zip(index.tolist(), dice, strict=True):
            label = int(objects.labels[row])
            rows = self.names[label]
            if self.captions[row] and caption < loss.captions:
                rows = self.captions[row]
            elif self.synonyms[label] and synonym < loss.synonyms:
                rows = self.synonyms[label]
            chosen.append(rows[int(place * len(rows))])
        return self.rows[chosen].float()


@dataclass
class Views:
    """Rendered views of the training objects. embeddings: (N, V, D), features: (N, V, C), known: (N,) bool.

    Where `teacher` is "published", the features are those of the trunk as it was before it was tuned on these very
    objects: a tuned trunk knows their labels by heart, and what is left to learn from its features is little more.
    """

    embeddings: Tensor
    features: Tensor
    known: Tensor

    @classmethod
    def embed(cls, towers: FrozenTowers, prepared: PreparedData, records: Sequence[Record],
              teacher: Literal["tuned", "published"] = "tuned", embeddings: bool = True) -> Views:
        """By the image tower; an object without views is not `known`. embeddings: False where nobody reads them."""
        identities = [record.id for record in records]
        found = towers.views(prepared, identities, published=teacher == "published")
        count = min(len(features) for features in found.values())
        width = next(iter(found.values())).shape[-1]
        features = torch.zeros(len(records), count, width, dtype=torch.float16)
        known = torch.tensor([record.id in found for record in records])
        for row, record in enumerate(records):
            if known[row]:
                features[row] = found[record.id][:count]
        if not embeddings:
            return cls(torch.zeros(len(records), count, 1, dtype=torch.float16), features, known)
        if teacher == "tuned":
            return cls(towers.embed_features(features).half(), features, known)
        tuned = cls.embed(towers, prepared, records)
        return cls(tuned.embeddings[:, :count], features, known)

    def choose(self, index: Tensor, views: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Means over a random choice of views: embeddings (B, D), unit norm, and features (B, C)."""
        order = torch.rand(len(index), self.embeddings.shape[1], generator=generator).argsort(1)[:, :views, None]
        embedding, feature = (
            values[index].float().gather(1, order.expand(-1, -1, values.shape[-1])).mean(1)
            for values in (self.embeddings, self.features)
        )
        return F.normalize(embedding, dim=-1), feature


@dataclass
class Teacher:
    """The space in which image features are predicted. all: (N, T) unit rows, zero for unknown objects."""

    mean: Tensor
    change: Tensor
    all: Tensor

    @classmethod
    def of(cls, views: Views, dim: int, power: float) -> Teacher:
        """Whitened principal components of the mean feature of each object."""
        means = views.features.float().mean(1)
        _, mean, change = whitened(means[views.known], dim, power)
        return cls(mean, change, F.normalize((means - mean) @ change, dim=-1) * views.known[:, None])

    def target(self, feature: Tensor) -> Tensor:
        """(B, C) → (B, T), unit norm."""
        return F.normalize((feature - self.mean) @ self.change, dim=-1)


class BindData:
    """Makes the batches. `views`, `texts`, `sounds`, `teacher`: None where no term of the loss needs them."""

    def __init__(self, config: BindConfig, objects: Objects, names: Sequence[str], views: Views | None,
                 texts: Texts | None, sounds: Mapping[str, Tensor] | None):
        self.config, self.objects, self.names = config, objects, list(names)
        self.views, self.texts, self.sounds = views, texts, sounds or {}
        loss = config.loss
        self.teacher = Teacher.of(views, loss.teacher_dim, loss.teacher_whitening) if loss.distils else None
        self.how = Augmentation(**config.augmentation)
        self.dim = config.tower.dim

    def indices(self, step: int, part: int, parts: int) -> Tensor:
        """(B,) the objects of a batch: permutations of all objects, one after another."""
        batch, count = self.config.batch, len(self.objects)
        first = (step * parts + part) * batch
        orders = {epoch: np.random.default_rng([self.config.seed, epoch]).permutation(count)
                  for epoch in range(first // count, (first + batch - 1) // count + 1)}
        return torch.tensor([int(orders[place // count][place % count]) for place in range(first, first + batch)])

    def batch(self, step: int, part: int, parts: int, points: int) -> dict[str, Tensor]:
        """One batch of clouds of `points` points; shapes as `BindModel.forward` reads them."""
        generator = torch.Generator().manual_seed(seed_of("bind", self.config.seed, step, part, parts))
        index, objects = self.indices(step, part, parts), self.objects
        xyz, rgb = objects.draw(index, points, self.config.data.even, generator)
        xyz, rgb, partner, share = mix_clouds(xyz, rgb, self.how, generator)
        xyz, rgb = drop_points(xyz, rgb, self.how, generator)
        xyz, rgb = transform(xyz, self.how, generator), recolor(rgb, self.how, generator)
        has_color = objects.has_color[index] & (objects.has_color[index][partner] | (share == 1))
        has_color &= torch.rand(len(index), generator=generator) >= self.how.colorless
        made = {"points": torch.cat([xyz, rgb], -1), "has_color": has_color, "index": index,
                "labels": objects.labels[index], "partner": partner, "share": share}
        self._add_views(made, index, generator)
        if self.texts is not None:
            made["text"] = self.texts.draw(objects, index, self.config.loss, generator)
            made["text_present"] = torch.ones(len(index), dtype=torch.bool)
        if self.config.loss.audio.weight:
            self._add_sounds(made, generator)
        return made

    def _add_views(self, made: dict[str, Tensor], index: Tensor, generator: torch.Generator) -> None:
        if self.views is None:
            return
        made["image"], feature = self.views.choose(index, self.config.loss.views, generator)
        made["image_present"] = self.views.known[index]
        if self.teacher is not None:
            made["feature"] = self.teacher.target(feature)

    def _add_sounds(self, made: dict[str, Tensor], generator: torch.Generator) -> None:
        rng = random.Random(int(torch.randint(2**62, (1,), generator=generator)))
        rows, present = [], []
        for label in made["labels"].tolist():
            known = self.sounds.get(self.names[label])
            present.append(known is not None)
            rows.append(torch.zeros(self.dim) if known is None else known[rng.randrange(len(known))])
        made["audio"], made["audio_present"] = torch.stack(rows), torch.tensor(present)
        # Few labels have sounds, so few clouds of a batch do: each is told from a sound of every other such label.
        labels = [number for number, name in enumerate(self.names) if name in self.sounds]
        if labels:
            made["audio_more"] = torch.stack([rng.choice(self.sounds[self.names[number]]) for number in labels])
            made["audio_more_labels"] = torch.tensor(labels)
