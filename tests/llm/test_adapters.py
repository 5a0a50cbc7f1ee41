"""Adapters are saved, loaded and merged without a change of the numbers; files that don't fit are told apart."""

import pytest
import torch
from tiny_models import randomised, tiny_adapted, tiny_config, tiny_llama

from pointllm.errors import WeightsError
from pointllm.llm.adapters import AdaptedLlama, AdapterConfig

IDS = torch.tensor([[1, 2, 3, 4, 5]])


def logits(model, embeddings):
    with torch.inference_mode():
        biases = model.injection.biases(embeddings[:1])
        with model.injection.injected(biases):
            return model.llama(IDS).logits


def test_merging_lora_changes_no_logit(embeddings):
    model = tiny_adapted()
    before = logits(model, embeddings)
    merged = model.merge()
    torch.testing.assert_close(logits(merged, embeddings), before, atol=1e-5, rtol=1e-4)
    assert not [name for name, _ in merged.llama.named_parameters() if "lora" in name]


def test_what_is_saved_brings_the_same_model_back(embeddings):
    model = tiny_adapted()
    other = AdaptedLlama(tiny_llama(), tiny_config())
    other.load_adapter_state(model.adapter_state(), "file")
    torch.testing.assert_close(logits(other, embeddings), logits(model, embeddings))


def test_stage_one_is_the_injection_and_stage_two_adds_lora_biases_and_norms():
    model = AdaptedLlama(tiny_llama(), tiny_config())
    first, second = model.stage_parameters(1), model.stage_parameters(2)
    assert all(name.startswith("injection.") for name in first)
    added = second.keys() - first.keys()
    kinds = {"lora" if ".lora_" in n else "bias" if n.endswith(".bias") else "norm" for n in added}
    assert kinds == {"lora", "bias", "norm"}
    assert not any("v_proj.bias" in name or "k_proj.bias" in name for name in added)


def test_every_added_number_changes_the_answer(embeddings):
    start = AdaptedLlama(tiny_llama(), tiny_config())
    assert not torch.allclose(logits(randomised(start), embeddings), tiny_llama()(IDS).logits)


@pytest.mark.parametrize("damage", ["missing", "surplus", "shape"])
def test_a_file_that_does_not_fit_is_named(damage):
    model = tiny_adapted()
    state = dict(model.adapter_state())
    if damage == "missing":
        state.pop("injection.gates")
    elif damage == "surplus":
        state["injection.more"] = torch.zeros(1)
    else:
        state["injection.gates"] = torch.zeros(2, 2)
    with pytest.raises(WeightsError, match="adapters.safetensors: injection"):
        model.load_adapter_state(state, "adapters.safetensors")


def test_a_config_with_unknown_keys_is_refused():
    with pytest.raises(WeightsError, match="adapters"):
        AdapterConfig.from_dict({"bind": {"joint_dim": 4}, "ranks": 3})
