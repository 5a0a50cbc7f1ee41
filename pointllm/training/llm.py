"""`pointllm train llm`: the language model's adapters, from text and image embeddings to weights that answer.

Puts the parts together: `llm_data` (questions, answers, embeddings), `llm_sources` (other projects' files),
`llm_model` (losses), `trainer` (everything else), `llm_export`. 3D points are never embedded here: a data folder's
objects are known by rendered views alone.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.prepared import Parameters
from ..data.questions import QuestionBook, read_knowledge
from ..data.records import Label, Record, read_labels, read_records
from ..data.templates import QUICK_TEMPLATES, label_embeddings
from ..errors import InputError
from ..evaluation.answers import accepted_names, names_object
from ..llm.adapters import AdapterConfig, load_llama
from ..llm.hints import Hints, HintSettings, captions_of
from ..llm.prompts import PROMPTS
from ..llm.tokens import tokenizer_of
from ..llm.visual_cache import Keys, TensorIndex, VisualCache
from .bind import label_names
from .frozen import FrozenTowers
from .llm_config import CacheSection, LlmConfig, PhaseSection
from .llm_data import BatchMaker, text_bank
from .llm_hints import HintedQuestions
from .llm_model import LlmModel
from .llm_sources import read_source
from .objects import prepared_data
from .trainer import Trainer

logger = logging.getLogger("pointllm")
NAMING_PROMPT = "What is this? Answer with its name."
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
ANSWERED = 64  # objects that are asked about at once


class LlmTask:
    """A `Task` of the trainer. held_out: labels and embeddings (N, D) of objects that are asked about on the way."""

    score = "naming"

    def __init__(self, config: LlmConfig, model: LlmModel, maker: BatchMaker, cache: VisualCache | None,
                 labels: dict[str, Label], held_out: tuple[list[str], Tensor] | None):
        self.config, self.module, self.maker = config, model, maker
        self.cache, self.labels, self.held_out = cache, labels, held_out
        self.steps = config.steps
        self._stage: int | None = None

    def phase_of(self, step: int) -> PhaseSection:
        """The phase that a step belongs to."""
        for phase in self.config.phases:
            if step < phase.steps:
                return phase
            step -= phase.steps
        return self.config.phases[-1]

    def phase(self, step: int) -> Hashable:
        return self.phase_of(step).stage

    def enter(self, step: int) -> None:
        stage = self.phase_of(step).stage
        if stage != self._stage:
            self.module.set_stage(stage)
            self._stage = stage

    def batch(self, step: int, part: int, parts: int) -> list[list[dict]]:
        return self.maker.batches(step * parts + part, self.phase_of(step).groups)

    def evaluate(self, accelerator: Any, final: bool) -> dict[str, Any]:
        """Naming, percent: by disturbed text and by held-out objects' pictures; `naming` is the one that counts."""
        rng = random.Random(1)
        book = self.maker.book
        names = rng.choices(book.names, k=self.config.evaluate_rows)
        vectors = torch.stack([self.maker.bank.sample(n, book.confusable(n, rng), self.maker.amount, rng)
                               for n in names])
        figures = {"naming_text": self._naming(names, vectors, True)}
        figures["naming"] = figures["naming_text"]
        if self.held_out is not None:
            held, vectors = self.held_out
            rows = range(len(held)) if final else range(0, len(held), -(-len(held) // self.config.evaluate_rows))
            held, vectors = [held[row] for row in rows], vectors[list(rows)]
            figures["naming_val"] = figures["naming"] = self._naming(held, vectors, True)
            figures["naming_val_no_cache"] = self._naming(held, vectors, False)
        return figures

    def _naming(self, names: list[str], vectors: Tensor, cache: bool) -> float:
        """Percent of answers that name their object."""
        if cache and self.cache is not None:
            vectors = self.cache(vectors)
        prompt = torch.tensor(self.maker.tokenizer.encode(self.maker.prompt(NAMING_PROMPT)))
        device = self.module.injection.gates.device
        hits = 0
        for start in range(0, len(names), ANSWERED):
            given = vectors[start : start + ANSWERED].to(device)
            answers = self.module.answers(prompt.to(device), given, self.maker.tokenizer.end)
            for name, answer in zip(names[start:], answers, strict=False):
                hits += names_object(self.maker.tokenizer.decode(answer), accepted_names(self.labels, [name]))
        return round(100 * hits / max(len(names), 1), 2)


def label_table(labels: dict[str, Label], records: list[Record]) -> dict[str, dict]:
    """What `QuestionBook` asks of labels, for those of the data folder and of its objects."""
    counts: dict[str, int] = {}
    for record in records:
        if record.split == "train":
            counts[record.label] = counts.get(record.label, 0) + 1
    table = {}
    for name in label_names(labels, records):
        label = labels.get(name) or Label(name)
        table[name] = {"category": label.category or "object", "synonyms": list(label.synonyms), "zh": label.zh,
                       "count": counts.get(name, 0)}
    if len(table) < 2:
        raise InputError("fewer than two labels: there is nothing to tell apart; look at labels.json")
    return table


def kinds_of_keys(rows: tuple[CacheSection, ...], keys: dict[str, Tensor]) -> list[Keys]:
    """What a visual cache is made of, for the rows whose keys are there."""
    indices = {name: TensorIndex(vectors) for name, vectors in keys.items()}
    return [Keys(indices[row.tensor], row.k, row.weight, row.temperature) for row in rows if row.tensor in indices]


def image_embeddings(config: LlmConfig, folder: Path, cache: Path, towers: FrozenTowers,
                     records: list[Record]) -> dict[str, Tensor]:
    """id → (V, D) of rendered views and pictures of train and val objects."""
    wanted = [record for record in records if record.split in ("train", "val") and (record.path or record.images)]
    if not wanted or not config.views:
        return {}
    parameters = Parameters(views=config.views, fixed_views=config.views)
    prepared = prepared_data(wanted, folder, cache, parameters, config.trainer.workers)
    features = towers.views(prepared, [record.id for record in wanted if record.path])
    return {identity: towers.embed_features(value[None])[0] for identity, value in features.items()}


def prepare(config: LlmConfig, folder: Path, cache: Path) -> tuple[LlmTask, dict[str, Tensor], Path]:
    """The task for a data folder, the keys of the visual cache, and the language model's folder."""
    records, labels = read_records(folder), read_labels(folder)
    base = base_folder(config.language_model)
    sources = {name: read_source(source, folder) for name, source in config.sources.items()}
    towers = FrozenTowers(config.profile, cache)
    book = QuestionBook(label_table(labels, records), read_knowledge())
    bank = text_bank(book, towers.texts)
    label_of = {record.id: record.label for record in records if record.split == "train"}
    if config.image_embeddings:
        logger.info("%d sets of views", bank.add_file(folder / config.image_embeddings, label_of))
    # Held-out objects are looked at the same way, unless the config names embeddings of them.
    views = {} if config.image_embeddings and config.val_embeddings else \
        image_embeddings(config, folder, cache, towers, records)
    if not config.image_embeddings:
        for identity, label in label_of.items():
            if identity in views:
                bank.add(label, views[identity], "image")
    keys = {"labels": label_embeddings(towers.bind.text_tower, book.names,
                                       {name: labels[name].synonyms for name in book.names if name in labels},
                                       QUICK_TEMPLATES).clone()}
    if bank.images:
        keys["images"] = torch.stack([F.normalize(sight.mean(0), dim=-1) for name in sorted(bank.images)
                                      for sight in bank.images[name]])
    caches = [VisualCache([kind]) for kind in kinds_of_keys(config.training_caches, keys)]
    pictures = towers.pictures([turn.image for turns in sources.values() for turn in turns if turn.image])
    adapters = AdapterConfig.from_dict(config.adapters)
    llama = load_llama(base, PRECISIONS[config.base_precision])
    if adapters.bind.joint_dim != towers.dim or adapters.bind.model_dim != llama.config.hidden_size:
        raise InputError(f"adapters.bind: joint_dim and model_dim are {adapters.bind.joint_dim} and "
                         f"{adapters.bind.model_dim}; {config.profile} has {towers.dim}, the language model "
                         f"{llama.config.hidden_size}")
    torch.manual_seed(config.seed)  # whatever was computed before, the first weights are the same
    model = LlmModel(llama, adapters)
    model.injection.bind_network.reset_for_training()
    tokenizer = tokenizer_of(base, llama.config, config.prompt)
    if config.start_from:
        begin_with(model, config.start_from)
    hinted = None
    if config.hints:
        def embed_names(names: list[str]) -> Tensor:
            return label_embeddings(towers.bind.text_tower, names, {}, QUICK_TEMPLATES)

        hints = Hints(captions_of(book), keys["labels"], HintSettings(**config.hints.model_dump()), book.knowledge,
                      embed_names)
        hinted = HintedQuestions(book, bank, hints, config.disturbance)
        unknown = {kind for phase in config.phases for group in phase.groups if group.hints for kind in group.kinds}
        if unknown := sorted(unknown - set(hinted.kinds)):
            raise InputError(f"phases: no question with hints is of the kind {unknown[0]}; known: "
                             f"{', '.join(hinted.kinds)}")
    maker = BatchMaker(book, bank, tokenizer, PROMPTS[config.prompt], caches, config.disturbance, config.seed, sources,
                       pictures, min(1024, llama.config.max_position_embeddings), hinted)
    shipped = kinds_of_keys(config.cache, keys)
    held_out = held_out_objects(config, folder, records, views)
    return LlmTask(config, model, maker, VisualCache(shipped) if shipped else None, labels, held_out), keys, base


def begin_with(model: LlmModel, profile: str) -> None:
    """Load the adapters of a profile, which must have the same sizes."""
    from safetensors.torch import load_file

    from ..profiles import resolve

    file = resolve(profile, needs=("llm",)) / "llm" / "adapters.safetensors"
    model.load_adapter_state(load_file(file), file.name)


def held_out_objects(config: LlmConfig, folder: Path, records: list[Record],
                     views: dict[str, Tensor]) -> tuple[list[str], Tensor] | None:
    """Labels and embeddings (N, D) of the validation objects; None where there are none."""
    if config.val_embeddings:
        path = folder / config.val_embeddings
        try:
            with np.load(path, allow_pickle=False) as arrays:
                vectors = torch.from_numpy(arrays["embeddings"].astype(np.float32))
                return arrays["labels"].tolist(), F.normalize(vectors, dim=-1)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{path}: not an npz with labels and embeddings ({error}); write it again") from error
    held = [record for record in records if record.split == "val" and record.id in views]
    if not held:
        return None
    return [r.label for r in held], F.normalize(torch.stack([views[r.id].mean(0) for r in held]), dim=-1)


def base_folder(name: str) -> Path:
    """The folder of a language model in the Hugging Face layout, fetched first where it is a known name."""
    from ..weights import ensure_language_model

    if (Path(name) / "config.json").is_file():
        return Path(name)
    return ensure_language_model(name)


def train(config: LlmConfig, folder: Path, out: Path, cache: Path, export_to: Path | None = None) -> bool:
    """A whole run in `out`, whose folder `trainer.open_run` has made; False where it was stopped before its end."""
    from accelerate.utils import set_seed

    from .llm_export import export
    from .processes import main_first, make_accelerator

    accelerator = make_accelerator(config.trainer, out)
    with main_first(accelerator):
        task, keys, base = prepare(config, folder, cache)
    set_seed(config.seed)
    finished = Trainer(task, config, out, accelerator).run()
    if finished and accelerator.is_main_process:
        captions = captions_of(task.maker.book) if config.hints else None
        export(out, export_to or out / "profile", config, task.module, keys, base, f"{config.export}.pt", captions)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return finished
