"""The scripts around the image tower: averaging the weights of runs, and pictures from sets of emoji."""

import json
import subprocess
import sys

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from script_modules import SCRIPTS, script_module


def averaged(*files, out):
    return subprocess.run([sys.executable, SCRIPTS / "average_weights.py", *files, "--out", out], capture_output=True,
                          text=True, check=False)


def test_weights_of_two_runs_are_averaged_and_keep_their_type(tmp_path):
    for name, value in (("a", 1.0), ("b", 2.0)):
        save_file({"w": torch.full((2, 3), value, dtype=torch.float16)}, tmp_path / f"{name}.safetensors")
    done = averaged(tmp_path / "a.safetensors", tmp_path / "b.safetensors", out=tmp_path / "mean.safetensors")
    assert done.returncode == 0, done.stderr
    mean = load_file(tmp_path / "mean.safetensors")["w"]
    assert mean.dtype == torch.float16 and torch.equal(mean, torch.full((2, 3), 1.5, dtype=torch.float16))


def test_weights_of_other_shapes_are_refused_in_one_line(tmp_path):
    save_file({"w": torch.zeros(2)}, tmp_path / "a.safetensors")
    save_file({"w": torch.zeros(3)}, tmp_path / "b.safetensors")
    (tmp_path / "c.safetensors").write_bytes(b"no weights")
    for other in ("b", "c"):
        files = [tmp_path / f"{name}.safetensors" for name in ("a", other)]
        done = averaged(*files, out=tmp_path / "mean.safetensors")
        assert done.returncode == 1 and done.stderr.count("\n") == 1
        assert not (tmp_path / "mean.safetensors").exists()


@pytest.fixture(scope="module")
def pictures():
    return script_module("label_pictures")


def test_every_emoji_shows_one_thing_alone(pictures):
    codes_of = json.loads(pictures.CODES.read_text(encoding="utf-8"))
    every = [code for codes in codes_of.values() for code in codes]
    assert len(every) == len(set(every)) > 500
    assert all(int(part, 16) for code in every for part in code.split("-"))


def test_every_icon_of_a_set_shows_one_thing_alone_and_every_set_has_its_licence(pictures):
    listed = json.loads(pictures.ICONS.read_text(encoding="utf-8"))
    assert set(listed) == set(pictures.NAMED) and not set(pictures.NAMED) & set(pictures.EMOJI)
    for icons_of in listed.values():
        every = [icon for icons in icons_of.values() for icon in icons]
        assert len(every) == len(set(every)) > 10
    assert all(made.license and made.creator for made in pictures.NAMED.values())


def test_pictures_are_found_by_code_point_with_or_without_the_mark_of_colour(pictures, tmp_path):
    (tmp_path / "assets").mkdir()
    for name in ("1f431", "2601-fe0f", "1f600"):
        Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "assets" / f"{name}.webp")
    assert set(pictures.bitmaps(tmp_path, {"1f431", "2601", "1f436"})) == {"1f431", "2601"}


def test_icons_are_drawn_by_name_alias_or_not_at_all_and_colourless_ones_in_ink(pictures, tmp_path):
    pytest.importorskip("resvg_py", reason="draws SVG; needed to make pictures only")
    square = '<path fill="currentColor" d="M0 0h8v8H0z"/>'
    (tmp_path / "icons.json").write_text(json.dumps(
        {"width": 8, "height": 8, "icons": {"box": {"body": square}}, "aliases": {"crate": {"parent": "box"}}}
    ))
    drawn = pictures.drawings(tmp_path, {"a": "box", "b": "crate", "c": "chair"})
    assert set(drawn) == {"a", "b"}
    assert drawn["a"].size == (pictures.SIDE, pictures.SIDE)
    assert drawn["b"].getpixel((9, 9)) == (0x55, 0x55, 0x55, 255)
