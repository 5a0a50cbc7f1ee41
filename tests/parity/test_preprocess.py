"""Pictures and sounds become the original's input tensors."""

import pytest
import torch
from PIL import Image

from pointllm.encoders.imagebind.preprocess import AUDIO_CLIP_SECONDS, audio_tensor, clip_starts, image_tensor

FILTERBANK_TOLERANCE = 1e-4  # a tenth of the set's own


@pytest.fixture(scope="module")
def description(parity):
    return parity.json("preprocess.json")


@pytest.fixture(scope="module")
def expected(parity):
    return parity.tensors("preprocess.io.safetensors")


def numbered(expected, prefix):
    """Numbers of the entries prefix0, prefix1, … (at least one)."""
    found = sorted(int(key.removeprefix(prefix)) for key in expected if key.startswith(prefix))
    assert found, f"no {prefix} in the set"
    return found


def test_pictures(parity, description, expected):
    for number in numbered(expected, "image"):
        image = Image.open(parity.path(f"image{number}.png"))
        tolerance = description["tolerance"]["image"]
        wanted = expected[f"image{number}"]
        torch.testing.assert_close(image_tensor(image, wanted.shape[-1]), wanted, rtol=0, atol=tolerance)


def test_filterbanks(description, expected):
    for number in numbered(expected, "wave"):
        rate = description["audio"][f"wave{number}"]["sample_rate"]
        sound = expected[f"wave{number}"][0]  # the original hears the first channel
        found = audio_tensor(sound, rate)
        torch.testing.assert_close(found, expected[f"melspec{number}"], rtol=0, atol=FILTERBANK_TOLERANCE)


def test_clips_start_where_the_originals_do(description, expected):
    for name, facts in description["audio"].items():
        seconds = expected[name].shape[-1] / facts["sample_rate"]
        starts = clip_starts(seconds, AUDIO_CLIP_SECONDS, len(facts["clip_starts_s"]))
        assert [float(start) for start in starts] == pytest.approx(facts["clip_starts_s"], abs=1e-6)
