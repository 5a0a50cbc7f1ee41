"""What AdamW is given: groups of parameters, and the course of the learning rate."""

from __future__ import annotations

import math
from typing import Any

from torch import nn

from .config import OptimizerSection
from .ema import tracked


def parameter_groups(module: nn.Module, settings: OptimizerSection) -> list[dict[str, Any]]:
    """Groups for AdamW: weight decay on matrices only, the learning rate by the beginning of a name."""
    trained = {name for name, value in tracked(module) if isinstance(value, nn.Parameter)}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    undecayed = getattr(module, "undecayed", ())
    for name, value in module.named_parameters():
        if name not in trained:
            continue
        factor = next((f for start, f in settings.factors.items() if name.startswith(start)), 1.0)
        decay = settings.weight_decay if value.ndim > 1 and not any(part in name for part in undecayed) else 0.0
        groups.setdefault((settings.learning_rate * factor, decay), []).append(value)
    return [{"params": values, "lr": rate, "base_lr": rate, "weight_decay": decay}
            for (rate, decay), values in groups.items()]


def schedule(step: int, steps: int, settings: OptimizerSection) -> float:
    """The factor on the learning rate in step number `step` (from 0)."""
    warm = min(1.0, (step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
    begin = max(settings.decay_from * steps, settings.warmup_steps)
    done = min(1.0, max(0.0, (step - begin) / max(steps - begin, 1)))
    return warm * (settings.final + (1 - settings.final) * 0.5 * (1 + math.cos(math.pi * done)))
