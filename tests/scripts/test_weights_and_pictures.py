"""The scripts around the image tower: averaging the weights of runs, and pictures from sets of emoji."""

import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

SCRIPTS = Path(__file__).parents[2] / "scripts"


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
def emoji():
    spec = spec_from_file_location("emoji_pictures", SCRIPTS / "emoji_pictures.py")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_emoji_shows_one_thing_alone(emoji):
    codes_of = json.loads(emoji.CODES.read_text(encoding="utf-8"))
    every = [code for codes in codes_of.values() for code in codes]
    assert len(every) == len(set(every)) > 500
    assert all(int(part, 16) for code in every for part in code.split("-"))


def test_pictures_are_found_by_code_point_with_or_without_the_mark_of_colour(emoji, tmp_path):
    (tmp_path / "assets").mkdir()
    for name in ("1f431", "2601-fe0f", "1f600"):
        Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "assets" / f"{name}.webp")
    assert set(emoji.bitmaps(tmp_path, {"1f431", "2601", "1f436"})) == {"1f431", "2601"}
