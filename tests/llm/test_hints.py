"""Hints: what the joint space recognised, in words, and as much of it as a question asks for."""

import json

import pytest
import torch
from torch.nn import functional as F

from pointllm.data import hints as wording
from pointllm.data import phrasing
from pointllm.data.questions import QuestionBook, read_knowledge
from pointllm.errors import WeightsError
from pointllm.llm.facts import with_relevant_facts
from pointllm.llm.hints import Hints, HintSettings, captions_of, write_captions

LABELS = {
    "chair": {"category": "furniture", "synonyms": ["seat"], "zh": "椅子"},
    "stool": {"category": "furniture", "synonyms": [], "zh": "凳子"},
    "apple": {"category": "food", "synonyms": [], "zh": "苹果"},
    "airplane": {"category": "vehicle", "synonyms": ["plane"], "zh": "飞机"},
}
SETTINGS = HintSettings(names=3, temperature=20.0, sure=0.6, among=0.2, likely=0.05)


@pytest.fixture(scope="module")
def hints():
    book = QuestionBook(LABELS, read_knowledge())
    vectors = {"a spoon": torch.eye(5)[4]}
    return Hints(captions_of(book), torch.eye(5)[:4], SETTINGS, book.knowledge,
                 lambda names: torch.stack([vectors.get(f"a {name}", torch.ones(5)) for name in names]))


def see(hints, **shares):
    rows = {caption.label: row for row, caption in enumerate(hints.captions)}
    vector = torch.zeros(5)
    for label, share in shares.items():
        vector[rows.get(label, 4)] = share
    return hints.see(F.normalize(vector, dim=0))


@pytest.mark.parametrize("kind", phrasing.ATTRIBUTES)
def test_a_question_gets_the_knowledge_it_asks_for(kind):
    for question in phrasing.ATTRIBUTES[kind][0]:
        assert wording.topic_of(question) == kind, question


@pytest.mark.parametrize(("topic", "questions"), [
    ("name", [*phrasing.NAME_SHORT, *phrasing.NAME_SENTENCE, *phrasing.NAME_ZH]),
    ("name", ["What makes this sound?", "hi, what is this", "这是什么的声音？"]),
    ("category", phrasing.CATEGORY),
    ("compare", [question.format("a stool") for question in phrasing.COMPARE]),
    ("short", ["Is it heavy?", "Write a poem.", "Can I eat it?"]),
])  # fmt: skip
def test_the_topic_of_a_question(topic, questions):
    for question in questions:
        assert wording.topic_of(question) == topic, question


@pytest.mark.parametrize(("question", "thing"), [
    *((question.format("a chair"), "a chair") for question in (*phrasing.YES_NO, *phrasing.YES_NO_PLURAL)),
    ("这是椅子吗？", "椅子"), ("它是不是一把椅子", "一把椅子"), ("这是什么？", None), ("What is this?", None),
    ("Is it made of wood?", None), ("Is this a chair or not?", "a chair"), ("Does it look like a dog?", "a dog"),
])  # fmt: skip
def test_the_thing_that_a_question_names(question, thing):
    assert wording.thing_asked(question) == thing


def test_a_clear_case_is_named_alone_and_an_unclear_one_with_its_rivals(hints):
    assert hints.lines("What is this?", [see(hints, chair=1)]) == ["Looks like: a chair"]
    assert hints.lines("What is this?", [see(hints, chair=1, stool=0.999)]) == ["Perhaps: a chair, a stool"]


def test_a_chinese_question_gets_chinese_names_with_their_measure_words(hints):
    assert hints.lines("这是什么？", [see(hints, chair=1)]) == ["看起来像：一把椅子"]
    assert hints.lines("它有什么用？", [see(hints, airplane=1)])[1].startswith("飞机：")


@pytest.mark.parametrize(("thing", "likely"), [
    ("a chair", True), ("a seat", True), ("furniture", True),  # label, synonym, category
    ("椅子", True), ("家具", True),
    ("an airplane", False), ("a plane", False), ("food", False), ("苹果", False),
    ("a spoon", False),  # no label: embedded
    ("alive", None), ("自行车", None),  # neither a name nor a thing that can be weighed
])  # fmt: skip
def test_whether_it_is_the_thing_that_a_question_names(hints, thing, likely):
    assert hints.likely(see(hints, chair=1), thing) is likely


def test_a_word_of_its_definition_is_true_of_it(hints):
    assert hints.likely(see(hints, apple=1), "a fruit") is True


def test_a_kind_that_only_its_definition_names_is_true_of_it():
    labels = LABELS | {"cup": {"category": "kitchenware"}, "box": {"category": "container"}}
    book = QuestionBook(labels, {"cup": {"is": "a small container for drinks", "article": "a", "plural": False}})
    hints = Hints(captions_of(book), torch.eye(6), SETTINGS, book.knowledge)
    seen = hints.see(torch.eye(6)[book.names.index("cup")])
    assert hints.likely(seen, "a container") is True
    assert hints.likely(seen, "a vehicle") is False


@pytest.mark.parametrize(("question", "parts"), [
    ("What is this, and what is it used for?", ["What is this?", "what is it used for?"]),
    ("What is it? Where would I find it?", ["What is it?", "Where would I find it?"]),
    ("这是什么，有什么用？", ["这是什么？", "有什么用？"]),
    ("What is this?", ["What is this?"]), ("Is it black and white?", ["Is it black and white?"]),
])  # fmt: skip
def test_a_question_of_two_parts_is_answered_part_by_part(question, parts):
    assert wording.questions_in(question) == parts


def test_a_thing_without_a_key_is_weighed_by_its_embedding(hints):
    assert hints.likely(see(hints, spoon=1), "a spoon") is True


def test_evidence_stands_beside_the_names(hints):
    assert hints.lines("Is this a stool?", [see(hints, chair=1)]) == ["Looks like: a chair", "a stool: no"]
    assert hints.lines("这是椅子吗？", [see(hints, chair=1)]) == ["看起来像：一把椅子", "椅子：是"]


@pytest.mark.parametrize(("question", "evidence"), [
    ("Is it alive?", "alive: no"), ("Can I eat it?", "food: yes"), ("它能吃吗？", "食物：是"),
    ("Could you wear this?", "clothing: no"), ("Can people ride it?", "a vehicle: no"),
])  # fmt: skip
def test_what_a_category_tells_is_evidence(hints, question, evidence):
    assert hints.lines(question, [see(hints, apple=1)])[1] == evidence


@pytest.mark.parametrize(("question", "about"), [
    ("What is the capital of France?", False), ("Write a poem on the sea.", False), ("法国的首都在什么地方呢？", False),
    ("Write a poem about it.", True), ("Color?", True), ("How many wheels are there?", True), ("这是什么？", True),
    ("Who made the wheel of this?", True), ("颜色？", True), ("Which parts make up the whole?", True),
])  # fmt: skip
def test_whether_a_question_is_about_what_was_uploaded(question, about):
    assert wording.about_the_input(question) is about


def test_each_of_several_inputs_has_its_line(hints):
    lines = hints.lines("What are these?", [see(hints, chair=1), see(hints, apple=1)])
    assert lines == ["No. 1 looks like a chair", "No. 2 looks like an apple"]


def test_a_description_is_told_with_the_measured_colors_and_a_color_question_without_hints(hints):
    facts = [{"colors": ["red", "black"]}]
    lines = hints.lines("Describe it.", [see(hints, chair=1)])
    described = with_relevant_facts("Describe it.", facts, lines)
    assert described.startswith("(Looks like: a chair. A chair is")
    assert described.endswith("Measured: colors: red, black.) Describe it.")
    asked = with_relevant_facts("What color is it?", facts, hints.lines("What color is it?", [see(hints, chair=1)]))
    assert asked == "(Measured: colors: red, black.) What color is it?"


def test_captions_that_do_not_fit_the_keys_are_refused_in_one_line(tmp_path):
    book = QuestionBook(LABELS, {})
    write_captions(captions_of(book), tmp_path)
    with pytest.raises(WeightsError, match=r"captions\.json: 4 captions for 3 keys"):
        Hints.from_config(tmp_path, {"hints": {}} | {"hints": {"names": 2}}, torch.eye(5)[:3])
    with pytest.raises(WeightsError, match=r"llm/captions\.json: not the captions"):
        Hints.from_config(tmp_path, {"hints": {"name": 2}}, torch.eye(5)[:4])
    (tmp_path / "captions.json").write_text("[1]")
    with pytest.raises(WeightsError, match=r"llm/captions\.json: not the captions"):
        Hints.from_config(tmp_path, {"hints": {"names": 2}}, torch.eye(5)[:4])


def test_captions_are_read_as_they_were_written(tmp_path):
    book = QuestionBook(LABELS, {})
    write_captions(captions_of(book), tmp_path)
    assert len(json.loads((tmp_path / "captions.json").read_text(encoding="utf-8"))) == 4
    read = Hints.from_config(tmp_path, {"hints": {"names": 2}}, torch.eye(5)[:4])
    assert list(read.captions) == captions_of(book)


def test_a_profile_without_hints_has_none(tmp_path):
    assert Hints.from_config(tmp_path, {}, None) is None
