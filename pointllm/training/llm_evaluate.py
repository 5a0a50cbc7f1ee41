"""Naming accuracy of the language model on embeddings: does the answer contain the label or a synonym?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from pointllm.training.llm_step import StepComputer


def names_object(answer: str, names: Iterable[str]) -> bool:
    """Whether a name, or its plural by -s or -es, stands in the answer as a word of its own."""
    lowered = answer.lower()
    return any(re.search(rf"(?<![a-z]){re.escape(name.lower())}(?:s|es)?(?![a-z])", lowered) for name in names)


def accepted_names(labels: Mapping[str, Mapping], right: Iterable[str]) -> set[str]:
    """The labels in `right` and all their synonyms."""
    return {name for label in right for name in (label, *labels.get(label, {}).get("synonyms", ()))}


def answer_all(computer: StepComputer, tokenizer, prompt: str, embeddings: Tensor, batch: int = 64,
               max_tokens: int = 16) -> list[str]:
    """Greedy answers to `prompt` (the whole text) about each of the embeddings (N, D)."""
    ids = torch.tensor(tokenizer(prompt, add_special_tokens=False).input_ids)
    answers: list[str] = []
    for part in embeddings.split(batch):
        answers += [tokenizer.decode(a) for a in computer.answers(ids, part, tokenizer.eos_token_id, max_tokens)]
    return answers


def naming_accuracy(answers: Sequence[str], right: Sequence[Iterable[str]], labels: Mapping[str, Mapping]) -> float:
    """Share of answers that name their object, in percent."""
    hits = [names_object(a, accepted_names(labels, names)) for a, names in zip(answers, right, strict=True)]
    return 100 * sum(hits) / max(len(hits), 1)
