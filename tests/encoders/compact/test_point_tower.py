"""The compact point tower: from clouds of any kind to unit vectors, always the same ones."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pointllm.encoders.compact.point_tower import PointTower, build_branch, turned
from pointllm.errors import WeightsError
from pointllm.inputs.point_cloud import PointCloud, ShapeMetadata

CONFIG = {
    "encoder": "i2p_mae",
    "architecture": {"groups": [32, 16], "group_sizes": [8, 4], "dims": [12, 24], "depths": [1, 1],
                     "radii": [0.3, 0.0], "heads": 3, "point_widths": [8, 12, 16], "in_channels": 6},
    "projection_dim": 24, "dim": 16, "points": 64, "yaw_turns": 3, "samplings": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("point")
    torch.manual_seed(0)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    save_file({key: value.half() if value.is_floating_point() else value
               for key, value in build_branch(CONFIG).state_dict().items()}, folder / "model.safetensors")  # fmt: skip
    return folder


def cloud(number=500, color=True, seed=0):
    rng = np.random.default_rng(seed)
    xyz = rng.normal(size=(number, 3)).astype(np.float32) * [1, 3, 2]
    rgb = rng.random((number, 3)).astype(np.float32) if color else None
    return PointCloud(xyz.astype(np.float32), rgb, ShapeMetadata("ply", 0, 0, number, (0, 0, 0), (1, 1, 1)))


def test_embeddings_have_unit_norm_for_clouds_of_every_size(folder):
    tower = PointTower.from_folder(folder)
    rows = tower.embed([cloud(32), cloud(64), cloud(5000), cloud(500, color=False)])
    assert rows.shape == (4, 16) and rows.dtype == torch.float32
    torch.testing.assert_close(rows.norm(dim=-1), torch.ones(4))
    assert tower.embed([]).shape == (0, 16)


def test_the_same_cloud_gives_the_same_row_alone_or_among_others(folder):
    tower = PointTower.from_folder(folder)
    together = tower.embed([cloud(), cloud(seed=1)])
    assert torch.equal(together[:1], tower.embed([cloud()]))
    assert torch.equal(together[1:], PointTower.from_folder(folder).embed([cloud(seed=1)]))


def test_place_and_scale_do_not_matter(folder):
    tower, original = PointTower.from_folder(folder), cloud()
    moved = PointCloud(original.xyz * 1000 + 50, original.rgb, original.metadata)
    torch.testing.assert_close(tower.embed([moved]), tower.embed([original]), atol=2e-3, rtol=0)


def test_colours_matter_where_there_are_any(folder):
    tower, colored = PointTower.from_folder(folder), cloud()
    plain = PointCloud(colored.xyz, None, colored.metadata)
    assert not torch.allclose(tower.embed([colored]), tower.embed([plain]), atol=1e-4)


def test_turning_keeps_y():
    points = torch.randn(10, 3)
    there = turned(points, 0.7)
    torch.testing.assert_close(there[:, 1], points[:, 1])
    torch.testing.assert_close(turned(there, -0.7), points)


def test_damaged_weights_are_one_line(folder, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(WeightsError, match="model.safetensors doesn't load"):
        PointTower.from_folder(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="restore the folder") as error:
        PointTower.from_folder(tmp_path)
    assert "\n" not in str(error.value)
