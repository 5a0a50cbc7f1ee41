"""Writes an answer token by token: prefill, then one forward pass a token over a key-value cache.

The visual biases enter as `VisualInjection.positions` says. Nothing is held between two tokens but the cache, so a
caller that stops asking (closes the generator) frees everything at once. Knows token ids only, no text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pointllm.llm.fast_decoding import Decoding, fast_decoder
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
    biases = None if injection is None else biases
    late = biases is not None and injection.positions == "answer"  # from the last token of the prompt on
    decoder = fast_decoder(llama)
    text = _Cached(llama, injection) if decoder is None else _Rows(decoder.begin(len(prompt) + sampling.max_tokens))
    randomness = torch.Generator().manual_seed(sampling.seed)
    written: list[int] = []
    if late and len(prompt) > 1:
        text.read(prompt[:-1], None, wanted=False)
        logits = text.add(prompt[-1], biases)
    else:
        logits = text.read(prompt, biases)
    while True:
        token = _choose(logits, _repeating(written, sampling.no_repeat), sampling, randomness)
        if token == end:
            return
        written.append(token)
        yield token
        if len(written) == sampling.max_tokens:
            return
        logits = text.add(token, biases)


class _Rows:
    """A text by `fast_decoding`."""

    def __init__(self, text: Decoding):
        self._text = text
        self._late: list[np.ndarray] | None = None  # the biases as rows, once they are wanted

    def read(self, tokens: Sequence[int], biases: list[Tensor] | None, wanted: bool = True) -> Tensor | None:
        logits = self._text.read(tokens, biases, wanted)
        return torch.from_numpy(logits) if wanted else None

    def add(self, token: int, biases: list[Tensor] | None) -> Tensor:
        if biases is not None and self._late is None:
            self._late = [bias[0, 0].float().numpy() for bias in biases]
        return torch.from_numpy(self._text.step(token, self._late))


class _Cached:
    """A text by the model's own forward over a key-value cache: on any device, divided or quantised."""

    def __init__(self, llama, injection: VisualInjection | None):
        from transformers import DynamicCache

        self._llama, self._injection = llama, injection
        self._cache = DynamicCache(config=llama.config)
        # Parameters of a model divided over devices may lie nowhere; then it says where ids are to go.
        self._device = getattr(llama, "input_device", llama.device)

    @torch.inference_mode()
    def read(self, tokens: Sequence[int], biases: list[Tensor] | None, wanted: bool = True) -> Tensor | None:
        """Logits (vocabulary,) float32 on the CPU of the token after `tokens`, if they are wanted."""
        with nullcontext() if self._injection is None else self._injection.injected(biases):
            ids = torch.tensor([list(tokens)], device=self._device)
            hidden = self._llama.model(ids, past_key_values=self._cache).last_hidden_state
        return self._llama.lm_head(hidden[:, -1])[0].float().cpu() if wanted else None

    def add(self, token: int, biases: list[Tensor] | None) -> Tensor:
        return self.read([token], biases)


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
