"""PointBind with the shipped weights: every modality in one space, the same answer every time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from pointllm import PointBind
from pointllm.errors import InputError, WeightsError
from pointllm.inputs import read_shape
from pointllm.inputs.orientation import UP_AXES, rotated

SAMPLES = Path(__file__).resolve().parents[1] / "assets" / "samples"
FILES = [SAMPLES / name for name in ("chair.ply", "cat.jpg", "rooster.ogg")]


@pytest.fixture(scope="module")
def bind() -> PointBind:
    return PointBind.from_pretrained("embedded")


def test_embeddings_are_unit_vectors_in_the_order_given(bind):
    vectors = bind.embed(FILES, text=["a chair", "a cat"])
    assert vectors.shape == (5, bind.dim) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[3], bind.embed_text(["a chair"])[0], atol=1e-6)


def test_things_lie_nearer_to_their_own_names_than_to_others(bind):
    vectors = bind.embed(FILES)
    similarity = vectors @ bind.embed_text(["a chair", "a cat", "a rooster crowing"]).T
    assert similarity.argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.parametrize("witness", ["point", "views", "both"])
def test_the_same_file_always_gets_the_same_embedding(witness):
    first, second = (PointBind.from_pretrained("embedded").embed([FILES[0]], witness=witness) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_witnesses_are_looked_at_apart_and_mixed(bind):
    point, views, both = (bind.embed([FILES[0]], witness=witness)[0] for witness in ("point", "views", "both"))
    share = bind.config["witness"]
    mixed = share["point"] * point + share["views"] * views
    np.testing.assert_allclose(both, mixed / np.linalg.norm(mixed), atol=1e-5)


def test_the_witness_on_points_sees_nothing_of_a_surface(bind):
    cloud = read_shape(FILES[0])
    bare = replace(cloud, mesh=None)
    whole, points = (bind.space.embed_shape(given, "point") for given in (cloud, bare))
    assert float(whole @ points) > 0.9
    assert float(whole @ points) > float(whole @ bind.space.embed_shape(cloud, "views"))


def test_the_fewer_points_a_bare_cloud_has_the_more_the_point_tower_counts(bind):
    cloud = read_shape(FILES[0])
    sparse, few = bind.config["sparse"], (8192, 4096, 1024, 100)
    shares = [bind.space._shares(replace(cloud.resampled(count), mesh=None)) for count in few]
    assert shares[0] == (bind.config["point_witness"]["tower"], bind.config["witness"]["point"])
    assert shares[0][0] <= shares[1][0] <= shares[2][0] and shares[0][1] < shares[1][1] < shares[2][1]
    assert shares[2] == pytest.approx((sparse["tower"], sparse["point"])) and shares[3] == shares[2]
    assert bind.space._shares(cloud) == shares[0]  # a surface can be sampled as densely as one likes


def test_an_unknown_witness_is_named_with_the_known_ones(bind):
    with pytest.raises(InputError, match="point, views, both"):
        bind.embed([FILES[0]], witness="smell")


def test_a_file_that_changed_is_embedded_anew(bind, tmp_path):
    path = tmp_path / "thing.ply"
    trimesh.creation.icosphere(subdivisions=3).export(path)
    before = bind.embed([path])[0]
    trimesh.creation.box((1, 9, 2)).export(path)
    assert before @ bind.embed([path])[0] < 0.99


def test_a_lying_shape_is_stood_upright_where_the_file_does_not_say(bind):
    chair = read_shape(SAMPLES / "chair.ply")
    upright, _ = bind.space.stand_upright(rotated(chair, UP_AXES["z"].T))
    np.testing.assert_allclose(np.ptp(upright.xyz, axis=0), np.ptp(chair.xyz, axis=0), atol=1e-4)


def test_an_empty_text_is_refused(bind):
    with pytest.raises(InputError, match="empty"):
        bind.embed(text=["  "])


def test_an_unknown_profile_names_the_known_ones():
    with pytest.raises(WeightsError, match="embedded"):
        PointBind.from_pretrained("no-such-profile")
