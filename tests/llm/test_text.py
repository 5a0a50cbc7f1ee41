"""Prompts, measured facts in prompts, and text that arrives token by token."""

import pytest
from tiny_models import write_byte_tokenizer

from pointllm.errors import InputError
from pointllm.llm.facts import relevant_facts, with_relevant_facts
from pointllm.llm.prompts import PROMPTS, alpaca_conversation, alpaca_prompt, chat_prompt, turns_of
from pointllm.llm.tokens import JsonTokenizer, TextStream

FACTS = {"colors": ["brown", "black"], "size": [0.5, 1.25, 0.5], "faces": 1200, "vertices": 640}


def test_a_chat_prompt_ends_with_the_header_of_the_answer():
    text = chat_prompt("And now?", [("What is this?", "A chair.")])
    assert text == (
        "<|im_start|>user\nWhat is this?<|im_end|>\n<|im_start|>assistant\nA chair.<|im_end|>\n"
        "<|im_start|>user\nAnd now?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_an_alpaca_prompt_has_an_input_only_when_given():
    assert "### Input:" not in alpaca_prompt("Describe it")
    assert alpaca_prompt("Describe it", "a chair").endswith("### Input:\na chair\n\n### Response:")


def test_history_is_pairs_or_messages():
    pairs = [("a", "b"), ("c", "d")]
    roles = ("user", "assistant")
    messages = [{"role": r, "content": text} for pair in pairs for r, text in zip(roles, pair, strict=True)]
    assert turns_of(pairs) == turns_of(messages) == pairs
    assert turns_of([{"role": "user", "content": {"path": "chair.ply"}}, *messages]) == pairs
    with pytest.raises(InputError):
        turns_of(["no pair at all"])


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("What color is it?", "brown, black"),
        ("What colour is this chair?", "brown, black"),
        ("Is it red?", "brown, black"),
        ("它是什么颜色？", "brown, black"),
        ("How big is it?", "width 0.50, height 1.25, depth 0.50"),
        ("它有多大？", "height 1.25"),
        ("How many faces does it have?", "1200 faces"),
        ("How many vertices?", "640 vertices"),
    ],
)
def test_questions_about_measured_things_bring_the_facts(question, wanted):
    assert wanted in with_relevant_facts(question, [FACTS])


@pytest.mark.parametrize(
    "question", ["What is this?", "这是什么？", "What is it used for?", "How big are such things usually?"])
def test_other_questions_stay_as_they_are(question):
    assert with_relevant_facts(question, [FACTS]) == question


def test_facts_that_a_file_lacks_are_not_claimed():
    assert relevant_facts("What color is it?", {"colors": [], "size": [1, 1, 1]}) == []


def test_text_arrives_in_whole_characters(tmp_path):
    write_byte_tokenizer(tmp_path)
    tokenizer = JsonTokenizer(tmp_path, end=257)
    stream = TextStream(tokenizer)
    pieces = [stream.feed(token) for token in tokenizer.encode("椅子 chair é")]
    assert "".join(pieces) + stream.flush() == "椅子 chair é"
    assert not any("\ufffd" in piece for piece in pieces)
    assert pieces[0] == ""  # one byte of three


def test_half_a_character_at_the_end_is_left_out(tmp_path):
    write_byte_tokenizer(tmp_path)
    tokenizer = JsonTokenizer(tmp_path, end=257)
    stream = TextStream(tokenizer)
    text = "".join(stream.feed(token) for token in tokenizer.encode("a椅")[:-1])
    assert text + stream.flush() == "a"


def test_earlier_turns_become_the_input_of_an_alpaca_prompt():
    assert alpaca_conversation("What is it?") == alpaca_prompt("What is it?")
    text = alpaca_conversation("And its colour?", [("What is it?", "A chair."), ("Sure?", "Yes.")])
    told = "The conversation so far:\nQuestion: What is it?\nAnswer: A chair.\nQuestion: Sure?\nAnswer: Yes."
    assert text == alpaca_prompt("And its colour?", told)
    assert set(PROMPTS) == {"chat", "alpaca"}
