"""`pointllm generate` as people call it: exit status, stdout, stderr, and the files that are there afterwards."""

import json

import numpy as np
import pytest
from tiny_generator import write_generator
from tiny_space import TinyBind, write_picture, write_profile

from pointllm.bind import PointBind
from pointllm.cli import main
from pointllm.inputs import read_shape

DIM = TinyBind.dim


class Bind(TinyBind):
    """With what the command asks of a joint space."""

    def embed(self, paths, *, text=(), witness=None):
        rows = [self.embed_file(path).vector for path in paths] + list(self.embed_text(text) if text else ())
        return np.stack(rows)


@pytest.fixture
def profile(tmp_path, monkeypatch):
    name = write_profile(tmp_path / "profile")
    write_generator(tmp_path / "profile", dim=DIM)
    monkeypatch.setattr(PointBind, "from_pretrained", lambda *_, **__: Bind())
    return name


@pytest.fixture
def call(capfd, caplog, profile):
    """call(*arguments) → (exit status, JSON objects on stdout, the error on stderr)."""

    def run(*arguments):
        status = main(["generate", *map(str, arguments), "--profile", profile, "--json"])
        captured = capfd.readouterr()
        return status, [json.loads(line) for line in captured.out.splitlines()], captured.err

    return run


def test_a_sentence_becomes_a_mesh(call, tmp_path):
    status, (made,), _ = call("--text", "something red", "--out", tmp_path / "red.glb")
    assert status == 0 and made["path"] == str(tmp_path / "red.glb") and made["score"] is None
    cloud = read_shape(made["path"])
    assert cloud.metadata.watertight and len(cloud.mesh.faces) == made["faces"]


def test_files_and_sentences_are_mixed_by_weight(call, tmp_path):
    picture = write_picture(tmp_path / "blue.png", "blue")

    def mixed(*weights):
        status, (made,), _ = call(picture, "--text", "something red", "--weight", *weights, "--out", tmp_path / "x.ply")
        assert status == 0
        return read_shape(made["path"]).mesh.vertices

    assert not np.array_equal(mixed(1, 1), mixed(1, 0.2))
    assert np.array_equal(mixed(1, 1), mixed(2, 2))


def test_several_samples_are_numbered_and_differ(call, tmp_path):
    status, made, _ = call("--text", "red", "--samples", 3, "--seed", 7, "--out", tmp_path / "red.obj")
    assert status == 0 and [one["sample"] for one in made] == [1, 2, 3] and {one["seed"] for one in made} == {7}
    assert [one["path"].rsplit("/", 1)[1] for one in made] == ["red-1.obj", "red-2.obj", "red-3.obj"]
    shapes = [read_shape(one["path"]).mesh.vertices for one in made]
    assert not np.array_equal(shapes[0], shapes[1])


def test_the_way_from_one_input_to_another(call, tmp_path):
    status, made, _ = call("--text", "red", "blue", "--interpolate", 4, "--out", tmp_path / "way.glb")
    assert status == 0 and len(made) == 4 and (tmp_path / "way-4.glb").is_file()


@pytest.mark.parametrize(("arguments", "says"), [
    ((), "nothing to generate from"),
    (("--text", " "), "--text is empty"),
    (("--text", "a", "--weight", 1, 2), "2 numbers for 1 inputs"),
    (("--text", "a", "--interpolate", 3), "exactly two"),
    (("--text", "a", "b", "--interpolate", 1), "at least 2"),
    (("--text", "a", "--guidance", -2), "guidance is -2"),
    (("--text", "a", "--samples", 1000), "samples is 1000"),
    (("missing.glb",), "missing.glb"),
])  # fmt: skip
def test_what_cannot_be_asked_is_one_line(call, tmp_path, arguments, says):
    status, made, error = call(*arguments, "--out", tmp_path / "x.glb")
    assert (status, made) == (2, []) and says in error and len(error.strip().splitlines()) == 1
    assert not (tmp_path / "x.glb").exists()


def test_places_that_cannot_be_written_to_are_refused_before_the_work(call, tmp_path):
    for out, says in (("x.stl", ".glb, .obj, .ply"), ("no/folder/x.glb", "create it first"), (".", "is a folder")):
        status, _, error = call("--text", "a", "--out", tmp_path / out)
        assert status == 2 and says in error


def test_a_profile_without_a_generator_says_so(call, tmp_path, profile):
    (tmp_path / "profile/generator/config.json").unlink()
    status, _, error = call("--text", "a", "--out", tmp_path / "x.glb")
    assert status == 2 and "has no shape generator" in error and "embedded" in error
