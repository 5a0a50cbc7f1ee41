import json
import re

import pytest

from pointllm.errors import WeightsError
from pointllm.profiles import checkpoints_dir
from pointllm.weights import inventory, manifest
from pointllm.weights.paths import cache_dir


def test_every_row_names_licence_sources_sizes_and_sums():
    for row in manifest.read_manifest().values():
        assert row.licence and row.title and row.sources
        for file in [file for source in row.sources for file in source.files]:
            known = file.size is not None and file.sha256 is not None
            assert known or row.published
            assert file.size is None or file.size > 0
            assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)


def test_the_weights_in_the_repository_are_those_of_the_manifest():
    rows = [row for row in manifest.read_manifest().values() if row.sources[0].kind == "checkout"]
    for row in rows:
        inventory.verify(row)
    listed = {checkpoints_dir() / file.name for row in rows for file in row.sources[0].files}
    assert set(checkpoints_dir().rglob("*.safetensors")) <= listed, "run scripts/update_manifest.py"


def test_an_unknown_name_lists_the_known_ones(place):
    with pytest.raises(WeightsError, match="unknown weights 'large'; known: tiny"):
        manifest.find("large")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weights": [{}]}', '{"weights": [{"name": "x", "sources": 3}]}'])
def test_a_broken_manifest_is_named(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(WeightsError, match="not a manifest"):
        manifest.read_manifest(tmp_path / "manifest.json")


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"
    monkeypatch.delenv("POINTLLM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "pointllm"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "pointllm"


def test_states_tell_missing_ready_and_damaged_apart(place):
    row = manifest.find("tiny")
    assert inventory.state_of(row).state == "missing"
    place.stock_hub()
    inventory.fetch(row)
    assert inventory.state_of(row).state == "ready"
    inventory.verify(row)
    (place.folder / "model.safetensors").write_bytes(b"short")
    assert inventory.state_of(row).state == "damaged"


def test_files_of_the_checkout_are_checked_in_place(tmp_path, monkeypatch):
    content = b"weights"
    file = {"name": "embedded/x.safetensors", "size": 7, "sha256": "0" * 64}
    row = {"name": "x", "title": "X", "licence": "Apache-2.0", "sources": [{"kind": "checkout", "files": [file]}]}
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 1, "weights": [row]}))
    monkeypatch.setenv("POINTLLM_CHECKPOINTS", str(tmp_path))
    with pytest.raises(WeightsError, match="missing; restore it: git checkout"):
        inventory.verify(manifest.find("x"))
    (tmp_path / "embedded").mkdir()
    (tmp_path / "embedded" / "x.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match="damaged .*restore it: git checkout"):
        inventory.fetch(manifest.find("x"))
