import numpy as np
import pytest
from tiny_space import DIM, unit

from pointllm.errors import InputError
from pointllm.tasks.arithmetic import Query, Term, combine
from pointllm.tasks.calibration import Calibration

RNG = np.random.default_rng(0)
A, B, C = (unit(RNG.standard_normal(DIM)) for _ in range(3))
ENTRIES = np.stack([unit(RNG.standard_normal(DIM)) for _ in range(6)])
MEASURED = Calibration(
    centres={"point": 0.1 * A, "text": 0.2 * B},
    spread={"point": {"point": 0.2, "text": 0.05}, "text": {"text": 0.1}},
)


def test_the_score_of_one_input_without_calibration_is_the_cosine():
    np.testing.assert_allclose(ENTRIES @ Query([Term("a", "point", A)]).vector("image"), ENTRIES @ A, atol=1e-6)


def test_shares_add_up_to_the_score():
    query = Query([Term("a", "point", A, 2.0), Term("b", "text", B, -0.5), Term("c", "text", C)], MEASURED)
    shares = query.shares(ENTRIES, "point")
    assert shares.shape == (6, 3)
    np.testing.assert_allclose(shares.sum(axis=1), ENTRIES @ query.vector("point"), atol=1e-5)


def test_a_share_is_a_similarity_against_its_modalities_spread():
    query = Query([Term("a", "point", A, 3.0), Term("b", "text", B, 1.0)], MEASURED)
    centred = (B - 0.2 * B) / np.linalg.norm(B - 0.2 * B)
    np.testing.assert_allclose(query.shares(ENTRIES, "point")[:, 1], ENTRIES @ centred / 0.05 / 4, rtol=1e-5)


def test_what_is_subtracted_counts_against_a_result():
    plus, minus = Query([Term("a", "x", A), Term("b", "x", B)]), Query([Term("a", "x", A), Term("b", "x", B, -1)])
    assert B @ plus.vector("x") > 0 > B @ minus.vector("x") + 1e-9 - A @ B


def test_only_the_ratio_of_weights_matters():
    one = Query([Term("a", "x", A, 0.5), Term("b", "x", B, 0.25)]).vector("x")
    np.testing.assert_allclose(Query([Term("a", "x", A, 20), Term("b", "x", B, 10)]).vector("x"), one, atol=1e-6)


@pytest.mark.parametrize("terms", [
    [Term("a", "x", A), Term("a", "x", A, -1)],
    [Term("a", "x", A, 2), Term("b", "x", A, -1), Term("c", "x", A, -1)],
])
def test_inputs_that_cancel_out_are_refused(terms):
    with pytest.raises(InputError, match="cancel"):
        Query(terms).vector("x")


def test_nothing_zero_and_infinite_weights_are_refused():
    with pytest.raises(InputError, match="nothing to search for"):
        Query([])
    with pytest.raises(InputError, match="all weights are zero"):
        Query([Term("a", "x", A, 0.0)])
    with pytest.raises(InputError, match="finite"):
        Query([Term("a", "x", A, float("nan"))])


def test_the_plain_sum_has_unit_length_and_needs_a_weight_each():
    total = combine(np.stack([A, B]), [2, -1])
    np.testing.assert_allclose(total, unit(2 * A - B), atol=1e-6)
    with pytest.raises(InputError, match="1 weights for 2 inputs"):
        combine(np.stack([A, B]), [1])
    with pytest.raises(InputError, match="cancel"):
        combine(np.stack([A, A]), [1, -1])
