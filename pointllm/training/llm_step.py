"""One training step of the language model's adapters, and batched greedy answers for evaluation.

With the injection at the answer's positions only, a group's question is read once for all its objects and its keys
and values are repeated; with it at all positions every object reads the question itself.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from pointllm.llm.adapters import AdaptedLlama
from pointllm.training.llm_data import Batch


class StepComputer:
    """Losses and answers of an `AdaptedLlama`. While only the injection is trained, prompts' keys can be kept."""

    def __init__(self, model: AdaptedLlama):
        self.model = model
        self._kept: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = {}

    def _prompt_cache(self, prompt: Tensor, batch: int, keep: bool):
        """A cache that holds `prompt` (P,) for `batch` rows."""
        from transformers import DynamicCache

        key = tuple(prompt.tolist())
        stored = self._kept.get(key) if keep else None
        if stored is None:
            cache = DynamicCache(config=self.model.llama.config)
            with torch.set_grad_enabled(not keep and torch.is_grad_enabled()):
                self.model.llama.model(prompt[None], past_key_values=cache)
            stored = [(layer.keys, layer.values) for layer in cache.layers]
            if keep:
                if len(self._kept) > 300:
                    self._kept.clear()
                self._kept[key] = stored
        cache = DynamicCache(config=self.model.llama.config)
        for index, (keys, values) in enumerate(stored):
            cache.update(keys.expand(batch, -1, -1, -1), values.expand(batch, -1, -1, -1), index)
        return cache

    def _hidden(self, batch: Batch, keep_prompts: bool) -> Tensor:
        """(B, T, hidden) at the tail's positions."""
        injection = self.model.injection
        biases = injection.biases(batch.embeddings)
        rows, length = batch.tail.shape
        if injection.positions == "answer":
            cache = self._prompt_cache(batch.prompt[:-1], rows, keep_prompts)
            with injection.injected(biases):
                return self.model.llama.model(batch.tail, past_key_values=cache).last_hidden_state
        whole = torch.cat([batch.prompt[:-1].expand(rows, -1), batch.tail], dim=1)
        with injection.injected(biases):
            return self.model.llama.model(whole, use_cache=False).last_hidden_state[:, -length:]

    def loss(self, batch: Batch, keep_prompts: bool) -> tuple[Tensor, int]:
        """Sum of the cross-entropy over the answers' tokens, and their number; the head runs at those only."""
        hidden = self._hidden(batch, keep_prompts)
        asked = batch.targets != -100
        logits = self.model.llama.lm_head(hidden[asked])
        return F.cross_entropy(logits, batch.targets[asked], reduction="sum"), int(asked.sum())

    @torch.no_grad()
    def answers(self, prompt: Tensor, embeddings: Tensor, end: int, max_tokens: int = 16) -> list[list[int]]:
        """Greedy answers (token ids without the end mark) to one prompt (P,) about embeddings (B, D)."""
        injection = self.model.injection
        rows = len(embeddings)
        biases = injection.biases(embeddings)
        everywhere = injection.positions == "all"
        if everywhere:
            from transformers import DynamicCache

            cache = DynamicCache(config=self.model.llama.config)
        else:
            cache = self._prompt_cache(prompt[:-1], rows, keep=False)
        tokens = prompt.expand(rows, -1) if everywhere else prompt[-1:].expand(rows, 1)
        done = torch.zeros(rows, dtype=torch.bool)
        out: list[list[int]] = [[] for _ in range(rows)]
        for _ in range(max_tokens):
            with injection.injected(biases):
                hidden = self.model.llama.model(tokens, past_key_values=cache).last_hidden_state[:, -1]
            tokens = self.model.llama.lm_head(hidden).argmax(-1, keepdim=True)
            done |= tokens[:, 0] == end
            if done.all():
                break
            for row in (~done).nonzero().flatten().tolist():
                out[row].append(int(tokens[row, 0]))
        return out
