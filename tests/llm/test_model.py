"""Mixing, options and errors of PointLLM; and the embedded model itself, where the language model is cached."""

import math

import pytest

from pointllm.errors import InputError
from pointllm.llm.model import PointLLM, Usage, mixing_shares
from pointllm.profiles import checkpoints_dir


def cached():
    from pointllm.weights.language_model import is_complete, language_model_dir

    return is_complete(language_model_dir()) and (checkpoints_dir() / "embedded/llm/adapters.safetensors").is_file()


@pytest.fixture(scope="module")
def model():
    if not cached():
        pytest.skip("the language model isn't in the cache: `run.sh --install` fetches it")
    return PointLLM.from_pretrained("embedded")


def test_shares_sum_to_one_and_keep_their_ratio():
    assert mixing_shares(None, 4) == [0.25] * 4
    assert mixing_shares([3, 1], 2) == [0.75, 0.25]
    assert mixing_shares(None, 0) == []


@pytest.mark.parametrize("weights", [[1], [1, 2, 3], [0, 0], [1, -1], [1, math.nan], [math.inf, 1]])
def test_weights_that_make_no_mixture_are_refused(weights):
    with pytest.raises(InputError):
        mixing_shares(weights, 2)


def test_a_word_is_named_and_the_pieces_make_the_answer(model):
    pieces = list(model.stream([], "What is this?", text=["a photo of a dog"], max_tokens=24))
    assert len(pieces) > 1
    assert "dog" in "".join(pieces).lower()


def test_the_report_of_an_answer(model):
    answer = model.answer([], "What is this?", text=["a chair", "a table"], weights=[3, 1], max_tokens=16)
    inputs = [(given.path, given.modality, given.weight) for given in answer.inputs]
    assert inputs == [("a chair", "text", 0.75), ("a table", "text", 0.25)]
    assert answer.answer
    assert 0 < answer.tokens <= 16
    assert 0 <= answer.seconds_to_first_token <= answer.seconds


def test_the_same_seed_gives_the_same_answer(model):
    def answer(seed):
        return model.answer([], "Describe it.", text=["a sofa"], temperature=1.2, seed=seed, max_tokens=20).answer

    assert answer(1) == answer(1)


def test_a_narrow_nucleus_leaves_the_likeliest_word_only(model):
    def answer(**options):
        return "".join(model.stream([], "Describe it.", text=["a sofa"], max_tokens=12, **options))

    assert answer(temperature=1.5, top_p=1e-6, seed=5) == answer(temperature=0)


def test_tokens_are_counted_while_an_answer_is_written(model):
    usage = Usage()
    assert list(model.stream([], "Describe it.", text=["a sofa"], max_tokens=5, usage=usage))
    assert usage.prompt_tokens > 5
    assert 0 < len(usage.moments) <= 5 and usage.moments == sorted(usage.moments)


def test_without_an_upload_it_chats_as_the_plain_language_model(model):
    answer = model.answer([], "What is the capital of France?", max_tokens=24)
    assert answer.inputs == ()
    assert "Paris" in answer.answer


def test_an_empty_prompt_and_impossible_options_are_refused(model):
    impossible = ({"max_tokens": 0}, {"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.5})
    for prompt, options in (("  ", {}), *(("Hi", options) for options in impossible)):
        with pytest.raises(InputError):
            list(model.stream([], prompt, **options))


def test_a_prompt_longer_than_the_context_is_refused(model):
    with pytest.raises(InputError, match="too long"):
        list(model.stream([], "word " * 9000))


def test_old_turns_are_forgotten_where_the_context_is_full(model):
    turns = [("word " * 5000, "yes"), ("word " * 5000, "yes"), ("short", "yes")]
    kept = model._prompt_ids("And now?", turns, True, 16, 8192)
    assert kept == model._prompt_ids("And now?", turns[1:], True, 16, 8192)
    assert len(kept) + 16 <= 8192
