"""Farthest points and neighbours: exact, in the reference's order."""

import pytest
import torch

from pointllm.encoders.grouping import (
    farthest_point_sample,
    farthest_point_sample_plain,
    gather_points,
    group_points,
    nearest_neighbors,
)


def clouds(batch=3, number=200, seed=0):
    return torch.randn(batch, number, 3, generator=torch.Generator().manual_seed(seed))


def farthest_by_definition(cloud, count):
    chosen = [0]
    for _ in range(count - 1):
        distance = ((cloud[:, None] - cloud[chosen][None]) ** 2).sum(-1).min(1).values
        chosen.append(next(i for i, d in enumerate(distance) if d == distance.max()))
    return torch.tensor(chosen)


@pytest.mark.parametrize("sample", [farthest_point_sample, farthest_point_sample_plain])
def test_each_centre_is_the_farthest_from_those_before(sample):
    xyz = clouds()
    expected = torch.stack([farthest_by_definition(cloud, 40) for cloud in xyz])
    assert torch.equal(sample(xyz, 40), expected)


@pytest.mark.parametrize("sample", [farthest_point_sample, farthest_point_sample_plain])
def test_ties_go_to_the_lowest_index(sample):
    corners = torch.tensor([[0.0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [1, 0, 0]])
    assert sample(corners[None], 4).tolist() == [[0, 1, 2, 3]]


def test_both_samplers_agree_on_a_grid_full_of_ties():
    grid = torch.cartesian_prod(*[torch.arange(7.0)] * 3)
    grid = torch.stack([grid, grid[torch.randperm(343, generator=torch.Generator().manual_seed(0))]])
    assert torch.equal(farthest_point_sample(grid, 100), farthest_point_sample_plain(grid, 100))


@pytest.mark.parametrize("sample", [farthest_point_sample, farthest_point_sample_plain])
def test_identical_points_are_no_obstacle(sample):
    assert sample(torch.ones(1, 8, 3), 4).shape == (1, 4)


def test_double_precision_gives_the_same_centres():
    xyz = clouds()
    assert torch.equal(farthest_point_sample(xyz.double(), 20), farthest_point_sample(xyz, 20))


def test_neighbours_are_the_nearest_and_come_in_order():
    xyz, queries = clouds(), clouds(number=17, seed=1)
    index = nearest_neighbors(queries, xyz, 9)
    distance = (queries[:, :, None].double() - xyz[:, None].double()).square().sum(-1)
    assert torch.equal(index, distance.sort(-1).indices[..., :9])


def test_neighbours_of_a_large_batch_are_found_piece_by_piece(monkeypatch):
    xyz = clouds(batch=5)
    whole = nearest_neighbors(xyz, xyz, 4)
    monkeypatch.setattr("pointllm.encoders.grouping._MAX_DISTANCES", 1)
    assert torch.equal(nearest_neighbors(xyz, xyz, 4), whole)


def test_gathering_keeps_clouds_apart():
    values = torch.arange(24.0).view(2, 4, 3)
    index = torch.tensor([[[3, 0]], [[1, 1]]])
    assert torch.equal(gather_points(values, index), torch.stack([values[0, [[3, 0]]], values[1, [[1, 1]]]]))


def test_a_centre_is_its_own_nearest_member():
    center_index, member_index = group_points(clouds(), 32, 6)
    assert torch.equal(member_index[..., 0], center_index)


def test_more_centres_than_points_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match="300 asked of clouds of 200 points; resample"):
        farthest_point_sample(clouds(), 300)
    with pytest.raises(ValueError, match=r"\(B, N, 3\)"):
        farthest_point_sample(torch.zeros(5, 3), 2)
