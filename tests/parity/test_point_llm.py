"""The published Point-LLM, converted to transformers, peft and our injection, equals the original implementation."""

import pytest
import torch
from torch.nn import functional as F

from pointllm.llm.generation import Sampling, generate
from pointllm.llm.meta_checkpoint import load_meta_llama, load_published_adapter
from pointllm.llm.prompts import alpaca_prompt
from pointllm.llm.tokens import SentencePieceTokenizer
from pointllm.llm.visual_cache import FaissIndex, Keys, VisualCache

ADAPTERS = ("layernorm", "rmsnorm")
INSTRUCTIONS = {
    "plain": ("What is this object?",),
    "with_input": ("Describe the object", "a red chair"),
    "long": ("describe what color the object is and how many legs it has",),
}


@pytest.fixture(scope="module")
def facts(parity):
    return parity.json("point_llm/point_llm.json")


@pytest.fixture(scope="module")
def recorded(parity):
    return parity.tensors("point_llm/io.safetensors")


@pytest.fixture(scope="module", params=ADAPTERS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def model(parity, kind):
    folder = parity.path("point_llm/llama/tiny/params.json").parent
    parity.path("point_llm/llama/tiny/consolidated.00.pth")
    return load_published_adapter(parity.path(f"point_llm/adapter_{kind}.pth"), load_meta_llama(folder))


@pytest.fixture(scope="module")
def cache(parity, facts):
    index = FaissIndex(parity.path("point_llm/knn.index"))
    sizes = facts["cache"]
    return VisualCache([Keys(index, sizes["size"], sizes["weight"], sizes["temperature"])])


@pytest.fixture(scope="module")
def mixed(facts, recorded):
    """The weighted mean of the inputs' unit embeddings, which is no unit vector itself."""
    weights = facts["weights"]
    total = sum(weights.values()) + 1e-6
    units = {name: F.normalize(recorded[f"embedding.{name.lower()}"], dim=-1) for name in weights}
    return sum(weight / total * units[name] for name, weight in weights.items())


@torch.inference_mode()
def logits_of(model, ids, biases):
    with model.injection.injected(biases):
        return model.llama(ids).logits


def assert_close(got, wanted, tolerance):
    assert got.shape == wanted.shape
    assert float((got - wanted).abs().max()) <= tolerance


def test_prompts_and_their_ids_are_the_originals(parity, facts, recorded):
    tokenizer = SentencePieceTokenizer(parity.path("point_llm/llama/tokenizer.model"))
    for name, text in facts["prompts"].items():
        assert alpaca_prompt(*INSTRUCTIONS[name]) == text
        key = f"prompt_ids.{name}"
        if key in recorded:
            assert tokenizer.encode(text) == recorded[key][0].tolist()


def test_the_visual_feature_is_the_original_with_and_without_cache(model, kind, cache, mixed, recorded):
    with torch.inference_mode():
        without = model.injection.feature(mixed)
        with_cache = model.injection.feature(cache(mixed))
    assert_close(without.flatten(), recorded[f"{kind}.visual_cache_off"].flatten(), 1e-5)
    assert_close(with_cache.flatten(), recorded[f"{kind}.visual_cache_on"].flatten(), 1e-5)


@pytest.mark.parametrize("merged", [False, True], ids=["lora", "merged"])
def test_logits_and_greedy_answer_are_the_originals(parity, kind, merged, cache, mixed, recorded, facts):
    folder = parity.path("point_llm/llama/tiny/params.json").parent
    model = load_published_adapter(parity.path(f"point_llm/adapter_{kind}.pth"), load_meta_llama(folder))
    if merged:
        model.merge()
    with torch.inference_mode():
        biases = model.injection.biases(cache(mixed))
    ids = recorded["prompt_ids.plain"]
    assert_close(logits_of(model, ids, biases), recorded[f"{kind}.logits"], facts["tolerance"])
    wanted = recorded[f"{kind}.greedy_ids"][0].tolist()
    got = generate(model.llama, ids[0].tolist(), -1, Sampling(max_tokens=len(wanted)), model.injection, biases)
    assert list(got) == wanted


def test_the_loss_is_the_original(model, kind, mixed, recorded, facts):
    ids = recorded["prompt_ids.plain"]
    labels = ids.clone()
    labels[:, : ids.shape[1] // 2] = 0  # 0 is ignored, as in the original
    with torch.inference_mode():
        biases = model.injection.biases(mixed)
    logits = logits_of(model, ids, biases)
    loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=0)
    assert_close(loss[None], recorded[f"{kind}.loss"], facts["tolerance"])
