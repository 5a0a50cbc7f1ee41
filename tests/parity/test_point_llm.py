"""The published Point-LLM, in transformers' layout with our injection, equals the original implementation."""

import re

import pytest
import torch
from torch.nn import functional as F

from pointllm.llm.generation import Sampling, generate
from pointllm.llm.model import MIXTURE_EPSILON, mixing_shares
from pointllm.llm.prompts import alpaca_conversation, alpaca_prompt
from pointllm.llm.tokens import SentencePieceTokenizer
from pointllm.llm.visual_cache import FaissIndex, Keys, VisualCache
from pointllm.weights.convert import load_meta_llama, load_published_adapter

PROMPT = re.compile(r"### Instruction:\n(?P<instruction>.*?)(\n\n### Input:\n(?P<input>.*?))?\n\n### Response:$", re.S)
LOGITS_TOLERANCE = 1e-4
FEATURE_TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def facts(parity):
    return parity.json("point_llm/point_llm.json")


@pytest.fixture(scope="module")
def recorded(parity):
    return parity.tensors("point_llm/io.safetensors")


@pytest.fixture(scope="module")
def adapter(parity, kind):
    return parity.path(f"point_llm/adapter_{kind}.pth")


@pytest.fixture(scope="module")
def model(parity, adapter):
    return load_published_adapter(adapter, load_meta_llama(parity.llama()))


@pytest.fixture(scope="module")
def cache(parity, facts):
    index = FaissIndex(parity.path("point_llm/knn.index"))
    sizes = facts["cache"]
    return VisualCache([Keys(index, sizes["size"], sizes["weight"], sizes["temperature"])])


@pytest.fixture(scope="module")
def mixed(facts, recorded):
    """The weighted mean of the inputs' unit embeddings, which is no unit vector itself. (B, D)"""
    weights = facts["weights"]
    shares = mixing_shares(list(weights.values()), len(weights), MIXTURE_EPSILON)
    units = [F.normalize(recorded[f"embedding.{name.lower()}"], dim=-1) for name in weights]
    return sum(share * unit for share, unit in zip(shares, units, strict=True))


@torch.inference_mode()
def logits_of(model, ids, biases):
    with model.injection.injected(biases):
        return model.llama(ids).logits


def assert_close(got, wanted, tolerance):
    assert got.shape == wanted.shape
    assert float((got - wanted).abs().max()) <= tolerance


def greedy(model, ids, biases, wanted):
    """Our greedy answer for every row of ids, as long as the recorded one."""
    found = []
    for row, prompt in enumerate(ids.tolist()):
        own = [bias[row : row + 1] if len(bias) > 1 else bias for bias in biases]
        sampling = Sampling(max_tokens=wanted.shape[1])
        found.append(list(generate(model.llama, prompt, -1, sampling, model.injection, own)))
    return found


def test_every_adapter_has_recorded_outputs(parity, recorded):
    kinds = {key.split(".")[0] for key in recorded if key.endswith(".logits")}
    assert kinds == set(parity.adapters())


def test_prompts_and_their_ids_are_the_originals(parity, facts, recorded):
    tokenizer = SentencePieceTokenizer(parity.path("point_llm/llama/tokenizer.model"))
    assert facts["prompts"]
    for name, text in facts["prompts"].items():
        parts = PROMPT.search(text)
        assert alpaca_prompt(parts["instruction"], parts["input"]) == text
        if parts["input"] is None:
            assert alpaca_conversation(parts["instruction"]) == text
        if f"prompt_ids.{name}" in recorded:
            assert tokenizer.encode(text) == recorded[f"prompt_ids.{name}"][0].tolist()
    assert {key for key in recorded if key.startswith("prompt_ids.")} <= {f"prompt_ids.{n}" for n in facts["prompts"]}


def test_the_visual_feature_is_the_original_with_and_without_cache(model, kind, cache, mixed, recorded):
    with torch.inference_mode():
        without = model.injection.feature(mixed)
        with_cache = model.injection.feature(cache(mixed))
    assert_close(without.flatten(), recorded[f"{kind}.visual_cache_off"].flatten(), FEATURE_TOLERANCE)
    assert_close(with_cache.flatten(), recorded[f"{kind}.visual_cache_on"].flatten(), FEATURE_TOLERANCE)


@pytest.mark.parametrize("merged", [False, True], ids=["lora", "merged"])
def test_logits_and_greedy_answer_are_the_originals(parity, kind, adapter, merged, cache, mixed, recorded):
    model = load_published_adapter(adapter, load_meta_llama(parity.llama()))
    if merged:
        model.merge()
    with torch.inference_mode():
        biases = model.injection.biases(cache(mixed))
    ids = recorded["prompt_ids.plain"]
    assert_close(logits_of(model, ids, biases), recorded[f"{kind}.logits"], LOGITS_TOLERANCE)
    wanted = recorded[f"{kind}.greedy_ids"]
    assert greedy(model, ids, biases, wanted) == wanted.tolist()


def test_the_loss_is_the_original(model, kind, mixed, recorded):
    ids = recorded["prompt_ids.plain"]
    labels = ids.clone()
    labels[:, : ids.shape[1] // 2] = 0  # 0 is ignored, as in the original
    with torch.inference_mode():
        biases = model.injection.biases(mixed)
    logits = logits_of(model, ids, biases)
    loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=0)
    assert_close(loss.flatten(), recorded[f"{kind}.loss"].flatten(), LOGITS_TOLERANCE)
