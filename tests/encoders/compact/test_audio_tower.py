"""The audio tower with the shipped weights: what it hears, and what it refuses to listen to."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pointllm.encoders.compact.audio_tower import AudioTower, log_mel, mel_filterbank, prepare
from pointllm.encoders.compact.image_tower import ImageTower
from pointllm.encoders.compact.text_minilm import TextTower
from pointllm.errors import InputError
from pointllm.inputs import read_audio
from pointllm.profiles import resolve

ROOSTER = Path(__file__).resolve().parents[3] / "assets" / "samples" / "rooster.ogg"


@pytest.fixture(scope="module")
def tower() -> AudioTower:
    trunk = ImageTower.from_folder(resolve("embedded") / "image").trunk
    return AudioTower.from_folder(resolve("embedded") / "audio", trunk)


@pytest.fixture(scope="module")
def rooster():
    return read_audio(ROOSTER)


def test_a_sound_lies_near_the_words_for_it(tower, rooster):
    words = ["rooster", "rain", "clock tick", "chainsaw", "helicopter"]
    similarity = TextTower.from_folder(resolve("embedded") / "text").encode(words) @ tower.embed([rooster])[0]
    assert words[similarity.argmax()] == "rooster"


def test_loudness_and_sample_rate_do_not_matter(tower, rooster):
    import soxr

    samples, rate = rooster
    plain, quiet, other = tower.embed(
        [(samples, rate), (samples * 0.05, rate), (soxr.resample(samples, rate, 48000), 48000)])
    assert torch.linalg.norm(plain) == pytest.approx(1, abs=1e-5)
    assert plain @ quiet > 0.999
    assert plain @ other > 0.98


def test_silence_around_a_sound_does_not_matter(tower, rooster):
    samples, rate = rooster
    plain, around = tower.embed([(samples, rate), (np.pad(samples, (2 * rate, 2 * rate)), rate)])
    assert plain @ around > 0.98


def test_a_short_sound_is_repeated_with_pauses_until_the_window_is_full(tower):
    rate = tower.config["sample_rate"]
    click = np.ones(round(0.2 * rate), np.float32)
    [window] = prepare(np.pad(click, (rate, rate)), rate, tower.config)
    assert len(window) == tower.config["window_seconds"] * rate
    starts = np.flatnonzero(np.diff(window.numpy(), prepend=0) > 0.5) / rate
    assert starts == pytest.approx(np.arange(5), abs=0.1)


@pytest.mark.parametrize("seconds", [0.15, 3, 17])
def test_clips_of_any_length_are_heard(tower, rooster, seconds):
    samples, rate = rooster
    clip = np.resize(samples, int(seconds * rate))
    assert torch.isfinite(tower.embed([(clip, rate)])).all()


def test_a_sound_beside_others_gets_the_same_embedding(tower, rooster):
    samples, rate = rooster
    torch.testing.assert_close(tower.embed([(samples[::-1].copy(), rate), rooster])[1], tower.embed([rooster])[0])


@pytest.mark.parametrize(("samples", "reason"), [
    (np.zeros(22050), "silence"),
    (np.ones(100), "at least 0.1 s"),
    (np.full(22050, np.nan), "not finite"),
    (np.ones((22050, 2)), "one channel"),
])
def test_what_cannot_be_heard_is_refused_with_the_reason(tower, samples, reason):
    with pytest.raises(InputError, match=reason):
        tower.embed([(samples.astype(np.float32), 22050)])


def test_a_tone_lights_up_its_own_band(tower):
    config = tower.config
    time = np.arange(5 * config["sample_rate"]) / config["sample_rate"]
    [window] = prepare(np.sin(2 * np.pi * 1000 * time).astype(np.float32), config["sample_rate"], config)
    band = log_mel(window, config).mean(1).argmax().item()
    bank = mel_filterbank(config["sample_rate"], config["window"], config["bands"], config["low"], config["high"])
    centre = bank[band].argmax().item() * config["sample_rate"] / config["window"]
    assert centre == pytest.approx(1000, rel=0.05)
