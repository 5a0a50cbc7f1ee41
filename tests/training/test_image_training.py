"""`pointllm train image`: the image tower's tuned blocks learn objects from rendered views."""

import json

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file
from tiny_data import write_data

from pointllm import PointBind
from pointllm.cli import main
from pointllm.inputs import read_shape
from pointllm.profiles import checkpoints_dir
from pointllm.training.image import ImageTask
from pointllm.training.image_config import ImageConfig, PicturesSection, ViewsSection
from pointllm.training.image_views import SHOWN_AS, deformed, picture_versions, recolored, training_views

CONFIG = {
    "tower": {"trunk": {"width": 1.1, "depth": 1.2, "resolution": 260}, "first_tuned": 19, "view_size": 64},
    "views": {"mesh": 3, "plain": 1, "dense": 1, "sparse": 1, "dense_points": 512, "sparse_points": [256]},
    "batch": 5, "epochs": 40, "drop_path": 0.0, "dropout": 0.2,
    "optimizer": {"learning_rate": 0.003, "ema": 0.9, "factors": {"tail.": 0.1}},
    "trainer": {"log_every": 20, "device": "cpu"},
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A data folder, and a finished run with the profile that it wrote."""
    folder = tmp_path_factory.mktemp("image")
    write_data(folder / "data")
    (folder / "image.yaml").write_text(yaml.safe_dump(CONFIG))
    arguments = ["train", "image", "--config", str(folder / "image.yaml"), "--data", str(folder / "data")]
    assert main([*arguments, "--out", str(folder / "run"), "--export", str(folder / "profile")]) == 0
    return folder


def test_the_loss_falls_and_held_out_objects_are_recognised(run):
    rows = [json.loads(line) for line in (run / "run/metrics.jsonl").read_text().splitlines()]
    losses = [row["losses"]["label"] for row in rows if "losses" in row]
    assert losses[-1] < 0.7 * losses[0]
    results = json.loads((run / "profile/image/results.json").read_text())
    assert set(results) == {*SHOWN_AS, "upright"}
    assert results["mesh"]["top1"] >= 60  # one in five by chance


def test_the_profile_sees_shapes_with_the_tuned_blocks_and_photos_with_the_published_ones(run, samples):
    tuned, shipped = PointBind.from_pretrained(str(run / "profile")), PointBind.from_pretrained("embedded")
    trunk = load_file(run / "profile/image/trunk.safetensors")
    published = load_file(checkpoints_dir() / "embedded/image/trunk.safetensors")
    assert all(torch.equal(trunk[key], published[key]) for key in published)
    (one,), (other,) = (bind.embed([samples / "chair.ply"], witness="views") for bind in (tuned, shipped))
    assert abs(np.linalg.norm(one) - 1) < 1e-5
    assert one @ other < 0.99


def test_the_test_of_the_upward_axis_comes_with_the_weights(run):
    profile = run / "profile/image"
    assert {"views.safetensors", "upright.safetensors", "classes.safetensors", "recipe.yaml", "curves.png"} <= {
        path.name for path in profile.iterdir()}
    results = json.loads((profile / "results.json").read_text())
    assert set(results["upright"]) == {"standing", "lying"}


def test_the_same_seed_draws_the_same_views(samples):
    cloud, settings = read_shape(samples / "chair.ply"), ViewsSection(mesh=2, plain=1, dense=1, sparse=1)
    first, again, other = (training_views(cloud, settings, 32, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (5, 32, 32, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_deformed_shape_keeps_its_surface_and_colours(samples):
    cloud = read_shape(samples / "chair.ply")
    bent = deformed(cloud, np.random.default_rng(0), ViewsSection())
    assert np.array_equal(bent.mesh.faces, cloud.mesh.faces)
    assert not np.allclose(bent.mesh.vertices, cloud.mesh.vertices)
    assert np.array_equal(bent.rgb, cloud.rgb)


def test_recolouring_leaves_the_background_alone():
    picture = np.full((8, 8, 3), 255, np.uint8)
    picture[2:6, 2:6] = (200, 40, 40)
    changed = recolored(picture, (1.0, 1.0, 1.0), np.random.default_rng(3))
    assert (changed[0] == 255).all()
    assert not np.array_equal(changed[3, 3], picture[3, 3])


def test_a_profile_without_a_compact_image_trunk_is_refused_in_one_line(tmp_path, capsys):
    write_data(tmp_path / "data", objects=6, val=1)
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile/config.json").write_text('{"space": "compact", "dim": 384}')
    (tmp_path / "image.yaml").write_text(yaml.safe_dump({**CONFIG, "profile": str(tmp_path / "profile")}))
    options = {"config": tmp_path / "image.yaml", "data": tmp_path / "data", "out": tmp_path / "run"}
    assert main(["train", "image", *(part for name, path in options.items() for part in (f"--{name}", str(path)))]) == 2
    assert "no image trunk to tune" in capsys.readouterr().err


def test_a_picture_shows_another_background_each_time_but_the_same_thing(samples):
    drawing = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    drawing.paste((200, 40, 40, 255), (10, 5, 30, 15))
    settings = PicturesSection(versions=8, gray=0.0)
    seen = picture_versions(drawing, settings, ViewsSection(white=0.0, recolored=0.0), 64, np.random.default_rng(0))
    assert seen.shape == (8, 64, 64, 3) and seen.dtype == np.uint8
    assert len({tuple(view[0, 0]) for view in seen}) == 8
    assert all((np.abs(view.astype(int) - (200, 40, 40)).max(-1) < 30).sum() > 50 for view in seen)


def test_labelled_pictures_take_part_and_those_that_cannot_be_read_are_named(tmp_path, caplog):
    write_data(tmp_path / "data", objects=6, val=1)
    file = tmp_path / "data/objects.jsonl"
    label = json.loads(file.read_text().splitlines()[0])["label"]
    Image.new("RGB", (30, 30), (10, 200, 30)).save(tmp_path / "data/good.png")
    (tmp_path / "data/bad.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with file.open("a") as stream:
        for name in ("good", "bad"):
            stream.write(json.dumps({"id": name, "label": label, "split": "train", "images": [f"{name}.png"]}) + "\n")
    config = {**CONFIG, "pictures": {"drawn": 3, "versions": 2}, "epochs": 4,
              "trainer": {"log_every": 1, "device": "cpu"}}
    (tmp_path / "image.yaml").write_text(yaml.safe_dump(config))
    arguments = ["train", "image", "--config", str(tmp_path / "image.yaml"), "--data", str(tmp_path / "data")]
    assert main([*arguments, "--out", str(tmp_path / "run")]) == 0
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    losses = [row["losses"] for row in rows if "losses" in row]
    assert losses[-1]["picture_label"] < losses[0]["picture_label"]
    assert any("bad.png: can't be read as a picture" in message for message in caplog.messages)


def test_objects_of_rare_labels_are_shown_oftener_as_far_as_the_config_says():
    labels = torch.tensor([0] * 9 + [1])  # nine of one label, one of the other
    maps = [np.full((2, 1, 1, 1), label.item(), np.float16) for label in labels]

    def share(balance: float) -> float:
        config = ImageConfig.model_validate({**CONFIG, "balance": balance})
        task = ImageTask(config, torch.nn.Identity(), maps, labels, [], labels[:0], 1)
        drawn = [task.batch(step, 0, 1) for step in range(200)]
        assert all((batch["maps"][:, 0, 0, 0, 0] == batch["labels"]).all() for batch in drawn)
        return torch.cat([batch["labels"] for batch in drawn]).float().mean().item()

    assert share(0) == pytest.approx(0.1, abs=0.001)  # every object once a round
    assert 0.15 < share(0.5) < share(1)


def test_a_balanced_batch_larger_than_the_data_is_filled():
    config = ImageConfig.model_validate({**CONFIG, "balance": 0.5})
    labels = torch.tensor([0, 0, 1])
    task = ImageTask(config, torch.nn.Identity(), [np.zeros((2, 1, 1, 1), np.float16)] * 3, labels, [], labels[:0], 1)
    assert len(task.batch(0, 0, 1)["labels"]) == CONFIG["batch"]
