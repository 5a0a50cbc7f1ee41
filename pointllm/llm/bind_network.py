"""The bind network: carries a joint embedding into the width of the language model.

One linear layer, then three residual blocks of norm and SwiGLU, as in ImageBind-LLM (arXiv 2309.03905, section 3.1).
Knows nothing of the language model but its width; the gates and prefixes that use its output live in `injection`.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

NORMS = {"layer": nn.LayerNorm, "rms": nn.RMSNorm}


@dataclass(frozen=True)
class BindNetworkConfig:
    """Sizes of a bind network. `norm` is "layer" (linears with bias) or "rms" (without), as the two published kinds."""

    joint_dim: int
    model_dim: int
    hidden_dim: int
    blocks: int = 3
    norm: str = "rms"
    norm_eps: float = 1e-6
    linear_bias: bool = False


class SwiGLUBlock(nn.Module):
    """x + w2(silu(w1(norm x)) * w3(norm x)), the residual block of the bind network."""

    def __init__(self, config: BindNetworkConfig):
        super().__init__()
        bias = config.linear_bias
        self.norm = NORMS[config.norm](config.model_dim, eps=config.norm_eps)
        self.w1 = nn.Linear(config.model_dim, config.hidden_dim, bias=bias)
        self.w2 = nn.Linear(config.hidden_dim, config.model_dim, bias=bias)
        self.w3 = nn.Linear(config.model_dim, config.hidden_dim, bias=bias)

    def forward(self, feature: Tensor) -> Tensor:
        normed = self.norm(feature)
        return feature + self.w2(F.silu(self.w1(normed)) * self.w3(normed))


class BindNetwork(nn.Module):
    """(…, joint_dim) unit-norm joint embeddings → (…, model_dim) visual features."""

    def __init__(self, config: BindNetworkConfig):
        super().__init__()
        if config.norm not in NORMS:
            raise ValueError(f"unknown norm {config.norm!r}; known: {', '.join(NORMS)}")
        self.config = config
        self.project = nn.Linear(config.joint_dim, config.model_dim)
        self.blocks = nn.ModuleList(SwiGLUBlock(config) for _ in range(config.blocks))

    def reset_for_training(self) -> None:
        """Initialise so that a unit-norm embedding gives features of about unit variance.

        A unit vector's components are of size 1/sqrt(joint_dim); the language model's value projections expect
        normalised inputs, so the first layer's weights have variance 1 rather than 1/joint_dim.
        """
        nn.init.normal_(self.project.weight, std=1.0)
        nn.init.zeros_(self.project.bias)

    def forward(self, embedding: Tensor) -> Tensor:
        feature = self.project(embedding)
        for block in self.blocks:
            feature = block(feature)
        return feature
