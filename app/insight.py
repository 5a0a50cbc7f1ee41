"""How the model saw what it was asked about: nearest names, shares, views, and what the visual cache added.

Worked out after an answer, in line behind whoever is asking: see `pages.work`. Vectors of the names are the library's
business and kept on disk; here results are kept for as long as they may be looked at again. `report` puts them into
words.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .engine import Engine, Options, Status
from .looking import STRIP_HEIGHT, preview_file, side_by_side
from .pages.work import Finished, Job, Tower, Worker

if TYPE_CHECKING:
    from pointllm.llm.model import PointLLM
    from pointllm.tasks.recognition import Recogniser

REMEMBERED = 128
TOP = 5
NEIGHBOURS = 3
VIEW_PIXELS = 2 * STRIP_HEIGHT  # as fine as screens with two pixels a point show


@dataclass(frozen=True)
class Name:
    """label: English; score: probability over all labels, 0 to 1, or of a neighbour the cosine similarity."""

    label: str
    score: float


@dataclass(frozen=True)
class Seen:
    """One input. share: of the mixture, 0 to 1; top: its own nearest names; views: a picture of those that were drawn
    of it, side by side, and how many."""

    name: str
    modality: str
    share: float
    top: tuple[Name, ...]
    views: str | None = None
    view_count: int = 0


@dataclass(frozen=True)
class Insight:
    """inputs: in their order; top: names nearest to what the language model was given, of `names`; neighbours: of the
    visual cache, empty where it was off or has no names."""

    inputs: tuple[Seen, ...]
    top: tuple[Name, ...]
    names: int
    neighbours: tuple[Name, ...] = ()


@dataclass
class Figures:
    """Counts the tokens of an answer, as the library fills its `Usage`; `asked` is when it was asked for."""

    asked: float
    prompt_tokens: int = 0
    moments: list[float] = field(default_factory=list)
    composed: bool = False  # put together from facts, not written token by token: it has no rate

    def measured(self) -> dict[str, float]:
        """{"tokens", "first": seconds to the first, "rate": tokens a second from then on}; empty before the first."""
        if not self.moments:
            return {}
        first, last = self.moments[0], self.moments[-1]
        figures = {"tokens": len(self.moments), "first": first - self.asked}
        if last > first and not self.composed:
            figures["rate"] = (len(self.moments) - 1) / (last - first)
        return figures


Key = tuple


def key_of(engine: Engine, paths: tuple[str, ...], options: Options) -> Key:
    """What an insight depends on."""
    return engine.profile, paths, options.text, options.weights, options.witness, options.cache


class Insights:
    """Over one engine. Several people may ask at once."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._worker = Worker(engine)
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Insight] = OrderedDict()
        self._recogniser: tuple[str, Recogniser] | None = None  # of the profile in use

    def known(self, paths: tuple[str, ...], options: Options) -> Insight | None:
        """What was found out before, else None."""
        with self._lock:
            return self._kept.get(key_of(self.engine, paths, options))

    def find(self, paths: tuple[str, ...], options: Options, job: Job) -> Iterator[Status | Insight]:
        """What is being done, and at last the insight. Raises the library's errors, and those of `pages.work`."""
        key = key_of(self.engine, paths, options)
        for step in self._worker.run(job, lambda tower: self._look(tower, paths, options)):
            if isinstance(step, Finished):
                with self._lock:
                    self._kept[key] = step.result
                    while len(self._kept) > REMEMBERED:
                        self._kept.popitem(last=False)
                yield step.result
            else:
                yield step

    def _look(self, tower: Tower, paths: tuple[str, ...], options: Options) -> Insight:
        recognise = self._names(tower)
        return self.engine.with_model(lambda model: _look(model, recognise, paths, options))

    def _names(self, tower: Tower) -> Recogniser:
        from pointllm.data.templates import QUICK_TEMPLATES
        from pointllm.tasks.labels import known_labels
        from pointllm.tasks.recognition import Recogniser

        if self._recogniser is None or self._recogniser[0] != tower.profile:
            self._recogniser = tower.profile, Recogniser(tower, tower.profile, known_labels().labels,
                                                         templates=QUICK_TEMPLATES)
        return self._recogniser[1]


def _look(model: PointLLM, recognise: Recogniser, paths: tuple[str, ...], options: Options) -> Insight:
    seen = model.look(list(paths), list(options.text), options.weights, options.witness)
    inputs, modalities = [], set()
    for place, attached in enumerate(seen.inputs):
        is_file = place < len(paths)
        vector = (model.bind.embed_file(paths[place], options.witness).vector if is_file
                  else model.bind.embed_text([attached.path])[0])
        modalities.add(attached.modality)
        views, count = _views(model, paths[place]) if attached.modality == "point" else (None, 0)
        inputs.append(Seen(Path(attached.path).name if is_file else attached.path, attached.modality, attached.weight,
                           _top(recognise, vector, attached.modality), views, count))
    mixed = seen.embedding[0].numpy()
    # A mixture of modalities has no temperature of its own; the profile's one number stands for it.
    top = _top(recognise, mixed, modalities.pop() if len(modalities) == 1 else "")
    return Insight(tuple(inputs), top, len(recognise.names), _neighbours(model, mixed) if options.cache else ())


def _top(recognise: Recogniser, vector, modality: str) -> tuple[Name, ...]:
    return tuple(Name(found.label, found.score) for found in recognise(vector, modality, TOP).top)


def _views(model: PointLLM, path: str) -> tuple[str | None, int]:
    from PIL import Image

    from pointllm.inputs import read_input

    pictures = model.bind.space.pictures(read_input(path).data, VIEW_PIXELS)
    if not len(pictures):
        return None, 0
    return side_by_side([Image.fromarray(picture) for picture in pictures], preview_file(path, ".views.jpg"),
                        VIEW_PIXELS), len(pictures)


def _neighbours(model: PointLLM, vector) -> tuple[Name, ...]:
    import torch

    hints = getattr(model, "hints", None)
    if hints is None:
        return ()
    unit = torch.nn.functional.normalize(torch.as_tensor(vector), dim=0)
    similarities = hints.keys @ unit
    return tuple(Name(hints.captions[row].label, float(similarities[row]))
                 for row in similarities.topk(min(NEIGHBOURS, len(similarities))).indices.tolist())
