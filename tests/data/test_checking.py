"""What spoils a training run is found: missing files, leaks, damaged shards, labels that nothing teaches."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from data_trees import block_obj, data_folder, put, rows_of

from pointllm.data.checking import check
from pointllm.data.prepared import Parameters, prepare
from pointllm.data.prepared.shards import shard_paths
from pointllm.data.records import read_records

SMALL = Parameters(points=256, views=0, fixed_views=0, size=16)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A data folder of six different boxes, prepared."""
    data_folder(tmp_path, each=3)
    prepare(read_records(tmp_path), tmp_path / "prepared", SMALL, workers=0, shard_objects=2)
    return tmp_path


def kinds(findings) -> set[str]:
    return {kind for kind, _ in findings.problems}


def change(folder: Path, number: int, **fields: object) -> None:
    rows = rows_of(folder / "objects.jsonl")
    rows[number] |= fields
    put(folder / "objects.jsonl", "".join(json.dumps(r) + "\n" for r in rows))


def test_a_sound_folder_has_no_problems(folder):
    findings = check(folder)
    assert findings.problems == [] and findings.counts == {"objects": 6, "labels": 2, "sounds": 0, "prepared": 6}


def test_missing_files_and_objects_that_are_not_prepared_are_found(folder):
    change(folder, 0, path="objects/absent.obj")
    change(folder, 1, id="new")
    texts = " ".join(text for _, text in check(folder).problems)
    assert "absent.obj" in texts and "1 objects aren't prepared: new" in texts


def test_the_same_file_in_train_and_val_is_a_leak(folder):
    put(folder / "objects/chair_2.obj", (folder / "objects/chair_0.obj").read_bytes())
    assert "leak" in kinds(check(folder))


def test_the_same_shape_in_train_and_val_is_a_leak_whatever_its_size_place_and_turn(folder):
    lines = (folder / "objects/chair_0.obj").read_text().splitlines()
    points = np.array([line.split()[1:] for line in lines if line.startswith("v")], float)
    turn = np.array([[0.6, 0, 0.8], [0, 1, 0], [-0.8, 0, 0.6]])
    moved = [f"v {x:.9f} {y:.9f} {z:.9f}" for x, y, z in points @ turn.T * 3 + 5]
    put(folder / "objects/chair_2.obj", "\n".join(moved + [line for line in lines if line.startswith("f")]))
    prepare(read_records(folder), folder / "prepared", SMALL, workers=0)
    leaks = [text for kind, text in check(folder).problems if kind == "leak"]
    assert len(leaks) == 1 and "chair_0" in leaks[0] and "chair_2" in leaks[0]
    assert check(folder, thorough=False).problems == []


def test_a_flipped_byte_in_a_shard_is_found(folder):
    path = shard_paths(folder / "prepared")[0]
    data = bytearray(path.read_bytes())
    data[-700] ^= 1
    path.write_bytes(data)
    assert "shard" in kinds(check(folder))


def test_a_shard_that_is_gone_or_cut_off_is_found(folder):
    first, second, *_ = shard_paths(folder / "prepared")
    first.unlink()
    second.write_bytes(second.read_bytes()[:300])
    assert {"index", "shard"} <= kinds(check(folder))


def test_labels_that_train_lacks_or_the_list_lacks_are_problems(folder):
    change(folder, 2, label="throne")
    assert {"split", "label"} <= kinds(check(folder))


def test_a_label_without_objects_and_a_duplicate_are_remarks(folder):
    put(folder / "labels.json", json.dumps({n: {"synonyms": []} for n in ("chair", "table", "lamp")}))
    put(folder / "objects/chair_1.obj", (folder / "objects/chair_0.obj").read_bytes())
    findings = check(folder)
    assert {"label", "duplicate"} <= {kind for kind, _ in findings.remarks} and "leak" not in kinds(findings)


def test_an_object_without_anything_to_look_at_is_a_problem(tmp_path):
    block_obj(tmp_path / "a.obj")
    put(tmp_path / "objects.jsonl", '{"id": "a", "label": "x"}\n')
    assert "file" in kinds(check(tmp_path))
