"""The moving average of a model's weights (EMA): what is evaluated and shipped.

Works on whatever this process holds of the model, so also on shards.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Exponential moving average of trainable parameters and of buffers; integers (counters) are copied."""

    def __init__(self, model: nn.Module, decay: float | None):
        self.decay = decay
        self.values = {} if decay is None else {name: own(value).clone() for name, value in tracked(model)}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after step number `step` (from 0); early on the average forgets faster."""
        if self.decay is None:
            return
        decay = min(self.decay, (1 + step) / (10 + step))
        pairs = [(self.values[name], own(value)) for name, value in tracked(model)]
        floating = [pair for pair in pairs if pair[0].is_floating_point()]
        torch._foreach_lerp_([old for old, _ in floating], [new for _, new in floating], 1 - decay)
        for old, new in pairs:
            if not old.is_floating_point():
                old.copy_(new)

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """Inside the block the model has the averaged weights; afterwards its own again, bit for bit."""
        if self.decay is None:
            yield
            return
        kept = {name: own(value).clone() for name, value in tracked(model)}
        self._copy(self.values, model)
        try:
            yield
        finally:
            self._copy(kept, model)

    @staticmethod
    @torch.no_grad()
    def _copy(values: dict[str, Tensor], model: nn.Module) -> None:
        for name, value in tracked(model):
            own(value).copy_(values[name])

    def state_dict(self) -> dict[str, Tensor]:
        """The averages by name."""
        return self.values

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue from saved averages."""
        for name, value in self.values.items():
            value.copy_(state[name])


def own(value: Tensor) -> Tensor:
    """What this process holds of a tensor: all of it, or its shard; shares the memory."""
    value = value.detach()
    return value.to_local() if hasattr(value, "to_local") else value


def tracked(model: nn.Module) -> list[tuple[str, Tensor]]:
    """What training changes: parameters not frozen for good, and saved buffers.

    A parameter that only the present stage leaves alone counts too: models name theirs by `trainable`, see `Task`.
    """
    names = getattr(model, "trainable_names", None)
    saved = model.state_dict(keep_vars=True)
    buffers = {name for name, _ in model.named_buffers()}
    return [(name, value) for name, value in saved.items()
            if (name in names if names is not None else value.requires_grad or name in buffers)]
