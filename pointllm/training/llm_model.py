"""The language model of `train llm`: losses of a step's batches, and batched greedy answers for evaluation.

With the injection at the answer's positions only, a group's question is read once for all its objects and its keys
and values are repeated; with it at all positions every object reads the question itself.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from pointllm.llm.adapters import AdaptedLlama, AdapterConfig

KEPT_PROMPTS = 300


class LlmModel(AdaptedLlama):
    """An `AdaptedLlama` that computes losses. While only the injection is trained, prompts' keys are kept."""

    undecayed = ("bind_network.project",)

    def __init__(self, llama: nn.Module, config: AdapterConfig):
        super().__init__(llama, config)
        added = {id(value) for value in self.stage_parameters(2).values()}
        for value in self.parameters():
            if id(value) in added and value.dtype != torch.float32:
                value.data = value.data.float()  # what is trained is kept in full precision
        self.trainable_names = {name for name, value in self.named_parameters() if id(value) in added}
        self.stage = 1
        self.checkpointing = False
        self._kept: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = {}

    def set_stage(self, stage: int) -> None:
        """1: gradients for bind network, prefixes and gates; 2: for LoRA, norms and biases as well."""
        self.stage = stage
        active = {id(value) for value in self.stage_parameters(stage).values()}
        for value in self.parameters():
            value.requires_grad_(id(value) in active)
        self._kept.clear()

    def save_memory(self) -> None:
        """Gradient checkpointing, a layer at a time; every object then reads the question itself."""
        self.checkpointing = True
        for layer in self.llama.model.layers:
            layer.forward = partial(self._checkpointed, layer.forward)

    def _checkpointed(self, forward, *args, **kwargs):
        # The layer is computed again in the backward pass, perhaps in another thread: it must find the same biases.
        biases = self.injection.active_biases

        def run(*args, **kwargs):
            with self.injection.injected(biases):
                return forward(*args, **kwargs)

        if not torch.is_grad_enabled():
            return forward(*args, **kwargs)
        return checkpoint(run, *args, use_reentrant=False, **kwargs)

    def forward(self, groups: list[list[dict]]) -> dict[str, tuple[float, Tensor]]:
        """kind → (weight, mean cross-entropy of an answer's token), for a step's groups of batches of `BatchMaker`."""
        total = sum(batches[0]["weight"] for batches in groups)
        found: dict[str, tuple[float, Tensor]] = {}
        for batches in groups:
            losses, counts = zip(*(self.loss(batch) for batch in batches), strict=True)
            loss, weight, kind = sum(losses) / sum(counts), batches[0]["weight"] / total, batches[0]["kind"]
            if kind in found:
                before, other = found[kind]
                loss, weight = (before * other + weight * loss) / (before + weight), before + weight
            found[kind] = (weight, loss)
        return found

    def loss(self, batch: dict) -> tuple[Tensor, int]:
        """Sum of the cross-entropy over the answers' tokens, and their number; the head runs at those only."""
        hidden = self._hidden(batch)
        asked = batch["targets"] != -100
        logits = self.llama.lm_head(hidden[asked])
        return F.cross_entropy(logits.float(), batch["targets"][asked], reduction="sum"), int(asked.sum())

    def _prompt_cache(self, prompt: Tensor, rows: int):
        """A cache that holds `prompt` (P,) for so many rows."""
        from transformers import DynamicCache

        keep = self.training and self.stage == 1 and torch.is_grad_enabled()
        key = tuple(prompt.tolist())
        stored = self._kept.get(key) if keep else None
        if stored is None:
            cache = DynamicCache(config=self.llama.config)
            with torch.set_grad_enabled(not keep and torch.is_grad_enabled()):
                self.llama.model(prompt[None], past_key_values=cache)
            stored = [(layer.keys, layer.values) for layer in cache.layers]
            if keep:
                if len(self._kept) > KEPT_PROMPTS:
                    self._kept.clear()
                self._kept[key] = stored
        cache = DynamicCache(config=self.llama.config)
        for index, (keys, values) in enumerate(stored):
            cache.update(keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1), index)
        return cache

    def _hidden(self, batch: dict) -> Tensor:
        """(B, T, hidden) at the positions of the targets."""
        if "whole" in batch:
            return self._hidden_of_whole(batch)
        prompt, tail, embeddings = batch["prompt"], batch["tail"], batch["embeddings"]
        biases = None if embeddings is None else self.injection.biases(embeddings)
        rows, length = tail.shape
        at_answers = self.injection.positions == "answer"
        if at_answers and not self.checkpointing and len(prompt) > 1:
            cache = self._prompt_cache(prompt[:-1], rows)
            with self.injection.injected(biases):
                return self.llama.model(tail, past_key_values=cache).last_hidden_state
        whole = torch.cat([prompt[:-1].expand(rows, -1), tail], dim=1)
        if at_answers and biases is not None:
            where = torch.arange(whole.shape[1], device=whole.device) >= len(prompt) - 1
            biases = [bias * where[None, :, None] for bias in biases]  # (B, P - 1 + T, D)
        with self.injection.injected(biases):
            return self.llama.model(whole, use_cache=False).last_hidden_state[:, -length:]

    def _hidden_of_whole(self, batch: dict) -> Tensor:
        """(B, T, hidden) of rows padded on the right, which no earlier position attends to."""
        biases = self.injection.biases(batch["embeddings"])
        if self.injection.positions == "answer":
            places = torch.arange(batch["whole"].shape[1], device=batch["whole"].device)
            where = (places >= batch["begins"][:, None])[..., None]  # (B, T, 1)
            biases = [bias * where for bias in biases]
        with self.injection.injected(biases):
            return self.llama.model(batch["whole"], use_cache=False).last_hidden_state

    @torch.no_grad()
    def answers(self, prompt: Tensor, embeddings: Tensor, end: int, max_tokens: int = 16) -> list[list[int]]:
        """Greedy answers (token ids without the end mark) to one prompt (P,) about embeddings (B, D)."""
        injection = self.injection
        rows = len(embeddings)
        biases = injection.biases(embeddings)
        everywhere = injection.positions == "all"
        if everywhere:
            from transformers import DynamicCache

            cache = DynamicCache(config=self.llama.config)
        else:
            cache = self._prompt_cache(prompt[:-1], rows)
        tokens = prompt.expand(rows, -1) if everywhere else prompt[-1:].expand(rows, 1)
        done = torch.zeros(rows, dtype=torch.bool, device=embeddings.device)
        out: list[list[int]] = [[] for _ in range(rows)]
        for _ in range(max_tokens):
            with injection.injected(biases):
                hidden = self.llama.model(tokens, past_key_values=cache).last_hidden_state[:, -1]
            tokens = self.llama.lm_head(hidden).argmax(-1, keepdim=True)
            done |= tokens[:, 0] == end
            if done.all():
                break
            for row in (~done).nonzero().flatten().tolist():
                out[row].append(int(tokens[row, 0]))
        return out
