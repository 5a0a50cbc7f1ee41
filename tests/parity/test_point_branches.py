"""The point encoders, their projection and head give the originals' numbers."""

import pytest
import torch

from pointllm.encoders.grouping import (
    farthest_point_sample,
    farthest_point_sample_plain,
    gather_points,
    nearest_neighbors,
)
from pointllm.encoders.point_head import PointBranch


def encoder_config(fixture: str, config: dict) -> tuple[str, dict]:
    """The fixture's own names of sizes -> ours."""
    if fixture == "i2p_mae":
        return "i2p_mae", {"groups": config["groups"], "group_sizes": config["group_sizes"]}
    return "point_bert", {
        "groups": config["num_group"],
        "group_size": config["group_size"],
        "dim": config["trans_dim"],
        "depth": config["depth"],
        "heads": config["num_heads"],
        "token_dim": config["encoder_dims"],
    }


def load(parity, fixture):
    description = parity.json(f"{fixture}.json")
    branch = PointBranch.from_published(
        parity.tensors(f"{fixture}.weights.safetensors"), *encoder_config(fixture, description["config"])
    )
    return branch, parity.tensors(f"{fixture}.io.safetensors"), description["tolerance"]


@pytest.mark.parametrize("fixture", ["i2p_mae", "point_bert"])
@torch.inference_mode()
def test_farthest_points_and_neighbours_are_the_originals(parity, fixture):
    expected = parity.tensors(f"{fixture}.io.safetensors")
    points, members = expected["points"], expected["knn_index_sorted"]
    for sample in (farthest_point_sample, farthest_point_sample_plain):
        index = sample(points, expected["fps_index"].shape[1])
        assert torch.equal(index, expected["fps_index"].long())
    found = nearest_neighbors(gather_points(points, index), points, members.shape[-1])
    assert torch.equal(found.sort(-1).values, members.long())


@pytest.mark.parametrize("fixture", ["i2p_mae", "point_bert"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@torch.inference_mode()
def test_point_bind_gives_the_originals_feature_and_embedding(parity, fixture, dtype):
    branch, expected, tolerance = load(parity, fixture)
    points = expected["points"].to(dtype)
    near = {"rtol": 0, "atol": tolerance}
    torch.testing.assert_close(branch.point_encoder(points), expected["feature"], **near)
    torch.testing.assert_close(branch.project(points), expected["projected"], **near)
    torch.testing.assert_close(branch(points), expected["embedding"], **near)


@torch.inference_mode()
def test_point_llm_trunk_gives_the_originals_feature_and_embedding(parity):
    branch, expected, tolerance = load(parity, "point_trunk")
    near = {"rtol": 0, "atol": tolerance}
    torch.testing.assert_close(branch.project(expected["points"]), expected["trunk"], **near)
    torch.testing.assert_close(branch(expected["points"]), expected["embedding"], **near)


def test_a_foreign_checkpoint_is_named_as_such(parity):
    with pytest.raises(ValueError, match="not the tensors of a point branch"):
        PointBranch.from_published({"weight": torch.zeros(2)}, "i2p_mae")
    with pytest.raises(ValueError, match="key pc_projection has shape"):
        PointBranch.from_published(parity.tensors("point_bert.weights.safetensors"), "i2p_mae")
