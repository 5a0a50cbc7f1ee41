"""Public packs: fetched from a server, from a file, with licence and creator; hostile archives do no harm."""

from __future__ import annotations

import functools
import http.server
import io
import threading
import zipfile
from pathlib import Path

import pytest
from data_trees import block_obj, data_folder, put

from pointllm.data.attribution import attribution
from pointllm.data.packs import fetch as fetch_module
from pointllm.data.packs.fetch import fetch
from pointllm.data.packs.table import PACKS, pack_of
from pointllm.data.records import read_records, read_sounds
from pointllm.errors import DataError


def archive(tmp_path: Path, **members: str | Path) -> Path:
    path = tmp_path / "pack.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, Path(content).read_bytes() if isinstance(content, Path) else content)
    return path


@pytest.fixture
def pack(tmp_path) -> Path:
    """An archive laid out as KayKit's are, with a file that nobody needs."""
    chair = block_obj(tmp_path / "source/chair.obj")
    return archive(tmp_path, **{"KayKit-1.0-main/addons/Assets/gltf/chair_A.obj": chair,
                                "KayKit-1.0-main/addons/Assets/fbx/chair_A.fbx": "fbx",
                                "KayKit-1.0-main/addons/Assets/obj/chair_A.obj": chair,
                                "KayKit-1.0-main/LICENSE.txt": "CC0", "KayKit-1.0-main/run.exe": "no"})


@pytest.fixture
def server(tmp_path):
    """The address of a server on this machine for the files of tmp_path."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_a_pack_comes_from_a_server_with_licence_and_creator(tmp_path, pack, server):
    out = tmp_path / "out"
    fetch("kaykit-furniture", out, origin=f"{server}/{pack.name}")
    record = read_records(out)[0]
    assert (record.label, record.license, record.creator) == ("chair a", "CC0-1.0", "Kay Lousberg (KayKit)")
    assert record.source == "kaykit-furniture" and record.path.is_file() and record.path.is_relative_to(out)
    assert not list(out.rglob("*.exe")) and not list(out.rglob("*.fbx")) and list(out.rglob("LICENSE.txt"))
    assert "By Kay Lousberg (KayKit)." in (out / "ATTRIBUTION.md").read_text()


def test_fetching_into_a_folder_brings_names_to_its_labels(tmp_path, pack):
    out = data_folder(tmp_path / "out")
    fetch("kaykit-furniture", out, origin=pack)
    assert read_records(out)[-1].label == "chair" and len(read_records(out)) == 5
    fetch("kaykit-furniture", out, origin=pack)
    assert len(read_records(out)) == 5


def test_an_address_that_does_not_answer_says_how_to_go_on(tmp_path, server, monkeypatch):
    with pytest.raises(DataError, match="answered 404"):
        fetch("kaykit-furniture", tmp_path / "out", origin=f"{server}/absent.zip")
    monkeypatch.setitem(PACKS, "kaykit-city", PACKS["kaykit-city"].__class__(
        **{**PACKS["kaykit-city"].__dict__, "archive": "http://127.0.0.1:9/x.zip"}))
    with pytest.raises(DataError, match="--from FILE"):
        fetch("kaykit-city", tmp_path / "out")
    with pytest.raises(DataError, match="kenney.nl.*--from FILE"):
        fetch("kenney-kits", tmp_path / "out")
    with pytest.raises(DataError, match="known: sweethome3d"):
        fetch("shapenet", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_debian_package_without_apt_says_where_else_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch_module.shutil, "which", lambda _: None)
    with pytest.raises(DataError, match="no apt-get.*sweethome3d.com"):
        fetch("sweethome3d", tmp_path / "out")


@pytest.mark.parametrize("name", ["../gltf/evil.obj", "/gltf/evil.obj", "gltf/../../evil.obj", "C:/gltf/evil.obj"])
def test_an_archive_whose_paths_leave_the_folder_is_refused(tmp_path, name):
    with pytest.raises(DataError, match="leaves the folder"):
        fetch("kaykit-city", tmp_path / "out", origin=archive(tmp_path, **{name: "v 0 0 0"}))
    assert not list(tmp_path.rglob("evil.obj"))


@pytest.mark.parametrize("content, message", [(b"no archive", "neither a ZIP"), (b"", "neither a ZIP")])
def test_what_is_no_archive_is_refused(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        fetch("kaykit-city", tmp_path / "out", origin=put(tmp_path / "x.zip", content))


def test_a_damaged_archive_is_refused(tmp_path, pack):
    data = bytearray(pack.read_bytes())
    data[60:90] = b"\xff" * 30
    pack.write_bytes(data)
    with pytest.raises(DataError, match="damaged archive"):
        fetch("kaykit-furniture", tmp_path / "out", origin=pack)


def test_an_archive_that_unpacks_to_too_much_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch_module, "MAX_UNPACKED", 1000)
    with pytest.raises(DataError, match="more than 1,000 bytes"):
        fetch("kaykit-city", tmp_path / "out", origin=archive(tmp_path, **{"gltf/a.obj": "v 0 0 0\n" * 1000}))


def test_esc50_comes_with_its_clips(tmp_path):
    content = {"ESC-50-master/meta/esc50.csv": "filename,fold,category,esc10\n1-1-A-0.wav,1,dog,True\n",
               "ESC-50-master/audio/1-1-A-0.wav": "RIFF", "ESC-50-master/LICENSE": "none"}
    fetch("esc50", tmp_path / "out", origin=archive(tmp_path, **content))
    sound = read_sounds(tmp_path / "out")[0]
    assert sound.path.is_file() and sound.license == "CC-BY-3.0" and sound.object_label == "dog"


def test_a_sweet_home_library_is_unpacked_into_the_folder(tmp_path):
    library = io.BytesIO()
    block_obj(tmp_path / "bed.obj")
    with zipfile.ZipFile(library, "w") as file:
        catalog = "license=Public domain\nname#1=Bed\nmodel#1=/b/bed/bed.obj\n"
        file.writestr("PluginFurnitureCatalog.properties", catalog)
        file.write(tmp_path / "bed.obj", "b/bed/bed.obj")
    put(tmp_path / "lib/Mine.sh3f", library.getvalue())
    fetch("sweethome3d", tmp_path / "out", origin=tmp_path / "lib")
    record = read_records(tmp_path / "out")[0]
    assert record.path.is_relative_to(tmp_path / "out/objects") and record.path.is_file()
    assert (record.source, record.license) == ("sweethome3d-mine", "CC0-1.0")


def test_sources_belong_to_their_packs():
    assert pack_of("kenney-furniture") == "kenney-kits" and pack_of("sweethome3d-scopia") == "sweethome3d"
    assert pack_of("mine") is None and all(pack.license and pack.address for pack in PACKS.values())


def test_attribution_names_works_where_the_licence_asks_for_it(tmp_path):
    rows = [{"id": "a", "label": "chair", "name": "Oak chair", "source": "metro-minis", "license": "CC-BY-4.0",
             "creator": "Mike Judge"}, {"id": "b", "label": "axe", "source": "mine"}]
    put(tmp_path / "objects.jsonl", "\n".join(__import__("json").dumps(r) for r in rows))
    text = attribution(tmp_path)
    assert "- Mike Judge: Oak chair" in text and "licenses/by/4.0" in text and "mikelovesrobots/mmmm" in text
    assert "### mine: 1 object, licence not known" in text
