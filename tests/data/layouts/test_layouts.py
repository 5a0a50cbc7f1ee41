"""Each layout is recognised and read from a small tree of its own."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from data_trees import block_cloud, block_obj, block_off, data_folder, put

from pointllm.data.layouts import LAYOUTS, Options, recognise, scan
from pointllm.data.layouts.esc50 import SHAPENET_SOUNDS
from pointllm.data.layouts.shapenet import CORE, split_names
from pointllm.errors import DataError


def by_id(found) -> dict[str, dict]:
    return {row["id"]: row for row in found.objects}


def test_a_folder_gives_labels_from_the_nearest_folder_that_says_something(tmp_path):
    block_obj(tmp_path / "Night_Stand/oak.obj")
    block_obj(tmp_path / "furniture/chair/models/stool_02.obj")
    block_obj(tmp_path / "test/lamp/desk/model.obj")
    found = scan(tmp_path)
    assert recognise(tmp_path) == "folder"
    assert sorted((r["label"], r.get("split"), r.get("category")) for r in found.objects) == [
        ("chair", None, "furniture"), ("lamp", "test", None), ("night stand", None, None)]


def test_a_folder_takes_one_file_of_a_name_and_says_what_it_left(tmp_path):
    block_obj(tmp_path / "chair/a.obj")
    block_off(tmp_path / "chair/a.off")
    put(tmp_path / "chair/notes.txt", "oak, from the attic\n")
    found = scan(tmp_path)
    assert [Path(r["path"]).name for r in found.objects] == ["a.obj"] and "a.off" in found.skipped[0][0]


def test_loose_files_are_labelled_by_their_names(tmp_path):
    block_obj(tmp_path / "Office-Chair_03.obj")
    block_obj(tmp_path / "007.obj")
    found = scan(tmp_path)
    assert [r["label"] for r in found.objects] == ["office chair"] and "no label" in found.skipped[0][1]
    assert [r["label"] for r in scan(tmp_path, options=Options(label_from="name")).objects] == ["office chair"]


def test_a_table_gives_labels_captions_and_splits(tmp_path):
    block_obj(tmp_path / "a.obj")
    put(tmp_path / "metadata.csv", "file_name,label,split,caption\na.obj,chair,validation,a red chair\nb.obj,,train,\n"
                                   "../../etc/passwd,x,train,\n")
    found = scan(tmp_path)
    assert found.objects[0]["split"] == "val" and found.objects[0]["captions"] == ["a red chair"]
    assert len(found.skipped) == 2 and any("leaves" in reason for _, reason in found.skipped)
    table = put(tmp_path / "t.jsonl", json.dumps({"path": "a.obj", "label": "sofa", "captions": ["x", "y"]}))
    assert scan(tmp_path, options=Options(table=table)).objects[0]["captions"] == ["x", "y"]


def test_a_table_without_paths_is_refused(tmp_path):
    block_obj(tmp_path / "a.obj")
    put(tmp_path / "metadata.csv", "name,label\na,chair\n")
    with pytest.raises(DataError, match="no column of paths"):
        scan(tmp_path)


@pytest.mark.parametrize("inner, version", [("models/model_normalized.obj", "v2"), ("model.obj", "v1")])
def test_shapenet_of_both_versions(tmp_path, inner, version):
    block_obj(tmp_path / "02691156/abc" / inner)
    block_obj(tmp_path / "04379243/def" / inner)
    block_obj(tmp_path / "99999999/ghi" / inner)
    put(tmp_path / "02691156/abc/screenshots/abc-1.png", b"x")
    put(tmp_path / "taxonomy.json", json.dumps([
        {"synsetId": "02691156", "name": "airplane,aeroplane,plane", "children": ["02690373"], "numInstances": 1},
        {"synsetId": "02690373", "name": "airliner", "children": []}]))
    put(tmp_path / "all.csv", "id,synsetId,subSynsetId,modelId,split\n1,02691156,02690373,abc,val\n")
    found = scan(tmp_path)
    plane = by_id(found)["shapenet_02691156_abc"]
    assert (plane["label"], plane["split"], plane["name"]) == ("airplane", "val", "airliner")
    assert plane["images"][0].endswith("abc-1.png") and version in found.detail
    assert found.labels["airplane"]["synonyms"] == ["aeroplane", "plane"]
    assert "99999999" in found.skipped[0][0] and by_id(found)["shapenet_04379243_def"]["label"] == "table"


def test_shapenet_by_a_nested_taxonomy(tmp_path):
    block_obj(tmp_path / "99999999/x/model.obj")
    put(tmp_path / "taxonomy.json", json.dumps([{"metadata": {"name": "99999999", "label": "widget,gadget"}}]))
    assert scan(tmp_path).objects[0]["label"] == "widget"


def test_modelnet40_meshes_have_z_up_and_their_split(tmp_path):
    block_off(tmp_path / "night_stand/train/night_stand_0001.off")
    block_off(tmp_path / "chair/test/chair_0890.off")
    found = scan(tmp_path)
    assert sorted((r["label"], r["split"], r["up_axis"]) for r in found.objects) == [
        ("chair", "test", "z"), ("nightstand", "train", "z")]


def test_modelnet40_resampled_points(tmp_path):
    put(tmp_path / "tv_stand/tv_stand_0001.txt", "0.1,0.2,0.3,0,1,0\n" * 40)
    put(tmp_path / "modelnet40_train.txt", "tv_stand_0001\nchair_0001\n")
    put(tmp_path / "modelnet40_test.txt", "")
    found = scan(tmp_path)
    assert recognise(tmp_path) == "modelnet40" and [r["label"] for r in found.objects] == ["tv stand"]
    assert "chair_0001" in found.skipped[0][0] and "up_axis" not in found.objects[0]


def test_modelnet40_and_scanobjectnn_in_hdf5(tmp_path):
    h5py = pytest.importorskip("h5py", reason="h5py is optional")
    data = np.random.default_rng(0).normal(size=(2, 64, 3)).astype(np.float32)
    for path, names in ((tmp_path / "m/ply_data_train0.h5", "airplane\nbathtub\n"),
                        (tmp_path / "s/main_split/test_objectdataset.h5", None)):
        path.parent.mkdir(parents=True)
        with h5py.File(path, "w") as file:
            file["data"], file["label"] = data, np.array([[1], [7]])
        if names:
            put(path.parent / "shape_names.txt", names)
    found = scan(tmp_path / "m")
    assert [r["label"] for r in found.objects] == ["bathtub"] and "class 7" in found.skipped[0][1]
    stored = np.load(io.BytesIO(found.files[found.objects[0]["path"]]()))
    assert np.allclose(stored, data[0])
    found = scan(tmp_path / "s")
    assert [(r["label"], r["split"]) for r in found.objects] == [("bin", "test"), ("door", "test")]


def test_hdf5_without_h5py_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    put(tmp_path / "test_objectdataset.h5", b"\x89HDF")
    with pytest.raises(DataError, match="pip install h5py"):
        scan(tmp_path)


def test_objaverse_with_lvis_labels_and_licences(tmp_path):
    put(tmp_path / "glbs/000-000/u1.glb", b"x")
    put(tmp_path / "glbs/000-000/u2.glb", b"x")
    put(tmp_path / "lvis-annotations.json.gz", gzip.compress(json.dumps({"bow_(weapon)": ["u1"]}).encode()))
    put(tmp_path / "metadata/000-000.json.gz", gzip.compress(json.dumps({
        "u1": {"name": "Longbow", "license": "by", "user": {"displayName": "Ann"}, "tags": [{"name": "medieval"}]},
        "u2": {"name": "Old Lamp 2"}}).encode()))
    found = scan(tmp_path)
    row = found.objects[0]
    assert (row["label"], row["license"], row["creator"]) == ("bow (weapon)", "CC-BY-4.0", "Ann")
    assert found.labels["bow (weapon)"]["synonyms"] == ["bow"] and "1 objects" in found.skipped[0][1]
    everything = scan(tmp_path, options=Options(unlabelled=True))
    assert {r["label"] for r in everything.objects} == {"bow (weapon)", "old lamp"}


def test_a_damaged_annotation_is_named(tmp_path):
    put(tmp_path / "glbs/000-000/u1.glb", b"x")
    put(tmp_path / "lvis-annotations.json.gz", gzip.compress(b"{}")[:12])
    with pytest.raises(DataError, match=r"lvis-annotations\.json\.gz"):
        scan(tmp_path)


def test_ulip_triplets_join_clouds_images_and_captions(tmp_path):
    block_cloud(tmp_path / "shapenet_pc/02691156-abc.npy")
    block_cloud(tmp_path / "shapenet_pc/u7_8192.npy")
    block_cloud(tmp_path / "shapenet_pc/nobody.npy")
    put(tmp_path / "rendered_images/02691156-abc/02691156-abc_r_000.png", b"x")
    put(tmp_path / "captions.json", json.dumps({"u7": {"label": "lamp", "captions": ["a lamp"]},
                                                "02691156-abc": "a plane"}))
    put(tmp_path / "test.txt", "02691156-abc.npy\n")
    found = scan(tmp_path)
    rows = {r["label"]: r for r in found.objects}
    assert recognise(tmp_path) == "ulip" and rows["airplane"]["split"] == "test"
    assert rows["airplane"]["captions"] == ["a plane"] and len(rows["airplane"]["images"]) == 1
    assert rows["lamp"]["captions"] == ["a lamp"] and "nobody" in found.skipped[0][0]


def test_esc50_has_a_licence_for_each_clip(tmp_path):
    put(tmp_path / "meta/esc50.csv", "filename,fold,target,category,esc10,src_file,take\n"
        "1-100032-A-0.wav,1,0,dog,True,100032,A\n2-1-B-43.wav,2,43,car_horn,False,1,B\nx.wav,1,1,rain,True,1,A\n")
    for name in ("1-100032-A-0.wav", "2-1-B-43.wav"):
        put(tmp_path / "audio" / name, b"RIFF")
    put(tmp_path / "LICENSE", "101 - Dog:\n- [1-100032-A.ogg]: clip derived from a (b).wav "
        "(http://www.freesound.org/people/nfrae/sounds/100032/) by nfrae [CC0]\n")
    found = scan(tmp_path)
    dog, horn = found.sounds
    assert (dog["license"], dog["creator"], dog["object_label"], dog["fold"]) == ("CC0-1.0", "nfrae", "dog", 1)
    assert (horn["license"], horn["object_label"]) == ("CC-BY-NC-3.0", "car") and len(found.skipped) == 1


def test_nine_sounding_categories_are_shapenet_categories():
    shapenet = {split_names(names)[0] for names in CORE.values()}
    assert len(set(SHAPENET_SOUNDS.values())) == 9 and set(SHAPENET_SOUNDS.values()) <= shapenet
    assert {"airplane", "clock", "washing machine", "keyboard"} <= set(SHAPENET_SOUNDS.values())


CATALOG = """license=Creative Commons Attribution 3.0 United States license
name#1=Futon couch
category#1=Living room
model#1=/lib/futon/futon.obj
width#1=180
depth#1=90
height#1=80.5
creator#1=Andr\\u00e9
name#2=Ghost
model#2=/lib/ghost/ghost.obj
"""


def test_a_sweet_home_library_gives_size_creator_and_licence(tmp_path):
    block_obj(tmp_path / "futon.obj")
    with zipfile.ZipFile(tmp_path / "Kator.sh3f", "w") as archive:
        archive.writestr("PluginFurnitureCatalog.properties", CATALOG)
        archive.write(tmp_path / "futon.obj", "lib/futon/futon.obj")
        archive.writestr("lib/futon/futon.mtl", "newmtl a\n")
    found = scan(tmp_path / "Kator.sh3f")
    row = found.objects[0]
    assert (row["label"], row["creator"], row["license"]) == ("futon couch", "André", "CC-BY-3.0-US")
    assert row["size_m"] == [1.8, 0.805, 0.9] and len(found.files) == 2 and "Ghost" not in str(found.objects)
    assert found.files[row["path"]]().startswith(b"v ")


def test_a_data_folder_is_a_source_too(tmp_path):
    found = scan(data_folder(tmp_path))
    assert len(found.objects) == 4 and Path(found.objects[0]["path"]).is_absolute()
    assert found.objects[1]["split"] == "val"


def test_an_unknown_source_says_what_is_known(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        scan(tmp_path / "absent")
    with pytest.raises(DataError, match="none of the layouts pack, esc50"):
        scan(tmp_path)
    with pytest.raises(DataError, match="known: auto, pack"):
        scan(tmp_path, "shapnet")
    block_obj(tmp_path / "chair/a.obj")
    with pytest.raises(DataError, match="doesn't look like ShapeNetCore"):
        scan(tmp_path, "shapenet")
    assert set(LAYOUTS) >= {"folder", "shapenet", "modelnet40", "objaverse", "ulip", "esc50", "pack"}
