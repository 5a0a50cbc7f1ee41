"""A model divided over cards that are not here: PyTorch's fake tensors know their device and refuse to mix two.

No number is computed; what is shown is that every tensor is where the layer is that works on it, from loading through
the visual biases to the logits.
"""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_official import DIM, write_language_model
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode

from pointllm.devices import Gpu, Machine
from pointllm.llm.loading import load_adapted
from pointllm.llm.placement import Request
from pointllm.profiles import read_config
from pointllm.tensor_folder import TensorFolder

MUCH = 10**9


class WithoutCuda(TorchFunctionMode):
    """Indexing and `contiguous` through other operators: a build without CUDA can't do these even for fake tensors."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.Tensor.contiguous:
            return torch.ops.aten.clone.default(args[0], memory_format=torch.contiguous_format)
        if func is not torch.Tensor.__getitem__:
            return func(*args, **(kwargs or {}))
        value, index = args
        index = list(index) if isinstance(index, tuple) else [index]
        if Ellipsis in index:
            at = index.index(Ellipsis)
            index[at : at + 1] = [slice(None)] * (value.ndim - sum(i is not None for i in index) + 1)
        dim = 0
        for part in index:
            if isinstance(part, int):
                value = value.select(dim, part)
                continue
            if part is None:
                value = value.unsqueeze(dim)
            else:
                value = torch.ops.aten.slice.Tensor(value, dim, *part.indices(value.shape[dim]))
            dim += 1
        return value


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "llm"
    write_language_model(folder)
    base = folder / "base"  # LLaMA's output weights are its own; fake ones that are shared can't be told apart
    state = load_file(base / "model.safetensors")
    save_file(state | {"lm_head.weight": state["model.embed_tokens.weight"].clone()}, base / "model.safetensors")
    config = json.loads((base / "config.json").read_text()) | {"tie_word_embeddings": False}
    (base / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr(TensorFolder, "__getitem__", lambda self, name: torch.empty(self.shape(name)))
    monkeypatch.setattr("pointllm.llm.placement.CARD_ALLOWANCE", 0)
    monkeypatch.setattr("pointllm.llm.placement.SAFE", 1.0)
    return folder


def run(folder, request, *cards):
    """Load on such cards and ask; gives the model, its biases and its logits."""
    machine = Machine(tuple(Gpu(f"cuda:{i}", MUCH, size) for i, size in enumerate(cards)), 4 * MUCH, 4 * MUCH)
    with WithoutCuda(), FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        model, plan = load_adapted(folder / "base", folder, read_config(folder), request, machine)
        biases = model.injection.biases(torch.empty(1, DIM, device=plan.device, dtype=plan.dtype))
        with model.injection.injected(biases):
            logits = model.llama(torch.empty(1, 3, dtype=torch.int64, device=plan.device)).logits
    return model, biases, logits


def test_every_layer_gets_its_bias_on_its_own_card(folder):
    block = 4 * (2 * 24 * 24 + 2 * 8 * 24 + 3 * 24 * 40)
    embedding = 4 * 300 * 24
    model, biases, logits = run(folder, Request("split", "fp32"), 2 * embedding + int(1.5 * block), MUCH)
    places = {name: str(place) for name, place in model.llama.hf_device_map.items()}
    assert places["model.embed_tokens"] == "cuda:0" and set(places.values()) == {"cuda:0", "cuda:1"}
    layers = [str(layer.self_attn.q_proj.weight.device) for layer in model.llama.model.layers]
    assert layers[0] == "cuda:0" and layers[-1] == "cuda:1"
    assert [str(bias.device) for bias in biases] == layers
    assert logits.shape == (1, 3, 300)


def test_one_card_holds_everything_without_hooks(folder):
    model, biases, logits = run(folder, Request("cuda:0", "bf16"), MUCH)
    assert {str(value.device) for value in model.parameters()} == {"cuda:0"}
    assert {value.dtype for value in model.parameters()} == {torch.bfloat16}
    assert not hasattr(model.llama, "hf_device_map")
    assert logits.device == biases[0].device == torch.device("cuda:0")
