"""What views of a shape say: the tuned tail by itself, or with a share of the published trunk's knowledge."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pointllm import PointBind
from pointllm.inputs import read_shape


@pytest.fixture(scope="module")
def space():
    return PointBind.from_pretrained("embedded").space


@pytest.fixture(scope="module")
def views():
    return np.random.default_rng(0).integers(0, 255, (3, 224, 224, 3), np.uint8)


def test_one_pass_gives_what_the_tuned_and_the_published_network_give_alone(space, views):
    looks = space.image_tower.look(views, published=True)
    assert torch.allclose(looks.features, space.image_tower.features(views), atol=1e-5)
    assert torch.allclose(looks.published, space.image_tower.published_features(views), atol=1e-5)
    assert space.image_tower.look(views).published is None


def test_the_share_leads_from_the_tuned_tower_to_the_names_of_published_classes(space, views):
    tower = space.image_tower
    looks = tower.look(views, published=True)
    learned, mixed, known = (tower.embed_looks(looks, share) for share in (0.0, 0.4, 1.0))
    assert torch.allclose(learned, tower.embed_features(looks.features[None])[0])
    assert torch.allclose(mixed, F.normalize(0.6 * learned + 0.4 * known, dim=-1), atol=1e-5)
    assert (tower.class_embeddings @ known).max() > (tower.class_embeddings @ learned).max()
    assert mixed.norm() == pytest.approx(1, abs=1e-5)


def test_without_a_share_the_published_network_is_not_asked(space, samples, monkeypatch):
    cloud = read_shape(samples / "chair.ply")
    monkeypatch.setitem(space.config, "conse", 0.0)
    assert space.look_around(cloud, 2).published is None
    plain = space.embed_shape(cloud, "views")
    monkeypatch.setitem(space.config, "conse", 0.3)
    assert space.look_around(cloud, 2).published.shape == (2, 1280)
    assert space.embed_shape(cloud, "views") @ plain < 0.999
