"""How the model saw the inputs of an answer: figures, nearest names, shares, as they are told."""

import pytest

from app.engine import Options
from app.insight import Figures, Insight, Name, Seen
from app.report import report

CHAIR = (Name("chair", 0.87), Name("stool", 0.004))


def insight(*seen: Seen, **others) -> Insight:
    return Insight(seen, CHAIR, 591, **others)


def test_figures_count_from_the_question_and_the_first_token():
    assert Figures(10.0, moments=[12.0, 12.5, 13.0]).measured() == {"tokens": 3, "first": 2.0, "rate": 2.0}
    assert Figures(10.0, moments=[12.0]).measured() == {"tokens": 1, "first": 2.0}
    assert Figures(10.0).measured() == {}


def test_nothing_known_is_nothing_shown():
    assert report({}, None, "en") == ""


def test_what_is_being_done_stands_in_the_place_of_what_is_not_known_yet():
    shown = report({"tokens": 4, "first": 0.5, "rate": 8.0}, None, "en", "Comparing…")
    assert "Comparing…" in shown and "0.5 s" in shown and 'role="status"' in shown and "<ol" not in shown


def test_names_are_told_in_the_readers_language_with_their_shares():
    seen = Seen("chair.ply", "point", 1.0, CHAIR)
    shown = report({}, insight(seen), "en")
    assert "chair" in shown and "87 %" in shown and "&lt;1 %" in shown and "591" in shown
    assert "椅子" in report({}, insight(seen), "zh")


def test_one_input_has_no_shares_and_several_have_one_each():
    one = Seen("chair.ply", "point", 0.75, CHAIR)
    other = Seen("dog.wav", "audio", 0.25, (Name("dog", 0.9),))
    assert "75 %" not in report({}, insight(one), "en")
    shown = report({}, insight(one, other), "en")
    assert "75 %" in shown and "25 %" in shown and "dog.wav" in shown


def test_names_of_files_are_text_never_markup():
    bad = '<img src=x onerror="alert(1)">.ply'
    seen = [Seen(bad, "point", 0.5, CHAIR, views=f"/tmp/{bad}", view_count=8)] * 2
    shown = report({}, insight(*seen), "en")
    assert "<img src=x" not in shown and "onerror=\"" not in shown


def test_neighbours_of_the_visual_cache_come_with_their_similarity():
    shown = report({}, insight(Seen("a.ply", "point", 1.0, CHAIR), neighbours=(Name("armchair", 0.712),)), "en")
    assert "armchair" in shown and "0.71" in shown


@pytest.mark.parametrize("language", ["en", "zh"])
def test_views_are_described_in_words(language):
    shown = report({}, insight(Seen("a.ply", "point", 1.0, CHAIR, "/tmp/a.views.jpg", 8)), language)
    assert 'alt="' in shown and "8" in shown and "a.ply" in shown


def test_the_inputs_of_a_real_answer_are_explained(answering_app, samples):
    from app.insight import Insights
    from app.pages.work import Job

    insights, paths = Insights(answering_app.engine), (str(samples / "chair.ply"), str(samples / "cat.jpg"))
    options = Options(weights=(3.0, 1.0))
    assert insights.known(paths, options) is None
    *_, found = insights.find(paths, options, Job())
    assert insights.known(paths, options) is found
    chair, cat = found.inputs
    assert (chair.share, cat.share) == (0.75, 0.25)
    assert chair.top[0].label == "chair" and cat.top[0].label in ("cat", "kitten")
    assert chair.view_count == 8 and chair.views and cat.views is None
    assert found.names > 500 and sum(name.score for name in found.top) <= 1.0001
