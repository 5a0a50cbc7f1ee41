"""The one definition of normalising and resampling, and the sampling of surfaces."""

from __future__ import annotations

import numpy as np
import pytest
from shapes import BOX_FACES, BOX_VERTICES, cloud_points

from pointllm.inputs import PointCloud, ShapeMetadata, read_shape
from pointllm.inputs.mesh import Mesh, distinct_rows, is_watertight, linear_to_srgb, sample_surface, srgb_to_linear
from pointllm.inputs.point_cloud import farthest_points


def cloud_of(points, colors=None) -> PointCloud:
    points = np.asarray(points, np.float32)
    metadata = ShapeMetadata("test", len(points), 0, len(points), tuple(points.min(axis=0)), tuple(points.max(axis=0)))
    return PointCloud(points, None if colors is None else np.asarray(colors, np.float32), metadata)


def box() -> Mesh:
    return Mesh(BOX_VERTICES.astype(np.float32), BOX_FACES.astype(np.int32))


def test_normalising_centres_on_the_centroid_and_fits_the_unit_sphere():
    points, _ = cloud_points()
    moved = cloud_of(points * 40 + [100, -50, 7]).normalized()
    np.testing.assert_allclose(moved.xyz.mean(axis=0), 0, atol=1e-5)
    assert np.linalg.norm(moved.xyz, axis=1).max() == pytest.approx(1, abs=1e-5)


def test_normalising_moves_the_surface_along_with_its_points(tmp_path):
    (tmp_path / "a.off").write_text("OFF\n8 12 0\n" + "\n".join(
        [" ".join(map(str, v)) for v in BOX_VERTICES + 50] + ["3 " + " ".join(map(str, f)) for f in BOX_FACES]))
    cloud = read_shape(tmp_path / "a.off", samples=500).normalized()
    low, high = cloud.mesh.vertices.min(axis=0), cloud.mesh.vertices.max(axis=0)
    assert (cloud.xyz >= low - 1e-5).all() and (cloud.xyz <= high + 1e-5).all()
    assert np.abs(low).max() < 1.1


@pytest.mark.parametrize("points", [np.full((40, 3), 7.0), np.linspace(0, 1, 40)[:, None] * [1, 0, 0],
                                    np.pad(cloud_points()[0][:, :2], ((0, 0), (0, 1)))])
def test_shapes_without_volume_are_normalised_and_resampled(points):
    cloud = cloud_of(points).resampled(64).normalized()
    assert np.isfinite(cloud.xyz).all() and len(cloud) == 64


@pytest.mark.parametrize("count", [1, 32, 199, 200, 201, 999, 1024])
def test_resampling_gives_exactly_the_number_asked_for_and_pairs_colours(count):
    points, colors = cloud_points()
    cloud = cloud_of(points, colors / 255).resampled(count)
    assert cloud.xyz.shape == (count, 3) and cloud.rgb.shape == (count, 3)
    pairs = zip(points.astype(np.float32), (colors / 255).astype(np.float32), strict=True)
    where = {tuple(p): tuple(c) for p, c in pairs}
    assert all(where[tuple(p)] == tuple(c) for p, c in zip(cloud.xyz, cloud.rgb, strict=True))
    assert len(np.unique(cloud.xyz, axis=0)) == min(count, 200), "none is repeated before all are used"


def test_resampling_is_the_same_for_the_same_seed():
    cloud = cloud_of(np.random.default_rng(1).normal(size=(5000, 3)))
    np.testing.assert_array_equal(cloud.resampled(256, seed=3).xyz, cloud.resampled(256, seed=3).xyz)
    assert not np.array_equal(cloud.resampled(256, seed=3).xyz, cloud.resampled(256, seed=4).xyz)


def test_resampling_evens_out_the_density_of_a_scan():
    rng = np.random.default_rng(0)
    dense, thin = rng.random((4500, 3)), rng.random((500, 3)) + [2, 0, 0]
    few = cloud_of(np.concatenate([dense, thin])).resampled(500)
    assert (few.xyz[:, 0] > 1.5).mean() > 0.25  # a tenth of the points were there


def test_farthest_points_spread_as_the_plain_algorithm_does():
    points = np.random.default_rng(0).normal(size=(600, 3)).astype(np.float32)
    chosen = farthest_points(points, 50)
    plain, distance = [int(chosen[0])], np.full(600, np.inf)
    for _ in range(49):
        distance = np.minimum(distance, ((points - points[plain[-1]]) ** 2).sum(axis=1))
        plain.append(int(distance.argmax()))
    assert chosen.tolist() == plain


def test_without_fpsample_the_plain_loop_gives_an_equally_even_choice(monkeypatch):
    import sys

    points = np.random.default_rng(0).random((2000, 3)).astype(np.float32)

    def closest(chosen):
        return np.sort(np.linalg.norm(points[chosen][:, None] - points[chosen][None], axis=2), axis=1)[:, 1].min()

    quick = farthest_points(points, 100)
    monkeypatch.setitem(sys.modules, "fpsample", None)
    plain = farthest_points(points, 100)
    assert len(set(plain.tolist())) == 100
    assert closest(plain) == pytest.approx(closest(quick), rel=0.1)


def test_points_are_drawn_by_area_and_the_same_for_the_same_seed():
    mesh = Mesh(np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (10, 0, 0), (13, 0, 0), (10, 3, 0)], np.float32),
                np.array([(0, 1, 2), (3, 4, 5)], np.int32))
    xyz, rgb = sample_surface(mesh, 10_000, seed=5)
    assert rgb is None
    assert (xyz[:, 0] < 5).mean() == pytest.approx(0.1, abs=0.001)
    np.testing.assert_array_equal(xyz, sample_surface(mesh, 10_000, seed=5)[0])
    assert not np.array_equal(xyz, sample_surface(mesh, 10_000, seed=6)[0])
    assert (xyz[:100, 0] < 5).mean() < 0.3, "the order is random: the first hundred come from everywhere"


def test_points_lie_evenly_on_their_triangle():
    mesh = Mesh(np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0)], np.float32), np.array([(0, 1, 2)], np.int32))
    xyz, _ = sample_surface(mesh, 20_000, seed=0)
    np.testing.assert_allclose(xyz.mean(axis=0), (1 / 3, 1 / 3, 0), atol=0.01)
    assert (xyz[:, 0] + xyz[:, 1]).max() <= 1 + 1e-6 and xyz.min() >= 0
    assert (xyz[:, 0] + xyz[:, 1] < 0.5).mean() == pytest.approx(0.25, abs=0.02)


def test_closed_surfaces_are_told_from_open_ones():
    assert is_watertight(box()) is True
    assert is_watertight(Mesh(box().vertices, box().faces[1:])) is False
    apart = Mesh(box().vertices[box().faces.ravel()], np.arange(36).reshape(-1, 3))  # no vertex is shared
    assert is_watertight(apart) is True
    assert is_watertight(box(), max_faces=5) is None


def test_distinct_rows_equal_numpys_own():
    rng = np.random.default_rng(0)
    rows = rng.integers(-2, 3, (3000, 3)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.1] = -0.0
    more = rng.integers(0, 3, (3000, 2)).astype(np.uint16)
    first, same = distinct_rows(rows, more)
    expected = np.unique(np.concatenate([rows + 0.0, more], axis=1), axis=0)
    assert len(first) == len(expected)
    np.testing.assert_array_equal(rows[first][same], rows)
    np.testing.assert_array_equal(more[first][same], more)


def test_colours_go_to_linear_light_and_back():
    values = np.linspace(0, 1, 256)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-6)
    assert srgb_to_linear(np.array(0.5)) == pytest.approx(0.21404, abs=1e-4)  # by the standard's formula


def test_large_clouds_keep_a_random_part_and_their_true_count(tmp_path, monkeypatch):
    from pointllm.inputs import shape

    monkeypatch.setattr(shape, "MAX_CLOUD_POINTS", 500)
    points = np.arange(3000).reshape(1000, 3)
    np.save(tmp_path / "a.npy", points)
    cloud = read_shape(tmp_path / "a.npy")
    assert len(cloud) == 500 and cloud.metadata.points == 1000
    assert cloud.metadata.bounds_max == (2997, 2998, 2999)
    assert len(np.unique(cloud.xyz[:, 0])) == 500
    np.testing.assert_array_equal(cloud.xyz, read_shape(tmp_path / "a.npy").xyz)
