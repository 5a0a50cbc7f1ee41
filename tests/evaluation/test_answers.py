import importlib.util
from pathlib import Path

import pytest

from pointllm.data.records import Label
from pointllm.evaluation import answers

LABELS = {"sofa": Label("sofa", "furniture", "沙发", ("couch",)), "box": Label("box", "container", "盒子")}
CHECK = Path(__file__).parents[3] / "shared" / "checks" / "score.py"


@pytest.mark.parametrize(("answer", "named"), [
    ("A sofa.", True), ("These are couches.", True), ("Two SOFAS", True), ("sofabed", False), ("A chair.", False),
    ("An armchair and a couch", True), ("", False),
])
def test_a_label_or_synonym_as_a_word_of_its_own_names_the_object(answer, named):
    assert answers.names_object(answer, answers.accepted_names(LABELS, ["sofa"])) is named


@pytest.mark.skipif(not CHECK.is_file(), reason="the acceptance check isn't here")
def test_naming_agrees_with_the_acceptance_check():
    spec = importlib.util.spec_from_file_location("score", CHECK)
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    labels = {name: Label(name, None, entry["zh"], tuple(entry["synonyms"])) for name, entry in score.LABELS.items()}
    said = [f"This is a {name}." for name in list(labels)[::7]]
    said += ["glasses", "A t.v. set", "cars and trucks", "这是一把椅子。"]
    for label in list(labels)[::11]:
        for answer in said + [label, label.upper() + "es", f"非{labels[label].zh}"]:
            assert answers.names_object(answer, answers.accepted_names(labels, [label])) == score.names_it(
                answer, {label}, "ask"), (label, answer)
            assert answers.names_object_zh(answer, labels, [label]) == score.names_it(answer, {label}, "ask_zh")


@pytest.mark.parametrize(("answer", "strict"), [
    ("A sofa.", True), ("This is a sofa.", True), ("sofa", True), ("Couches!", True), ("a red sofa", False),
    ("A sofa and a chair", False), ("", False),
])
def test_the_strict_reading_wants_the_name_and_nothing_else(answer, strict):
    assert answers.is_name(answer, ["sofa", "couch"]) is strict


@pytest.mark.parametrize(("answer", "said"), [
    ("Yes, this is a chair.", True), ("No, this is a lamp.", False), ("no", False), ("It is. Yes.", True),
    ("Well, yes and no.", None), ("This is a chair.", None), ("", None), ("是的，这是椅子。", True), ("不是。", False),
    ("Not a chair.", False), ("Nothing of the sort", None),
])
def test_yes_and_no_are_read_from_the_first_word_else_from_the_only_one(answer, said):
    assert answers.yes_or_no(answer) is said


def test_colours_are_right_when_one_is_on_record_and_none_is_wrong():
    both = answers.colors_right("It is mostly brown, with some grey.", ["brown", "gray"])
    assert both == {"right": True, "names_one": True, "names_wrong": False, "names_main": True}
    mixed = answers.colors_right("Brown and red.", ["gray", "brown"])
    assert mixed == {"right": False, "names_one": True, "names_wrong": True, "names_main": False}
    assert not any(answers.colors_right("I can't tell; ask Mr Redding.", ["red"]).values())
    assert answers.colors_right("a silvery one", ["gray"])["right"]


def test_keywords_leave_out_small_words_and_endings():
    assert answers.keywords("It is used for cutting the breads.") == answers.keywords("You cut bread")
    assert answers.keyword_f1("It has a blade and a handle.", "Its main parts are the blade, handle and tip.") == (
        pytest.approx(0.8))
    assert answers.keyword_f1("", "blade") == 0


def test_chinese_is_told_by_its_letters():
    assert answers.is_chinese("这是一把椅子。")
    assert not answers.is_chinese("This is 椅.") and not answers.is_chinese("...")


def test_labels_without_a_chinese_name_are_never_named_by_any_answer():
    assert not answers.names_object_zh("什么", {"thing": Label("thing")}, ["thing", "unknown"])
