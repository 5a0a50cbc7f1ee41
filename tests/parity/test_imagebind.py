"""ImageBind and its tokeniser give the original's embeddings and ids."""

import pytest
import torch

from pointllm.encoders.imagebind.model import ImageBind, ImageBindConfig
from pointllm.encoders.imagebind.tokenizer import Tokenizer

OUTPUTS = ("vision", "video", "text", "audio", "depth", "thermal", "imu")
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def description(parity):
    return parity.json("imagebind.json")


@pytest.fixture(scope="module")
def model(parity, description):
    config = ImageBindConfig.from_dict(description["constructor"])
    return ImageBind.from_published(parity.tensors("imagebind.weights.safetensors"), config)


@pytest.fixture(scope="module")
def expected(parity):
    return parity.tensors("imagebind.io.safetensors")


@pytest.mark.parametrize("name", OUTPUTS)
@torch.inference_mode()
def test_every_modality_gives_the_originals_embedding(model, expected, name):
    modality = "vision" if name == "video" else name
    found = model.embed(modality, expected[f"input.{name}"])
    torch.testing.assert_close(found, expected[f"output.{name}"], rtol=0, atol=TOLERANCE)


def test_no_output_of_the_set_is_left_out(description, expected):
    assert set(description["outputs"]) == set(OUTPUTS)
    for side in ("input", "output"):
        assert {key.removeprefix(f"{side}.") for key in expected if key.startswith(f"{side}.")} == set(OUTPUTS)


def test_token_ids_are_the_originals(description, expected):
    found = Tokenizer()(description["token_strings"])
    assert torch.equal(found, expected["tokens"])
