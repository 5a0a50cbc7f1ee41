"""Gated injection of the visual feature into every layer of a LLaMA.

The adapter adds one visual token to each attention layer, behind a per-head gate that starts at zero (LLaMA-Adapter;
ImageBind-LLM, arXiv 2309.03905). A softmax over one token is 1, so its contribution in layer l,

    c_l = W_o (tanh(gate_l) * W_v (bind(x) + prefix_l)),                                                    (1)

is the same for every position: a bias (B, 1, D) that is computed once per answer and added to the attention's output
by a forward hook. W_v is the base projection (no LoRA, no bias); the LoRA of W_o does apply to it. Both are called as
modules: layers may lie on several devices, be offloaded, or hold quantised weights.

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
        """Hook the attention layers of a `LlamaForCausalLM` and remember its value and output projections."""
        attentions = [layer.self_attn for layer in language_model.model.layers]
        self._find_projections(attentions)
        self._head_dim = attentions[0].head_dim
        for index, attention in enumerate(attentions):
            attention.register_forward_hook(self._hook(index))

    def _find_projections(self, attentions: list[nn.Module]) -> None:
        self._outputs = [attention.o_proj for attention in attentions]  # lists: not registered as our own modules
        self._values = [getattr(attention.v_proj, "base_layer", attention.v_proj) for attention in attentions]

    def forget_lora(self, language_model: nn.Module, value_lora: list[tuple[Tensor, Tensor]]) -> None:
        """LoRA has been merged into the projections: point to them again, and take that of W_v out of equation (1).

        value_lora: a layer's two factors (rank, D) and (kv_heads * head_dim, rank), the scale within; [] for none.
        """
        self._find_projections([layer.self_attn for layer in language_model.model.layers])
        if value_lora:
            inner, outer = (torch.stack(factors) for factors in zip(*value_lora, strict=True))
            self.register_buffer("value_lora_inner", inner, persistent=False)  # (L, rank, D)
            self.register_buffer("value_lora_outer", outer, persistent=False)  # (L, kv_heads * head_dim, rank)

    def _base_value(self, index: int, token: Tensor) -> Tensor:
        """W_v of a layer without LoRA and bias: (B, D) → (B, kv_heads * head_dim), on the layer's device."""
        value = without_bias(self._values[index], token)
        if hasattr(self, "value_lora_inner"):
            value = value - (token @ self.value_lora_inner[index].T @ self.value_lora_outer[index].T).to(value)
        return value

    def _hook(self, index: int):
        def add_bias(_module, _inputs, output):
            biases = self.active_biases
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
        """(B, D) → one (B, 1, D) per layer, each on its layer's device."""
        heads = self.gates.shape[1]
        tokens = feature[:, None] + self.prefix_query  # (B, L, D)
        biases = []
        for index, output in enumerate(self._outputs):
            value = self._base_value(index, tokens[:, index]).unflatten(-1, (-1, self._head_dim))
            value = value.repeat_interleave(heads // value.shape[1], dim=1)  # grouped-query attention: (B, H, head_dim)
            gate = torch.tanh(self.gates[index]).to(value)
            # without its bias, which the attention's own pass through W_o adds already
            contribution = without_bias(output, (value * gate[:, None]).flatten(1))
            biases.append(contribution[:, None].to(feature.dtype))
        return biases

    @contextmanager
    def injected(self, biases: list[Tensor] | None) -> Iterator[None]:
        """Forward passes of this thread inside the block add `biases` (None: the plain language model)."""
        before = self.active_biases
        self._active.biases = biases
        try:
            yield
        finally:
            self._active.biases = before

    @property
    def active_biases(self) -> list[Tensor] | None:
        """What this thread's forward passes add now."""
        return getattr(self._active, "biases", None)


def without_bias(linear: nn.Module, x: Tensor) -> Tensor:
    """W x of a linear module, (B, D) → (B, E). Its bias may be offloaded: what it gives for zeros is taken off."""
    weight = linear._parameters.get("weight")  # None: packed, on the CPU
    if weight is not None and not weight.is_meta:  # of an offloaded module, which moves its inputs itself
        x = x.to(weight.device)
    if getattr(linear, "bias", None) is None:
        return linear(x)
    whole, bias = linear(torch.cat([x, torch.zeros_like(x)])).chunk(2)
    return whole - bias
