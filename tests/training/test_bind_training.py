"""The contrastive stage on small synthetic data: it learns, masks what is missing, and every encoder can be trained."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pointllm.data.records import Record
from pointllm.encoders.compact.point_tower import PointTower, build_branch
from pointllm.encoders.registry import MODULES
from pointllm.training.bind import BindTask
from pointllm.training.bind_config import BindConfig
from pointllm.training.bind_data import BindData, Texts, Views
from pointllm.training.bind_evaluate import Evaluation, accuracy
from pointllm.training.bind_export import export
from pointllm.training.bind_model import BindModel
from pointllm.training.objects import Objects, even_subsets
from pointllm.training.trainer import Trainer, open_run

NAMES = ["ball", "plate", "stick"]
POINTS = 600
SMALL = {
    "i2p_mae": {"groups": [32, 8], "group_sizes": [8, 4], "dims": [16, 32], "depths": [1, 1], "radii": [0.3, 0.0],
                "heads": 2, "point_widths": [8, 16, 16], "in_channels": 6},
    "point_bert": {"groups": 16, "group_size": 8, "dim": 24, "depth": 2, "heads": 2, "point_widths": [8, 16, 16],
                   "token_dim": 16, "position_hidden": 16, "in_channels": 6},
    "pointnext": {"width": 8, "strides": [4, 4], "blocks": [0, 1], "members": 8, "in_channels": 6},
}  # fmt: skip


def make_config(encoder="i2p_mae", layers=2, loss=None, **changes):
    values = {
        "tower": {"encoder": encoder, "architecture": SMALL[encoder], "projection_dim": 32, "dim": 8, "points": 128,
                  "projection_layers": layers, "yaw_turns": 2, "samplings": 1},
        "data": {"points": POINTS, "subsets": 2, "views": 3},
        "loss": loss or {"label": 1.0, "relation": 0.5, "regression": 1.0, "scale": 20.0, "teacher_dim": 6,
                         "image": {"weight": 0.5}, "text": {"weight": 0.5}, "audio": {"weight": 0.5}},
        "optimizer": {"learning_rate": 0.005, "warmup_steps": 5, "ema": 0.9},
        "trainer": {"log_every": 1, "evaluate_every": 10, "device": "cpu"},
        "augmentation": {"mix": 0.2}, "batch": 12, "steps": 20,
    }  # fmt: skip
    return BindConfig.model_validate(values | changes)


def make_objects(count, split="train", seed=0):
    rng = np.random.default_rng(seed)
    clouds, labels = [], [number % 3 for number in range(count)]
    for label in labels:
        xyz = rng.normal(size=(POINTS, 3)) * ([1, 1, 1], [1, 0.05, 1], [0.05, 1, 0.05])[label]
        clouds.append((xyz / np.linalg.norm(xyz, axis=1).max()).astype(np.float16))
    even = np.stack([even_subsets(cloud, 2, 128) for cloud in clouds])
    records = [Record(f"{split}{n}", Path("x.ply"), NAMES[label], split=split) for n, label in enumerate(labels)]
    return Objects(records, torch.from_numpy(np.stack(clouds)), torch.zeros(count, POINTS, 3, dtype=torch.uint8),
                   torch.zeros(count, dtype=torch.bool), torch.from_numpy(even), torch.tensor(labels))


def make_data(config, known=None):
    """Objects whose views and texts lie near a corner of their label's; views of `known` rows only."""
    objects = make_objects(36)
    corner = torch.eye(3, 8)
    noise = torch.randn(36, 3, 10, generator=torch.Generator().manual_seed(1)) * 0.1
    features = noise + torch.eye(3, 10)[objects.labels][:, None]
    views = Views(corner[objects.labels][:, None].expand(-1, 3, -1).half(), features.half(),
                  torch.ones(36, dtype=torch.bool) if known is None else known)
    texts = Texts(corner.half(), [range(n, n + 1) for n in range(3)], [range(0)] * 3, [range(0)] * 36)
    return BindData(config, objects, NAMES, views, texts, {"stick": corner[2:]})


def make_task(config, known=None):
    data = make_data(config, known)
    torch.manual_seed(0)
    model = BindModel(config, torch.eye(3, 8), data.teacher.all if data.teacher else None)
    return BindTask(config, data, model, Evaluation(make_objects(9, "val", 5), torch.eye(3, 8)), 1)


def test_it_learns_and_its_export_is_what_was_measured(tmp_path, monkeypatch):
    config = make_config(steps=120, stages=[{"until": 0.5, "points": 64,
                                            "architecture": {"groups": [16, 4], "group_sizes": [8, 4]}}])
    task = make_task(config)
    open_run(config, tmp_path / "run", False, None)
    assert Trainer(task, config, tmp_path / "run").run()
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    losses = [row["losses"] for row in rows if "losses" in row]
    assert set(losses[0]) == {"image", "text", "audio", "label", "relation", "regression"}
    assert sum(row["label"] for row in losses[50:60]) < 0.5 * sum(row["label"] for row in losses[:10])
    profile = tmp_path / "profile"
    profile.mkdir()
    (profile / "config.json").write_text("{}")
    monkeypatch.setattr("pointllm.training.bind_export.complete", lambda *_, **__: None)  # nothing to complete it with
    results = export(tmp_path / "run", profile, task.evaluation)
    assert set(results) == {"as_is", "no_color", "z_up", "points_1024", "points_10_percent"}
    assert results["as_is"]["top1"] == pytest.approx(rows[-1]["evaluation"]["as_is"]["top1"], abs=12)  # fp16 rounding
    assert results["as_is"]["top1"] > 60
    tower = PointTower.from_folder(profile / "point")
    assert (tower.dim, tower.config["points"]) == (8, 128)
    assert (profile / "point/curves.png").stat().st_size > 1000
    assert (profile / "point/recipe.yaml").read_text() == (tmp_path / "run/config.yaml").read_text()


@pytest.mark.parametrize("encoder", sorted(MODULES))
def test_every_registered_encoder_can_be_trained(encoder):
    task = make_task(make_config(encoder))
    task.module.train()
    sum(task.module(task.batch(0, 0, 1)).values()).backward()
    idle = [name for name, value in task.module.named_parameters() if value.grad is None]
    assert idle == []


@pytest.mark.parametrize(("layers", "keys"), [
    (1, {"modality_head.0.weight", "modality_head.2.weight"}),
    (2, {"pc_projection", "modality_head.0.weight", "modality_head.2.weight"}),  # the published layout
    (3, {"pc_projection", "modality_head.0.weight", "modality_head.1.weight", "modality_head.4.weight"}),
])  # fmt: skip
def test_the_projection_has_one_two_or_three_linear_layers(layers, keys):
    tower = make_config(layers=layers).tower.model_dump()
    branch = build_branch(tower)
    head = {key for key in branch.state_dict() if key.startswith(("pc_", "modality_head")) and key.endswith(
        ("weight", "projection")) and branch.state_dict()[key].numel()}
    assert keys <= head
    matrices = [key for key in head if branch.state_dict()[key].ndim == 2]
    assert len(matrices) == layers
    assert branch.eval()(torch.randn(2, 128, 6)).shape == (2, 8)


def test_what_an_object_lacks_is_masked_and_teaches_nothing():
    config = make_config(loss={"image": {"weight": 1.0}, "audio": {"weight": 1.0}, "regression": 1.0, "relation": 1.0,
                               "teacher_dim": 6}, augmentation={"mix": 0.0})
    known = torch.arange(36) < 20
    task = make_task(config, known)
    batch = task.batch(0, 0, 1)
    assert torch.equal(batch["image_present"], known[batch["index"]])
    assert torch.equal(batch["audio_present"], batch["labels"] == 2)  # only sticks make a sound
    task.module.eval()
    losses = task.module(batch)
    for name in ("image", "feature"):
        batch[name][~batch["image_present"]] = 1000.0
    batch["audio"][~batch["audio_present"]] = 1000.0
    assert batch["audio_more_labels"].tolist() == [2]
    again = task.module(batch)
    for name, value in losses.items():
        torch.testing.assert_close(again[name], value)


def test_nothing_present_at_all_is_no_fault():
    config = make_config(loss={"image": {"weight": 1.0}, "regression": 1.0, "relation": 1.0, "teacher_dim": 6})
    task = make_task(config)
    batch = task.batch(0, 0, 1)
    batch["image_present"][:] = False
    loss = sum(task.module(batch).values())
    loss.backward()
    assert loss == 0


def test_a_term_that_is_not_wanted_costs_nothing():
    task = make_task(make_config(loss={"text": {"weight": 1.0}}))
    assert set(task.module(task.batch(0, 0, 1))) == {"text"}
    assert task.module.to_teacher is None and task.data.teacher is None


def test_batches_depend_on_step_and_part_alone_and_pass_over_every_object():
    task = make_task(make_config())
    one, other = task.batch(3, 0, 1), make_task(make_config()).batch(3, 0, 1)
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert not torch.equal(one["points"], task.batch(4, 0, 1)["points"])
    seen = torch.cat([task.data.indices(step, part, 2) for step in range(3) for part in range(2)])
    assert seen[:36].sort().values.tolist() == list(range(36))
    assert sorted(seen[36:].tolist()) == sorted(set(seen[36:].tolist()))
    assert not torch.equal(seen[:36], seen[36:72])


def test_fewer_objects_than_a_batch_are_repeated():
    config = make_config(batch=50)
    assert len(make_task(config).batch(0, 0, 1)["index"]) == 50


def test_early_stages_look_at_less_and_the_last_at_the_towers_own_numbers():
    config = make_config(stages=[{"until": 0.5, "points": 64, "architecture": {"groups": [16, 4]}}])
    task = make_task(config)
    task.enter(0)
    assert task.module.branch.point_encoder.config.groups == (16, 4)
    assert task.batch(0, 0, 1)["points"].shape[1] == 64
    task.enter(10)
    assert task.module.branch.point_encoder.config.groups == (32, 8)
    assert task.batch(10, 0, 1)["points"].shape[1] == 128


@pytest.mark.parametrize("encoder", sorted(MODULES))
def test_gradient_checkpointing_changes_no_gradient(encoder):
    gradients = []
    for save in (False, True):
        task = make_task(make_config(encoder))
        if save:
            task.module.save_memory()
        batch = task.batch(0, 0, 1)
        torch.manual_seed(3)
        sum(task.module(batch).values()).backward()
        gradients.append([value.grad for value in task.module.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_accuracy_counts_first_and_first_five():
    prototypes = F.normalize(torch.eye(6), dim=-1)
    scores = torch.tensor([[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.9, 0.2, 0.3, 0.4, 0.5, 0.6]])
    assert accuracy(scores, prototypes, torch.tensor([5, 1])) == {"top1": 50.0, "top5": 50.0}
