"""Writes an answer token by token: prefill, then one forward pass a token over a key-value cache.

The visual biases enter as `VisualInjection.positions` says. Nothing is held between two tokens but the cache, so a
caller that stops asking (closes the generator) frees everything at once. Knows token ids only, no text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pointllm.llm.injection import VisualInjection


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen. Temperature 0 is greedy. `no_repeat`: no run of so many tokens occurs twice
    in an answer (0: no such rule), which ends the loops that small models fall into."""

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 0.9
    seed: int = 0
    no_repeat: int = 0


def generate(llama, prompt: Sequence[int], end: int, sampling: Sampling, injection: VisualInjection | None = None,
             biases: list[Tensor] | None = None) -> Iterator[int]:
    """The answer's token ids, without `end`.

    Args:
        llama: a LlamaForCausalLM in eval mode.
        prompt: ids of the whole prompt.
        end: the id that ends the answer.
        injection, biases: the visual biases (1, 1, D) of every layer and the module that adds them; None for none.
    """
    from transformers import DynamicCache

    device = llama.device
    cache = DynamicCache(config=llama.config)
    randomness = torch.Generator().manual_seed(sampling.seed)
    tokens = torch.tensor([list(prompt)], device=device)
    if biases is not None and injection.positions == "answer" and len(prompt) > 1:
        with torch.inference_mode():
            llama.model(tokens[:, :-1], past_key_values=cache)
        tokens = tokens[:, -1:]
    written: list[int] = []
    while len(written) < sampling.max_tokens:
        logits = _next_logits(llama, tokens, cache, injection, biases)
        token = _choose(logits, _repeating(written, sampling.no_repeat), sampling, randomness)
        if token == end:
            return
        written.append(token)
        yield token
        tokens = torch.tensor([[token]], device=device)


@torch.inference_mode()
def _next_logits(llama, tokens: Tensor, cache, injection: VisualInjection | None, biases) -> Tensor:
    """(1, T) ids → (vocabulary,) float32 logits on the CPU for the token that follows them."""
    if biases is None:
        hidden = llama.model(tokens, past_key_values=cache).last_hidden_state
    else:
        with injection.injected(biases):
            hidden = llama.model(tokens, past_key_values=cache).last_hidden_state
    return llama.lm_head(hidden[:, -1])[0].float().cpu()


def _repeating(written: Sequence[int], length: int) -> set[int]:
    """Tokens that would complete a run of `length` tokens which stands in `written` already."""
    if length < 1 or len(written) < length:
        return set()
    recent = tuple(written[len(written) - length + 1 :])
    return {
        written[start + length - 1]
        for start in range(len(written) - length + 1)
        if tuple(written[start : start + length - 1]) == recent
    }


@torch.inference_mode()
def _choose(logits: Tensor, banned: set[int], sampling: Sampling, randomness: torch.Generator) -> int:
    logits[list(banned)] = -torch.inf
    if sampling.temperature <= 0:
        return int(logits.argmax())
    chances, tokens = torch.softmax(logits / sampling.temperature, dim=-1).sort(descending=True)
    kept = chances.cumsum(-1) - chances < sampling.top_p  # nucleus: the smallest set with at least top_p
    return int(tokens[torch.multinomial(chances * kept, 1, generator=randomness)])
