"""PointLLM on a profile of the official shape: Alpaca prompts, the mixture, the cache, and the plain chat."""

import numpy as np
import pytest
import torch
from tiny_official import DIM, write_official

from pointllm import PointLLM
from pointllm.errors import InputError, WeightsError
from pointllm.llm.model import MIXTURE_EPSILON, mixing_shares
from pointllm.llm.prompts import alpaca_prompt


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_official(tmp_path_factory.mktemp("official") / "p")


@pytest.fixture(scope="module")
def model(folder):
    return PointLLM.from_pretrained(str(folder), device="cpu", precision="fp32")


def test_the_mixture_is_the_mean_as_it_is(model):
    look = model.look([], ["a chair", "a dog"], weights=[3, 1])
    vectors = model.bind.embed_text(["a chair", "a dog"])
    shares = [3 / (4 + 1e-6), 1 / (4 + 1e-6)]
    np.testing.assert_allclose(look.embedding[0], shares[0] * vectors[0] + shares[1] * vectors[1], atol=1e-6)
    assert mixing_shares(None, 1, MIXTURE_EPSILON) == [1 / (1 + 1e-6)]


def test_the_cache_pulls_and_can_be_left_out(model):
    look = model.look([], ["a chair"])
    mended, plain = (model._biases(look.embedding, cache)[0] for cache in (True, False))
    assert mended.shape == (1, 1, 24) and not torch.allclose(mended, plain)


def test_prompts_begin_with_the_begin_mark_and_hold_the_question(model):
    ids = model._prompt_ids("What is this?", [], True, 16, 256)
    assert ids[0] == 1 and model._tokenizer.decode(ids[1:]) == alpaca_prompt("What is this?")
    told = model._prompt_ids("What is this?", [("a", "b")], True, 4, 256)
    assert "Question: a\nAnswer: b" in model._tokenizer.decode(told[1:])


def test_without_an_upload_the_adapted_model_answers_and_no_second_one_is_loaded(model):
    assert model._plain_llama() is model._adapted.llama
    assert model.answer([], "Hello?", max_tokens=3).inputs == ()


def test_an_upload_changes_what_is_written(model):
    with torch.inference_mode():
        biases = model._biases(model.look([], ["a chair"]).embedding, True)
        ids = torch.tensor([[1, 2, 3]])
        plain = model._adapted.llama(ids).logits
        with model._adapted.injection.injected(biases):
            assert not torch.allclose(model._adapted.llama(ids).logits, plain, atol=1e-3)


def test_the_same_seed_gives_the_same_answer_and_pieces_make_the_answer(model):
    options = {"text": ["a sofa"], "temperature": 1.5, "max_tokens": 8}
    first = model.answer([], "Describe it.", seed=1, **options).answer
    assert first == model.answer([], "Describe it.", seed=1, **options).answer
    assert "".join(model.stream([], "Describe it.", seed=1, **options)) == first
    assert first == first.lstrip()


def test_precision_and_devices_are_chosen_by_the_caller(folder, samples):
    half = PointLLM.from_pretrained(str(folder), device="cpu", precision="bf16")
    assert half.plan.precision == "bf16" and half.bind.space.dtype == torch.bfloat16
    assert half.answer([samples / "chair.ply"], "What is this?", max_tokens=2).tokens
    with pytest.raises(InputError, match="this machine has: cpu"):
        PointLLM.from_pretrained(str(folder), device="cuda:9")


def test_room_is_made_for_towers_of_the_sizes_in_the_configs(model):
    towers, point = model.bind.space.count()
    assert set(towers) == {"vision", "text", "audio", "depth", "thermal", "imu"} and point > 0
    assert towers["text"] > 49408 * DIM


def test_an_unknown_kind_of_prompt_names_the_known_ones(tmp_path):
    folder = write_official(tmp_path / "p")
    config = folder / "llm" / "config.json"
    config.write_text(config.read_text().replace("alpaca", "vicuna"))
    with pytest.raises(WeightsError, match="known: chat, alpaca"):
        PointLLM.from_pretrained(str(folder))
