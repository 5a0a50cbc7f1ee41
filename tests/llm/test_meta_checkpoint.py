"""The published layouts are read exactly, shard by shard, and never executed."""

import json
import os
import pickle

import pytest
import torch
from tiny_models import tiny_llama

from pointllm.errors import WeightsError
from pointllm.llm.meta_checkpoint import load_meta_llama, permute_rotary, read_pickle

IDS = torch.tensor([[1, 2, 3, 4, 5, 6]])
ROWS = {"wq": 0, "wk": 0, "wv": 0, "w1": 0, "w3": 0, "output": 0, "wo": 1, "w2": 1, "tok_embeddings": 1}


def unpermute(tensor, heads):
    """The plain inverse of `permute_rotary`: from halves to adjacent pairs."""
    halves = tensor.view(heads, 2, -1, *tensor.shape[1:])
    return halves.transpose(1, 2).reshape(tensor.shape)


def meta_state(llama):
    """A model of transformers, in Meta's names and order."""
    names = {"self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk", "self_attn.v_proj": "attention.wv",
             "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.down_proj": "feed_forward.w2",
             "mlp.up_proj": "feed_forward.w3", "input_layernorm": "attention_norm",
             "post_attention_layernorm": "ffn_norm"}
    state = {"tok_embeddings.weight": llama.model.embed_tokens.weight, "norm.weight": llama.model.norm.weight,
             "output.weight": llama.lm_head.weight}
    for index, layer in enumerate(llama.model.layers):
        for ours, theirs in names.items():
            weight = layer.get_submodule(ours).weight
            if theirs.endswith(("wq", "wk")):
                weight = unpermute(weight, 6 if theirs.endswith("wq") else 2)
            state[f"layers.{index}.{theirs}.weight"] = weight
    return {name: value.detach().clone() for name, value in state.items()}


def write(folder, state, shards):
    config = {"dim": 24, "n_layers": 3, "n_heads": 6, "n_kv_heads": 2, "norm_eps": 1e-6}
    (folder / "params.json").write_text(json.dumps(config))
    for shard in range(shards):
        part = {}
        for name, value in state.items():
            split = ROWS.get(name.split(".")[-2])
            part[name] = value if split is None else value.chunk(shards, dim=split)[shard].clone()
        torch.save(part, folder / f"consolidated.{shard:02d}.pth")


@pytest.mark.parametrize("shards", [1, 2])
def test_metas_layout_gives_the_same_model(tmp_path, shards):
    llama = tiny_llama()
    write(tmp_path, meta_state(llama), shards)
    with torch.inference_mode():
        torch.testing.assert_close(load_meta_llama(tmp_path)(IDS).logits, llama(IDS).logits, atol=1e-5, rtol=1e-4)


def test_permutation_and_its_plain_inverse():
    weight = torch.arange(48.0).view(12, 4)
    torch.testing.assert_close(unpermute(permute_rotary(weight, 3), 3), weight)
    # head 0, pairs (0, 1), (2, 3) become halves (0, 2), (1, 3)
    assert permute_rotary(torch.arange(4.0), 1).tolist() == [0.0, 2.0, 1.0, 3.0]


def test_a_missing_tensor_is_named(tmp_path):
    state = meta_state(tiny_llama())
    del state["layers.1.attention.wo.weight"]
    write(tmp_path, state, 1)
    with pytest.raises(WeightsError, match=r"consolidated\.00\.pth: layers\.1\.attention\.wo\.weight"):
        load_meta_llama(tmp_path)


def test_an_empty_folder_and_a_truncated_file_are_told(tmp_path):
    with pytest.raises(WeightsError, match="consolidated"):
        load_meta_llama(tmp_path)
    write(tmp_path, meta_state(tiny_llama()), 1)
    file = tmp_path / "consolidated.00.pth"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(WeightsError, match=r"consolidated\.00\.pth"):
        load_meta_llama(tmp_path)


class Malice:
    def __reduce__(self):
        return os.mkdir, ("executed",)


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_nothing_in_a_pickle_is_executed(tmp_path, monkeypatch, writer):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "7B.pth"
    if writer == "torch":
        torch.save({"model": Malice()}, file)
    else:
        file.write_bytes(pickle.dumps({"model": Malice()}))
    with pytest.raises(WeightsError, match=r"7B\.pth"):
        read_pickle(file)
    assert not (tmp_path / "executed").exists()
