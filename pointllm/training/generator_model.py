"""The two trained models of `train generator`: the autoencoder of shapes, and the flow over its latents."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import InputError
from ..tasks.generation.layers import Residual
from ..tasks.generation.networks import ShapeDecoder, Sizes, flow_of, to_blocks
from .generator_config import AutoencoderSection, FlowSection

BLOCKS = 40_000  # looked at for principal components
COLOR_IN_COMPONENTS = 1.5  # weight of colours against logits there
LOG_VARIANCE = -4.0  # of latents, at the start


class Autoencoder(nn.Module):
    """Fields → latents → fields, a variational one (Kingma & Welling, arXiv 1312.6114) with a light prior."""

    def __init__(self, sizes: Sizes, config: AutoencoderSection):
        super().__init__()
        self.sizes, self.config = sizes, config
        self.distance_shares = nn.Linear(sizes.block**3, sizes.distance_rank)
        self.color_shares = nn.Linear(sizes.color_block**3 * 3, sizes.color_rank)
        self.enter = nn.Linear(sizes.blocks**3 * sizes.ranks, config.width)
        self.layers = nn.ModuleList(Residual(config.width) for _ in range(config.layers))
        self.leave = nn.Linear(config.width, 2 * sizes.latent)
        self.decoder = ShapeDecoder(sizes)

    @torch.no_grad()
    def start_from(self, blocks: dict[str, Tensor]) -> None:
        """Begin as the best linear autoencoder of some shapes, as `blocks_of` makes them: principal components of
        blocks, then of shapes. Training bends it from there, and soon is where it else would be after hours."""
        shares = []
        for values, onto, basis, weight in (
            (blocks["distance"] / -63.5, self.distance_shares, self.decoder.distance_basis, 1.0),
            (blocks["color"] / 255, self.color_shares, self.decoder.color_basis, COLOR_IN_COMPONENTS),
        ):
            flat = values.flatten(0, 1)
            some = flat[:: max(1, len(flat) // BLOCKS)]
            mean = some.mean(0)
            centred = (some - mean).double()
            components = torch.linalg.eigh(centred.T @ centred)[1].flip(1)[:, : onto.out_features].float()
            onto.weight.copy_(components.T)
            onto.bias.copy_(-(mean @ components))
            basis.weight.copy_(components / weight)
            basis.bias.copy_(mean)
            onto.weight.mul_(weight)
            onto.bias.mul_(weight)
            shares.append(onto(values))
        flat = torch.cat(shares, -1).flatten(1)
        mean, latent = flat.mean(0), self.sizes.latent
        rank = min(latent, *flat.shape)
        scores, scale, components = torch.pca_lowrank(flat - mean, rank, center=False, niter=2)
        scale = (scale / len(flat) ** 0.5).clamp_min(1e-3)  # of each component over the shapes
        self.enter.weight[:rank].copy_((components / scale).T)
        self.enter.bias[:rank].copy_(-(mean @ (components / scale)))
        self.leave.weight.zero_()
        self.leave.weight[:rank, :rank].copy_(torch.eye(rank))
        self.leave.bias.zero_()
        self.leave.bias[latent:].fill_(LOG_VARIANCE)
        decoder = self.decoder
        decoder.enter.weight[:rank].zero_()
        decoder.enter.weight[:rank, :rank].copy_(torch.eye(rank))
        decoder.enter.bias[:rank].zero_()
        decoder.leave.weight.zero_()
        decoder.leave.weight[:, :rank].copy_(components * scale)
        decoder.leave.bias.copy_(mean)

    @torch.no_grad()
    def go_on_from(self, weights: dict[str, Tensor]) -> None:
        """Begin as another autoencoder, which may have fewer latents and no refinement: what is new does nothing yet.

        InputError where the rest is of other sizes.
        """
        own = self.state_dict()
        new = {name for name in own if name.startswith("decoder.refinement.")} - weights.keys()
        weights = dict(weights) | {name: own[name] for name in new}
        latent, old = self.sizes.latent, len(weights.get("leave.bias", ())) // 2
        if 0 < old < latent:
            for name in ("leave.weight", "leave.bias"):
                rows = own[name].clone()
                rows[:old], rows[latent : latent + old] = weights[name].chunk(2)
                rows[latent + old :] = LOG_VARIANCE if name.endswith("bias") else 0
                weights[name] = rows
            enter = weights["decoder.enter.weight"]
            weights["decoder.enter.weight"] = F.pad(enter, (0, latent - old))
        if weights.keys() != own.keys() or any(own[name].shape != value.shape for name, value in weights.items()):
            raise InputError("autoencoder.initial is of an autoencoder of other sizes; but for a larger `latent` and "
                             "a `refinement_width`, set `sizes` to that run's")
        self.load_state_dict(weights)

    def encode(self, distance: Tensor, color: Tensor) -> tuple[Tensor, Tensor]:
        """Blocks, as `blocks_of` makes them, as floats: distance (B, blocks³, block³) in [-1, 1] and color
        (B, blocks³, color block³ · 3) in [0, 1] → mean and log variance (B, L) each."""
        shares = torch.cat([self.distance_shares(distance * -2), self.color_shares(color)], -1).flatten(1)
        if self.training and self.config.noise:
            shares = shares + self.config.noise * torch.randn_like(shares)
        x = self.enter(shares)
        for layer in self.layers:
            x = layer(x)
        mean, log_variance = self.leave(x).float().chunk(2, -1)
        return mean, log_variance.clamp(-12, 4)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, tuple[float, Tensor]]:
        """What `blocks_of` makes → weighted losses."""
        distance, color = batch["distance"].float() / 127, batch["color"].float() / 255
        mean, log_variance = self.encode(distance, color)
        latent = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        logits, drawn = self.decoder(latent)
        weights = 1 + self.config.near * (batch["distance"].abs() < 127)
        target = (distance * self.config.sharpness).clamp(-1, 1)
        loss = F.binary_cross_entropy_with_logits(logits.float(), (1 - target) / 2, weights)
        divergence = (mean.square() + log_variance.exp() - log_variance - 1).mean() / 2
        losses = {"shape": (1.0, loss), "divergence": (self.config.divergence, divergence)}
        if self.config.color:
            at = batch["near"].repeat_interleave(3, -1)
            error = (drawn.float() - color).abs() * at
            losses["color"] = (self.config.color, error.sum() / at.sum().clamp_min(1))
        return losses

    @torch.inference_mode()
    def overlap(self, batch: dict[str, Tensor]) -> Tensor:
        """(B,) intersection over union of shapes, as `blocks_of` gives them, and what comes back of them."""
        logits, _ = self.decoder(self.encode(batch["distance"].float() / 127, batch["color"].float() / 255)[0])
        inside, drawn = batch["distance"] < 0, logits > 0
        return (inside & drawn).sum((1, 2)) / (inside | drawn).sum((1, 2)).clamp_min(1)


def blocks_of(distance: Tensor, color: Tensor, sizes: Sizes) -> dict[str, Tensor]:
    """Fields as `field_of` makes them, distance (B, G, G, G) int8 and color (B, C, C, C, 3) uint8 → the same in blocks,
    and near (B, blocks³, color block³) bool: cells of the grid of colours that the surface passes."""
    every = sizes.grids.size // sizes.grids.color_size
    near = distance[:, ::every, ::every, ::every].abs() < 127
    return {"distance": to_blocks(distance[..., None], sizes.block), "color": to_blocks(color, sizes.color_block),
            "near": to_blocks(near[..., None], sizes.color_block)}


class Flow(nn.Module):
    """The model of latents, and its loss."""

    def __init__(self, sizes: Sizes, config: FlowSection):
        super().__init__()
        self.config, self.flow = config, flow_of(sizes)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """latent (B, L) of unit variance, embedding (B, D), nothing (B,) bool → the loss by its name."""
        latent = batch["latent"]
        if self.training and self.config.latent_noise:
            latent = latent + self.config.latent_noise * torch.randn_like(latent)
        return {self.flow.objective: self.flow.loss(latent, batch["embedding"], batch["nothing"])}
