import numpy as np
import pytest
from tiny_space import TinyBind, write_picture

from pointllm.bind import PointBind
from pointllm.errors import InputError
from pointllm.tasks.calibration import Calibration
from pointllm.tasks.labels import Label
from pointllm.tasks.zero_shot import NoneOfThese, ZeroShot, classify, none_score

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


# --- none of these, labels by files


def test_an_input_that_other_names_explain_better_is_none_of_the_labels():
    background = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]], np.float32)
    fits, does_not = none_score(np.array([[0, 1], [-1, 0]], np.float32), LABELS, background)
    assert fits > does_not


def test_labels_by_pictures_are_recognised(tmp_path):
    tiny = TinyBind()
    files = [str(write_picture(tmp_path / f"{name}.png", name)) for name in ("red", "green", "blue")]
    recognise = ZeroShot(tiny, [Label(name, "", (file,)) for name, file in zip("rgb", files, strict=True)])
    vector = tiny.embed_file(write_picture(tmp_path / "x.png", (190, 30, 30))).vector
    assert recognise(vector[None], modality="image")[0][0].label == "r"
    with pytest.raises(InputError, match="sounds or pictures"):
        NoneOfThese(tiny, recognise)


def test_a_temperature_fitted_for_a_modality_is_used_for_it():
    tiny = TinyBind()
    recognise = ZeroShot(tiny, ["red", "blue"], calibration=Calibration(temperature={"image": 10.0}))
    vector = tiny.embed_text(["red"])
    sharp, flat = recognise(vector, modality="text")[0][0], recognise(vector, modality="video")[0][0]
    assert sharp.label == flat.label == "red" and sharp.score > 0.99 and flat.score < 0.6


def test_none_of_these_needs_a_threshold():
    tiny = TinyBind()
    recognise = ZeroShot(tiny, ["red", "blue"])
    vector = tiny.embed_text(["red"])
    with pytest.raises(InputError, match="--none-threshold"):
        NoneOfThese(tiny, recognise)(vector, "point")
    assert NoneOfThese(tiny, recognise, threshold=-2.0)(vector, "point")[0] > 0
    fitted = ZeroShot(tiny, ["red", "blue"], calibration=Calibration(none={"point": 9.0}))
    assert NoneOfThese(tiny, fitted)(vector, "point")[0] < 0
