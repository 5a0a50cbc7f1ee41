"""The page that makes shapes: one or several, the best of some, a way between two; files to take along."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pages import TinyEngine, Visit
from tiny_generator import write_generator
from tiny_space import DIM, write_picture

from app.pages.generate import GeneratePage
from pointllm.inputs import read_shape


@pytest.fixture
def visit(tmp_path, monkeypatch):
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path / "cache"))
    engine = TinyEngine(tmp_path / "profile")
    engine.bind.space = SimpleNamespace(
        embed_images=lambda pictures: torch.from_numpy(np.stack([np.asarray(p, float).mean((0, 1)) for p in pictures])
                                                       @ np.eye(3, DIM)))
    write_generator(tmp_path / "profile", DIM)
    return Visit(GeneratePage, engine)


def objects(visit):
    with open(visit.download("json"), encoding="utf-8") as file:
        return json.load(file)


@pytest.mark.parametrize("suffix", ["glb", "obj", "ply"])
def test_a_shape_is_made_shown_and_can_be_taken_along(visit, suffix):
    visit.result({"words": "a red ball"})
    path = visit.download(suffix)
    assert Path(path).name == f"shape-1.{suffix}" and len(read_shape(path).xyz)
    assert "shape-view" in visit.last[-1] and objects(visit)["inputs"] == ["a red ball"]


def test_the_same_seed_gives_the_same_shapes_and_another_others(visit):
    def bytes_of(seed):
        visit.result({"words": "red", "seed": seed})
        return Path(visit.download("ply")).read_bytes()

    assert bytes_of(1) == bytes_of(1) != bytes_of(2)


def test_several_are_a_gallery_of_which_each_can_be_looked_at_and_taken_along(visit):
    html = visit.result({"words": "red", "shapes": 3})
    assert html.count("data-hit=") == 3
    view, glb, obj, ply, _ = visit.page.look(visit.session, "en", SimpleNamespace(index=2))
    assert "shape-3.glb" in view and [Path(update["value"]).name for update in (glb, obj, ply)] == [
        "shape-3.glb", "shape-3.obj", "shape-3.ply"]
    assert not any(isinstance(update, str) for update in visit.page.look(visit.session, "en", SimpleNamespace(index=7)))


def test_the_best_of_several_has_a_score(visit):
    visit.result({"words": "red", "shapes": 2, "best": 2})
    assert [isinstance(shape["score"], float) for shape in objects(visit)["shapes"]] == [True, True]


def test_a_way_leads_from_the_inputs_to_other_words(visit, tmp_path):
    visit.result({"words": "red", "to": "green", "shapes": 4}, files=[write_picture(tmp_path / "a.png", "blue")])
    assert objects(visit)["to"] == "green" and objects(visit)["inputs"] == ["a.png", "red"]
    assert len(objects(visit)["shapes"]) == 4


def test_nothing_asked_and_a_file_that_cannot_be_read_are_told(visit, tmp_path):
    assert "Write what to make" in visit.line({})
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    line = visit.line({}, files=[broken])
    assert "broken.png" in line and str(tmp_path) not in line


def test_a_profile_without_a_generator_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path / "cache"))
    line = Visit(GeneratePage, TinyEngine(tmp_path / "profile")).line({"words": "red"})
    assert "no shape generator" in line and str(tmp_path) not in line
