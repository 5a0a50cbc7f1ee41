"""Gated injection of the visual feature into every layer of a LLaMA.

The adapter adds one visual token to each attention layer, behind a per-head gate that starts at zero (LLaMA-Adapter;
ImageBind-LLM, arXiv 2309.03905). A softmax over one token is 1, so its contribution in layer l,

    c_l = W_o (tanh(gate_l) * W_v (bind(x) + prefix_l)),                                                    (1)

is the same for every position: a bias (B, 1, D) that is computed once per answer and added to the attention's output
by a forward hook. W_v is the base projection (no LoRA, no bias); the LoRA of W_o does apply to it.

`positions` says where the bias enters: "all" (the published adapters) or "answer": from the last token of the prompt
on, which are exactly the positions that predict the answer.
With "answer" the question is read by the plain language model: its keys and values do not depend on what was uploaded.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from pointllm.llm.bind_network import BindNetwork, BindNetworkConfig

POSITIONS = ("all", "answer")


class VisualInjection(nn.Module):
    """Bind network, prefix queries (L, D) and gates (L, H); gives the per-layer biases of equation (1)."""

    def __init__(self, bind: BindNetworkConfig, layers: int, heads: int, positions: str = "all"):
        super().__init__()
        if positions not in POSITIONS:
            raise ValueError(f"unknown injection positions {positions!r}; known: {', '.join(POSITIONS)}")
        self.positions = positions
        self.bind_network = BindNetwork(bind)
        self.prefix_query = nn.Parameter(torch.zeros(layers, bind.model_dim))
        self.gates = nn.Parameter(torch.zeros(layers, heads))
        self._active = threading.local()  # two answers may be generated at once, in two threads

    def attach(self, language_model: nn.Module) -> None:
        """Hook the attention layers of a `LlamaForCausalLM` and remember its value and output projections.

        Call it before LoRA is merged: the value projections are taken as they are now.
        """
        attentions = [layer.self_attn for layer in language_model.model.layers]
        self._outputs = [attention.o_proj for attention in attentions]  # a list: not registered as our own modules
        weights = [getattr(a.v_proj, "base_layer", a.v_proj).weight.detach().clone() for a in attentions]
        self.register_buffer("value_weight", torch.stack(weights), persistent=False)  # (L, kv_heads * head_dim, D)
        self._head_dim = attentions[0].head_dim
        for index, attention in enumerate(attentions):
            attention.register_forward_hook(self._hook(index))

    def refresh_outputs(self, language_model: nn.Module) -> None:
        """Point to the output projections again after LoRA has been merged into them."""
        self._outputs = [layer.self_attn.o_proj for layer in language_model.model.layers]

    def _hook(self, index: int):
        def add_bias(_module, _inputs, output):
            biases = getattr(self._active, "biases", None)
            if biases is None:
                return None
            attended, *rest = output
            return (attended + biases[index], *rest)

        return add_bias

    def feature(self, embedding: Tensor) -> Tensor:
        """(B, joint_dim) → (B, D), the visual feature before the prefixes."""
        return self.bind_network(embedding)

    def biases(self, embedding: Tensor) -> list[Tensor]:
        """(B, joint_dim) → one (B, 1, D) per layer, equation (1)."""
        return self.biases_of_feature(self.feature(embedding))

    def biases_of_feature(self, feature: Tensor) -> list[Tensor]:
        """(B, D) → one (B, 1, D) per layer."""
        heads = self.gates.shape[1]
        tokens = feature[:, None] + self.prefix_query  # (B, L, D)
        values = torch.einsum("bld,lvd->blv", tokens, self.value_weight)
        values = values.unflatten(-1, (-1, self._head_dim))  # (B, L, kv_heads, head_dim)
        values = values.repeat_interleave(heads // values.shape[2], dim=2)  # grouped-query attention
        gated = (values * torch.tanh(self.gates)[..., None]).flatten(2)  # (B, L, H * head_dim)
        biases = []
        for index, output in enumerate(self._outputs):
            contribution = output(gated[:, index])
            bias = getattr(output, "bias", None)
            if bias is not None:  # the attention's own pass through W_o adds it already
                contribution = contribution - bias
            biases.append(contribution[:, None].to(feature.dtype))
        return biases

    @contextmanager
    def injected(self, biases: list[Tensor] | None) -> Iterator[None]:
        """Forward passes of this thread inside the block add `biases` (None: the plain language model)."""
        self._active.biases = biases
        try:
            yield
        finally:
            self._active.biases = None
