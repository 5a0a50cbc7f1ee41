"""A LLaMA in either published layout becomes the same model in the profile, tensor by tensor."""

import json

import pytest
import torch
from published_files import HEADS, KV_HEADS, meta_state, unpermute, write_hugging_face, write_meta, write_tokenizer
from tiny_models import tiny_llama

from pointllm.errors import WeightsError
from pointllm.llm.adapters import load_llama
from pointllm.weights.convert import convert, load_meta_llama
from pointllm.weights.convert.llama import permute_rotary

IDS = torch.tensor([[1, 2, 3, 4, 5, 6]])


def same_logits(found, llama):
    with torch.inference_mode():
        torch.testing.assert_close(found(IDS).logits, llama(IDS).logits, atol=1e-5, rtol=1e-4)


def refused(path, out, match):
    with pytest.raises(WeightsError, match=match) as caught:
        convert(path, out)
    assert "\n" not in str(caught.value)
    assert not (out / "llm" / "base" / "config.json").exists()


@pytest.mark.parametrize("shards", [1, 2])
def test_metas_layout_gives_the_same_model(tmp_path, shards):
    folder = write_meta(tmp_path / "7B", shards=shards)
    convert(folder, tmp_path / "out")
    same_logits(load_llama(tmp_path / "out" / "llm" / "base"), tiny_llama())
    same_logits(load_meta_llama(folder), tiny_llama())


@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "pickles"])
@pytest.mark.parametrize("pieces", ["1MB", "20KB"], ids=["one", "several"])
def test_the_hugging_face_layout_gives_the_same_model(tmp_path, safe, pieces):
    llama = write_hugging_face(tmp_path / "hf", safe, pieces)
    assert len(list((tmp_path / "hf").glob("*model*-of-*"))) != 1
    convert(tmp_path / "hf", tmp_path / "out")
    base = tmp_path / "out" / "llm" / "base"
    same_logits(load_llama(base), llama)
    assert (base / "tokenizer.model").read_bytes() == (tmp_path / "hf" / "tokenizer.model").read_bytes()


def test_permutation_and_its_plain_inverse():
    weight = torch.arange(48.0).view(12, 4)
    torch.testing.assert_close(unpermute(permute_rotary(weight, 3), 3), weight)
    # head 0, pairs (0, 1), (2, 3) become halves (0, 2), (1, 3)
    assert permute_rotary(torch.arange(4.0), 1).tolist() == [0.0, 2.0, 1.0, 3.0]


def test_the_tokenizer_may_lie_one_level_up_and_the_folder_above_be_named(tmp_path):
    write_meta(tmp_path / "llama" / "7B", tokenizer=False)
    write_tokenizer(tmp_path / "llama" / "tokenizer.model")
    done = convert(tmp_path / "llama", tmp_path / "out")
    assert [part.part for part in done] == ["llm/base"]
    assert (tmp_path / "out" / "llm" / "base" / "tokenizer.model").is_file()


def test_another_tokenizer_beside_the_same_weights_is_taken_over(tmp_path):
    folder, out = write_meta(tmp_path / "7B"), tmp_path / "out"
    convert(folder, out)
    assert [part.state for part in convert(folder, out)] == ["kept"]
    write_tokenizer(folder / "tokenizer.model", more="an airplane in the sky")
    assert [part.state for part in convert(folder, out)] == ["converted"]
    assert (out / "llm/base/tokenizer.model").read_bytes() == (folder / "tokenizer.model").read_bytes()


def test_one_file_of_a_folder_stands_for_the_folder(tmp_path):
    folder = write_meta(tmp_path / "7B", shards=2)
    convert(folder / "consolidated.01.pth", tmp_path / "out")
    same_logits(load_llama(tmp_path / "out" / "llm" / "base"), tiny_llama())


def test_large_models_are_split_into_files_with_an_index(tmp_path):
    convert(write_meta(tmp_path / "7B"), tmp_path / "out", shard_bytes=20_000)
    base = tmp_path / "out" / "llm" / "base"
    files = sorted(path.name for path in base.glob("*.safetensors"))
    assert len(files) > 2 and files[0] == f"model-00001-of-{len(files):05d}.safetensors"
    assert all(path.stat().st_size < 40_000 for path in base.glob("*.safetensors"))
    same_logits(load_llama(base), tiny_llama())


@pytest.mark.parametrize("name, stored", [("fp16", torch.float16), ("bf16", torch.bfloat16), ("fp32", torch.float32),
                                          ("keep", torch.float16)])
def test_the_type_of_the_result_is_chosen(tmp_path, name, stored):
    from safetensors.torch import load_file

    state = {key: value.half() for key, value in meta_state(tiny_llama()).items()}
    convert(write_meta(tmp_path / "7B", state), tmp_path / "out", dtype=name)
    base = tmp_path / "out" / "llm" / "base"
    assert {value.dtype for value in load_file(base / "model.safetensors").values()} == {stored}
    assert json.loads((base / "config.json").read_text())["dtype"] == str(stored).removeprefix("torch.")


def test_a_missing_tensor_is_named(tmp_path):
    state = meta_state(tiny_llama())
    del state["layers.1.attention.wo.weight"]
    refused(write_meta(tmp_path / "7B", state), tmp_path, r"consolidated\.00\.pth: layers\.1\.attention\.wo\.weight")


def test_an_unknown_tensor_is_named(tmp_path):
    state = meta_state(tiny_llama()) | {"layers.1.experts.w9.weight": torch.ones(2)}
    refused(write_meta(tmp_path / "7B", state), tmp_path, r"layers\.1\.experts\.w9\.weight is unknown")


@pytest.mark.parametrize("wrong, says", [
    ({"n_layers": 2}, "says 2 layers, consolidated.00.pth has 3"),
    ({"dim": 48}, "shape"),
    ({"vocab_size": 299}, "vocab_size 299, tok_embeddings has 300 rows"),
    ({"n_heads": 5}, "don't fit together"),
    ({"n_kv_heads": 6}, "8 rows, which 6 heads don't divide"),
    ({"n_layers": "3"}, "n_layers is '3'"),
    ({"n_layers": 10**9}, "layers"),
    ({"norm_eps": -1}, "norm_eps is -1"),
])
def test_params_that_contradict_the_tensors_are_told(tmp_path, wrong, says):
    refused(write_meta(tmp_path / "7B", **wrong), tmp_path, says)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"dim": 24}', "{" * 100_000])
def test_params_that_are_none_are_told(tmp_path, text):
    folder = write_meta(tmp_path / "7B")
    (folder / "params.json").write_text(text)
    refused(folder, tmp_path, "params.json: missing or incomplete")


def test_a_missing_shard_is_told(tmp_path):
    folder = write_meta(tmp_path / "7B", shards=2)
    (folder / "consolidated.01.pth").unlink()
    refused(folder, tmp_path, "shard|shape")
    write_meta(folder, shards=2)
    (folder / "consolidated.00.pth").unlink()
    refused(folder, tmp_path, r"consolidated\.00\.pth is missing")


def test_shards_of_different_models_are_told(tmp_path):
    folder = write_meta(tmp_path / "7B", shards=2)
    other = meta_state(tiny_llama(seed=5))
    other["layers.2.ffn_norm.weight"] = other["layers.2.ffn_norm.weight"] * 2  # of equal shape, not of equal numbers
    foreign = write_meta(tmp_path / "other", other, shards=2)
    (foreign / "consolidated.01.pth").replace(folder / "consolidated.01.pth")
    refused(folder, tmp_path, r"ffn_norm\.weight differs from that in consolidated\.00\.pth: shards of different")


def test_missing_and_foreign_tokenizers_are_told(tmp_path):
    folder = write_meta(tmp_path / "a" / "7B", tokenizer=False)
    refused(folder, tmp_path, "tokenizer.model is neither here nor one level up")
    (folder / "tokenizer.model").write_bytes(b"nonsense")
    refused(folder, tmp_path, "can't be read as a sentencepiece model")
    small = {key: value[:20] if key in ("tok_embeddings.weight", "output.weight") else value
             for key, value in meta_state(tiny_llama()).items()}
    refused(write_meta(tmp_path / "b" / "7B", small), tmp_path, "pieces, the language model knows 20")


@pytest.mark.parametrize("change, says", [
    ({"model_type": "mistral"}, "type 'mistral'; a LLaMA is needed"),
    ({"num_hidden_layers": 10**7}, "says num_hidden_layers 10000000, the tensors say 3"),
    ({"hidden_size": "24"}, "positive whole numbers"),
    ({"num_attention_heads": 5}, "shape|sizes|configuration"),
])
def test_a_config_that_contradicts_the_tensors_is_told(tmp_path, change, says):
    write_hugging_face(tmp_path / "hf")
    config = tmp_path / "hf" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | change))
    refused(tmp_path / "hf", tmp_path, says)


def test_a_listed_file_that_is_missing_or_elsewhere_is_told(tmp_path):
    write_hugging_face(tmp_path / "hf", pieces="20KB")
    first = sorted((tmp_path / "hf").glob("model-*.safetensors"))[0]
    first.rename(tmp_path / "moved")
    refused(tmp_path / "hf", tmp_path, f"{first.name}: missing, but listed")
    index = tmp_path / "hf" / "model.safetensors.index.json"
    index.write_text(index.read_text().replace(first.name, "../moved"))
    refused(tmp_path / "hf", tmp_path, "names files outside its folder")


def test_heads_of_the_small_model_are_those_of_the_support_file():
    config = tiny_llama().config
    assert (config.num_attention_heads, config.num_key_value_heads) == (HEADS, KV_HEADS)
