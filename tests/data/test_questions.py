"""Questions and answers about objects: true, balanced, and repeatable."""

import json
import random

import pytest

from pointllm.data import phrasing
from pointllm.data.questions import KNOWLEDGE, QuestionBook, read_knowledge
from pointllm.errors import InputError

LABELS = {
    "chair": {"category": "furniture", "synonyms": ["seat"], "count": 9, "zh": "椅子"},
    "sofa": {"category": "furniture", "synonyms": ["couch"], "count": 4, "zh": "沙发"},
    "seat": {"category": "furniture", "synonyms": [], "count": 1, "zh": "座椅"},
    "apple": {"category": "food", "synonyms": [], "count": 1, "zh": "苹果"},
    "scissors": {"category": "tool", "synonyms": [], "count": 1, "zh": "剪刀"},
    "dog": {"category": "animal", "synonyms": [], "count": 2, "zh": "狗"},
}


def entry(**changes):
    base = {
        "article": "a", "plural": False, "is": "a thing", "parts": ["top", "legs"], "materials": ["wood", "metal"],
        "uses": ["sit on it"], "places": ["in a room"], "sound": None, "colors": ["brown"], "size": "about 90 cm tall",
        "similar": [], "short": "A thing.", "long": "A thing. It stands.",
        "zh": {"name": "x", "measure": "把", "is": "一种家具", "use": "用来坐"},
    }
    return base | changes


KNOWN = {
    "chair": entry(similar=[{"label": "sofa", "difference": "a sofa is wider"}]),
    "sofa": entry(similar=[{"label": "chair", "difference": "a chair is for one person"}]),
    "scissors": entry(article="", plural=True),
    "dog": entry(uses=["guard a house"], does=True, sound="barks"),
}


@pytest.fixture
def book():
    return QuestionBook(LABELS, KNOWN)


def groups(book, kind, times=60, size=8):
    rng = random.Random(0)
    return [group for _ in range(times) if (group := book.group(kind, size, rng))]


def test_every_kind_gives_questions_with_answers(book):
    for kind in book.kinds:
        made = groups(book, kind, times=5)
        assert made, kind
        for group in made:
            assert group.question.strip()
            assert all(item.answer.strip() and item.label in LABELS for item in group.items)


def test_names_are_the_labels_own_with_article_and_number(book):
    answers = {(item.label, item.answer) for group in groups(book, "name_sentence") for item in group.items}
    assert ("chair", "This is a chair.") in answers
    assert ("apple", "This is an apple.") in answers  # no knowledge of it: the article follows from the word
    assert ("scissors", "These are scissors.") in answers


def test_yes_and_no_are_balanced_and_true(book):
    words = []
    for group in groups(book, "yes_no"):
        for item in group.items:
            asked = next(label for label in sorted(LABELS, key=len, reverse=True) if f" {label}?" in group.question)
            yes = item.answer.startswith("Yes")
            assert yes == book.same_thing(asked, item.label)
            words.append(yes)
    assert 0.4 < sum(words) / len(words) < 0.65


def test_a_synonym_is_never_denied(book):
    assert book.same_thing("chair", "seat")
    assert all(book.confusable("chair", random.Random(seed)) not in ("chair", "seat") for seed in range(30))


def test_answers_from_knowledge_say_what_it_says(book):
    uses = {item.label: item.answer for group in groups(book, "uses") for item in group.items}
    assert uses["chair"] == "You can use it to sit on it."
    assert uses["dog"] == "It can guard a house."
    sounds = {item.label: item.answer for group in groups(book, "sound") for item in group.items}
    assert sounds["dog"] == "It barks."
    assert "no sound" in sounds["chair"]


def test_measured_facts_stand_in_the_question_and_the_answer_repeats_them(book):
    for group in groups(book, "size_fact"):
        answer = group.items[0].answer
        numbers = [word for word in answer.split() if word.replace(".", "").isdigit()]
        assert len(numbers) == 3
        assert all(number in group.question for number in numbers)


def test_chinese_names_come_from_the_labels_with_their_measure_word(book):
    answers = {item.label: item.answer for group in groups(book, "name_zh") for item in group.items}
    assert answers["chair"] == "这是一把椅子。"
    assert answers["apple"] == "这是苹果。"


def test_the_same_seed_asks_the_same(book):
    assert book.group("name", 8, random.Random(5)) == book.group("name", 8, random.Random(5))


def test_without_knowledge_questions_of_knowledge_are_left_out():
    book = QuestionBook(LABELS, {})
    assert book.group("parts", 4, random.Random(0)) is None
    assert book.group("name", 4, random.Random(0)).items


def test_an_unknown_kind_lists_the_known_ones(book):
    with pytest.raises(InputError, match="name_zh"):
        book.group("riddle", 2, random.Random(0))


def test_a_damaged_knowledge_file_is_named(tmp_path):
    (tmp_path / "objects.json").write_text("{")
    with pytest.raises(InputError, match=r"objects\.json"):
        read_knowledge(tmp_path)


def test_the_knowledge_that_is_shipped_is_complete_enough_to_phrase():
    knowledge = read_knowledge(KNOWLEDGE)
    for label, known in knowledge.items():
        for kind, (_questions, phrase) in phrasing.ATTRIBUTES.items():
            answer = phrase(known, label, label)
            assert isinstance(answer, str), (label, kind)
            assert "  " not in answer
        assert json.dumps(known)
