"""Trains the adapters of the language model by a recipe file, in phases; can be killed and started again at any time.

    python -m pointllm.training.llm_train --config configs/embedded/llm.yaml --data FOLDER --run runs/llm

Writes into the run's folder: `last.pt` (weights, optimiser, step; replaced atomically), `best.pt` (best naming so
far), `metrics.jsonl`, and the recipe used. Which data: `llm_data`; the step itself: `llm_step`. While it runs, a
number in the file THREADS of the run's folder sets how many threads it uses.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import shutil
import time
from pathlib import Path

import torch
import yaml
from torch.nn import functional as F

from pointllm.data.questions import QuestionBook, read_knowledge
from pointllm.data.templates import QUICK_TEMPLATES, label_embeddings
from pointllm.encoders.compact.text_minilm import TextTower
from pointllm.llm.adapters import AdaptedLlama, AdapterConfig, load_llama
from pointllm.llm.prompts import chat_prompt
from pointllm.llm.visual_cache import Keys, TensorIndex, VisualCache
from pointllm.training.llm_data import BatchMaker, Disturbance, labels_of, text_bank
from pointllm.training.llm_evaluate import answer_all, naming_accuracy
from pointllm.training.llm_step import StepComputer
from pointllm.weights import ensure_language_model

logger = logging.getLogger("pointllm")
NAMING_PROMPT = "What is this? Answer with its name."


def save_atomically(value: object, file: Path) -> None:
    """torch.save that leaves either the old file or the whole new one."""
    partial = file.with_suffix(".partial")
    with partial.open("wb") as stream:
        torch.save(value, stream)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)


def learning_rate(step: int, total: int, optimizer: dict) -> float:
    """Factor on the learning rate: linear warm-up, constant, then a cosine down to `final_lr`."""
    warm = min(1.0, (step + 1) / optimizer["warmup"])
    begin = optimizer["decay_from"] * total
    done = min(1.0, max(0.0, (step - begin) / max(total - begin, 1)))
    return warm * (optimizer["final_lr"] + (1 - optimizer["final_lr"]) * 0.5 * (1 + math.cos(math.pi * done)))


class LlmTraining:
    """A run: model, data, optimiser and the step that comes next."""

    def __init__(self, recipe: dict, data: Path, run: Path):
        from transformers import AutoTokenizer

        self.recipe, self.run = recipe, run
        run.mkdir(parents=True, exist_ok=True)
        folder = Path(recipe["language_model"]) if "language_model" in recipe else ensure_language_model()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        torch.manual_seed(recipe["seed"])  # before anything draws its first weights
        self.model = AdaptedLlama(load_llama(folder), AdapterConfig.from_dict(recipe["adapters"]))
        self.model.injection.bind_network.reset_for_training()
        self.computer = StepComputer(self.model)
        self.labels = json.loads((data / recipe["labels"]).read_text(encoding="utf-8"))
        self.label_of = labels_of(data / "objects.jsonl")
        book = QuestionBook(self.labels, read_knowledge())
        tower = TextTower.from_folder(recipe["text_tower"])
        bank = text_bank(book, tower.encode, run / "text_bank.pt")
        self.anchors = self._anchors(book, tower)
        index = TensorIndex(self.anchors)
        caches = [VisualCache([Keys(index, **row)]) for row in recipe["training_caches"]]
        amount = Disturbance(**recipe["disturbance"])
        self.maker = BatchMaker(book, bank, self.tokenizer, chat_prompt, caches, amount, recipe["seed"])
        self.cache = caches[0]
        self.step, self.best = 0, -1.0
        self.images_from: tuple[Path, float] | None = None
        self.parameters = self.model.stage_parameters(2)
        self.optimizer = self._optimizer()
        self.total = sum(phase["steps"] for phase in recipe["phases"])
        self.evaluation = self._evaluation_rows(data)

    def _anchors(self, book: QuestionBook, tower: TextTower) -> torch.Tensor:
        file = self.run / "anchors.pt"
        if not file.is_file():
            synonyms = {name: self.labels[name].get("synonyms", []) for name in book.names}
            save_atomically(label_embeddings(tower, book.names, synonyms, QUICK_TEMPLATES), file)
        return torch.load(file, weights_only=True)

    def _optimizer(self) -> torch.optim.Optimizer:
        settings = self.recipe["optimizer"]
        groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
        for name, parameter in self.parameters.items():
            factor = next((f for start, f in settings["factors"].items() if name.startswith(start)), 1.0)
            decay = settings["weight_decay"] if parameter.ndim > 1 and "project" not in name else 0.0
            groups.setdefault((settings["lr"] * factor, decay), []).append(parameter)
        rows = [
            {"params": parameters, "lr": lr, "base_lr": lr, "weight_decay": decay}
            for (lr, decay), parameters in groups.items()
        ]
        return torch.optim.AdamW(rows, betas=(0.9, 0.98), fused=True)

    def _evaluation_rows(self, data: Path) -> tuple[list[str], torch.Tensor]:
        """Labels of validation objects and stand-ins for their embeddings: disturbed text."""
        import random

        rng = random.Random(1)
        labels = list(labels_of(data / "objects.jsonl", "val").values())
        rng.shuffle(labels)
        labels = labels[: self.recipe["evaluate_rows"]]
        amount, book = self.maker.amount, self.maker.book
        vectors = [self.maker.bank.sample(n, book.confusable(n, rng), amount, rng) for n in labels]
        return labels, torch.stack(vectors)

    def phase(self, step: int) -> dict:
        """The phase that `step` belongs to."""
        for phase in self.recipe["phases"]:
            if step < phase["steps"]:
                return phase
            step -= phase["steps"]
        return self.recipe["phases"][-1]

    def look_for_images(self) -> None:
        """Take the image embeddings once they have appeared (or changed) in the run's folder or beside it."""
        for folder in (self.run, self.run.parent):
            file = folder / self.recipe["image_embeddings"]
            if file.is_file():
                found = (file, file.stat().st_mtime)
                if found != self.images_from:
                    count = self.maker.bank.add_images(file, self.label_of)
                    self.images_from = found
                    self.log({"step": self.step, "event": f"image embeddings: {count} sets of views"})
                return

    def train_step(self) -> dict:
        """One step; returns its figures."""
        started = time.monotonic()
        phase = self.phase(self.step)
        stage = phase["stage"]
        active = self.model.stage_parameters(stage)
        for name, parameter in self.parameters.items():
            parameter.requires_grad_(name in active)
        factor = learning_rate(self.step, self.total, self.recipe["optimizer"])
        for group in self.optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor
        figures: dict = {"step": self.step, "stage": stage, "lr": factor}
        weights = sum(row["weight"] for row in phase["groups"])
        tokens = 0
        for row, batches in zip(phase["groups"], self.maker.batches(self.step, phase["groups"]), strict=True):
            asked = sum(int((batch.targets != -100).sum()) for batch in batches)
            total = 0.0
            for batch in batches:
                loss, _ = self.computer.loss(batch, keep_prompts=stage == 1)
                (loss * row["weight"] / weights / asked).backward()
                total += float(loss.detach())
            figures[f"loss_{batches[0].kind}"] = round(total / asked, 4)
            tokens += asked
        norm = torch.nn.utils.clip_grad_norm_(list(active.values()), self.recipe["optimizer"]["clip"])
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        seconds = round(time.monotonic() - started, 2)
        return figures | {"norm": round(float(norm), 3), "tokens": tokens, "seconds": seconds}

    def evaluate(self) -> dict:
        """Naming on the stand-ins, and on `val_embeddings.npz` (ids, labels, both) where the run's parent has it."""
        prompt = chat_prompt(NAMING_PROMPT)
        labels, vectors = self.evaluation
        answers = answer_all(self.computer, self.tokenizer, prompt, self.cache(vectors))
        figures = {"step": self.step, "naming_text": naming_accuracy(answers, [[n] for n in labels], self.labels)}
        file = self.run.parent / "val_embeddings.npz"
        if file.is_file():
            import numpy as np

            with np.load(file, allow_pickle=False) as arrays:
                labels, vectors = arrays["labels"].tolist(), torch.from_numpy(arrays["both"].astype(np.float32))
            vectors = F.normalize(vectors, dim=-1)
            names = self.maker.book.names
            top = (vectors @ self.anchors.T).argmax(-1).tolist()
            figures["classify_val"] = 100 * sum(names[t] == n for t, n in zip(top, labels, strict=True)) / len(labels)
            rows = slice(0, self.recipe["evaluate_rows"])
            for key, given in (("naming_val", self.cache(vectors)), ("naming_val_no_cache", vectors)):
                answers = answer_all(self.computer, self.tokenizer, prompt, given[rows])
                figures[key] = naming_accuracy(answers, [[n] for n in labels[rows]], self.labels)
        figures = {k: round(v, 2) if isinstance(v, float) else v for k, v in figures.items()}
        return figures | {"answers": answers[:6]}

    def log(self, figures: dict) -> None:
        """Append a line to metrics.jsonl."""
        with (self.run / "metrics.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(figures | {"time": time.strftime("%H:%M:%S")}, ensure_ascii=False) + "\n")

    def save(self, name: str = "last.pt") -> None:
        """Everything that a later start needs."""
        state = {
            "step": self.step, "best": self.best, "weights": self.model.adapter_state(),
            "optimizer": self.optimizer.state_dict() if name == "last.pt" else None,
        }
        save_atomically(state, self.run / name)

    def resume(self) -> None:
        """Go on from last.pt if there is one."""
        file = self.run / "last.pt"
        if file.is_file():
            state = torch.load(file, weights_only=True)
            self.model.load_adapter_state(state["weights"], file.name)
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.best = state["step"], state["best"]
            self.log({"step": self.step, "event": "resumed"})

    def run_all(self, until: float | None = None) -> None:
        """Train to the end of the recipe, or until the wall clock passes `until` (seconds since the epoch)."""
        self.resume()
        saved = time.monotonic()
        while self.step < self.total and (until is None or time.time() < until):
            self._set_threads()
            if self.step % 20 == 0:
                self.look_for_images()
            self.log(self.train_step())
            if self.step % self.recipe["evaluate_every"] == 0 or self.step == self.total:
                self._evaluate_and_keep()
            if time.monotonic() - saved > self.recipe["checkpoint_seconds"]:
                self.save()
                saved = time.monotonic()
        self.save()

    def _evaluate_and_keep(self) -> None:
        figures = self.evaluate()
        self.log(figures)
        score = figures.get("naming_val", figures["naming_text"] - 100)  # real embeddings count before stand-ins
        if score >= self.best:
            self.best = score
            self.save("best.pt")

    def _set_threads(self) -> None:
        file = self.run / "THREADS"
        if file.is_file() and (text := file.read_text().strip()).isdigit() and int(text) != torch.get_num_threads():
            torch.set_num_threads(max(1, int(text)))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder with labels.json and objects.jsonl")
    parser.add_argument("--run", type=Path, required=True, help="where the run keeps its files")
    parser.add_argument("--until", help="stop at this time of day, HH:MM")
    args = parser.parse_args()
    recipe = yaml.safe_load(args.config.read_text(encoding="utf-8"))
    until = None
    if args.until:
        clock = time.strptime(args.until, "%H:%M")
        now = time.localtime()
        wait = (clock.tm_hour - now.tm_hour) * 3600 + (clock.tm_min - now.tm_min) * 60 - now.tm_sec
        until = time.time() + wait % 86400
    args.run.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(args.config, args.run / "recipe.yaml")
    LlmTraining(recipe, args.data, args.run).run_all(until)


if __name__ == "__main__":
    main()
