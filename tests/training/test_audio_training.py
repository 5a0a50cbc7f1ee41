"""The audio tower's layer: sounds land near the words for them, measured on what it didn't hear."""

import json

import numpy as np
import pytest
import soundfile
import torch
import yaml

from pointllm import PointBind
from pointllm.cli import main
from pointllm.training.audio import train_head
from pointllm.training.audio_config import AudioConfig

TOWER = {"sample_rate": 8000, "window": 256, "hop": 64, "bands": 32, "low": 40.0, "high": 4000.0, "floor_db": 80.0,
         "picture_size": 64, "window_seconds": 0.5, "most_windows": 2}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two classes of four sounds each: a low hum and a high one."""
    folder = tmp_path_factory.mktemp("sounds")
    rng, rows = np.random.default_rng(0), []
    for number in range(8):
        name, pitch = (("low_hum", 150), ("whistle", 2000))[number % 2]
        time = np.arange(4000) / 8000
        wave = np.sin(2 * np.pi * pitch * rng.uniform(0.95, 1.05) * time) + 0.01 * rng.normal(size=4000)
        soundfile.write(folder / f"{number}.wav", (wave / 2).astype(np.float32), 8000)
        rows.append({"path": f"{number}.wav", "class": name, "fold": number // 2, "object_label": None})
    (folder / "audio.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_a_tower_is_trained_by_a_command_and_hears_the_difference(data, tmp_path):
    config = {"tower": TOWER, "versions": 2, "steps": 60, "batch": 16, "phrases": {"whistle": ["somebody whistles"]}}
    (tmp_path / "audio.yaml").write_text(yaml.safe_dump(config))
    arguments = ["train", "audio", "--config", str(tmp_path / "audio.yaml"), "--data", str(data),
                 "--out", str(tmp_path / "run"), "--export", str(tmp_path / "profile")]
    assert main(arguments) == 0
    results = json.loads((tmp_path / "profile/audio/results.json").read_text())
    assert results["accuracy"] == 100.0 and set(results["classes"]) == {"low_hum", "whistle"}
    bind = PointBind.from_pretrained(str(tmp_path / "profile"))
    vectors = bind.embed([data / "0.wav", data / "1.wav"])
    assert (vectors @ bind.embed_text(["low hum", "whistle"]).T).argmax(1).tolist() == [0, 1]
    assert (tmp_path / "profile/audio/recipe.yaml").is_file()


def test_standardisation_is_folded_into_the_layer():
    config = AudioConfig.model_validate({"tower": TOWER, "steps": 400, "dropout": 0.0})
    features = torch.randn(20, 2, 6, generator=torch.Generator().manual_seed(0)) * 100 + 1000
    labels = torch.arange(20) % 2
    features[labels == 1, :, 0] += 500
    head = train_head(features, labels, torch.eye(2, 4), config)
    assert ((head(features[:, 0]) @ torch.eye(2, 4).T).argmax(1) == labels).all()
