"""The two networks of the shape generator: latent → shape, and noise → latent under a condition.

The plan is CLIP-Forge's (Sanghi et al., arXiv 2110.02624): a latent of shapes, and a model of that latent given an
embedding of the joint space, so that whatever embeds there can be asked for. Shapes are drawn block by block in a
learned basis of small blocks, which suits a CPU; the model of the latent is a rectified flow (Liu et al.,
arXiv 2209.03003; Lipman et al., arXiv 2210.02747) with classifier-free guidance (Ho & Salimans, arXiv 2207.12598) or
CLIP-Forge's coupling layers (`coupling`). The encoder of shapes is training's matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .coupling import CouplingFlow
from .grids import Grids
from .layers import Residual


@dataclass(frozen=True)
class Sizes:
    """Every size of both networks. dim: of the joint space; block: cells a side of a block of distances; ranks: how
    many patterns a block of distances or colours is a sum of; refinement_width: channels of `Refinement`, 0 for none;
    flow_kind: a key of `FLOWS`."""

    dim: int
    grids: Grids = field(default_factory=Grids)
    latent: int = 192
    block: int = 8
    distance_rank: int = 48
    color_rank: int = 12
    decoder_width: int = 640
    decoder_blocks: int = 2
    refinement_width: int = 0
    flow_kind: str = "rectified"
    flow_width: int = 512
    flow_blocks: int = 4

    @property
    def blocks(self) -> int:
        """Along a side of the grid."""
        return self.grids.size // self.block

    @property
    def color_block(self) -> int:
        """Cells a side of a block of colours."""
        return self.grids.color_size // self.blocks

    @property
    def ranks(self) -> int:
        """Numbers that say what is in a block."""
        return self.distance_rank + self.color_rank


def to_blocks(grid: Tensor, block: int) -> Tensor:
    """(B, G, G, G, C) → (B, blocks³, block³ · C)."""
    batch, size, channels = len(grid), grid.shape[1], grid.shape[-1]
    count = size // block
    parts = grid.reshape(batch, count, block, count, block, count, block, channels)
    return parts.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(batch, count**3, block**3 * channels)


def from_blocks(parts: Tensor, block: int, channels: int) -> Tensor:
    """The inverse of `to_blocks`: → (B, G, G, G, C)."""
    batch, count = len(parts), round(parts.shape[1] ** (1 / 3))
    grid = parts.reshape(batch, count, count, count, block, block, block, channels)
    return grid.permute(0, 1, 4, 2, 5, 3, 6, 7).reshape(batch, *(count * block,) * 3, channels)


class Refinement(nn.Module):
    """What a sum of patterns can't draw: each block's shares become eight parts that see their neighbours, and each
    part says what to add to its cells. Begins as nothing."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        self.sizes, width = sizes, sizes.refinement_width
        self.part, self.color_part = sizes.block // 2, sizes.color_block // 2  # cells a side
        cells = self.part**3 + 3 * self.color_part**3
        self.enter = nn.Linear(sizes.ranks, 8 * width)
        self.place = nn.Parameter(torch.zeros(*(2 * sizes.blocks,) * 3, width))
        self.norm, self.outer_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.neighbours = nn.Conv3d(width, width, 3, padding=1)
        self.leave = nn.Sequential(nn.Linear(width, 3 * width), nn.SiLU(), nn.Linear(3 * width, cells))
        nn.init.zeros_(self.leave[-1].weight)
        nn.init.zeros_(self.leave[-1].bias)

    def forward(self, shares: Tensor) -> tuple[Tensor, Tensor]:
        """Shares (B, blocks³, ranks) → what `ShapeDecoder.forward` gives, to be added to it."""
        x = from_blocks(self.enter(shares), 2, self.sizes.refinement_width) + self.place  # (B, P, P, P, C)
        near = self.neighbours(F.silu(self.norm(x)).permute(0, 4, 1, 2, 3)).permute(0, 2, 3, 4, 1)
        cells = self.leave(self.outer_norm(x + near)).flatten(1, 3)  # (B, P³, …)
        distance, color = cells.split([self.part**3, 3 * self.color_part**3], -1)
        return (to_blocks(from_blocks(distance, self.part, 1), self.sizes.block),
                to_blocks(from_blocks(color, self.color_part, 3), self.sizes.color_block))


class ShapeDecoder(nn.Module):
    """Latents (B, L) → logits of being inside (B, blocks³, block³) and colours (B, blocks³, color block³ · 3)."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        self.sizes = sizes
        count, ranks = sizes.blocks**3, sizes.ranks
        self.enter = nn.Linear(sizes.latent, sizes.decoder_width)
        self.layers = nn.ModuleList(Residual(sizes.decoder_width) for _ in range(sizes.decoder_blocks))
        self.leave = nn.Linear(sizes.decoder_width, count * ranks)
        self.distance_basis = nn.Linear(sizes.distance_rank, sizes.block**3)
        self.color_basis = nn.Linear(sizes.color_rank, sizes.color_block**3 * 3)
        self.refinement = Refinement(sizes) if sizes.refinement_width else None

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        x = self.enter(latent)
        for layer in self.layers:
            x = layer(x)
        shares = self.leave(x).view(len(latent), self.sizes.blocks**3, -1)
        distance, color = shares.split([self.sizes.distance_rank, self.sizes.color_rank], -1)
        drawn = self.distance_basis(distance), self.color_basis(color)
        if self.refinement is None:
            return drawn
        added = self.refinement(shares)
        return drawn[0] + added[0], drawn[1] + added[1]

    def grids(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Latents (B, L) → distances (B, G, G, G), negative inside, and colours (B, C, C, C, 3) in [0, 1].

        Near the surface these are distances times a factor, the sharpness that training had.
        """
        logits, color = self(latent)
        # In training the share of a cell that is inside falls evenly from 1 to 0 across the surface.
        distance = -torch.tanh(logits / 2) * self.sizes.grids.reach
        return (from_blocks(distance, self.sizes.block, 1)[..., 0],
                from_blocks(color, self.sizes.color_block, 3).clamp(0, 1))


class LatentFlow(nn.Module):
    """The velocity that leads noise to latents of shapes that an embedding asks for."""

    objective = "velocity"

    def __init__(self, dim: int, latent: int, width: int, blocks: int, times: int = 64):
        super().__init__()
        self.times = times
        self.no_condition = nn.Parameter(torch.zeros(dim))
        self.condition = nn.Sequential(nn.Linear(dim + times, width // 2), nn.SiLU(),
                                       nn.Linear(width // 2, width // 2), nn.SiLU())
        self.enter = nn.Linear(latent, width)
        self.layers = nn.ModuleList(Residual(width, width // 2) for _ in range(blocks))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, latent))

    def forward(self, x: Tensor, time: Tensor, embedding: Tensor, unconditional: Tensor | None = None) -> Tensor:
        """x (B, L) at time (B,) in [0, 1], embedding (B, D) of unit norm → velocity (B, L).

        unconditional: (B,) bool, rows whose embedding is not looked at.
        """
        condition = embedding * math.sqrt(embedding.shape[-1])  # to the size of noise
        if unconditional is not None:
            condition = torch.where(unconditional[:, None], self.no_condition, condition)
        rates = torch.exp(torch.linspace(0, math.log(200), self.times // 2, device=x.device))
        angles = time[:, None] * rates
        condition = self.condition(torch.cat([condition, angles.sin(), angles.cos()], -1))
        x = self.enter(x)
        for layer in self.layers:
            x = layer(x, condition)
        return self.leave(x)

    def loss(self, latent: Tensor, embedding: Tensor, unconditional: Tensor) -> Tensor:
        """Conditional flow matching's, for latents (B, L) of unit variance."""
        noise = torch.randn_like(latent)
        time = torch.sigmoid(torch.randn(len(latent), device=latent.device))  # the middle of the way is hardest
        velocity = self(torch.lerp(noise, latent, time[:, None]), time, embedding, unconditional)
        return F.mse_loss(velocity.float(), latent - noise)

    @torch.inference_mode()
    def sample(self, embedding: Tensor, noise: Tensor, guidance: float = 1.0, steps: int = 24) -> Tensor:
        """Embeddings (B, D) and noise (B, L) → latents (B, L), by Heun's method.

        guidance: 1 takes the condition as it is, more exaggerates it, 0 ignores it.
        """
        x, none = noise, torch.ones(len(noise), dtype=torch.bool, device=noise.device)

        def velocity(x: Tensor, time: float) -> Tensor:
            at = torch.full((len(x),), time, device=x.device)
            if guidance == 1:
                return self(x, at, embedding)
            with_it, without = self(x, at, embedding), self(x, at, embedding, none)
            return without + guidance * (with_it - without)

        for step in range(steps):
            now, then = step / steps, (step + 1) / steps
            first = velocity(x, now)
            ahead = x + first / steps
            x = ahead if step == steps - 1 else x + (first + velocity(ahead, then)) / (2 * steps)
        return x


FLOWS = {"rectified": LatentFlow, "coupling": CouplingFlow}


def flow_of(sizes: Sizes) -> LatentFlow | CouplingFlow:
    """The model of latents that the sizes ask for, with new weights."""
    return FLOWS[sizes.flow_kind](sizes.dim, sizes.latent, sizes.flow_width, sizes.flow_blocks)


class ShapeModel(nn.Module):
    """Both networks, and how latents are scaled between them: what `generator/model.safetensors` holds."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        self.sizes = sizes
        self.decoder, self.flow = ShapeDecoder(sizes), flow_of(sizes)
        self.register_buffer("latent_mean", torch.zeros(sizes.latent))
        self.register_buffer("latent_scale", torch.ones(sizes.latent))

    @torch.inference_mode()
    def draw(self, embedding: Tensor, noise: Tensor, guidance: float, steps: int) -> tuple[Tensor, Tensor]:
        """Embeddings (B, D) and noise (B, L) → what `ShapeDecoder.grids` gives."""
        latent = self.flow.sample(embedding, noise, guidance, steps)
        return self.decoder.grids(latent * self.latent_scale + self.latent_mean)
