"""What is shown of an upload before any answer: its kind, facts and preview, from real files."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.examples import examples
from app.facts import file_size, short, table
from app.looking import look_at, loudness
from app.settings import Settings
from pointllm.errors import InputError

SHAPES = ["chair.ply", "car.obj", "guitar.glb", "airplane.stl", "tree.pcd", "cup.xyz", "sofa.off"]


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_measured_and_previewed_as_glb(samples, name):
    look = look_at(str(samples / name))
    assert look.modality == "point" and look.name == name
    assert all(side > 0 for side in look.facts["size"])
    content = Path(look.preview).read_bytes()
    magic, version, length = struct.unpack_from("<4sII", content)
    assert (magic, version, length) == (b"glTF", 2, len(content))
    json.loads(content[20:20 + struct.unpack_from("<I", content, 12)[0]])


def test_facts_are_told_in_the_readers_language(samples):
    facts = look_at(str(samples / "car.obj")).facts
    assert "1,973" in table(facts, "en") and "mesh (OBJ)" in table(facts, "en") and "green" in table(facts, "en")
    assert "绿色" in table(facts, "zh") and "网格" in table(facts, "zh")


def test_a_picture_and_a_sound_are_measured(samples):
    picture = look_at(str(samples / "cat.jpg"))
    assert picture.modality == "image" and picture.facts["pixels"] == (451, 300) and Path(picture.preview).is_file()
    sound = look_at(str(samples / "rooster.ogg"))
    assert sound.modality == "audio" and sound.facts["duration"] == pytest.approx(5, abs=0.1)


def test_the_waveform_follows_the_loudness():
    quiet, loud = np.full(1000, 0.1, np.float32), np.full(1000, -0.5, np.float32)
    assert loudness(np.concatenate([quiet, loud]), bars=4) == (0.2, 0.2, 1.0, 1.0)
    assert loudness(np.array([0.5], np.float32), bars=4) == (1.0,)
    assert loudness(np.zeros(8, np.float32), bars=2) == (0.0, 0.0)


def test_a_sound_that_browsers_do_not_play_is_copied_into_one_that_they_do(tmp_path, samples):
    soundfile = pytest.importorskip("soundfile")
    tone = np.sin(np.arange(8000) / 10).astype(np.float32)
    soundfile.write(tmp_path / "tone.aiff", tone, 8000)
    look = look_at(str(tmp_path / "tone.aiff"))
    copied, rate = soundfile.read(look.played)
    assert look.played.endswith(".flac") and rate == 8000
    np.testing.assert_allclose(copied, tone, atol=1e-3)
    rooster = str(samples / "rooster.ogg")
    assert look_at(rooster).played == rooster and max(look_at(rooster).wave) == 1


def test_a_video_shows_the_frames_that_the_model_sees(tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "film.avi"), "w") as film:
        stream = film.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in range(0, 250, 10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade, np.uint8), format="rgb24")
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    look = look_at(str(tmp_path / "film.avi"))
    assert look.played is None  # no browser plays it
    with Image.open(look.strip) as strip:
        shades = np.asarray(strip.convert("L"), int)[strip.height // 2]
    assert len(shades) > 4 * 64 and shades[-20] - shades[20] > 100


def test_colours_are_shown_with_dabs_of_themselves(samples):
    shown = table(look_at(str(samples / "car.obj")).facts, "en")
    assert "green" in shown and "background:#" in shown and " %" in shown


def test_a_broken_file_is_refused_with_a_line(tmp_path):
    broken = tmp_path / "broken.ply"
    broken.write_text("this is no mesh")
    with pytest.raises(InputError, match="broken.ply"):
        look_at(str(broken))


@pytest.mark.parametrize(("value", "words"), [
    (0, "0"), (0.49091, "0.491"), (1.0, "1"), (1234567.0, "1.23e+06"), (420.28, "420"), (0.0000123, "1.23e-05"),
])
def test_numbers_are_short(value, words):
    assert short(value) == words


def test_file_sizes_have_a_unit():
    assert [file_size(count) for count in (0, 999, 108_000, 20_000_000)] == ["0 B", "999 B", "108 kB", "20 MB"]


def test_every_example_has_its_file_and_every_sample_its_licence(samples):
    attribution = (samples / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert all(example.file.is_file() and example.question("en") and example.question("zh") for example in examples())
    for file in samples.iterdir():
        if file.is_file() and file.suffix not in (".md", ".json"):
            assert f"`{file.name}`" in attribution
            assert file.stat().st_size < 300_000


def test_settings_come_from_the_environment(monkeypatch):
    for name in ("PORT", "GRADIO_SERVER_PORT", "GRADIO_SERVER_NAME", "POINTLLM_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    assert Settings.from_environment() == Settings(7860, None, "embedded")
    monkeypatch.setenv("PORT", "8080")
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    assert Settings.from_environment() == Settings(8080, "0.0.0.0", "embedded")
    monkeypatch.setenv("PORT", "http")
    with pytest.raises(ValueError, match="PORT is 'http'"):
        Settings.from_environment()
