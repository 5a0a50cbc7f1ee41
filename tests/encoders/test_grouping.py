"""Farthest points and neighbours: exact, in the reference's order."""

import pytest
import torch

from pointllm.encoders.grouping import (
    ball_query,
    farthest_point_sample,
    farthest_point_sample_plain,
    gather_points,
    group_points,
    nearest_neighbors,
    nearest_neighbors_plain,
)

NEIGHBORS = [nearest_neighbors, nearest_neighbors_plain]


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


def nearest_by_definition(queries, xyz, count):
    """Every point by (float32 distance, index)."""
    rows = []
    for asked, cloud in zip(queries.float(), xyz.float(), strict=True):
        for query in asked:
            offset = (query - cloud).square()
            distance = (offset[:, 0] + offset[:, 1] + offset[:, 2]).tolist()
            rows.append(sorted(range(len(cloud)), key=lambda i: (distance[i], i))[:count])  # noqa: B023
    return torch.tensor(rows).view(*queries.shape[:2], count)


def hard_clouds():
    """Names and clouds that are all ties, doubled points, one point, in double precision, or strided."""
    grid = torch.cartesian_prod(*[torch.arange(5.0)] * 3)
    shuffled = grid[torch.randperm(125, generator=torch.Generator().manual_seed(0))]
    wide = clouds(batch=4, number=240)
    return {
        "random": clouds(),
        "grid": torch.stack([grid, shuffled]),
        "twice": clouds(number=60).repeat(1, 3, 1),
        "one place": torch.ones(2, 70, 3),
        "one point": clouds(number=1),
        "double": clouds().double() + 1e-9,
        "strided": wide[::2, ::3],
        "transposed": clouds(batch=2, number=100).transpose(1, 2).contiguous().transpose(1, 2),
        "eight": clouds(batch=8, number=90),
        "far away": clouds() * 1e-3 + 1000,
    }


@pytest.mark.parametrize("search", NEIGHBORS)
@pytest.mark.parametrize("kind", hard_clouds())
def test_neighbours_are_the_nearest_in_order_and_ties_take_the_lowest_index(search, kind):
    xyz = hard_clouds()[kind]
    queries = xyz[:, ::7]
    for count in {1, min(9, xyz.shape[1]), xyz.shape[1]}:
        assert torch.equal(search(queries, xyz, count), nearest_by_definition(queries, xyz, count)), count


@pytest.mark.parametrize("kind", hard_clouds())
def test_both_samplers_agree_on_hard_clouds(kind):
    xyz = hard_clouds()[kind]
    for count in {1, (xyz.shape[1] + 1) // 2, xyz.shape[1]}:
        expected = torch.stack([farthest_by_definition(cloud.float(), count) for cloud in xyz[:1]])
        assert torch.equal(farthest_point_sample(xyz[:1], count), expected)
        assert torch.equal(farthest_point_sample(xyz, count), farthest_point_sample_plain(xyz, count))


def test_clouds_of_a_batch_are_worked_on_in_threads_with_the_same_result():
    xyz = clouds(batch=5)
    alone = [function(xyz) for function in (lambda c: farthest_point_sample(c, 20), lambda c: group_points(c, 9, 4)[1])]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert torch.equal(farthest_point_sample(xyz, 20), alone[0])
        assert torch.equal(group_points(xyz, 9, 4)[1], alone[1])
    finally:
        torch.set_num_threads(before)


def test_points_that_are_no_numbers_come_last():
    xyz = clouds(batch=1)
    xyz[0, 5] = float("nan")
    assert torch.equal(nearest_neighbors(xyz[:, :3], xyz, 199), nearest_neighbors_plain(xyz[:, :3], xyz, 199))
    assert 5 not in nearest_neighbors(xyz[:, :3], xyz, 199)


def test_neighbours_of_a_large_batch_are_found_piece_by_piece(monkeypatch):
    xyz = clouds(batch=5)
    whole = nearest_neighbors_plain(xyz, xyz, 4), ball_query(xyz, xyz, 0.5, 4)
    monkeypatch.setattr("pointllm.encoders.grouping._MAX_DISTANCES", 1)
    assert torch.equal(nearest_neighbors_plain(xyz, xyz, 4), whole[0])
    assert torch.equal(ball_query(xyz, xyz, 0.5, 4), whole[1])


def test_a_ball_holds_its_first_points_and_is_filled_with_the_first():
    xyz, queries = clouds(), clouds(number=11, seed=1)
    found = ball_query(queries, xyz, 0.7, 6)
    for row, (asked, cloud) in enumerate(zip(queries, xyz, strict=True)):
        for place, query in enumerate(asked):
            inside = torch.nonzero((cloud - query).square().sum(-1) < 0.7**2).flatten().tolist()
            wanted = inside[:6] + [inside[0] if inside else 0] * (6 - len(inside[:6]))
            assert found[row, place].tolist() == wanted
    assert ball_query(clouds(number=3), clouds(number=3), 9.0, 5).shape == (3, 3, 5)


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
