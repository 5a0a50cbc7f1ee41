"""How much memory a profile takes, by precision: counted on networks without memory, from their configs alone.

Weights, the cache of keys and values, the adapters, the towers, and an allowance for what a framework takes besides.
What is done with the figures is decided in `placement`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from pointllm.devices import QUANTISED

BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}
# A quantised weight and its share of the scales: int8 has one fp32 scale a row (next to nothing); 4-bit NormalFloat has
# one of 8 bits for 64 weights and fp32 ones for 256 of these (double quantisation).
QUANTISED_BYTES = {"int8": 1.0, "int4": 0.5 + 1 / 64 + 4 / (64 * 256)}
CARD_ALLOWANCE = 2**30  # a CUDA context, kernels, and the activations of a prompt
MAIN_ALLOWANCE = 2**29  # the interpreter and its libraries, and the activations of a prompt
TOKENS = 2048  # prompt and answer that room is made for, at most the model's own limit


@dataclass(frozen=True)
class Needs:
    """Numbers (not bytes) of a profile's parts.

    linear: weights of the linear layers inside the blocks, which can be quantised; rest: every other weight of the
    language model; injection: bind network, prefixes and gates; lora: factors, kept apart where the base is quantised;
    token: keys and values of one token; tokens: how many; tower, point: of ImageBind by modality, and of the point
    branch, which stays in fp32. layers: number of blocks. tied: weights that the embedding and the output share.
    """

    linear: int
    rest: int
    injection: int = 0
    lora: int = 0
    token: int = 0
    tokens: int = TOKENS
    tower: dict[str, int] = field(default_factory=dict)
    point: int = 0
    layers: int = 1
    tied: int = 0

    def language_model(self, precision: str) -> int:
        """Bytes of the language model with its adapters and its cache, without any allowance."""
        wide = BYTES["bf16" if precision in QUANTISED else precision]
        weights = self.linear * QUANTISED_BYTES.get(precision, wide)
        others = self.rest + self.injection + self.token * self.tokens + (self.lora if precision in QUANTISED else 0)
        return int(weights + others * wide)

    def beside_half(self) -> int:
        """Bytes that weights held in fp16 on a CPU take more than `language_model` says: keys and values stay in fp32,
        and a shared table is packed for the output beside that of the embedding (`half_weights`)."""
        return 2 * (self.token * self.tokens + self.tied)

    def towers(self, itemsize: int) -> int:
        """Bytes of all towers at `itemsize` bytes a number; they are loaded when first used."""
        return sum(self.tower.values()) * itemsize + self.point * 4

    def layer(self, precision: str) -> int:
        """Bytes of one block, the least that a card must hold at a time when the rest is offloaded."""
        return int(self.linear / max(self.layers, 1) * BYTES["bf16" if precision in QUANTISED else precision])


def count(module: nn.Module) -> int:
    """Numbers in a module's parameters and buffers; shared ones once."""
    return sum(t.numel() for t in module.parameters()) + sum(t.numel() for t in module.buffers())


def language_model_needs(llama: nn.Module, injection: nn.Module | None = None, lora_rank: int = 0,
                         lora_targets: tuple[str, ...] = (), tower: dict[str, int] | None = None,
                         point: int = 0) -> Needs:
    """Counts a LlamaForCausalLM, best built on the meta device, and what is added to it."""
    config = llama.config
    linears = {name: module for name, module in llama.model.layers.named_modules() if isinstance(module, nn.Linear)}
    linear = sum(module.weight.numel() for module in linears.values())
    lora = sum(lora_rank * (module.in_features + module.out_features) for name, module in linears.items()
               if name.rsplit(".", 1)[-1] in lora_targets)
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return Needs(
        linear=linear, rest=count(llama) - linear, injection=count(injection) if injection else 0, lora=lora,
        token=2 * config.num_hidden_layers * config.num_key_value_heads * head_dim,
        tokens=min(TOKENS, config.max_position_embeddings), tower=tower or {}, point=point,
        layers=config.num_hidden_layers,
        tied=llama.model.embed_tokens.weight.numel() if config.tie_word_embeddings else 0,
    )
