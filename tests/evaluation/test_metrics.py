import numpy as np
import pytest

from pointllm.evaluation import metrics


def test_the_place_of_the_first_right_label_decides():
    places = metrics.ranks_of_right([["a", "b", "c"], ["a", "b"], ["a"], []], [{"c", "b"}, {"a"}, {"x"}, {"a"}])
    assert places[:2].tolist() == [1, 0]
    assert (places[2:] > 1000).all()  # a short ranking without the right label is no hit at any k


def test_macro_counts_every_class_alike():
    hits, classes = [True] * 9 + [False], ["often"] * 9 + ["once"]
    assert metrics.percent(hits) == 90
    assert metrics.macro_percent(hits, classes) == 50


def test_groups_are_counted_and_sorted():
    assert metrics.grouped_percent([True, False, True], ["b", "a", "b"]) == {"a": (1, 0.0), "b": (2, 100.0)}


def test_confusions_leave_out_what_is_right_and_begin_with_the_commonest():
    wanted, got = ["a", "a", "b", "c", "c"], ["b", "b", "b", "a", "c"]
    assert metrics.confusions(wanted, got) == [("a", "b", 2), ("c", "a", 1)]
    assert metrics.confusion_matrix(wanted, got, ["a", "b", "c"]).tolist() == [[0, 2, 0], [0, 1, 0], [1, 0, 1]]


def test_calibration_error_is_the_gap_weighted_by_count():
    found = metrics.calibration([0.9, 0.9, 0.1, 1.0], [True, False, False, True], bins=10)
    # bin 0.9 to 1: mean confidence 0.933, right 2/3, three answers; bin 0.1: confidence 0.1, none right
    assert found.ece == pytest.approx(100 * (3 * (2.8 / 3 - 2 / 3) + 0.1) / 4)
    assert metrics.calibration([1.0, 1.0], [True, True]).ece == pytest.approx(0)
    assert metrics.calibration([], []).ece == 0


def test_average_precision_is_that_of_the_definition():
    similarity = np.array([[0.9, 0.8, 0.7, 0.6]])
    found = metrics.retrieval(similarity, np.array([[False, True, False, True]]))
    assert found.map == pytest.approx(100 * (1 / 2 + 2 / 4) / 2)
    assert found.recall == {1: 0.0, 5: 100.0}


def test_queries_without_a_relevant_item_are_left_out_and_counted():
    relevant = np.array([[True, False], [False, False]])
    found = metrics.retrieval(np.ones((2, 2)), relevant)
    assert (found.queries, found.left_out) == (1, 1)
    assert np.isnan(found.average_precision[1])


def test_an_object_is_not_found_by_itself():
    vectors = np.eye(3)
    same = np.array([[True, True, False], [True, True, False], [False, False, True]])
    found = metrics.retrieval(vectors @ vectors.T, same, ~np.eye(3, dtype=bool))
    assert found.queries == 2 and found.left_out == 1


def test_ties_keep_the_order_of_the_gallery():
    found = metrics.retrieval(np.zeros((1, 3)), np.array([[False, False, True]]))
    assert found.map == pytest.approx(100 / 3)


def test_the_floor_is_what_random_rankings_give_on_average():
    rng = np.random.default_rng(0)
    relevant = np.arange(12)[None] < np.array([1, 3, 0, 11])[:, None]
    allowed = np.ones_like(relevant)
    allowed[:, 0] = False
    drawn = [metrics.retrieval(rng.random(relevant.shape), relevant, allowed).map for _ in range(2000)]
    assert metrics.chance_map(relevant, allowed) == pytest.approx(np.mean(drawn), abs=1)


def test_balanced_accuracy_gives_fifty_to_who_always_says_yes():
    truth = [True, False, False, False]
    assert metrics.balanced_accuracy([True] * 4, truth) == 50
    assert metrics.balanced_accuracy([False] * 4, truth) == 50
    assert metrics.balanced_accuracy([True, False, False, None], truth) == pytest.approx(100 * (1 + 2 / 3) / 2)


def test_f1_of_words():
    assert metrics.token_f1(["a", "b"], ["b", "c"]) == 0.5
    assert metrics.token_f1([], ["b"]) == 0
    assert metrics.token_f1(["b"], ["b"]) == 1


def test_mcnemar_looks_at_what_differs_alone():
    a, b = [True] * 50 + [False] * 10, [True] * 50 + [True] * 10
    found = metrics.mcnemar(a, b)
    assert (found.only_a, found.only_b) == (0, 10)
    assert found.p == pytest.approx(2 / 2**10)
    assert metrics.mcnemar(a, a).p == 1


def test_the_bootstrap_interval_covers_the_mean_and_is_the_same_each_time():
    values = np.random.default_rng(1).random(200)
    low, high = metrics.bootstrap_interval(values)
    assert low < values.mean() < high and high - low < 0.12
    assert (low, high) == metrics.bootstrap_interval(values)
    assert metrics.bootstrap_interval([]) == (0.0, 0.0)


def test_figures_that_are_no_number_become_none():
    assert metrics.rounded({"a": float("nan"), "b": {"c": np.float32(0.125)}, "d": 3}) == {
        "a": None, "b": {"c": 0.12}, "d": 3}
