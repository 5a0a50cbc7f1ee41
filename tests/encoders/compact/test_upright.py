"""The test of which axis is up, by geometry and by views."""

import numpy as np
import pytest
import torch

from pointllm.encoders.compact.upright import UprightTest, measurements
from pointllm.errors import WeightsError
from pointllm.inputs import read_shape
from pointllm.inputs.orientation import UP_AXES, rotated
from pointllm.profiles import checkpoints_dir

SHIPPED = checkpoints_dir() / "embedded" / "image" / "upright.safetensors"


@pytest.fixture(scope="module")
def test_of_the_axis():
    return UprightTest.from_file(SHIPPED)


def test_measurements_do_not_depend_on_size_or_place(samples):
    cloud = read_shape(samples / "sofa.off")
    moved = rotated(cloud, 1000 * np.eye(3))
    np.testing.assert_allclose(measurements(cloud), measurements(moved), atol=1e-3)


@pytest.mark.parametrize("name", ["chair.ply", "sofa.off", "car.obj", "guitar.glb"])
def test_lying_shapes_look_more_as_if_z_were_up_than_standing_ones(samples, test_of_the_axis, name):
    cloud = read_shape(samples / name)
    lying = rotated(cloud, UP_AXES["z"].T)
    standing = test_of_the_axis.geometry(torch.from_numpy(measurements(cloud)))
    assert test_of_the_axis.geometry(torch.from_numpy(measurements(lying))) > standing


def test_both_looks_are_joined(test_of_the_axis, samples):
    measured = torch.from_numpy(measurements(read_shape(samples / "chair.ply")))
    weight = test_of_the_axis.weights["view.weight"]
    good, bad = weight[None] / weight.norm(), -weight[None] / weight.norm()
    assert test_of_the_axis(measured, bad, good) > test_of_the_axis(measured, good, bad)


def test_a_flat_cloud_and_a_single_spot_can_be_measured():
    from pointllm.inputs.point_cloud import PointCloud, ShapeMetadata

    metadata = ShapeMetadata("xyz", 0, 0, 64, (0, 0, 0), (0, 0, 0))
    for xyz in (np.zeros((64, 3)), np.random.default_rng(0).random((64, 3)) * [1, 0, 1]):
        assert np.isfinite(measurements(PointCloud(xyz.astype(np.float32), None, metadata))).all()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"upright\.safetensors"):
        UprightTest.from_file(tmp_path / "upright.safetensors")
