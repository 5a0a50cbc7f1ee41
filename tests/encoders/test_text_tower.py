"""The text tower: known similarities, independence of batching, equality with the library's own BERT, clear errors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from pointllm.encoders.compact.text_minilm import TextTower
from pointllm.errors import InputError, WeightsError

FOLDER = Path(__file__).resolve().parents[2] / "checkpoints" / "embedded" / "text"


@pytest.fixture(scope="module")
def tower() -> TextTower:
    return TextTower.from_folder(FOLDER)


def test_vectors_are_unit_float32_in_the_order_given(tower):
    texts = ["a chair", "a very much longer sentence about a wooden chair by the window", "a dog"]
    vectors = tower.encode(texts)
    assert vectors.shape == (3, 384) and vectors.dtype == torch.float32
    assert torch.allclose(vectors.norm(dim=-1), torch.ones(3), atol=1e-6)
    alone = torch.cat([tower.encode([text]) for text in texts])
    assert torch.allclose(vectors, alone, atol=1e-6)


def test_meaning_orders_similarities(tower):
    dog, puppy, truck, sofa, couch = tower.encode(["a dog", "a puppy", "a truck", "a sofa", "a couch"])
    assert dog @ puppy > 0.6 > dog @ truck
    assert sofa @ couch > 0.7 > sofa @ dog


def test_published_example_has_its_published_similarity(tower):
    # The pair of sentences and the order of magnitude are those of the sentence-transformers documentation.
    first, second, third = tower.encode(
        ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    )
    assert float(first @ second) == pytest.approx(0.6660, abs=2e-3)
    assert float(first @ third) == pytest.approx(0.1046, abs=2e-3)


def test_same_text_same_vector(tower):
    assert torch.equal(tower.encode(["a red kettle"]), tower.encode(["a red kettle"]))


def test_batch_size_does_not_matter(tower):
    texts = [f"{adjective} {noun}" for adjective in ("red", "wooden") for noun in ("cup", "lawn mower", "owl", "tent")]
    assert torch.allclose(tower.encode(texts, batch_tokens=1), tower.encode(texts), atol=1e-6)


def test_case_accents_and_spaces_are_folded(tower):
    plain, shouted, accented = tower.encode(["cafe table", "CAFE   TABLE\n", "café table"])
    assert torch.allclose(plain, shouted) and torch.allclose(plain, accented)


def test_long_text_is_cut_after_256_tokens(tower):
    words = ["chair"] * 254
    assert torch.allclose(*tower.encode([" ".join(words), " ".join(words + ["dog"] * 500)]))


def test_empty_list_and_empty_string(tower):
    assert tower.encode([]).shape == (0, 384)
    assert torch.isfinite(tower.encode([""])).all()


def test_equals_the_bert_of_transformers(tower):
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    model = BertModel(BertConfig(**json.loads((FOLDER / "config.json").read_text())), add_pooling_layer=False).float()
    state = {key: value.float() for key, value in load_file(FOLDER / "model.safetensors").items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("position_ids" in key or "token_type_ids" in key for key in missing)
    for text in ("a chair", "The quick brown fox jumps over the lazy dog, twice.", "一把木椅子"):
        ids = torch.tensor([tower.tokenizer.encode(text).ids])
        with torch.no_grad():
            expected = torch.nn.functional.normalize(model.eval()(ids).last_hidden_state.mean(1), dim=-1)
        assert torch.allclose(tower.encode([text]), expected, atol=1e-5)


@pytest.mark.parametrize("texts", ["a bare string", [1, 2], [None]])
def test_wrong_argument_is_refused(tower, texts):
    with pytest.raises(InputError):
        tower.encode(texts)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"config\.json: missing"):
        TextTower.from_folder(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_damaged_file_is_one_clear_line(tmp_path, name):
    for file in ("config.json", "tokenizer.json", "model.safetensors"):
        shutil.copy(FOLDER / file, tmp_path / file)
    (tmp_path / name).write_bytes(b"not what it says")
    with pytest.raises(WeightsError) as error:
        TextTower.from_folder(tmp_path)
    assert "\n" not in str(error.value)


def test_weights_of_another_size_are_refused(tmp_path):
    for file in ("tokenizer.json", "model.safetensors"):
        shutil.copy(FOLDER / file, tmp_path / file)
    config = json.loads((FOLDER / "config.json").read_text()) | {"hidden_size": 192}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="do not fit"):
        TextTower.from_folder(tmp_path)
