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
from pointllm.weights.convert.point import plan_point
from pointllm.weights.convert.recognise import recognise

FIXTURES = {"i2p_mae": "point_bind", "point_bert": "point_bind", "point_trunk": "imagebind_w3d"}
ENCODERS = ("i2p_mae", "point_bert")
TOLERANCE = 1e-4


def load(parity, fixture):
    """The branch at the sizes that its tensors and the set's JSON tell, and the recorded numbers."""
    found = recognise(parity.path(f"{fixture}.weights.safetensors"))[0]
    assert found.kind == FIXTURES[fixture]
    sizes = {k: v for k, v in parity.json(f"{fixture}.json")["config"].items() if not isinstance(v, str)}
    config = plan_point(found.table, found.kind, None, sizes).config
    weights = parity.tensors(f"{fixture}.weights.safetensors")
    branch = PointBranch.from_published(weights, config["encoder"], config["architecture"])
    return branch, parity.tensors(f"{fixture}.io.safetensors")


@pytest.mark.parametrize("fixture", ENCODERS)
@torch.inference_mode()
def test_farthest_points_and_neighbours_are_the_originals(parity, fixture):
    expected = parity.tensors(f"{fixture}.io.safetensors")
    points, members = expected["points"], expected["knn_index_sorted"]
    for sample in (farthest_point_sample, farthest_point_sample_plain):
        index = sample(points, expected["fps_index"].shape[1])
        assert torch.equal(index, expected["fps_index"].long())
    found = nearest_neighbors(gather_points(points, index), points, members.shape[-1])
    assert torch.equal(found.sort(-1).values, members.long())


@pytest.mark.parametrize("fixture", ENCODERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@torch.inference_mode()
def test_point_bind_gives_the_originals_feature_and_embedding(parity, fixture, dtype):
    branch, expected = load(parity, fixture)
    points = expected["points"].to(dtype)
    near = {"rtol": 0, "atol": TOLERANCE}
    torch.testing.assert_close(branch.point_encoder(points), expected["feature"], **near)
    torch.testing.assert_close(branch.project(points), expected["projected"], **near)
    torch.testing.assert_close(branch(points), expected["embedding"], **near)


@torch.inference_mode()
def test_point_llm_trunk_gives_the_originals_feature_and_embedding(parity):
    branch, expected = load(parity, "point_trunk")
    near = {"rtol": 0, "atol": TOLERANCE}
    torch.testing.assert_close(branch.project(expected["points"]), expected["trunk"], **near)
    torch.testing.assert_close(branch(expected["points"]), expected["embedding"], **near)


@pytest.mark.parametrize("fixture", FIXTURES)
@torch.inference_mode()
def test_one_cloud_alone_gives_what_it_gives_among_others(parity, fixture):
    branch, expected = load(parity, fixture)
    for row, points in enumerate(expected["points"]):
        found = branch(points[None])
        torch.testing.assert_close(found[0], expected["embedding"][row], rtol=0, atol=TOLERANCE)


def test_a_foreign_checkpoint_is_named_as_such(parity):
    with pytest.raises(ValueError, match="not the tensors of a point branch"):
        PointBranch.from_published({"weight": torch.zeros(2)}, "i2p_mae")
    with pytest.raises(ValueError, match="key .* (has shape|for encoder)"):
        PointBranch.from_published(parity.tensors("point_bert.weights.safetensors"), "i2p_mae")
