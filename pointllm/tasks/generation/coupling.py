"""The other model of latents: a conditional normalising flow of affine coupling layers, as in CLIP-Forge.

RealNVP (Dinh et al., arXiv 1605.08803) under a condition, as CLIP-Forge (arXiv 2110.02624) has it: each layer shifts
and scales some of the coordinates by what the others and the condition say, so it is undone in one step and its
likelihood is exact. Takes the place of `networks.LatentFlow` where a config says `flow.kind: coupling`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .layers import Residual

MOST_LOG_SCALE = 2.0  # of one layer, either way


def halves(number: int, length: int) -> tuple[Tensor, Tensor]:
    """Coordinates that layer `number` keeps, and those that it changes: two layers after another exchange them, and
    pairs of layers part them by one binary digit of their place after another, so that all come to see each other."""
    places = torch.arange(length)
    digit = places >> (number // 2 % max(1, (length - 1).bit_length())) & 1
    kept = digit == number % 2
    return places[kept], places[~kept]


class Coupling(nn.Module):
    """One affine coupling layer; begins as doing nothing."""

    def __init__(self, number: int, length: int, width: int, condition: int):
        super().__init__()
        kept, changed = halves(number, length)
        self.register_buffer("kept", kept, persistent=False)
        self.register_buffer("changed", changed, persistent=False)
        self.enter = nn.Linear(len(kept), width)
        self.layer = Residual(width, condition)
        self.leave = nn.Linear(width, 2 * len(changed))
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def shift_and_scale(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """What is added to the changed coordinates (B, L') and the log of what they are multiplied with first."""
        shift, log_scale = self.leave(self.layer(self.enter(x[:, self.kept]), condition)).float().chunk(2, -1)
        return shift, MOST_LOG_SCALE * torch.tanh(log_scale / MOST_LOG_SCALE)

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Towards noise: x (B, L) → the same changed, and the log determinant (B,)."""
        shift, log_scale = self.shift_and_scale(x, condition)
        return self._with(x, x[:, self.changed] * log_scale.exp() + shift), log_scale.sum(-1)

    def back(self, x: Tensor, condition: Tensor) -> Tensor:
        """Towards latents: undoes `forward`."""
        shift, log_scale = self.shift_and_scale(x, condition)
        return self._with(x, (x[:, self.changed] - shift) * (-log_scale).exp())

    def _with(self, x: Tensor, values: Tensor) -> Tensor:
        return x.index_copy(1, self.changed, values.to(x.dtype))


class CouplingFlow(nn.Module):
    """Latents to noise and back, given an embedding. Sizes: `flow_blocks` layers of `flow_width`."""

    objective = "likelihood"

    def __init__(self, dim: int, latent: int, width: int, blocks: int):
        super().__init__()
        self.no_condition = nn.Parameter(torch.zeros(dim))
        self.condition = nn.Sequential(nn.Linear(dim, width // 2), nn.SiLU(), nn.Linear(width // 2, width // 2),
                                       nn.SiLU())
        self.layers = nn.ModuleList(Coupling(number, latent, width, width // 2) for number in range(blocks))

    def _condition(self, embedding: Tensor, unconditional: Tensor | None) -> Tensor:
        condition = embedding * math.sqrt(embedding.shape[-1])  # to the size of noise
        if unconditional is not None:
            condition = torch.where(unconditional[:, None], self.no_condition, condition)
        return self.condition(condition)

    def forward(self, x: Tensor, embedding: Tensor, unconditional: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Latents (B, L) and embeddings (B, D) of unit norm → noise (B, L) and the log determinant (B,).

        unconditional: (B,) bool, rows whose embedding is not looked at.
        """
        condition = self._condition(embedding, unconditional)
        total = x.new_zeros(len(x))
        for layer in self.layers:
            x, determinant = layer(x, condition)
            total = total + determinant
        return x, total

    def loss(self, latent: Tensor, embedding: Tensor, unconditional: Tensor) -> Tensor:
        """Nats a coordinate: the negative log likelihood of latents (B, L)."""
        noise, determinant = self(latent, embedding, unconditional)
        squares = (noise.float().square() + math.log(2 * math.pi)).sum(-1) / 2
        return (squares - determinant).mean() / latent.shape[1]

    @torch.inference_mode()
    def sample(self, embedding: Tensor, noise: Tensor, guidance: float = 1.0, steps: int = 1) -> Tensor:
        """Embeddings (B, D) and noise (B, L) → latents (B, L), in one pass whatever `steps` says.

        guidance: 1 takes the condition as it is, 0 ignores it; with more, latents are moved further from where the same
        noise leads without a condition.
        """
        with_it = self._back(noise, self._condition(embedding, None))
        if guidance == 1:
            return with_it
        none = torch.ones(len(noise), dtype=torch.bool, device=noise.device)
        without = self._back(noise, self._condition(embedding, none))
        return without + guidance * (with_it - without)

    def _back(self, x: Tensor, condition: Tensor) -> Tensor:
        for layer in reversed(self.layers):
            x = layer.back(x, condition)
        return x
