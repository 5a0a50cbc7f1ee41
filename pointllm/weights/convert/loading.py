"""Published files straight into memory, by the plans that conversion writes to disk: for tests and comparisons.

A profile is loaded from its converted folder; nothing in the app reads published files.
"""

from __future__ import annotations

from pathlib import Path

import torch

from pointllm.errors import WeightsError
from pointllm.llm.adapters import AdaptedLlama, AdapterConfig
from pointllm.weights.convert.adapter import plan_adapter
from pointllm.weights.convert.llama import meta_tensors
from pointllm.weights.convert.recognise import EXPECTED, recognise


def load_meta_llama(folder: Path, dtype: torch.dtype = torch.float32):
    """A frozen LlamaForCausalLM from a folder with params.json and consolidated.*.pth (one shard or several)."""
    from transformers import LlamaForCausalLM

    found = _only(folder, "meta_llama")
    tensors, config = meta_tensors(found.path, found.tables, dtype)
    with torch.device("meta"):  # no memory for numbers that are replaced at once
        llama = LlamaForCausalLM(config)
    llama.load_state_dict({tensor.name: tensor.read().to(dtype) for tensor in tensors}, assign=True)
    # the rotary frequencies are computed, not stored, and were made without memory above
    llama.model.rotary_emb = type(llama.model.rotary_emb)(config)
    return llama.eval().requires_grad_(False)


def load_published_adapter(file: Path, llama) -> AdaptedLlama:
    """`llama` (in the layout of `transformers`) with the adapters of `7B.pth`, `7B-beta.pth` or the like, unmerged."""
    part = plan_adapter(_only(file, "adapter").table)
    adapted = AdaptedLlama(llama, AdapterConfig.from_dict(part.config["adapters"]))
    adapted.load_adapter_state({tensor.name: tensor.read() for tensor in part.tensors}, Path(file).name)
    return adapted


def _only(path: Path, kind: str):
    found = recognise(Path(path))
    if len(found) != 1 or found[0].kind != kind:
        raise WeightsError(f"{path}: expected {EXPECTED[kind]}")
    return found[0]
