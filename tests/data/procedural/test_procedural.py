"""Generated objects: sound meshes, true captions, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from data_trees import rows_of

from pointllm.data.procedural import FAMILIES, GENERATORS, generate, make_object
from pointllm.data.procedural.captions import counted, plural
from pointllm.data.procedural.model import RANGES, Model, Part
from pointllm.data.procedural.solids import ball, box, cylinder, extrude, hull, torus, tube
from pointllm.data.records import read_records
from pointllm.errors import DataError
from pointllm.inputs.facts import color_names, dominant_colors
from pointllm.inputs.shape import read_shape

SAMPLE = sorted(GENERATORS)[::7]


def volume(solid) -> float:
    a, b, c = (solid.vertices[solid.faces[:, k]] for k in range(3))
    return float(np.einsum("fd,fd->f", a, np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize("solid, expected", [
    (box(1, 2, 3), 6.0), (cylinder(1, 2, 64), 2 * np.pi), (ball(1, 1, 1, 48), 4 / 3 * np.pi),
    (torus(2, 0.5, 64, 32), np.pi**2), (extrude([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)], 1), 3.0),
    (tube([(0, 0, 0), (0, 0, 3)], 0.5, 64), 0.75 * np.pi), (hull([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]), 1 / 6),
])
def test_solids_are_closed_with_the_volume_that_they_should_have(solid, expected):
    assert abs(volume(solid)) == pytest.approx(expected, rel=0.02)
    _, same = np.unique(solid.vertices.round(6), axis=0, return_inverse=True)  # a ring's ends are one
    faces = same.ravel()[solid.faces]
    edges = np.sort(np.concatenate([faces[:, p] for p in ((0, 1), (1, 2), (2, 0))]), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_there_are_many_labels_in_many_families():
    assert len(GENERATORS) > 200 and len(FAMILIES) >= 20
    assert {g.make.__module__ for g in GENERATORS.values()} <= {f.__name__ for f in FAMILIES}


@pytest.mark.parametrize("label", SAMPLE)
def test_an_object_is_read_as_any_file_is(tmp_path, label):
    made = make_object(label, 0)
    (tmp_path / "o.glb").write_bytes(made.glb)
    cloud = read_shape(tmp_path / "o.glb", samples=4096)
    assert cloud.metadata.bounds_min[1] == pytest.approx(0, abs=1e-5) and cloud.metadata.faces < 40_000
    assert dominant_colors(cloud)[0] == made.row["colors"][0] and np.isfinite(cloud.xyz).all()
    assert np.allclose(cloud.metadata.size, made.row["size_m"], atol=1e-3)


@pytest.mark.parametrize("label", SAMPLE)
def test_captions_name_the_label_and_only_parts_that_are_there(label):
    row = make_object(label, 3).row
    assert 2 <= len(row["captions"]) <= 5 and all(label in caption for caption in row["captions"])
    numbers = {p["name"]: p["count"] for p in row["parts"]}
    assert numbers and all(count >= 1 for count in numbers.values())
    for caption in row["captions"]:
        if caption.startswith("the parts of"):
            said = caption.split(" are the ")[1].replace(" and ", ", ").split(", ")
            assert len(said) == len(numbers)


def test_the_same_seed_gives_the_same_object_and_another_another():
    assert make_object("chair", 5, 1).glb == make_object("chair", 5, 1).glb
    assert make_object("chair", 5, 1).glb != make_object("chair", 5, 2).glb != make_object("chair", 6, 2).glb


def test_colours_are_called_what_the_project_calls_them():
    model = Model("x", np.random.default_rng(0))
    for name in RANGES:
        for _ in range(20):
            color = model.color(name)
            assert color.name == name and color_names(np.array([color.rgb]) / 255)[0] == name


@pytest.mark.parametrize("name, expected", [("leg", "legs"), ("foot", "feet"), ("glass box", "glass boxes"),
                                            ("berry", "berries"), ("bookshelf", "bookshelfs"), ("shelf", "shelves")])
def test_plurals(name, expected):
    assert plural(name) == expected


def test_parts_are_counted_in_words():
    assert counted(Part("leg", 4, "black")) == "four black legs" and counted(Part("armrest", 1, None)) == "an armrest"
    assert counted(Part("book", 40, None)) == "many books" and counted(Part("red light", 1, "red")) == "a red light"


def test_a_folder_of_objects_is_extended_by_a_longer_run(tmp_path):
    generate(tmp_path, 6, labels=["cup", "chair"])
    first = {p: p.read_bytes() for p in tmp_path.rglob("*.glb")}
    result = generate(tmp_path, 10, labels=["cup", "chair"], val_share=0.2)
    assert (result.objects, result.labels, result.written) == (10, 2, 4)
    assert all(p.read_bytes() == data for p, data in first.items()) and len(read_records(tmp_path)) == 10
    row = rows_of(tmp_path / "objects.jsonl")[0]
    assert row["license"] == "CC0-1.0" and row["source"] == "procedural" and row["parts"]


def test_an_unknown_label_is_refused(tmp_path):
    with pytest.raises(DataError, match="no generator makes unicorn"):
        generate(tmp_path, 2, labels=["unicorn"])
    assert not (tmp_path / "objects.jsonl").exists()
