"""Texts of the page: every language says everything."""

import re

import pytest

from app.language import languages, preferred, text


@pytest.mark.parametrize("code", sorted(languages()))
def test_a_language_has_every_text_with_the_same_placeholders(code):
    def placeholders(texts):
        return {key: set(re.findall(r"{(\w+)}", sentence)) for key, sentence in texts.items()}

    assert placeholders(languages()[code]) == placeholders(languages()["en"])


@pytest.mark.parametrize(("header", "code"), [
    ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("de-DE,de;q=0.9,en-US;q=0.8", "en"), ("fr", "en"), ("", "en"), (None, "en"),
])
def test_the_browsers_first_known_language_is_chosen(header, code):
    assert preferred(header) == code


def test_an_unknown_language_reads_as_english():
    assert text("xx", "new_chat") == text("en", "new_chat")
    assert text("en", "status_reading", name="chair.ply") == "Looking at chair.ply…"
