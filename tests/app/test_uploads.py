"""Files as browsers send them, each in a folder of its own; and errors as users read them."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from app.uploads import arrange, explain, scratch, sweep
from pointllm.errors import InputError


@pytest.fixture
def upload(tmp_path):
    """Puts content where gradio would: a folder a file."""

    def put(name: str, content: str | bytes) -> str:
        folder = tmp_path / f"{len(list(tmp_path.iterdir())):064x}"
        folder.mkdir()
        file = folder / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(file)

    return put


def test_an_obj_finds_its_materials_and_their_textures(upload):
    obj = upload("car.obj", "mtllib car.mtl\nv 0 0 0\n")
    mtl = upload("car.mtl", "newmtl paint\nmap_Kd -s 1 1 1 textures\\wood.png\n")
    wood, other = upload("wood.png", b"wood"), upload("other.png", b"other")
    arranged = arrange([wood, mtl, obj, other])
    assert [Path(path).name for path in arranged] == ["car.obj", "other.png"]
    assert sorted(os.listdir(Path(arranged[0]).parent)) == ["car.mtl", "car.obj", "wood.png"]


def test_a_material_file_of_the_same_name_belongs_to_an_obj_that_names_none(upload):
    assert [Path(path).name for path in arrange([upload("a.obj", "v 0 0 0"), upload("a.mtl", "newmtl b")])] == ["a.obj"]


def test_a_gltf_finds_its_buffers(upload):
    document = {"buffers": [{"uri": "some%20data.bin"}], "images": [{"uri": "data:image/png,"}]}
    gltf = upload("a.gltf", json.dumps(document))
    arranged = arrange([gltf, upload("some data.bin", b"1")])
    assert [Path(path).name for path in arranged] == ["a.gltf"]
    assert (Path(arranged[0]).parent / "some data.bin").read_bytes() == b"1"


def test_files_that_belong_to_nothing_stay_as_they_are(upload):
    paths = [upload("a.ply", "ply"), upload("b.mtl", "newmtl c"), upload("broken.gltf", "{")]
    assert arrange([*paths, paths[0]]) == paths


def test_an_error_names_the_file_and_no_folder_of_the_server(upload):
    path = upload("chair.ply", "")
    line = explain(InputError(f"{path}: the file is empty"), [path], "en")
    assert line == "chair.ply: the file is empty"


def test_an_error_inside_is_one_line_without_details(upload):
    line = explain(ZeroDivisionError("at 0x7f in\n/srv/secret.py"), [], "en")
    assert "ZeroDivisionError" in line and "secret" not in line and "\n" not in line


def test_old_previews_are_swept_and_new_ones_kept():
    old, new = scratch() / "old-group", scratch() / "new.glb"
    shutil.rmtree(old, ignore_errors=True)
    old.mkdir()
    new.write_bytes(b"")
    long_ago = time.time() - 3 * 24 * 3600
    os.utime(old, (long_ago, long_ago))
    sweep()
    assert new.exists() and not old.exists()
    new.unlink()
