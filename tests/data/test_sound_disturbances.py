"""Disturbed sounds: each step does what its name says, and the same seed gives the same sound."""

import numpy as np
import pytest

from pointllm.data.sound_disturbances import (
    CONDITIONS,
    cut,
    disturbed,
    in_a_room,
    loudest,
    under,
    with_background,
    with_noise,
    with_silence,
)
from pointllm.training.audio_config import DisturbanceSection

RATE = 16000


@pytest.fixture
def tone():
    """A second of silence, then one of a tone of 440 Hz."""
    time = np.arange(RATE) / RATE
    return np.concatenate([np.zeros(RATE), 0.5 * np.sin(2 * np.pi * 440 * time)]).astype(np.float32)


def power(samples):
    return float(np.mean(samples.astype(np.float64) ** 2))


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("colour", [0, 1, 2])
def test_noise_is_so_many_decibels_below_what_is_heard_and_silence_does_not_count(tone, colour):
    noisy, _ = with_noise(tone, RATE, 10.0, colour, rng())
    heard = power(tone[RATE:])
    assert 10 * np.log10(heard / power(noisy - tone)) == pytest.approx(10, abs=0.1)


def test_the_loudest_stretch_and_a_cut_are_not_silence(tone):
    assert power(loudest(tone, RATE, 1.0)[0]) > 0.99 * power(tone[RATE:])
    assert all(power(cut(tone, RATE, 0.2, np.random.default_rng(seed))[0]) > 0 for seed in range(20))


def test_silence_is_added_around_and_changes_nothing_else(tone):
    longer, rate = with_silence(tone, RATE, 1.5, rng())
    assert len(longer) == len(tone) + 1.5 * rate and power(longer) * len(longer) == pytest.approx(
        power(tone) * len(tone))


def test_a_background_is_quieter_by_so_much(tone):
    behind = rng().standard_normal(RATE // 2).astype(np.float32)
    mixed, _ = with_background(tone, RATE, (behind, 8000), 20.0, rng())
    assert 10 * np.log10(power(tone[RATE:]) / power(mixed - tone)) == pytest.approx(20, abs=1)


def test_an_echo_goes_on_after_the_sound(tone):
    ended = np.concatenate([tone, np.zeros(RATE, np.float32)])
    echo = in_a_room(ended, RATE, 0.5, 0.5, rng())[0]
    assert power(echo[2 * RATE:2 * RATE + 1000]) > 10 * power(echo[-1000:]) > 0


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_gives_a_sound_and_always_the_same_one(name, tone):
    first, again, other = (under(name, tone, RATE, file)[0] for file in ("a.ogg", "a.ogg", "b.ogg"))
    assert first.dtype == np.float32 and first.ndim == 1 and np.isfinite(first).all() and power(first) > 0
    np.testing.assert_array_equal(first, again)
    if name.startswith(("noise", "silence")):
        assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", range(12))
def test_any_combination_can_be_heard(tone, seed):
    certain = DisturbanceSection(**{name: 1.0 for name in ("cut", "room", "silence", "background", "noise", "narrow",
                                                           "mp3")})
    found, rate = disturbed(tone, RATE, certain, np.random.default_rng(seed), (tone[::-1].copy(), RATE))
    assert rate > 0 and len(found) > 0.1 * rate and np.isfinite(found).all() and np.abs(found).max() > 1e-4


def test_silence_alone_does_not_break_anything():
    nothing = np.zeros(RATE, np.float32)
    found, _ = disturbed(nothing, RATE, DisturbanceSection(cut=1, room=1, noise=1, background=1), rng(),
                         (nothing, RATE))
    assert not found.any()
