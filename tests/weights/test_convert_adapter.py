"""Adapter files and the visual cache: converted exactly, in any order, and only beside the model they belong to."""

import json

import pytest
import torch
from published_files import adapter, write_index, write_meta
from safetensors.torch import load_file

from pointllm.errors import WeightsError
from pointllm.llm.adapters import AdapterConfig
from pointllm.llm.visual_cache import VisualCache
from pointllm.weights.convert import convert


def save(folder, tensors, name="7B.pth", wrap=True):
    torch.save({"model": tensors, "config": {}} if wrap else tensors, folder / name)
    return folder / name


def config_of(out):
    return json.loads((out / "llm" / "config.json").read_text())


@pytest.mark.parametrize("rank", [2, 0])
@pytest.mark.parametrize("wrap", [True, False])
def test_every_tensor_arrives_under_our_name(tmp_path, rank, wrap):
    adapted, tensors = adapter(rank)
    convert(save(tmp_path, tensors, wrap=wrap), tmp_path / "out")
    found, wanted = load_file(tmp_path / "out" / "llm" / "adapters.safetensors"), adapted.adapter_state()
    assert found.keys() == wanted.keys()
    for name in wanted:
        assert torch.equal(found[name], wanted[name]), name
    config = AdapterConfig.from_dict(config_of(tmp_path / "out")["adapters"])
    assert (config.lora_rank, config.lora_alpha, config.norms) == (rank, float(rank), True)
    assert set(config.biased) == set(adapted.config.biased) and config.bind == adapted.config.bind


def test_fewer_prefixes_than_layers_belong_to_the_last_ones(tmp_path):
    adapted, tensors = adapter()
    tensors["prefix_query.weight"] = tensors["prefix_query.weight"][1:]
    convert(save(tmp_path, tensors), tmp_path / "out")
    found, wanted = load_file(tmp_path / "out" / "llm" / "adapters.safetensors"), adapted.adapter_state()
    for name in ("injection.prefix_query", "injection.gates"):
        assert not found[name][0].any() and torch.equal(found[name][1:], wanted[name][1:])


def test_the_bind_network_with_layer_norm_is_told_from_the_other(tmp_path):
    _, tensors = adapter()
    for block in (1, 2, 3):
        tensors[f"image_bind_norm_{block}.bias"] = torch.randn(24)
        for number, width in ((1, 32), (2, 24), (3, 32)):
            tensors[f"image_bind_f{number}_{block}.bias"] = torch.randn(width)
    convert(save(tmp_path, tensors), tmp_path / "out")
    bind = config_of(tmp_path / "out")["adapters"]["bind"]
    assert (bind["norm"], bind["norm_eps"], bind["linear_bias"]) == ("layer", 1e-5, True)
    found = load_file(tmp_path / "out" / "llm" / "adapters.safetensors")
    bias = found["injection.bind_network.blocks.2.w1.bias"]
    assert torch.equal(bias, tensors["image_bind_f1_3.bias"])


@pytest.mark.parametrize("change, says", [
    (lambda t: t.pop("llama.layers.1.attention.lora_wv_l2.weight"), r"lora_wv_l2\.weight is missing"),
    (lambda t: t.update({"llama.layers.2.attention_norm.weight": torch.ones(23)}), r"has shape \(23,\), .* \(24,\)"),
    (lambda t: t.update({"llama.layers.0.attention.gate2": torch.ones(1)}), r"gate2 is unknown"),
    (lambda t: t.pop("prefix_query.weight"), r"prefix_query\.weight is missing"),
    (lambda t: t.update({"llama.layers.9.attention.gate": torch.ones(1, 6, 1, 1)}), r"llama\.layers\.3 is missing"),
    (lambda t: t.update({"image_bind_proj.weight": torch.full((24, 16), torch.nan)}), "holds NaN"),
])
def test_damaged_adapters_are_told_with_key_and_file(tmp_path, change, says):
    _, tensors = adapter()
    change(tensors)
    with pytest.raises(WeightsError, match=f"^7B.pth: .*{says}"):
        convert(save(tmp_path, tensors), tmp_path / "out")
    assert not (tmp_path / "out" / "llm" / "config.json").exists()


@pytest.mark.parametrize("adapter_first", [True, False])
def test_adapters_of_another_width_than_the_llama_are_told_in_either_order(tmp_path, adapter_first):
    from transformers import LlamaConfig, LlamaForCausalLM

    wide = LlamaForCausalLM(LlamaConfig(vocab_size=80, hidden_size=48, intermediate_size=40, num_hidden_layers=3,
                                        num_attention_heads=6, num_key_value_heads=2))
    wide.save_pretrained(tmp_path / "wide")
    (write_meta(tmp_path / "7B") / "tokenizer.model").rename(tmp_path / "wide" / "tokenizer.model")
    inputs = [save(tmp_path, adapter()[1]), tmp_path / "wide"]
    first, second = inputs if adapter_first else reversed(inputs)
    convert(first, tmp_path / "out")
    with pytest.raises(WeightsError, match="width of the language model is .* belong to different models"):
        convert(second, tmp_path / "out")


@pytest.mark.parametrize("cache_first", [True, False])
def test_the_cache_joins_the_adapters_in_either_order(tmp_path, cache_first):
    write_index(tmp_path / "knn.index", vectors=7)
    inputs = [save(tmp_path, adapter()[1]), tmp_path / "knn.index"]
    for path in reversed(inputs) if cache_first else inputs:
        convert(path, tmp_path / "out")
    config = config_of(tmp_path / "out")
    assert config["cache"] == [{"file": "knn.index", "k": 7, "weight": 0.5, "temperature": 20.0}]
    assert (tmp_path / "out" / "llm" / "knn.index").read_bytes() == (tmp_path / "knn.index").read_bytes()
    cache = VisualCache.from_config(tmp_path / "out" / "llm", config["cache"])
    assert cache(torch.nn.functional.normalize(torch.ones(1, 16))).shape == (1, 16)


@pytest.mark.parametrize("kind", ["Flat", "HNSW8", "IVF2,Flat"])
def test_any_index_that_gives_its_vectors_back_is_taken(tmp_path, kind):
    import faiss
    import numpy as np

    if kind == "IVF2,Flat":
        rows = np.eye(16, dtype="float32")
        index = faiss.index_factory(16, kind, faiss.METRIC_INNER_PRODUCT)
        index.train(rows)
        index.add(rows)
        index.make_direct_map()
        faiss.write_index(index, str(tmp_path / "knn.index"))
    else:
        write_index(tmp_path / "knn.index", kind=kind)
    assert [part.state for part in convert(tmp_path / "knn.index", tmp_path / "out")] == ["converted"]


def test_an_index_of_another_kind_or_dimension_is_told(tmp_path):
    convert(save(tmp_path, adapter()[1]), tmp_path / "out")
    write_index(tmp_path / "knn.index", inner_product=False)
    with pytest.raises(WeightsError, match="inner product"):
        convert(tmp_path / "knn.index", tmp_path / "out")
    write_index(tmp_path / "knn.index", dim=8)
    with pytest.raises(WeightsError, match="joint dimension is 8, but llm/adapters"):
        convert(tmp_path / "knn.index", tmp_path / "out")
    assert not (tmp_path / "out" / "llm" / "knn.index").exists()


@pytest.mark.parametrize("damage", [lambda b: b[:-4], lambda b: b[:20], lambda b: b + b"more",
                                    lambda b: b[:8] + (10**13).to_bytes(8, "little") + b[16:],
                                    lambda b: b[:4] + (0).to_bytes(4, "little") + b[8:],
                                    lambda b: b"IHNf" + b[4:], lambda b: b"Ixxx"])
def test_a_damaged_index_is_told_and_does_no_harm(tmp_path, damage):
    write_index(tmp_path / "knn.index")
    (tmp_path / "knn.index").write_bytes(damage((tmp_path / "knn.index").read_bytes()))
    with pytest.raises(WeightsError, match="^knn.index: "):
        convert(tmp_path / "knn.index", tmp_path / "out")
