"""What the generator's networks are built of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class Residual(nn.Module):
    """x + f(norm(x) + condition), f of two layers."""

    def __init__(self, width: int, condition: int = 0):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.condition = nn.Linear(condition, width) if condition else None
        self.inner, self.outer = nn.Linear(width, width), nn.Linear(width, width)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        inside = self.norm(x)
        if self.condition is not None:
            inside = inside + self.condition(condition)
        return x + self.outer(F.silu(self.inner(inside)))
