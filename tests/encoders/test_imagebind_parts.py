"""ImageBind: published sizes and keys, clips, errors, its tokeniser and preprocessing (parity is tests/parity)."""

import numpy as np
import pytest
import torch
from PIL import Image

from pointllm.encoders.imagebind.model import MODALITIES, ImageBind, ImageBindConfig
from pointllm.encoders.imagebind.preprocess import audio_tensor, clip_starts, image_tensor, three_crops, video_tensor
from pointllm.encoders.imagebind.tokenizer import Tokenizer
from pointllm.errors import InputError, WeightsError

SIZES = {f"{name}_{size}": value for name in MODALITIES for size, value in
         (("embed_dim", 16), ("num_blocks", 1), ("num_heads", 2))}
SMALL = ImageBindConfig.from_dict({"out_embed_dim": 8, "image_size": 28, "depth_kernel_size": 14,
                                   "thermal_kernel_size": 14, "text_vocabulary": 50, "imu_length": 80, **SIZES})
INPUTS = {
    "vision": (2, 3, 28, 28),
    "audio": (2, 1, 128, 204),
    "depth": (2, 1, 28, 28),
    "thermal": (2, 1, 28, 28),
    "imu": (2, 6, 80),
}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return ImageBind(SMALL).eval().requires_grad_(False)


def example(modality):
    if modality == "text":
        return torch.randint(1, 49, (2, 77)).scatter(1, torch.tensor([[5], [9]]), 49)
    return torch.randn(INPUTS[modality])


def test_default_config_is_imagebind_huge():
    with torch.device("meta"):
        huge = ImageBind()
    state = huge.state_dict()
    assert sum(p.numel() for p in huge.parameters()) == pytest.approx(1.2e9, rel=0.01)
    assert state["modality_trunks.vision.blocks.31.attn.in_proj_weight"].shape == (3840, 1280)
    assert state["modality_preprocessors.audio.pos_embedding_helper.pos_embed"].shape == (1, 229, 768)
    assert state["modality_preprocessors.imu.imu_stem.proj.weight"].shape == (512, 48)
    assert state["modality_heads.text.proj.1.weight"].shape == (1024, 1024)


@pytest.mark.parametrize("modality", MODALITIES)
def test_unscaled_embeddings_are_unit_vectors(model, modality):
    embedding = model.embed(modality, example(modality), scaled=False)
    assert embedding.shape == (2, 8)
    assert torch.allclose(embedding.norm(dim=-1), torch.ones(2), atol=1e-5)


@pytest.mark.parametrize(("modality", "scale"), [("vision", 1), ("text", 1 / 0.07), ("audio", 20), ("depth", 5)])
def test_the_originals_scales_apply(model, modality, scale):
    norm = model.embed(modality, example(modality)).norm(dim=-1)
    assert torch.allclose(norm, torch.full((2,), float(scale)), rtol=1e-4)


def test_clips_are_averaged(model):
    clips = torch.randn(2, 3, 3, 2, 28, 28)
    alone = torch.stack([model.embed("vision", clips[:, index]) for index in range(3)], dim=1).mean(dim=1)
    assert torch.allclose(model.embed("vision", clips), alone, atol=1e-6)
    spectra = torch.randn(1, 3, 1, 128, 204)
    assert torch.allclose(model.embed("audio", spectra)[0], model.embed("audio", spectra[0]).mean(dim=0), atol=1e-5)


def test_an_image_is_a_clip_in_which_nothing_moves(model):
    image = torch.randn(2, 3, 28, 28)
    clip = torch.stack([image, image], dim=2)
    assert torch.allclose(model.embed("vision", image), model.embed("vision", clip), atol=1e-6)


def test_text_behind_the_end_mark_does_not_matter(model):
    ids = example("text")
    other = ids.clone()
    other[0, 6:] = 0
    assert torch.allclose(model.embed("text", ids)[0], model.embed("text", other)[0], atol=1e-5)


def test_weights_make_the_round_trip_and_point_keys_are_left_to_others(model):
    state = {**model.state_dict(), "modality_head_point.0.weight": torch.ones(512)}
    copy = ImageBind.from_published(state, SMALL)
    image = example("vision")
    assert torch.equal(copy.embed("vision", image), model.embed("vision", image))


def test_a_subset_of_modalities_can_be_built(model):
    part = ImageBind.from_published(model.state_dict(), SMALL, ("text", "audio"))
    assert set(part.modality_trunks) == {"text", "audio"}
    with pytest.raises(InputError, match="'vision' was not built; built: text, audio"):
        part.embed("vision", example("vision"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("modality_trunks.audio.blocks.0.attn.bias_k"), "1 keys missing, first modality"),
        (lambda state: state.update({"layers.0.wq.weight": torch.ones(1)}), "1 unknown keys, first layers.0.wq.weight"),
        (lambda state: state.update({"modality_heads.vision.2.weight": torch.ones(8, 4)}), r"is \(8, 4\), \(8, 16\)"),
    ],
)
def test_wrong_checkpoints_are_named(model, change, message):
    state = dict(model.state_dict())
    change(state)
    with pytest.raises(WeightsError, match=message):
        ImageBind.from_published(state, SMALL)


@pytest.mark.parametrize("modality", MODALITIES)
def test_wrong_shapes_are_named(model, modality):
    with pytest.raises(InputError, match=f"{modality} input of shape"):
        model.embed(modality, torch.zeros(2, 5, 5).long() if modality == "text" else torch.zeros(2, 5, 30, 30))


def test_unknown_sizes_and_modalities_list_the_known_ones():
    with pytest.raises(ValueError, match="no size vision_depth; known: audio_embed_dim"):
        ImageBindConfig.from_dict({"vision_depth": 3})
    with pytest.raises(ValueError, match="no modality smell; known: vision"):
        ImageBind(SMALL, ["smell"])


def test_tokens_begin_end_and_fill_up():
    ids = Tokenizer()(["a diagram", "", "word " * 200])
    assert ids[0].tolist()[:5] == [49406, 320, 22697, 49407, 0]
    assert ids[1].tolist()[:3] == [49406, 49407, 0]
    assert ids.shape == (3, 77) and ids[2, -1] != 49407 and (ids[2] > 0).all()
    with pytest.raises(InputError):
        Tokenizer()("a bare string")


def test_pictures_are_cropped_in_the_middle():
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, 100:200] = 255
    image = image_tensor(Image.fromarray(pixels), size=50)
    assert image.shape == (3, 50, 50)
    assert (image > 1.5).all()  # only the white middle, normalised


def test_clips_are_spread_over_the_recording():
    assert [float(start) for start in clip_starts(5.0, 2, 3)] == [0.0, 1.5, 3.0]
    assert [float(start) for start in clip_starts(1.0, 2, 3)] == [0.0, 0.0, 0.0]
    assert [float(start) for start in clip_starts(9.0, 2, 1)] == [0.0]


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_sounds_of_any_rate_and_length(rate):
    for seconds in (0.05, 1.3, 7.0):
        wave = np.sin(np.arange(int(rate * seconds)) * 2 * np.pi * 440 / rate).astype(np.float32)
        spectra = audio_tensor(wave, rate)
        assert spectra.shape == (3, 1, 128, 204) and torch.isfinite(spectra).all()
    with pytest.raises(InputError, match="at least 0.025 s"):
        audio_tensor(np.zeros(10, np.float32), rate)


def test_a_tone_lights_up_its_band():
    def loudest_band(hertz):
        wave = np.sin(np.arange(32000) * 2 * np.pi * hertz / 16000).astype(np.float32)
        return int(audio_tensor(wave, 16000)[0, 0, :, 50].argmax())

    assert 10 < loudest_band(300) < 40 < 70 < loudest_band(3000) < 100


def test_videos_give_five_clips_in_three_crops():
    frames = np.zeros((40, 30, 60, 3), np.uint8)
    frames[:, :, :20, 0] = 255  # red on the left
    clips = video_tensor(frames, fps=4.0, size=20)
    assert clips.shape == (15, 3, 2, 20, 20)
    left, middle, right = (clips[index, 0].mean() for index in range(3))
    assert left > middle >= right
    assert video_tensor(frames[:1], fps=25.0, size=20).shape == (15, 3, 2, 20, 20)
    with pytest.raises(InputError, match="nothing to see"):
        video_tensor([], 25.0)


def test_crops_run_along_the_longer_side():
    tall = torch.arange(10)[:, None].expand(10, 4)
    assert [int(crop[0, 0]) for crop in three_crops(tall, 4)] == [0, 3, 6]
    assert [int(crop[0, 0]) for crop in three_crops(tall.T, 4)] == [0, 3, 6]
