"""8- and 4-bit weights by bitsandbytes: the base is quantised, LoRA stays beside it, answers come near.

bitsandbytes is no requirement; where it is installed, its kernels for the CPU run this. A card is not needed.
"""

from dataclasses import asdict

import pytest
import torch
from safetensors.torch import save_file

pytest.importorskip("bitsandbytes")

from pointllm.llm.adapters import AdaptedLlama, AdapterConfig
from pointllm.llm.bind_network import BindNetworkConfig
from pointllm.llm.generation import Sampling, generate
from pointllm.llm.loading import load_adapted
from pointllm.llm.placement import Plan

BIASED = ("q_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
CONFIG = AdapterConfig(BindNetworkConfig(16, 256, 128), lora_rank=4, lora_alpha=4.0, biased=BIASED, norms=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("llm")
    torch.manual_seed(0)
    llama = LlamaForCausalLM(LlamaConfig(
        vocab_size=320, hidden_size=256, intermediate_size=512, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=256, tie_word_embeddings=False))
    llama.save_pretrained(folder / "base")
    whole = AdaptedLlama(llama.eval(), CONFIG)
    with torch.no_grad():
        for value in whole.stage_parameters(2).values():
            value += 0.05 * torch.randn_like(value)
    save_file({name: value.contiguous() for name, value in whole.adapter_state().items()},
              folder / "adapters.safetensors")
    return folder


def load(folder, precision, monkeypatch):
    monkeypatch.setattr("pointllm.llm.loading.place", lambda *_: Plan("cpu", precision, "cpu", torch.float32))
    return load_adapted(folder / "base", folder, {"adapters": asdict(CONFIG)})


def logits(model, dtype):
    embedding = torch.nn.functional.normalize(torch.randn(1, 16, generator=torch.Generator().manual_seed(3)), dim=-1)
    with torch.inference_mode():
        biases = model.injection.biases(embedding.to(dtype))
        with model.injection.injected(biases):
            return model.llama(torch.tensor([[1, 2, 3, 4, 5]])).logits.float()


@pytest.mark.parametrize(("precision", "error"), [("int8", 0.05), ("int4", 0.25)])
def test_a_quantised_model_comes_near_and_keeps_lora_apart(folder, precision, error, monkeypatch):
    exact = logits(load(folder, "fp32", monkeypatch)[0], torch.float32)
    model, plan = load(folder, precision, monkeypatch)
    projection = model.llama.model.layers[0].self_attn.q_proj
    assert not projection.base_layer.weight.is_floating_point() and projection.lora_A is not None
    found = logits(model, plan.dtype)
    assert float((found - exact).norm() / exact.norm()) < error
    assert len(list(generate(model.llama, [1, 2, 3], -1, Sampling(max_tokens=3), None, None))) == 3
