"""Language models are loaded tensor by tensor, merged as exactly as the precision allows, on one device or several."""

import json
import os

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_official import DIM, write_language_model

from pointllm.devices import Machine
from pointllm.errors import InputError, WeightsError
from pointllm.llm.adapters import AdaptedLlama, AdapterConfig, load_llama
from pointllm.llm.loading import _empty_llama, _places, load_adapted, load_plain
from pointllm.llm.placement import Plan, Request
from pointllm.profiles import read_config

IDS = torch.tensor([[1, 2, 3, 4, 5]])
CPU = Request("cpu", "fp32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llm") / "llm"
    write_language_model(folder)
    return folder


def load(folder, request=CPU, machine=None):
    return load_adapted(folder / "base", folder, read_config(folder), request, machine)


def logits(model, dtype=torch.float32):
    embedding = torch.nn.functional.normalize(torch.randn(1, DIM, generator=torch.Generator().manual_seed(3)), dim=-1)
    with torch.inference_mode():
        biases = model.injection.biases(embedding.to(dtype))
        with model.injection.injected(biases):
            return model.llama(IDS).logits.float()


@pytest.fixture(scope="module")
def unmerged(folder):
    """The same model by the other way: all in memory, LoRA beside the weights, by peft."""
    model = AdaptedLlama(load_llama(folder / "base"), AdapterConfig.from_dict(read_config(folder)["adapters"]))
    model.load_adapter_state(load_file(folder / "adapters.safetensors"), "adapters")
    return model


def test_what_is_loaded_is_the_model_with_its_adapters_and_no_layer_more(folder, unmerged):
    model, plan = load(folder)
    assert (plan.device, plan.precision) == ("cpu", "fp32")
    torch.testing.assert_close(logits(model), logits(unmerged), atol=1e-5, rtol=1e-4)
    assert not [name for name, _ in model.llama.named_modules() if "lora" in name]
    assert not [name for name, value in model.named_parameters() if value.is_meta or value.requires_grad]


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_is_merged_in_full_precision_and_rounded_once(folder, unmerged, precision, monkeypatch):
    monkeypatch.setattr("pointllm.llm.loading.half_products", lambda: False)  # the other way: test_half_weights
    model, plan = load(folder, Request("cpu", precision))
    assert {value.dtype for value in model.parameters()} == {plan.dtype}
    whole = load(folder)[0].llama.state_dict()
    for name, value in model.llama.state_dict().items():
        assert torch.equal(value, whole[name].to(plan.dtype)), name
    torch.testing.assert_close(logits(model, plan.dtype), logits(unmerged), atol=0.3, rtol=0.1)


def test_the_plain_language_model_has_no_adapter(folder):
    plan = load(folder)[1]
    plain = load_plain(folder / "base", plan)
    with torch.inference_mode():
        expected = load_llama(folder / "base")(IDS).logits
        torch.testing.assert_close(plain(IDS).logits, expected, atol=1e-6, rtol=1e-5)


def test_layers_on_disk_give_the_same_numbers_and_leave_nothing_behind(folder, unmerged, tmp_path, monkeypatch):
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path))
    machine = Machine((), 2**30, 2**29 + 30_000)  # room for a block or so beside the allowance
    monkeypatch.setattr("pointllm.llm.placement.SAFE", 1.0)
    model, plan = load(folder, Request("cpu", "fp32", offload="disk"), machine)
    assert plan.offload == "disk" and len(list(tmp_path.glob("offload-*/*.dat"))) > 5
    assert any(value.is_meta for value in model.llama.parameters())
    torch.testing.assert_close(logits(model), logits(unmerged), atol=1e-5, rtol=1e-4)
    ids = torch.tensor([[1, 2, 3]])
    from pointllm.llm.generation import Sampling, generate

    answer = list(generate(model.llama, ids[0].tolist(), -1, Sampling(max_tokens=4)))
    assert answer == list(generate(load(folder)[0].llama, ids[0].tolist(), -1, Sampling(max_tokens=4)))
    del model
    import gc

    gc.collect()
    assert not list(tmp_path.glob("offload-*"))


def test_layers_are_divided_over_cards_in_their_order(folder):
    with torch.device("meta"):
        llama = _empty_llama(folder / "base")
    block = sum(p.numel() * 4 for p in llama.model.layers[0].parameters())
    embedding = llama.model.embed_tokens.weight.numel() * 4
    plan = Plan("cuda:0", "fp32", "cpu", torch.float32, {0: int(2.5 * block) + embedding, 1: 4 * block + embedding})
    places = _places(llama, plan)
    assert set(places.values()) == {"cuda:0", "cuda:1"}
    assert places["model.layers.0"] == "cuda:0" and places["model.layers.2"] == "cuda:1"
    tight = Plan("cuda:0", "fp32", "cpu", torch.float32, {0: 2 * block, "cpu": block}, "cpu")
    with pytest.raises(InputError, match="--offload disk"):
        _places(llama, tight)


def test_biases_follow_the_layers_over_devices(folder, monkeypatch):
    """With the hooks of `accelerate` on every module, as over several cards, the answer is the same."""
    monkeypatch.setattr("pointllm.llm.loading._places", lambda llama, plan: {
        "model.embed_tokens": "cpu", "model.layers": "cpu", "model.norm": "cpu", "model.rotary_emb": "cpu",
        "lm_head": "cpu"})
    monkeypatch.setattr("pointllm.llm.loading.place", lambda *_: Plan(
        "cpu", "fp32", "cpu", torch.float32, {"cpu": 2**30}, "none"))
    spread, _ = load(folder)
    assert spread.llama.model.layers[0]._hf_hook is not None
    monkeypatch.undo()
    torch.testing.assert_close(logits(spread), logits(load(folder)[0]), atol=1e-6, rtol=1e-5)


def change(path, edit):
    state = load_file(path)
    edit(state)
    save_file(state, path)


@pytest.mark.parametrize(("file", "edit", "message"), [
    ("adapters.safetensors", lambda s: s.pop("injection.gates"), "injection.gates is missing"),
    ("adapters.safetensors", lambda s: s.update({"llama.extra": torch.ones(1)}), "llama.extra has no place"),
    ("adapters.safetensors", lambda s: s.update({"llama.model.layers.1.self_attn.q_proj.lora_A.weight":
                                                 torch.ones(3, 24)}), r"lora_A.weight has shape \(3, 24\), expected"),
    ("base/model.safetensors", lambda s: s.pop("model.layers.1.mlp.up_proj.weight"), "up_proj.weight is missing"),
    ("base/model.safetensors", lambda s: s.update({"model.norm.weight": torch.ones(9)}), "adapters|shape"),
    ("base/model.safetensors", lambda s: s.update({"model.layers.0.mlp.up_proj.weight": torch.ones(4, 4)}),
     r"has shape \(4, 4\)"),
])
def test_tensors_that_do_not_fit_are_named(tmp_path, file, edit, message):
    folder = tmp_path / "llm"
    write_language_model(folder)
    change(folder / file, edit)
    if "norm" in message or "adapters" in message:
        load(folder)  # the adapters' norm replaces it: no harm done
        return
    with pytest.raises(WeightsError, match=message) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_a_cut_file_and_a_foreign_model_are_told_apart(tmp_path):
    folder = tmp_path / "llm"
    write_language_model(folder)
    whole = (folder / "base/model.safetensors").read_bytes()
    (folder / "base/model.safetensors").write_bytes(whole[:-100])
    with pytest.raises(WeightsError, match="base/model.safetensors: missing or damaged"):
        load(folder)
    os.remove(folder / "base/model.safetensors")
    with pytest.raises(WeightsError, match="base/model.safetensors: no such file"):
        load(folder)
    config = json.loads((folder / "base/config.json").read_text()) | {"model_type": "gpt2"}
    (folder / "base/config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="not a language model's"):
        load(folder)
