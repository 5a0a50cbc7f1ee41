"""A whole, tiny run of the point tower's training: it learns, goes on where it stopped, and its export loads."""

import json

import numpy as np
import pytest
import torch

from pointllm.encoders.compact.point_tower import PointTower
from pointllm.training.point_clouds import EVEN_POINTS
from pointllm.training.point_export import export
from pointllm.training.point_tower import learning_rate, set_resolution, train

NAMES = ["ball", "plate", "stick"]
POINTS = 1500
CONFIG = {
    "tower": {
        "encoder": "i2p_mae",
        "architecture": {"groups": [32, 8], "group_sizes": [8, 4], "dims": [16, 32], "depths": [1, 1],
                         "radii": [0.3, 0.0], "heads": 2, "point_widths": [8, 16, 16], "in_channels": 6},
        "projection_dim": 32, "dim": 8, "dropout": 0.0, "points": 128, "yaw_turns": 2, "samplings": 1,
    },
    "stages": [{"until": 0.5, "points": 64, "groups": [16, 4], "group_sizes": [8, 4]}],
    "augmentation": {"mix": 0.2},
    "loss": {"label": 1.0, "smoothing": 0.0, "scale": 20.0, "scale_most": 50.0, "relation": 0.5,
             "relation_temperature": 0.1, "regression": 1.0, "teacher_dim": 6, "teacher_whitening": 0.5,
             "teacher_views": 2},
    "optimizer": {"learning_rate": 0.005, "weight_decay": 0.05, "warmup_steps": 5, "clip": 1.0, "ema": 0.9},
    "batch": 12, "epochs": 8, "even": 0.5, "evaluate_every": 4, "seed": 0,
}  # fmt: skip


@pytest.fixture
def files(tmp_path):
    """A data folder with three kinds of shapes, their clouds, features of their views, and a run's folder."""
    rng = np.random.default_rng(0)
    records, clouds, views = [], [], []
    for number in range(48):
        label = number % 3
        xyz = rng.normal(size=(POINTS, 3)) * ([1, 1, 1], [1, 0.05, 1], [0.05, 1, 0.05])[label]
        clouds.append(xyz / np.linalg.norm(xyz, axis=1).max())
        views.append(rng.normal(size=(3, 10)) * 0.1 + np.eye(10)[label])
        records.append({"id": f"o{number}", "label": NAMES[label], "split": "val" if number >= 36 else "train"})
    ids = np.array([record["id"] for record in records])
    (tmp_path / "objects.jsonl").write_text("\n".join(map(json.dumps, records)))
    (tmp_path / "labels.json").write_text(json.dumps(dict.fromkeys(NAMES, {})))
    even = rng.integers(0, POINTS, (48, 2, EVEN_POINTS)).astype(np.uint16)
    np.savez(tmp_path / "clouds.npz", ids=ids, xyz=np.array(clouds, np.float16), has_color=np.zeros(48, bool),
             rgb=np.zeros((48, POINTS, 3), np.uint8), even=even)  # fmt: skip
    (tmp_path / "views").mkdir()
    np.savez(tmp_path / "views/mesh-train-0000.npz", ids=ids, features=np.array(views, np.float16))
    run = tmp_path / "run"
    run.mkdir()
    torch.save(torch.eye(3, 8), run / "label_embeddings.pt")
    return tmp_path


def run(files, config):
    train(config, files, files / "clouds.npz", files / "views", files / "run")
    return [json.loads(line) for line in (files / "run/metrics.jsonl").read_text().splitlines()]


def test_it_learns_and_its_export_is_what_was_measured(files):
    records = run(files, CONFIG)
    assert records[-1]["label"] < records[0]["label"]
    assert [record["points"] for record in records] == [64] * 4 + [128] * 4
    assert set(records[-1]["val"]) == {"as_is", "no_color", "z_up", "points_1024", "points_10_percent"}
    results = export(files / "run", files, files / "clouds.npz", files / "point")
    assert abs(results["as_is"]["top1"] - records[-1]["val"]["as_is"]["top1"]) < 10  # fp16 rounding
    assert PointTower.from_folder(files / "point").dim == 8
    assert (files / "point/curves.png").stat().st_size > 1000


def test_a_stopped_run_goes_on_and_ends_as_if_it_had_not_been_stopped(files, monkeypatch):
    monkeypatch.setattr("pointllm.training.point_tower.CHECKPOINT_SECONDS", 0)
    whole = run(files, CONFIG)[-1]
    weights = torch.load(files / "run/checkpoint.pt", weights_only=True)["average"]
    for name in ("checkpoint.pt", "metrics.jsonl"):
        (files / "run" / name).unlink()

    class Stop(Exception):
        pass

    def stop_after_three(path, **parts):
        torch.save(parts, path)
        if parts["epoch"] == 3:
            raise Stop

    with monkeypatch.context() as stopping:
        stopping.setattr("pointllm.training.point_tower.save_checkpoint", stop_after_three)
        with pytest.raises(Stop):
            run(files, CONFIG)
    again = run(files, CONFIG)
    assert [record["epoch"] for record in again] == list(range(1, 9))
    assert again[-1]["label"] == pytest.approx(whole["label"], abs=1e-4)
    for key, value in torch.load(files / "run/checkpoint.pt", weights_only=True)["average"].items():
        torch.testing.assert_close(value, weights[key], rtol=1e-3, atol=1e-4)


def test_the_rate_warms_up_and_ends_at_zero():
    config = {"learning_rate": 1.0, "warmup_steps": 10}
    rates = [learning_rate(step, 100, config) for step in range(101)]
    assert rates[0] == 0.1 and max(rates) == 1.0 and rates[100] < 1e-9


def test_stages_change_what_the_encoder_looks_at():
    from pointllm.encoders.compact.point_tower import build_branch

    branch = build_branch(CONFIG["tower"])
    assert set_resolution(branch, CONFIG["tower"], CONFIG["stages"], 0.2) == 64
    assert branch.point_encoder.config.groups == (16, 4)
    assert set_resolution(branch, CONFIG["tower"], CONFIG["stages"], 0.5) == 128
    assert branch.point_encoder.config.groups == (32, 8)
