"""The settings of an answer: the profile's own where nobody chose, and no nonsense from a browser."""

import gradio as gr
import pytest

from app.chat_page.settings_form import SettingsForm, defaults
from app.engine import Engine, Options
from app.labels import Labels
from app.profile_menu import ProfileMenu


@pytest.fixture(scope="module")
def form():
    with gr.Blocks():
        yield SettingsForm(Labels(), ProfileMenu(Engine("embedded")), True)


def values_of(form, **changed):
    return [changed.get(name, value) for name, value in defaults("embedded").items()]


def test_defaults_are_the_profiles_and_ask_for_nothing_else(form):
    assert list(defaults("embedded")) == list(form.components)
    assert form.options(*values_of(form)) == Options() and form.kept(*values_of(form)) == {}


def test_a_profile_that_is_not_here_has_defaults_as_well():
    assert defaults("no/such/profile")["top_p"] == 0.9


def test_what_was_changed_is_kept_and_used(form):
    values = values_of(form, temperature=0.7, seed=3, length=64, cache_k=5, top_p=0.5)
    assert form.kept(*values) == {"temperature": 0.7, "seed": 3, "length": 64, "cache_k": 5, "top_p": 0.5}
    options = form.options(*values)
    assert (options.temperature, options.seed, options.max_tokens, options.top_p) == (0.7, 3, 64, 0.5)
    assert options.cache.k == 5 and options.cache.weight is None
    assert form.options(*values_of(form, cache=False, cache_k=5)).cache is False


@pytest.mark.parametrize("kept", [None, [], "x", {"temperature": "hot", "seed": -1, "cache": 3, "unknown": 1},
                                  {"temperature": float("nan"), "top_p": 99, "length": True}])
def test_nonsense_from_a_browser_is_the_default(form, kept):
    assert [update["value"] for update in form.values(kept)] == list(defaults("embedded").values())


def test_what_a_browser_kept_comes_back(form):
    shown = dict(zip(form.components, [update["value"] for update in form.values({"temperature": 0.5})], strict=True))
    assert shown["temperature"] == 0.5 and shown["top_p"] == defaults("embedded")["top_p"]
