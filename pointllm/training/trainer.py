"""The trainer of every stage: steps, gradients, schedule, averages, checkpoints, evaluation.

Built on accelerate: one process on a CPU or GPU, or several by `accelerate launch` (DDP, FSDP). A `Task` says what is
learned from what; its batches depend on nothing but (step, part), so a resumed run sees what an uninterrupted one
would have seen, whatever number of worker processes prepares them. SIGTERM and Ctrl-C end a run after a checkpoint.
"""

from __future__ import annotations

import json
import logging
import math
import os
import signal
import time
from collections.abc import Hashable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ..errors import InputError, PointLLMError
from .checkpoints import STATE, Checkpoints, write_atomically
from .config import OptimizerSection, Section, TrainerSection, differences, save_config
from .ema import Average
from .optimization import parameter_groups, schedule
from .processes import agreed, full_state, load_full_state, make_accelerator, mean_over_processes
from .provenance import provenance
from .random_states import random_states, restore_random_states
from .run_log import RunLog

logger = logging.getLogger("pointllm")
CONFIG, PROVENANCE = "config.yaml", "provenance.json"
TOTAL = "total"  # among the losses: what is minimised
# Of a config, what must stay between a run and its continuation; other keys of `trainer` don't change what is learned.
TRAINER_KEYS_THAT_STAY = ("trainer.accumulate", "trainer.precision")


class Task(Protocol):
    """What is trained.

    module: called with a batch, gives {name: loss} or {name: (weight, loss)}, whose weighted sum is minimised. Where a
    stage leaves weights alone for a while, `module.trainable_names` lists all that training ever changes.
    score: the key of `evaluate`'s table (dotted) whose highest value marks the best weights; None: the last are best.
    """

    module: nn.Module
    steps: int
    score: str | None

    def phase(self, step: int) -> Hashable:
        """Something that changes where `enter` would change which weights need a gradient."""
        ...

    def enter(self, step: int) -> None:
        """Called before every step, and before an evaluation, with the number of steps done."""
        ...

    def batch(self, step: int, part: int, parts: int) -> Any:
        """Batch `part` of the `parts` of a step; may run in another process, so it must not use the module."""
        ...

    def evaluate(self, accelerator: Any, final: bool) -> dict[str, Any]:
        """Figures by name, the same on every process; called in evaluation mode with averaged weights."""
        ...


class Batches(torch.utils.data.Dataset):
    """The batches of a task by (step, part)."""

    def __init__(self, task: Task, parts: int):
        self.task, self.parts = task, parts

    def __getitem__(self, key: tuple[int, int]) -> Any:
        return self.task.batch(*key, self.parts)

    def __len__(self) -> int:
        return self.task.steps * self.parts


class Trainer:
    """One run of a task in the folder `out`."""

    def __init__(self, task: Task, config: Section, out: Path, accelerator: Any = None):
        self.task, self.config, self.out = task, config, Path(out)
        self.settings: TrainerSection = config.trainer
        self.optimizer_settings: OptimizerSection = config.optimizer
        self.accelerator = accelerator or make_accelerator(self.settings, self.out)
        self.checkpoints = Checkpoints(self.out / "checkpoints", self.settings.keep_checkpoints)
        self.step = 0
        self.best: float | None = None
        self.sums: dict[str, tuple[float, int]] = {}  # of each loss and how many, since the last row of metrics
        self.norm = 0.0
        self.stop: int | None = None  # the signal that asked for it
        if self.settings.gradient_checkpointing:
            task.module.save_memory()
        groups = parameter_groups(task.module, self.optimizer_settings)
        optimizer = torch.optim.AdamW(groups, betas=self.optimizer_settings.betas,
                                      fused=self.accelerator.device.type in ("cpu", "cuda") or None)
        task.enter(0)
        self.model, self.optimizer = self.accelerator.prepare(task.module, optimizer)
        self.average = Average(self.bare, self.optimizer_settings.ema)
        self.prepared_for = task.phase(0)

    @property
    def bare(self) -> nn.Module:
        """The model without what accelerate wrapped around it."""
        return self.accelerator.unwrap_model(self.model)

    # running

    def run(self) -> bool:
        """Train to the end, going on from the newest checkpoint; False where a signal stopped it before."""
        self._resume()
        log = RunLog(self.out, self.accelerator, self.task.steps, self.step)
        previous = self._catch_signals()
        saved, started = time.monotonic(), time.monotonic()
        try:
            batches = self._batches()
            while self.step < self.task.steps and not agreed(self.accelerator, self.stop is not None):
                self._train_step(batches)
                log.advance()
                last = self.step == self.task.steps
                if last or self.step % self.settings.log_every == 0:
                    log.write(self._figures(time.monotonic() - started))
                    started = time.monotonic()
                if last or self._due(self.settings.evaluate_every):
                    self._evaluate(log, last)
                    log.draw()
                    started = time.monotonic()
                minutes = self.settings.checkpoint_minutes
                late = minutes is not None and time.monotonic() - saved > 60 * minutes
                if last or self._due(self.settings.checkpoint_every) or agreed(self.accelerator, late):
                    self.save()
                    saved = time.monotonic()
            if self.step < self.task.steps:
                self.save()
                logger.info("stopped after step %d of %d; go on with --resume", self.step, self.task.steps)
        finally:
            log.close()
            for number, handler in previous.items():
                signal.signal(number, handler)
        return self.step == self.task.steps

    def _batches(self) -> Iterator[Any]:
        processes, own = self.accelerator.num_processes, self.accelerator.process_index
        accumulate = self.settings.accumulate
        parts = accumulate * processes
        order = [(step, own * accumulate + part) for step in range(self.step, self.task.steps)
                 for part in range(accumulate)]
        loader = torch.utils.data.DataLoader(
            Batches(self.task, parts), batch_size=None, sampler=order, num_workers=self.settings.workers,
            generator=torch.Generator().manual_seed(0),  # its own: the loader draws a number that nobody uses
            multiprocessing_context="fork" if self.settings.workers else None,
            pin_memory=self.accelerator.device.type == "cuda",
        )  # fmt: skip
        return iter(loader)

    def _train_step(self, batches: Iterator[Any]) -> None:
        from accelerate.utils import send_to_device

        self.task.enter(self.step)
        self._prepare_again()
        self.model.train()
        factor = schedule(self.step, self.task.steps, self.optimizer_settings)
        for group in self.optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor
        accumulate = self.settings.accumulate
        losses: dict[str, list[Tensor]] = {}
        for part in range(accumulate):
            batch = send_to_device(next(batches), self.accelerator.device)
            wait = part < accumulate - 1  # gradients are exchanged between processes once a step
            with self.accelerator.no_sync(self.model) if wait else nullcontext():
                found = {name: value if isinstance(value, tuple) else (1.0, value)
                         for name, value in self.model(batch).items()}
                total = sum(weight * loss for weight, loss in found.values())
                self.accelerator.backward(total / accumulate)
            for name, loss in ((TOTAL, total), *((name, loss) for name, (_, loss) in found.items())):
                losses.setdefault(name, []).append(loss.detach().float())
        trained = [value for value in self.model.parameters() if value.grad is not None]
        norm = self.accelerator.clip_grad_norm_(trained, self.optimizer_settings.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.average.update(self.bare, self.step)
        self.step += 1
        self._remember(losses, norm)

    def _remember(self, losses: dict[str, list[Tensor]], norm: Tensor) -> None:
        values = mean_over_processes(self.accelerator, losses)
        for name, value in values.items():
            if not math.isfinite(value) and self.settings.precision != "fp16":
                raise PointLLMError(f"the loss {name} became {value} in step {self.step}; start anew with a lower "
                                    "optimizer.learning_rate or optimizer.clip")
            total, count = self.sums.get(name, (0.0, 0))
            self.sums[name] = (total + value, count + 1)
        self.norm = float(norm)

    def _figures(self, seconds: float) -> dict[str, Any]:
        """The mean of each loss since the last row."""
        losses = {name: total / count for name, (total, count) in self.sums.items()}
        row = {"step": self.step, "loss": losses.pop(TOTAL), "losses": losses, "norm": self.norm,
               "learning_rate": self.optimizer.param_groups[0]["lr"], "seconds": round(seconds, 2)}
        self.sums = {}
        return row

    def _prepare_again(self) -> None:
        """DDP counts on the weights that need a gradient when it is made: make it anew where a phase changes them."""
        phase = self.task.phase(self.step)
        if phase == self.prepared_for:
            return
        self.prepared_for = phase
        if self.accelerator.distributed_type.value.startswith("MULTI_"):
            bare = self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
            self.accelerator._models.clear()  # accelerate offers no public way to forget one
            self.model = self.accelerator.prepare(bare)

    def _due(self, every: int | None) -> bool:
        return every is not None and self.step % every == 0

    # measuring

    def _evaluate(self, log: RunLog, final: bool) -> None:
        self.task.enter(self.step)
        self.model.eval()
        devices = [self.accelerator.device] if self.accelerator.device.type == "cuda" else []
        with self.average.applied(self.bare), torch.no_grad(), torch.random.fork_rng(devices):
            figures = self.task.evaluate(self.accelerator, final)
            score = figures
            for key in (self.task.score or "").split("."):
                score = score.get(key) if isinstance(score, dict) else None
            better = isinstance(score, int | float) and (self.best is None or score >= self.best)
            if better:
                self.best = score
                self._save_weights("best.pt", score)
            if final:
                self._save_weights("last.pt", score if isinstance(score, int | float) else None)
        log.write({"step": self.step, "evaluation": figures})

    def _save_weights(self, name: str, score: float | None) -> None:
        """The weights as they are now, averaged ones inside `_evaluate`: for export."""
        weights, _ = full_state(self.accelerator, self.model, None)
        if self.accelerator.is_main_process:
            partial = self.out / f"{name}.partial"
            torch.save({"step": self.step, "score": score, "weights": weights}, partial)
            os.replace(partial, self.out / name)

    # going on where it stopped

    def save(self) -> None:
        """A checkpoint of this moment."""
        if self.checkpoints.steps()[-1:] == [self.step]:
            return
        weights, optimizer = full_state(self.accelerator, self.model, self.optimizer)
        main, index = self.accelerator.is_main_process, self.accelerator.process_index
        scaler = self.accelerator.scaler
        if main:
            self.checkpoints.begin(self.step)
        self.accelerator.wait_for_everyone()
        folder = self.checkpoints.path(self.step)
        folder = folder.with_name(folder.name + ".partial")
        torch.save(random_states(), folder / f"random-{index:05d}.pt")
        if main or self.accelerator.distributed_type.value == "FSDP":
            torch.save(self.average.state_dict(), folder / f"average-{index:05d}.pt")
        if main:
            state = {"step": self.step, "best": self.best, "sums": self.sums, "weights": weights,
                     "optimizer": optimizer, "scaler": scaler.state_dict() if scaler else None,
                     "processes": self.accelerator.num_processes}  # fmt: skip
            torch.save(state, folder / STATE)
        self.accelerator.wait_for_everyone()
        if main:
            self.checkpoints.finish(self.step)
        self.accelerator.wait_for_everyone()

    def _resume(self) -> None:
        index = self.accelerator.process_index
        found = self.checkpoints.newest()
        if found is None:
            return
        step, contents = found
        state = contents[STATE]
        if state["processes"] != self.accelerator.num_processes:
            logger.warning("the checkpoint is of %d processes, now there are %d: the steps ahead see other batches",
                           state["processes"], self.accelerator.num_processes)
        self.step, self.best, self.sums = state["step"], state["best"], state["sums"]
        self.task.enter(self.step)
        self._prepare_again()
        load_full_state(self.accelerator, self.model, self.optimizer, state["weights"], state["optimizer"])
        if self.accelerator.scaler and state["scaler"]:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        folder = self.checkpoints.path(step)
        shards = self.accelerator.distributed_type.value == "FSDP"
        average = folder / f"average-{index if shards else 0:05d}.pt"
        self.average.load_state_dict(torch.load(average, map_location="cpu", weights_only=True))
        states = folder / f"random-{index:05d}.pt"
        if states.is_file():
            restore_random_states(torch.load(states, weights_only=True))
        logger.info("going on after step %d", self.step)

    def _catch_signals(self) -> dict[int, Any]:
        """SIGTERM and the first Ctrl-C ask for an end after this step; the second Ctrl-C ends at once."""

        def ask(number: int, _frame: object) -> None:
            self.stop = number
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            logger.info("stopping after this step; once more to stop at once")

        try:
            return {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
        except ValueError:  # not in the main thread: whoever runs this there minds the signals
            return {}


def open_run(config: Section, out: Path, resume: bool, data: Path | None) -> None:
    """Make the folder of a run and save its config there; or check that it is the run that is to be resumed.

    Raises InputError: the folder holds a run and `resume` wasn't asked for, or the run's config was another.
    """
    import yaml

    out = Path(out)
    held = out / CONFIG
    if held.is_file() and Checkpoints(out / "checkpoints", 1).steps():
        if not resume:
            raise InputError(f"{out}: holds a run already; go on with --resume, or name another folder")
        old = type(config).model_validate(yaml.safe_load(held.read_text(encoding="utf-8")))
        changed = [key for key in differences(old.model_dump(mode="json"), config.model_dump(mode="json"))
                   if not key.startswith("trainer.") or key in TRAINER_KEYS_THAT_STAY]
        if changed:
            raise InputError(f"{out}: its run has another {', '.join(changed)}; resume with the config saved there, or "
                             "name another folder")
    if int(os.environ.get("RANK", "0")):  # one of several processes, the first of which does this
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        save_config(config, held)
        table = provenance(data, config.seed)
        write_atomically(out / PROVENANCE, json.dumps(table, indent=1).encode() + b"\n")
    except OSError as error:
        raise InputError(f"{out}: can't be written ({error.strerror}); name another folder for --out") from error
