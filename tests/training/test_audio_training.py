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
         "picture_size": 64, "window_seconds": 0.5, "most_windows": 2, "shortest_period": 0.1}


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
    config = {"tower": TOWER, "versions": 2, "phrases": {"whistle": ["somebody whistles"]}}
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


def test_a_run_keeps_the_heads_that_did_not_hear_a_fold_and_evaluation_uses_them(data, tmp_path, capfd):
    (tmp_path / "audio.yaml").write_text(yaml.safe_dump({"tower": TOWER, "versions": 1}))
    run, cache = tmp_path / "run", tmp_path / "cache"
    assert main(["train", "audio", "--config", str(tmp_path / "audio.yaml"), "--data", str(data), "--out", str(run),
                 "--cache", str(cache)]) == 0
    assert sorted(file.name for file in (run / "folds").iterdir()) == [f"fold-{n}.safetensors" for n in range(4)]
    evaluate = ["eval", "audio", "--data", str(data), "--profile", str(run / "profile"), "--heads", str(run / "folds"),
                "--conditions", "noise-10db,loudest-second", "--out"]
    capfd.readouterr()
    assert main([*evaluate, str(tmp_path / "report"), "--json"]) == 0
    summary = json.loads(capfd.readouterr().out)["summary"]
    assert summary["top1"] == 100.0 and set(summary["conditions"]) == {"noise-10db", "loudest-second"}
    (run / "folds" / "fold-3.safetensors").unlink()
    assert main([*evaluate, str(tmp_path / "other")]) == 2
    assert "no fold-3.safetensors" in capfd.readouterr().err


def test_the_network_for_sound_effects_listens_where_the_recipe_says_so(data, tmp_path, capfd):
    tower = {**TOWER, "sample_rate": 44100, "window": 1024, "hop": 512, "effects": True}
    (tmp_path / "audio.yaml").write_text(yaml.safe_dump({"tower": tower, "versions": 1}))
    train = ["train", "audio", "--config", str(tmp_path / "audio.yaml"), "--data", str(data)]
    assert main([*train, "--out", str(tmp_path / "run"), "--export", str(tmp_path / "profile")]) == 0
    bind = PointBind.from_pretrained(str(tmp_path / "profile"))
    assert bind.space.audio_tower.widths == (1280 + 6 * TOWER["bands"], 3 * 512)
    vectors = bind.embed([data / "0.wav", data / "1.wav"])
    assert (vectors @ bind.embed_text(["low hum", "whistle"]).T).argmax(1).tolist() == [0, 1]
    capfd.readouterr()
    assert main([*train, "--out", str(tmp_path / "other"), "--set", "tower.sample_rate=22050"]) == 2
    assert "effects needs sample_rate 44100" in capfd.readouterr().err


def test_each_listener_has_a_layer_of_its_own_and_their_logits_are_averaged():
    config = AudioConfig.model_validate({"tower": TOWER, "steps": 50})
    features = torch.randn(20, 2, 7, generator=torch.Generator().manual_seed(0))
    labels, targets = torch.arange(20) % 2, torch.eye(2, 4)
    both = train_head(features, labels, targets, config, widths=(3, 4)).linear
    parts = [train_head(part, labels, targets, config).linear for part in features.split((3, 4), -1)]
    torch.testing.assert_close(both(features), (parts[0](features[..., :3]) + parts[1](features[..., 3:])) / 2)


def test_clear_sounds_land_on_their_targets_whatever_the_scale_of_features():
    config = AudioConfig.model_validate({"tower": TOWER, "steps": 400, "dropout": 0.0, "learning_rate": 0.05})
    features = torch.randn(20, 2, 6, generator=torch.Generator().manual_seed(0)) * 100 + 1000
    labels, targets = torch.arange(20) % 2, torch.eye(2, 4)
    features[labels == 1, :, 0] += 5000
    embedded = train_head(features, labels, targets, config)(features)
    assert (embedded * targets[labels][:, None]).sum(-1).median() > 0.98
    assert ((embedded @ targets.T).argmax(-1) == labels[:, None]).all()


def test_a_class_with_few_clips_counts_like_one_with_many():
    config = AudioConfig.model_validate({"tower": TOWER, "steps": 300, "dropout": 0.0, "learning_rate": 0.05})
    features = torch.zeros(11, 1, 2)
    features[10] = 1.0
    head = train_head(features, torch.tensor([0] * 10 + [1]), torch.eye(2), config)
    assert head(torch.tensor([[0.3, 0.3], [0.7, 0.7]])).argmax(1).tolist() == [0, 1]
