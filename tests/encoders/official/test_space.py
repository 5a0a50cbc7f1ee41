"""The joint space of an official profile, on tiny random towers: every modality, any cloud, nothing loaded in vain."""

import json
import threading

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_official import DIM, write_official

from pointllm import PointBind
from pointllm.encoders.official.space import VIDEO_FRAMES
from pointllm.errors import InputError, WeightsError
from pointllm.inputs import PointCloud, ShapeMetadata, read_shape


@pytest.fixture(scope="module", params=["i2p_mae", "point_bert"])
def folder(request, tmp_path_factory):
    return write_official(tmp_path_factory.mktemp("official") / request.param, request.param, llm=False)


@pytest.fixture(scope="module")
def bind(folder):
    return PointBind.from_pretrained(str(folder), device="cpu")


@pytest.fixture
def fresh(folder):
    return PointBind.from_pretrained(str(folder), device="cpu")


def cloud(up=None, points=3000, seed=0):
    xyz = np.random.default_rng(seed).normal(size=(points, 3)).astype(np.float32) * [1, 2, 0.5]
    nowhere = (0.0, 0.0, 0.0)
    return PointCloud(xyz.astype(np.float32), None, ShapeMetadata("ply", 0, 0, points, nowhere, nowhere, up_axis=up))


def test_files_of_every_modality_become_unit_vectors_and_stay_the_same(bind, fresh, samples):
    files = [samples / name for name in ("chair.ply", "cat.jpg", "rooster.ogg")]
    vectors = bind.embed(files, text=["a chair", "a table"])
    assert vectors.shape == (5, DIM) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(fresh.embed(files, text=["a chair", "a table"]), vectors, atol=1e-6)
    assert np.abs(vectors @ vectors.T - np.eye(5)).max() > 1e-3 and len(np.unique(vectors.round(4), axis=0)) == 5


@pytest.mark.parametrize(("modality", "shape"), [
    ("depth", (2, 1, 28, 28)), ("thermal", (2, 1, 28, 28)), ("imu", (2, 6, 80)), ("vision", (2, 3, 28, 28)),
    ("vision", (2, 5, 3, 2, 28, 28)), ("audio", (2, 3, 1, 128, 204)), ("point", (2, 500, 3))])
def test_prepared_tensors_of_every_modality_are_embedded(bind, modality, shape):
    values = np.random.default_rng(0).normal(size=shape)  # float64
    vectors = bind.embed_raw(modality, values)
    assert vectors.shape == (2, DIM)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(bind.embed_raw(modality, torch.from_numpy(values).float()), vectors, atol=1e-5)


@pytest.mark.parametrize(("modality", "shape"), [("smell", (1, 3)), ("depth", (1, 28, 28)), ("point", (1, 3, 100)),
                                                 ("imu", (1, 80, 6))])
def test_tensors_of_no_modality_or_of_another_shape_are_refused(bind, modality, shape):
    with pytest.raises(InputError, match="needed|isn't known"):
        bind.embed_raw(modality, np.zeros(shape, np.float32))


def test_a_space_without_raw_tensors_says_so():
    with pytest.raises(InputError, match="no tower for depth"):
        PointBind(object(), {}).embed_raw("depth", np.zeros((1, 1, 28, 28)))


def test_towers_are_loaded_when_they_are_first_needed_and_once(fresh, samples):
    space = fresh.space
    fresh.embed([samples / "chair.ply"])
    assert not space._towers
    threads = [threading.Thread(target=space.tower, args=("depth",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(space._towers) == {"depth"} and set(space._towers["depth"].modality_trunks) == {"depth"}
    space.load()
    assert set(space._towers) == {"depth", "text", "vision", "audio"}


def test_a_shape_is_judged_by_its_points_unless_told_otherwise(bind, samples):
    point, views, both, default = (bind.embed([samples / "chair.ply"], witness=witness)[0]
                                   for witness in ("point", "views", "both", None))
    np.testing.assert_array_equal(default, point)
    mean = point + views
    np.testing.assert_allclose(both, mean / np.linalg.norm(mean), atol=1e-5)
    with pytest.raises(InputError, match="point, views, both"):
        bind.embed([samples / "chair.ply"], witness="smell")


def test_the_shares_of_both_witnesses_come_from_the_profile(folder, bind, samples):
    told = PointBind(type(bind.space)(folder, bind.config | {"witness": {"point": 0.8, "views": 0.2}}), bind.config)
    point, views, default = (told.embed([samples / "chair.ply"], witness=w)[0] for w in ("point", "views", None))
    mixed = 0.8 * point + 0.2 * views
    np.testing.assert_allclose(default, mixed / np.linalg.norm(mixed), atol=1e-5)


def test_pictures_are_given_where_a_profile_looks_at_any(folder, bind, samples):
    cloud = read_shape(samples / "chair.ply")
    assert bind.space.pictures(cloud, 32).shape == (0, 32, 32, 3)
    looking = type(bind.space)(folder, bind.config | {"witness": {"point": 0.5, "views": 0.5}})
    assert looking.pictures(cloud, 32).shape == (bind.config["views"], 32, 32, 3)


def test_a_shape_is_turned_where_its_file_says_that_z_is_up(bind):
    upright, lying, silent = (bind.space.embed_shape(cloud(up)) for up in ("y", "z", None))
    assert torch.equal(upright, silent)
    assert not torch.allclose(upright, lying, atol=1e-3)


def test_prepared_points_are_centred_scaled_and_of_the_number_the_encoder_expects(bind):
    for given in (cloud(points=40), cloud(points=20_000)):
        points = bind.space.point_tower.prepare(given)
        assert points.shape == (1, 8192, 3) and points.dtype == torch.float32
        assert points[0].mean(0).abs().max() < 1e-5
        assert float(points[0].norm(dim=-1).max()) == pytest.approx(1, abs=1e-5)


def test_a_cloud_of_another_scale_and_place_is_embedded_alike(bind, samples):
    shape = read_shape(samples / "tree.pcd")
    whole = bind.space.embed_shape(shape)
    for factor, shift in ((1000.0, 0.0), (1e-4, 0.0), (1.0, 5.0)):
        xyz = (shape.xyz.astype(np.float64) * factor + shift * factor).astype(np.float32)
        moved = PointCloud(xyz, shape.rgb, shape.metadata)
        assert float((bind.space.embed_shape(moved) - whole).abs().max()) < 1e-4


def test_a_video_is_looked_at_in_many_frames(bind, monkeypatch, tmp_path):
    import av

    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height = 64, 48
        for index in range(100):
            pixels = np.full((48, 64, 3), index * 2, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    seen = []
    embed = bind.space.embed_video
    monkeypatch.setattr(bind.space, "embed_video", lambda video: seen.append(video) or embed(video))
    vector = bind.embed([path])
    assert len(seen[0]) == VIDEO_FRAMES and seen[0].duration == pytest.approx(10, abs=0.2)
    np.testing.assert_allclose(np.linalg.norm(vector), 1, atol=1e-5)


def test_a_video_that_does_not_move_is_embedded_as_its_picture(bind):
    square = Image.fromarray(np.random.default_rng(0).integers(0, 255, (28, 28, 3), np.uint8))
    assert torch.allclose(bind.space.embed_video([square] * 6), bind.space.embed_images([square])[0], atol=1e-4)


def test_recognition_takes_the_profiles_text_tower(bind):
    from pointllm.tasks.zero_shot import ZeroShot

    assert bind.text_tower.encode([]).shape == (0, DIM)
    found = ZeroShot(bind, ["chair", "table", "dog"])(bind.embed(text=["a chair"]), top=2)
    assert len(found[0]) == 2


def test_half_precision_comes_near(folder, bind, samples):
    half = PointBind.from_pretrained(str(folder), device="cpu", precision="bf16")
    files = [samples / "cat.jpg", samples / "chair.ply"]
    np.testing.assert_allclose(half.embed(files), bind.embed(files), atol=0.05)
    assert half.space.tower("vision").modality_heads["vision"][2].weight.dtype == torch.bfloat16


def test_damaged_and_foreign_weights_are_named_in_one_line(tmp_path):
    folder = write_official(tmp_path / "p", llm=False)
    weights = folder / "imagebind" / "model.safetensors"
    whole = weights.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"\x80\x04not safetensors"):
        weights.write_bytes(content)
        with pytest.raises(WeightsError, match="imagebind/model.safetensors"):
            PointBind.from_pretrained(str(folder), "cpu").embed_text(["a chair"])
    (folder / "point" / "model.safetensors").write_bytes(whole)
    with pytest.raises(WeightsError, match="point/model.safetensors doesn't fit"):
        PointBind.from_pretrained(str(folder), "cpu").embed_raw("point", np.zeros((1, 100, 3)))
    (folder / "imagebind" / "config.json").write_text(json.dumps({"vision_embed_dim": "wide"}))
    with pytest.raises(WeightsError):
        PointBind.from_pretrained(str(folder), "cpu").embed_text(["a chair"])


def test_a_profile_of_unknown_kind_names_the_known_ones(tmp_path):
    (tmp_path / "config.json").write_text('{"space": "hyperbolic"}')
    with pytest.raises(WeightsError, match="known: compact, imagebind"):
        PointBind.from_pretrained(str(tmp_path))
