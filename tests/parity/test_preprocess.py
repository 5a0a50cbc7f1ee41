"""Pictures and sounds become the original's input tensors."""

import pytest
import torch
from PIL import Image

from pointllm.encoders.imagebind.preprocess import AUDIO_CLIP_SECONDS, audio_tensor, clip_starts, image_tensor


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
        torch.testing.assert_close(image_tensor(image), expected[f"image{number}"], rtol=0, atol=tolerance)


def test_filterbanks_within_a_tenth_of_the_tolerance(description, expected):
    for number in numbered(expected, "wave"):
        rate = description["audio"][f"wave{number}"]["sample_rate"]
        found = audio_tensor(expected[f"wave{number}"].mean(dim=0), rate)
        torch.testing.assert_close(found, expected[f"melspec{number}"], rtol=0, atol=1e-4)


def test_clips_start_where_the_originals_do(description, expected):
    for name, facts in description["audio"].items():
        seconds = expected[name].shape[-1] / facts["sample_rate"]
        starts = clip_starts(seconds, AUDIO_CLIP_SECONDS, len(facts["clip_starts_s"]))
        assert [float(start) for start in starts] == pytest.approx(facts["clip_starts_s"], abs=1e-6)
