"""Sounds at another rate: windowed sinc interpolation, exact for what both rates can carry."""

import numpy as np
import pytest

from pointllm.encoders.imagebind.resample import resample


def tone(rate, seconds=0.5, hertz=440.0):
    return np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000, 44101])
def test_a_tone_stays_the_same_tone(rate):
    found = resample(tone(rate), rate, 16000)
    assert abs(len(found) - 8000) <= 1 and found.dtype == np.float32
    middle = slice(400, 7600)  # the window reaches over the ends
    np.testing.assert_allclose(found[middle], tone(16000)[middle], atol=2e-3)


def test_what_the_new_rate_cannot_carry_is_taken_out():
    found = resample(tone(48000, hertz=11_000.0), 48000, 16000)
    assert np.abs(found[400:-400]).max() < 0.02


def test_the_same_rate_is_left_alone():
    sound = tone(16000)
    assert resample(sound, 16000, 16000) is sound
