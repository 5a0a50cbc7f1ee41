"""The menu of profiles: another one is loaded without a restart, the old model is freed, what isn't here is told."""

import gc
import weakref

import pytest
from tiny_official import write_official

from app import profile_menu
from app.engine import Engine, Options
from app.profile_menu import ProfileMenu


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path))
    write_official(tmp_path / "profiles" / "official-i2pmae")
    return tmp_path


@pytest.fixture
def engine(cache):
    other = write_official(cache / "other", "point_bert", seed=4)
    engine = Engine(str(other))
    engine.start()
    assert engine.wait(300) and engine.failure is None
    return engine


def ask(engine, path):
    pieces = engine.answer([str(path)], "What is this?", [], Options(max_tokens=2))
    return "".join(piece for piece in pieces if isinstance(piece, str))


def test_another_profile_is_loaded_and_the_old_model_is_freed(engine, samples):
    ask(engine, samples / "chair.ply")
    old = weakref.ref(engine._model)
    menu = ProfileMenu(engine)
    assert menu.choose("official-i2pmae", "en")["value"] == "official-i2pmae"
    gc.collect()
    assert old() is None
    ask(engine, samples / "chair.ply")  # waits for the load, and embeds the file anew
    assert engine.failure is None and engine._model.config["prompt"] == "alpaca"


def test_a_profile_that_is_not_here_is_told_and_the_model_stays(engine, monkeypatch):
    told = []
    monkeypatch.setattr(profile_menu.gr, "Warning", lambda message, **_: told.append(message))
    model = engine._model
    update = ProfileMenu(engine).choose("official-pointbert", "en")
    assert update["value"] == engine.profile and engine._model is model
    assert "official-pointbert" in told[0] and "weights fetch" in told[0]
    assert {"embedded", "official-i2pmae", "official-pointbert", engine.profile} == set(update["choices"])


def test_a_path_sent_by_a_browser_is_not_loaded(engine, tmp_path):
    model = engine._model
    ProfileMenu(engine).choose(str(tmp_path), "en")
    assert engine._model is model


def test_after_a_profile_that_fails_to_load_another_can_be_chosen(engine, cache, samples):
    weights = cache / "profiles" / "official-i2pmae" / "llm" / "adapters.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:100])
    menu = ProfileMenu(engine)
    menu.choose("official-i2pmae", "en")
    assert engine.wait(300) and "adapters.safetensors" in str(engine.failure)
    weights.write_bytes(whole)
    menu.choose("official-i2pmae", "en")
    ask(engine, samples / "cat.jpg")
    assert engine.failure is None
