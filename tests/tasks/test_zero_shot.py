import numpy as np
import pytest

from pointllm.bind import PointBind
from pointllm.errors import InputError
from pointllm.tasks.zero_shot import ZeroShot, classify

NAMES = ("north", "east", "south")
LABELS = np.array([[0, 1], [1, 0], [0, -1]], np.float32)


def test_scores_are_the_softmax_of_cosine_over_temperature():
    angle = 0.3
    vector = np.array([[np.sin(angle), np.cos(angle)]], np.float32)
    (best,) = classify(vector, NAMES, LABELS, top=3, temperature=0.5)
    expected = np.exp(np.array([np.cos(angle), np.sin(angle), -np.cos(angle)]) / 0.5)
    assert [prediction.label for prediction in best] == ["north", "east", "south"]
    assert [prediction.score for prediction in best] == pytest.approx(expected / expected.sum(), abs=1e-6)


def test_the_best_come_first_and_no_more_than_asked():
    first, second = classify(np.array([[0, -1], [1, 0]], np.float32), NAMES, LABELS, top=2, temperature=0.1)
    assert [prediction.label for prediction in first] == ["south", "east"]
    assert [prediction.label for prediction in second] == ["east", "north"]  # a tie keeps the order of the names
    assert len(classify(LABELS, NAMES, LABELS, top=99, temperature=0.1)[0]) == 3


def test_a_tiny_temperature_stays_finite():
    (best,) = classify(LABELS[:1], NAMES, LABELS, top=3, temperature=1e-6)
    assert [prediction.score for prediction in best] == [1.0, 0.0, 0.0]


@pytest.fixture(scope="module")
def bind():
    return PointBind.from_pretrained("embedded")


def test_a_sentence_is_recognised_by_what_it_speaks_of(bind):
    recognise = ZeroShot(bind, ["dog", "bicycle", "teapot"])
    vectors = bind.embed_text(["a puppy on a lawn", "hot tea is poured from it", "it has two wheels and pedals"])
    assert [best[0].label for best in recognise(vectors, top=1)] == ["dog", "teapot", "bicycle"]


def test_no_labels_are_refused(bind):
    with pytest.raises(InputError, match="label"):
        ZeroShot(bind, [])
