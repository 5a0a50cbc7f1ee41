"""Records of a data folder: what is read, and which rows are refused, with their place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from data_trees import put

from pointllm.data.records import read_labels, read_records, read_sounds
from pointllm.errors import DataError

FULL = {"id": "a", "path": "x.glb", "label": "chair", "category": "furniture", "split": "val", "colors": ["red"],
        "name": "Stuhl", "license": "CC0-1.0", "creator": "me", "source": "mine", "images": ["a.png"],
        "captions": ["a red chair"], "size_m": [1, 2, 0.5], "tags": ["t"], "up_axis": "z", "unknown": 1}


def objects(folder: Path, *rows: object) -> Path:
    put(folder / "objects.jsonl", "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
    return folder


def test_a_row_becomes_a_record_with_paths_inside_the_folder(tmp_path):
    record = read_records(objects(tmp_path, FULL))[0]
    assert record.path == tmp_path / "x.glb" and record.images == (tmp_path / "a.png",)
    assert (record.split, record.colors, record.size_m, record.up_axis) == ("val", ("red",), (1.0, 2.0, 0.5), "z")


def test_what_is_missing_or_null_has_a_default(tmp_path):
    record = read_records(objects(tmp_path, {"id": "a", "label": "chair", "path": None, "colors": None}, ""))[0]
    assert record.path is None and record.split == "train" and record.colors == () and record.creator is None


def test_one_split_is_read_by_name(tmp_path):
    folder = objects(tmp_path, FULL, {"id": "b", "label": "lamp"})
    assert [r.id for r in read_records(folder, "train")] == ["b"]
    with pytest.raises(DataError, match="known: train, val, test"):
        read_records(folder, "dev")


@pytest.mark.parametrize("bad, cause", [
    ("{", "not JSON"), ("[1]", "no JSON object"), ({"label": "chair"}, 'no "id"'), ({"id": "b"}, 'no "label"'),
    ({"id": "b", "label": 3}, "not a string"), ({"id": "b", "label": "c", "path": "../x.glb"}, "leaves"),
    ({"id": "b", "label": "c", "path": "a\0.glb"}, "leaves"), ({"id": "b", "label": "c", "colors": "red"}, "list"),
    ({"id": "b", "label": "c", "split": "dev"}, "unknown split"), ({"id": "a", "label": "c"}, "also on line 1"),
    ({"id": "b", "label": "c", "size_m": [1, 2]}, "width, height, depth"), ({"id": "b", "label": "c", "up_axis": "w"},
                                                                           "up_axis"),
    ({"id": "b", "label": "c", "size_m": [1, 2, True]}, "width, height, depth"), ("[" * 100_000, "not JSON"),
])
def test_a_bad_row_is_refused_with_file_and_line(tmp_path, bad, cause):
    with pytest.raises(DataError, match=cause) as caught:
        read_records(objects(tmp_path, FULL, "", bad))
    assert "objects.jsonl: line 3" in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    put(tmp_path / "objects.jsonl", b"\xff\xfe\x00{")
    with pytest.raises(DataError, match="not UTF-8"):
        read_records(tmp_path)


def test_a_folder_without_objects_says_how_to_make_one(tmp_path):
    with pytest.raises(DataError, match="data build"):
        read_records(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        read_records(tmp_path / "absent")


def test_labels_come_from_their_file_else_from_the_objects(tmp_path):
    objects(tmp_path, FULL, {"id": "b", "label": "axe"})
    assert list(read_labels(tmp_path)) == ["axe", "chair"] and read_labels(tmp_path)["chair"].category == "furniture"
    put(tmp_path / "labels.json", json.dumps({"chair": {"synonyms": ["seat"], "zh": "椅子"}}))
    assert read_labels(tmp_path)["chair"].synonyms == ("seat",) and read_labels(tmp_path)["chair"].zh == "椅子"
    put(tmp_path / "labels.json", json.dumps({"chair": ["seat"]}))
    with pytest.raises(DataError, match="label 'chair'"):
        read_labels(tmp_path)


def test_sounds_are_optional_and_checked(tmp_path):
    assert read_sounds(tmp_path) == []
    put(tmp_path / "audio.jsonl", json.dumps({"path": "a.ogg", "class": "dog", "fold": 2, "object_label": None}))
    sound = read_sounds(tmp_path)[0]
    assert (sound.path, sound.name, sound.fold, sound.split) == (tmp_path / "a.ogg", "dog", 2, "train")
    put(tmp_path / "audio.jsonl", json.dumps({"path": "a.ogg", "class": "dog", "fold": "2"}))
    with pytest.raises(DataError, match="whole number"):
        read_sounds(tmp_path)
