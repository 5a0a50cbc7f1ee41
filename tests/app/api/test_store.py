"""Uploads of programs: random ids, a day, bounds, names without folders."""

import os
import time

import pytest

from app.api.store import KEEP_SECONDS, Full, Store, safe_name


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "sent", max_file=100, max_all=240)


def upload(store, content=b"ply\n", name="chair.ply"):
    incoming = store.begin(name)
    incoming.write(content)
    return incoming.finish()


def test_an_upload_is_found_by_its_id_alone(store):
    one, two = upload(store), upload(store)
    assert one.id != two.id and len(one.id) > 30
    assert store.about(one.id) == one and one.size == 4 and one.name == "chair.ply"
    with open(store.path(one.id), "rb") as file:
        assert file.read() == b"ply\n"
    for unknown in ("file-0", "file-" + "0" * 32, "../" + one.id, one.id + "/..", ""):
        assert store.about(unknown) is None and store.path(unknown) is None and not store.delete(unknown)


def test_what_is_deleted_or_a_day_old_is_gone(store):
    one, two = upload(store), upload(store)
    assert store.delete(one.id) and not store.delete(one.id)
    old = time.time() - KEEP_SECONDS - 1
    os.utime(store.folder / two.id, (old, old))
    assert store.path(two.id) is None and not list(store.folder.iterdir())


def test_a_broken_off_or_too_large_upload_leaves_nothing(store):
    incoming = store.begin("a.ply")
    incoming.write(b"x")
    incoming.discard()
    incoming = store.begin("a.ply")
    with pytest.raises(Full):
        incoming.write(b"x" * 101)
    with pytest.raises(Full):
        store.keep(b"x" * 101, "a.ply")
    assert not list(store.folder.iterdir())


def test_the_files_used_longest_ago_make_room(store):
    uploads = []
    for age in (3, 2, 1):
        uploads.append(upload(store, b"x" * 20))
        os.utime(store.folder / uploads[-1].id, (time.time() - age * 1000,) * 2)
    store.path(uploads[0].id)  # used just now
    for _ in range(2):
        upload(store, b"x" * 100)
    assert [store.about(stored.id) is not None for stored in uploads] == [True, False, True]


def test_the_same_content_is_kept_once(store):
    assert store.keep(b"abc", "a.ply") == store.keep(b"abc", "a.ply") != store.keep(b"abcd", "a.ply")


@pytest.mark.parametrize(("given", "kept"), [
    ("chair.ply", "chair.ply"), ("/etc/pass/wd.obj", "wd.obj"), ("..\\..\\a.ply", "a.ply"), ("..", "file"),
    ("", "file"), (".ply", "file.ply"), ("a\x00\nb.ply", "a_b.ply"), ("椅子.glb", "椅子.glb"),
])
def test_names_keep_no_folder(given, kept):
    assert safe_name(given) == kept


def test_long_names_keep_their_suffix():
    assert safe_name("x" * 500 + ".ply").endswith("x.ply") and len(safe_name("x" * 500 + ".ply")) < 120
