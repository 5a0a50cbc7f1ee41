"""The pictures of a shape that the image tower is shown, for people to look at."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pointllm.encoders.compact.space import CompactSpace
from pointllm.inputs import read_shape
from pointllm.inputs.orientation import UP_AXES, rotated


class Space(CompactSpace):
    """With stand-ins for the towers: z is up where `z_up` says so. Counts how often it is asked."""

    def __init__(self, z_up: bool):
        super().__init__("nowhere", {"views": 4, "elevations": [20.0], "upright": {"views": 2, "margin": 0.5,
                                                                                  "margin_defined": 0.5}})
        self.asked, self.z_up = 0, z_up

    @property
    def image_tower(self):
        return SimpleNamespace(view_size=32, features=lambda views: torch.zeros(len(views), 8))

    @property
    def upright_test(self):
        def test(measured, features, glance):
            self.asked += 1
            return 1.0 if self.z_up else 0.0
        return test


@pytest.mark.parametrize("z_up", [False, True])
def test_the_pictures_show_the_shape_as_it_was_stood_up(samples, z_up):
    cloud = read_shape(samples / "chair.ply")
    given = rotated(cloud, UP_AXES["z"].T) if z_up else cloud
    space = Space(z_up)
    space.stand_upright(given)
    pictures = space.pictures(given, 48)
    assert space.asked == 1  # known from before
    assert pictures.shape == (4, 48, 48, 3) and pictures.dtype == np.uint8
    drawn = (pictures < 250).any(axis=-1)
    tall, wide = np.ptp(np.argwhere(drawn[0]), axis=0)
    assert tall > wide  # a chair on its legs


def test_a_shape_that_was_not_seen_before_is_stood_up_first(samples):
    space = Space(False)
    assert len(space.pictures(read_shape(samples / "chair.ply"), 16)) == 4 and space.asked == 1


def test_what_is_remembered_is_bounded(samples, monkeypatch):
    from pointllm.encoders.compact import space as module

    monkeypatch.setattr(module, "REMEMBERED", 2)
    space, cloud = Space(False), read_shape(samples / "chair.ply")
    for turn in range(4):
        space.stand_upright(rotated(cloud, np.diag([1, 1, 1]) * (turn + 1)))
    assert len(space._upright) == 2
