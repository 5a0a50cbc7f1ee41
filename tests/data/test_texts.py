"""All sentences about a label: its names in every template, then captions."""

from __future__ import annotations

from pointllm.data.records import Label, Record
from pointllm.data.templates import QUICK_TEMPLATES, TEMPLATES
from pointllm.data.texts import label_texts, names_of, object_texts

SOFA = Label("sofa", synonyms=("couch", "Sofa", " ", "lounge  seat"))


def test_there_are_64_templates_of_which_eight_are_quick():
    assert len(TEMPLATES) == len(set(TEMPLATES)) == 64 and TEMPLATES[:8] == QUICK_TEMPLATES


def test_names_are_said_once_each_the_own_first():
    assert names_of(SOFA) == ["sofa", "couch", "lounge seat"]


def test_each_name_fills_every_template_in_a_row():
    texts = label_texts(SOFA)
    assert len(texts) == 3 * 64 and all("couch" in text for text in texts[64:128])


def test_captions_come_last_and_once():
    record = Record("a", None, "sofa", captions=("a red sofa", "a red sofa", "a sofa"))
    assert object_texts(record, SOFA)[3 * 64:] == ["a red sofa"]
    assert object_texts(Record("a", None, "axe"))[0] == "an axe"
