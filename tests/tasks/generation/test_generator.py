"""`ShapeGenerator`: the same seed gives the same shapes, settings do what they say, and nonsense is refused."""

import json

import numpy as np
import pytest
from tiny_generator import write_generator

from pointllm.errors import InputError, PointLLMError, WeightsError
from pointllm.inputs import read_shape
from pointllm.inputs.mesh import is_watertight
from pointllm.tasks.generation import FORMATS, ShapeGenerator, has_generator

DIM = 384


def unit(seed, dim=DIM):
    vector = np.random.default_rng(seed).normal(size=dim).astype(np.float32)
    return vector / np.linalg.norm(vector)


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("profile")
    write_generator(folder)
    return folder


@pytest.fixture(scope="module")
def generator(profile):
    return ShapeGenerator.from_folder(profile)


def same(one, other):
    return one.mesh.vertices.shape == other.mesh.vertices.shape and np.array_equal(one.mesh.vertices,
                                                                                     other.mesh.vertices)


def test_the_same_seed_gives_the_same_shape_and_another_another(generator):
    one, two = generator.generate(unit(0), seed=3)[0], generator.generate(unit(0), seed=3)[0]
    assert same(one, two) and is_watertight(one.mesh)
    assert not same(one, generator.generate(unit(0), seed=4)[0])
    assert not same(one, generator.generate(unit(1), seed=3)[0])


def test_a_sample_does_not_depend_on_how_many_are_drawn(generator):
    few, many = generator.generate(unit(0), samples=2), generator.generate(unit(0), samples=4)
    assert [shape.number for shape in many] == [0, 1, 2, 3]
    assert np.allclose(few[1].mesh.vertices, many[1].mesh.vertices, atol=1e-4)
    assert not same(many[0], many[1])


def test_without_guidance_the_prompt_does_not_matter(generator):
    assert same(generator.generate(unit(0), guidance=0)[0], generator.generate(unit(1), guidance=0)[0])


def test_a_joint_space_of_another_dimension_works_alike(tmp_path):
    write_generator(tmp_path, dim=1024)
    assert len(ShapeGenerator.from_folder(tmp_path).generate(unit(0, 1024), samples=2)) == 2


def test_the_best_of_several_is_the_one_most_like_the_prompt(generator, monkeypatch):
    tries = generator.generate(unit(0), samples=6, seed=1)
    wanted = {id_of(tries[1]): 0.9, id_of(tries[5]): 0.8}

    def views_of(self, shapes):
        return np.stack([unit(0) * wanted.get(id_of(shape), 0.1) for shape in shapes])

    monkeypatch.setattr(ShapeGenerator, "views_of", views_of)
    first, second = generator.generate(unit(0), samples=2, seed=1, best_of=3)
    assert np.allclose(first.mesh.vertices, tries[1].mesh.vertices, atol=1e-4) and first.number == 0
    assert np.allclose(second.mesh.vertices, tries[5].mesh.vertices, atol=1e-4) and second.number == 1
    assert first.score == pytest.approx(0.9, abs=1e-4) and second.score == pytest.approx(0.8, abs=1e-4)


def test_an_empty_try_is_passed_over_and_only_empty_tries_are_an_error(generator, monkeypatch):
    real = generator.model.draw

    def draw(embeddings, noise, guidance, steps, empty=(0, 2)):
        distances, colors = (values.clone() for values in real(embeddings, noise, guidance, steps))
        distances[list(empty)] = 1.0
        return distances, colors

    monkeypatch.setattr(ShapeGenerator, "views_of", lambda self, shapes: np.stack([unit(0)] * len(shapes)))
    expected = generator.generate(unit(0), samples=4, best_of=1)[1]
    monkeypatch.setattr(generator.model, "draw", draw)
    assert same(generator.generate(unit(0), best_of=4)[0], expected)
    with pytest.raises(PointLLMError, match="empty shape; try another seed"):
        generator.generate(unit(0), samples=3, best_of=1)
    monkeypatch.setattr(generator.model, "draw", lambda *given: draw(*given, empty=(2, 3)))
    with pytest.raises(PointLLMError, match="empty shape"):
        generator.generate(unit(0), samples=2, best_of=2)


def test_how_many_tries_there_are_is_the_profiles_where_nothing_is_said(tmp_path, monkeypatch):
    write_generator(tmp_path, best_of=3)
    generator = ShapeGenerator.from_folder(tmp_path)
    seen = []
    monkeypatch.setattr(ShapeGenerator, "views_of",
                        lambda self, shapes: seen.append(len(shapes)) or np.stack([unit(0)] * len(shapes)))
    assert generator.generate(unit(0))[0].score is not None and seen == [3]
    assert generator.generate(unit(0), best_of=1)[0].score is None


def id_of(shape):
    return len(shape.mesh.vertices), round(float(shape.mesh.vertices.sum()), 1)


def test_views_are_judged_by_the_profiles_image_tower(profile):
    class Space:
        def embed_images(self, pictures):
            import torch

            assert len(pictures) == 2 and pictures[0].size == (224, 224)
            return torch.ones(len(pictures), DIM)

    bind = type("Bind", (), {"space": Space()})()
    generator = ShapeGenerator.from_folder(profile, bind)
    (shape,) = generator.generate(unit(0), best_of=2)
    assert shape.score == pytest.approx(float(np.full(DIM, DIM**-0.5) @ unit(0)), abs=1e-4)


def test_interpolation_starts_at_one_prompt_and_ends_at_the_other(generator):
    way = generator.interpolate(unit(0), unit(1), 4, seed=2)
    assert len(way) == 4
    for shape, prompt in ((way[0], unit(0)), (way[-1], unit(1))):
        alone = generator.generate(prompt, seed=2)[0]
        assert np.allclose(shape.mesh.vertices, alone.mesh.vertices, atol=1e-3)
    assert len(generator.interpolate(unit(0), unit(0), 2)) == 2


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_written_is_read_back_with_its_colours(generator, tmp_path, suffix):
    (shape,) = generator.generate(unit(0))
    path = shape.write(tmp_path / f"shape{suffix}")
    cloud = read_shape(path, samples=500)
    assert len(cloud.mesh.faces) == len(shape.mesh.faces) and cloud.metadata.watertight
    assert cloud.metadata.has_color
    assert np.allclose(cloud.rgb.mean(0), shape.cloud(500).rgb.mean(0), atol=0.03)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]  # nothing else is left


def test_places_that_cannot_be_written_to_are_refused_in_one_line(generator, tmp_path):
    (shape,) = generator.generate(unit(0))
    with pytest.raises(InputError, match="end it in .glb, .obj, .ply"):
        shape.write(tmp_path / "shape.stl")
    for suffix in FORMATS:
        with pytest.raises(InputError, match="can't be written"):
            shape.write(tmp_path / "missing" / f"shape{suffix}")


@pytest.mark.parametrize(("options", "says"), [
    ({"samples": 0}, "samples is 0"), ({"best_of": 99}, "best-of is 99"), ({"guidance": -1}, "guidance is -1"),
    ({"guidance": float("nan")}, "guidance is nan"),
])  # fmt: skip
def test_settings_out_of_range_are_refused(generator, options, says):
    with pytest.raises(InputError, match=says):
        generator.generate(unit(0), **options)


def test_embeddings_that_cannot_be_asked_with_are_refused(generator):
    for vector, says in ((unit(0, 8), "8 numbers"), (np.zeros(DIM), "zero or not finite"),
                         (np.full(DIM, np.nan), "zero or not finite")):
        with pytest.raises(InputError, match=says):
            generator.generate(vector)
    with pytest.raises(InputError, match="at least 2"):
        generator.interpolate(unit(0), unit(1), 1)
    with pytest.raises(InputError, match="opposite"):
        generator.interpolate(unit(0), -unit(0), 3)


def test_a_profile_without_a_generator_says_so_and_what_to_do(tmp_path):
    assert not has_generator(tmp_path)
    with pytest.raises(WeightsError, match="has no shape generator; use the profile embedded"):
        ShapeGenerator.from_folder(tmp_path)


def test_damaged_weights_are_one_line(tmp_path):
    folder = write_generator(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    for name, content in (("config.json", json.dumps(config | {"latent": 7})), ("config.json", "{}"),
                          ("model.safetensors", "no tensors")):
        kept = (folder / name).read_bytes()
        (folder / name).write_text(content)
        with pytest.raises(WeightsError, match="restore"):
            ShapeGenerator.from_folder(tmp_path)
        (folder / name).write_bytes(kept)
    ShapeGenerator.from_folder(tmp_path)
