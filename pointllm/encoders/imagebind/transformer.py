"""The transformer trunk of ImageBind: pre-norm blocks, named as in the published checkpoint.

Knows nothing of modalities: it takes tokens and gives tokens (Vaswani et al., arXiv 1706.03762; the bias key and
value are those of PyTorch's MultiheadAttention with `add_bias_kv`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NORM_EPS = 1e-6


class Attention(nn.Module):
    """Multi-head self-attention; optionally every query also sees one learned key and value."""

    def __init__(self, dim: int, heads: int, bias_kv: bool) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim))
        self.out_proj = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.in_proj_weight)
        if bias_kv:
            self.bias_k = nn.Parameter(torch.zeros(1, 1, dim))
            self.bias_v = nn.Parameter(torch.zeros(1, 1, dim))
        else:
            self.bias_k = self.bias_v = None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, L, D) → (B, L, D)."""
        batch, length, dim = x.shape
        query, key, value = F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        if self.bias_k is not None:
            key = torch.cat([key, self.bias_k.expand(batch, 1, dim)], dim=1)
            value = torch.cat([value, self.bias_v.expand(batch, 1, dim)], dim=1)
        query, key, value = (
            part.reshape(batch, -1, self.heads, dim // self.heads).transpose(1, 2)  # (B, H, L or L + 1, D / H)
            for part in (query, key, value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.out_proj(mixed.transpose(1, 2).reshape(batch, length, dim))


class Mlp(nn.Module):
    """Two linear maps with the exact GELU between."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) → (..., D)."""
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    """Attention and MLP, each behind its LayerNorm and with a residual."""

    def __init__(self, dim: int, heads: int, bias_kv: bool) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.attn = Attention(dim, heads, bias_kv)
        self.norm_2 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.mlp = Mlp(dim, 4 * dim)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, L, D) → (B, L, D)."""
        x = x + self.attn(self.norm_1(x), mask)
        return x + self.mlp(self.norm_2(x))


class Trunk(nn.Module):
    """A stack of blocks; `pre_norm` puts one LayerNorm before the first (vision)."""

    def __init__(self, dim: int, depth: int, heads: int, bias_kv: bool = False, pre_norm: bool = False) -> None:
        super().__init__()
        # In a Sequential because the published key is `pre_transformer_layer.0`.
        self.pre_transformer_layer = nn.Sequential(nn.LayerNorm(dim, eps=NORM_EPS)) if pre_norm else nn.Identity()
        self.blocks = nn.ModuleList(Block(dim, heads, bias_kv) for _ in range(depth))

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, L, D) → (B, L, D); `mask` (L, L) is added to the attention scores, -inf hides."""
        tokens = self.pre_transformer_layer(tokens)
        for block in self.blocks:
            tokens = block(tokens, mask)
        return tokens
