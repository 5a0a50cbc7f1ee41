"""A task of a few numbers for the trainer: a regression with dropout, as a module and as a script that can be killed.

    python tiny_task.py OUT [STEPS] [BATCH] [ACCUMULATE] [CHECKPOINT_EVERY] [PAUSE]
"""

import sys
import time

import torch
from torch import nn

from pointllm.training.config import OptimizerSection, Section, TrainerSection


class TinyConfig(Section):
    seed: int = 0
    steps: int = 12
    batch: int = 4
    dropout: float = 0.2
    optimizer: OptimizerSection = OptimizerSection(learning_rate=0.02, warmup_steps=2, ema=0.9)
    trainer: TrainerSection = TrainerSection(log_every=1, evaluate_every=4, checkpoint_every=3, device="cpu")


class TinyModel(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16) if dropout else nn.Identity(), nn.ReLU(),
                                    nn.Dropout(dropout), nn.Linear(16, 2))

    def forward(self, batch):
        inputs, wanted = batch["inputs"], batch["wanted"]
        error = self.layers(inputs) - wanted
        return {"square": error.square().mean(), "absolute": (0.1, error.abs().mean())}


class TinyTask:
    score = "quality"

    def __init__(self, config, pause=0.0):
        self.config, self.steps, self.pause = config, config.steps, pause
        torch.manual_seed(config.seed)
        self.module = TinyModel(config.dropout)
        self.at = {}  # step → what to do when its first batch is made

    def phase(self, step):
        return 0

    def enter(self, step):
        pass

    def batch(self, step, part, parts):
        if part == 0 and step in self.at:
            self.at.pop(step)()
        if self.pause:
            time.sleep(self.pause)
        # the rows of a step are the same however they are split into parts
        generator = torch.Generator().manual_seed(step)
        inputs = torch.randn(self.config.batch * parts, 6, generator=generator)
        rows = slice(part * self.config.batch, (part + 1) * self.config.batch)
        return {"inputs": inputs[rows], "wanted": torch.stack([inputs.sum(1), inputs[:, 0]], 1)[rows]}

    def evaluate(self, accelerator, final):
        torch.rand(3)  # must not disturb the training
        return {"quality": -float(self.module.layers[0].weight.abs().mean()), "inner": {"value": 1.0}}


def make(out, steps=12, batch=4, accumulate=1, checkpoint_every=3, dropout=0.2, ema=0.9, **trainer):
    config = TinyConfig(
        steps=steps, batch=batch, dropout=dropout,
        optimizer=OptimizerSection(learning_rate=0.02, warmup_steps=2, ema=ema),
        trainer=TrainerSection(**{"log_every": 1, "evaluate_every": 4, "checkpoint_every": checkpoint_every,
                                  "accumulate": accumulate, "device": "cpu", **trainer}),
    )  # fmt: skip
    return config, TinyTask(config)


if __name__ == "__main__":
    from pathlib import Path

    from pointllm.training.trainer import Trainer, open_run

    folder, numbers = Path(sys.argv[1]), [float(word) for word in sys.argv[2:]]
    steps, batch, accumulate, every, pause, dropout = [*numbers, *(12, 4, 1, 3, 0, 0.2)[len(numbers):]]
    config, task = make(folder, int(steps), int(batch), int(accumulate), int(every), dropout)
    task.pause = pause
    open_run(config, folder, True, None)
    trainer = Trainer(task, config, folder)
    print("finished" if trainer.run() else "stopped")
    # As the commands end: a process that leaves while the other still talks to it makes that one abort.
    trainer.accelerator.wait_for_everyone()
    trainer.accelerator.end_training()
