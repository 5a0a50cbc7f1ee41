"""Uploads are kept for a day, and only who knows a folder's name gets at them."""

import os
import time
from pathlib import Path

import pytest

from app import keeping


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path / "cache"))
    keeping.folder.cache_clear()
    yield
    keeping.folder.cache_clear()


def upload(folder: Path, name: str, content: str = "x") -> str:
    (folder / name).write_text(content)
    return str(folder / name)


def test_a_kept_file_outlives_its_upload_and_is_found_by_its_ticket(tmp_path):
    path = upload(tmp_path, "chair.ply", "a chair")
    kept = keeping.keep(path)
    Path(path).unlink()
    assert keeping.redeem(keeping.ticket(kept)) == kept and Path(kept).read_text() == "a chair"
    assert Path(kept).name == "chair.ply" and len(keeping.ticket(kept)["key"]) == 32


def test_materials_lie_beside_their_shape(tmp_path):
    kept = keeping.keep(upload(tmp_path, "car.obj"), [upload(tmp_path, "car.mtl"), upload(tmp_path, "paint.png")])
    assert sorted(os.listdir(Path(kept).parent)) == ["car.mtl", "car.obj", "paint.png"]


def test_the_same_file_of_two_people_has_two_places(tmp_path):
    path = upload(tmp_path, "chair.ply")
    assert keeping.keep(path) != keeping.keep(path)


@pytest.mark.parametrize("ticket", [
    None, "x", {}, {"key": "a" * 32}, {"key": "../../etc", "name": "passwd"}, {"key": "a" * 31, "name": "b"},
    {"key": "a" * 32, "name": "../b"}, {"key": "a" * 32, "name": ".."}, {"key": "a" * 32, "name": ""},
    {"key": "a" * 32, "name": "b\\c"}, {"key": "a" * 32, "name": "b\x00"}, {"key": ["a" * 32], "name": "b"},
    {"key": "a" * 31 + "\n", "name": "b"}, {"key": "a" * 32, "name": "b" * 300},
])
def test_what_is_no_ticket_names_nothing(ticket):
    assert keeping.redeem(ticket) is None


def test_a_ticket_of_a_folder_that_is_gone_names_a_file_that_is_not_there():
    assert not Path(keeping.redeem({"key": "a" * 32, "name": "chair.ply"})).exists()


def test_files_go_a_day_after_their_last_use(tmp_path):
    old, used = (keeping.keep(upload(tmp_path, name)) for name in ("old.ply", "used.ply"))
    long_ago = time.time() - 2 * keeping.KEEP_SECONDS
    for path in (old, used):
        os.utime(Path(path).parent, (long_ago, long_ago))
    keeping.redeem(keeping.ticket(used))
    keeping.sweep()
    assert not Path(old).exists() and Path(used).exists()


def test_a_link_in_place_of_a_folder_is_not_touched(tmp_path):
    target = tmp_path / "elsewhere"
    target.mkdir()
    os.utime(target, (1, 1))
    (keeping.folder() / ("a" * 32)).symlink_to(target)
    keeping.redeem({"key": "a" * 32, "name": "b"})
    assert target.stat().st_mtime == 1
