"""The network for sound effects: its spectrogram, its published weights folded, and damaged files."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from pointllm.encoders.compact.effects_net import (
    BANDS,
    FEATURES,
    HOP,
    LARGEST,
    SAMPLE_RATE,
    EffectsNet,
    fold_published_weights,
    spectrogram,
)
from pointllm.errors import WeightsError
from pointllm.profiles import resolve

WIDTHS = ((1, 64), (64, 128), (128, 256), (256, 512))


@pytest.fixture(scope="module")
def published() -> dict[str, torch.Tensor]:
    """Random weights under the published names."""
    generator, weights = torch.Generator().manual_seed(0), {"fc.0.0.weight": torch.zeros(256, 512)}
    for block, (before, after) in enumerate(WIDTHS, start=1):
        for layer, width in ((1, before), (2, after)):
            name = f"embedding_net.conv_block{block}"
            kernels = torch.randn(after, width, 3, 3, generator=generator)
            weights[f"{name}.conv{layer}.weight"] = kernels / width**0.5 / 3
            for key in ("weight", "running_var"):
                weights[f"{name}.bn{layer}.{key}"] = 0.5 + torch.rand(after, generator=generator)
            for key in ("bias", "running_mean"):
                weights[f"{name}.bn{layer}.{key}"] = torch.randn(after, generator=generator) / 10
    return weights


def unfolded(weights: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The network as it was published, (B, frames, bands) → (B, 512, steps)."""
    x = x[:, None]
    for block in range(1, 5):
        for layer in (1, 2):
            name = f"embedding_net.conv_block{block}"
            x = F.conv2d(x, weights[f"{name}.conv{layer}.weight"], padding=1)
            norm = {key: weights[f"{name}.bn{layer}.{key}"]
                    for key in ("running_mean", "running_var", "weight", "bias")}
            x = F.relu(F.batch_norm(x, **norm))
        x = F.max_pool2d(x, 2) if block < 4 else x
    return x.mean(3)


def test_folded_weights_hear_what_the_published_ones_hear(published):
    net = EffectsNet()
    net.load_state_dict(fold_published_weights(published))
    heard = torch.rand(2, 20, BANDS, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(net(heard), unfolded(published, heard), rtol=1e-4, atol=1e-4)


def test_a_full_scale_tone_reaches_the_level_that_the_training_scaled_to_one():
    seconds = torch.arange(SAMPLE_RATE) / SAMPLE_RATE
    frames = spectrogram(torch.sin(2 * torch.pi * 1000 * seconds))
    assert frames.shape == (1 + SAMPLE_RATE // HOP, BANDS)
    assert 0.85 < frames[5:-5].max() <= 1.0
    mel = 2595 * np.log10(1 + np.array([1000, SAMPLE_RATE / 2]) / 700)  # bands lie evenly on the mel scale
    assert abs(frames[20].argmax().item() - (mel[0] / mel[1] * (BANDS + 1) - 1)) < 1


def test_silence_is_zero_and_power_is_compressed_as_published():
    assert spectrogram(torch.zeros(4096)).abs().max() == 0
    noise = torch.randn(SAMPLE_RATE, generator=torch.Generator().manual_seed(0)) * 0.1
    powers = (10 ** (spectrogram(noise) * LARGEST) - 1) / 1e4
    louder = (10 ** (spectrogram(10 * noise) * LARGEST) - 1) / 1e4
    assert (louder.sum() / powers.sum()).item() == pytest.approx(100, rel=1e-3)


def test_features_of_a_short_sound_are_finite():
    net = EffectsNet.from_file(resolve("embedded") / "audio" / "effects.safetensors")
    found = net.features(torch.randn(SAMPLE_RATE // 4, generator=torch.Generator().manual_seed(0)))
    assert found.shape == (FEATURES,) and torch.isfinite(found).all() and found.any()


@pytest.mark.parametrize("content", [b"", b"\x08\0\0\0\0\0\0\0{\"a\": 1}", None])
def test_damaged_weights_are_refused_in_one_line(content, tmp_path):
    file = tmp_path / "effects.safetensors"
    if content is None:
        save_file({"convolutions.0.weight": torch.zeros(3)}, file)
    else:
        file.write_bytes(content)
    with pytest.raises(WeightsError, match=r"effects\.safetensors doesn't load \([^\n]+\); restore it"):
        EffectsNet.from_file(file)
