"""Building and extending a data folder: nothing lost, nothing twice, one vocabulary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from data_trees import block_obj, data_folder, put, rows_of

from pointllm.data.build import Vocabulary, build
from pointllm.data.layouts import Options
from pointllm.data.records import Label, read_labels, read_records, read_sounds
from pointllm.errors import DataError


def source(root: Path, count: int = 10, label: str = "chair") -> Path:
    for k in range(count):
        block_obj(root / label / f"{label}_{k}.obj", (1, 1, 1 + k))
    return root


def test_the_same_build_twice_changes_nothing(tmp_path):
    source(tmp_path / "in")
    assert build([tmp_path / "in"], tmp_path / "out").objects.added == 10
    before = (tmp_path / "out/objects.jsonl").read_bytes()
    again = build([tmp_path / "in"], tmp_path / "out")
    assert (again.objects.added, again.objects.changed, again.objects.same) == (0, 0, 10)
    assert (tmp_path / "out/objects.jsonl").read_bytes() == before


def test_a_build_adds_what_is_new_and_keeps_the_split_and_unknown_keys_of_what_is_there(tmp_path):
    source(tmp_path / "in")
    build([tmp_path / "in"], tmp_path / "out", val_share=0.3)
    rows = rows_of(tmp_path / "out/objects.jsonl")
    rows[0] |= {"split": "test", "note": "by hand"}
    put(tmp_path / "out/objects.jsonl", "".join(json.dumps(r) + "\n" for r in rows))
    source(tmp_path / "in", 12)
    assert build([tmp_path / "in"], tmp_path / "out", val_share=0.3).objects.added == 2
    after = {r["id"]: r for r in rows_of(tmp_path / "out/objects.jsonl")}
    assert len(after) == 12 and after[rows[0]["id"]]["split"] == "test" and after[rows[0]["id"]]["note"] == "by hand"
    assert all(after[r["id"]]["split"] == r["split"] for r in rows)


def test_two_sources_with_the_same_ids_both_stay(tmp_path):
    source(tmp_path / "a/models", 2)
    source(tmp_path / "b/models", 2)
    for _ in range(2):
        build([tmp_path / "a/models", tmp_path / "b/models"], tmp_path / "out")
    records = read_records(tmp_path / "out")
    assert len(records) == 4 and len({r.id for r in records}) == 4 and len({r.path for r in records}) == 4


def test_a_source_without_split_is_split_and_one_with_a_split_keeps_it(tmp_path):
    source(tmp_path / "in", 20)
    build([tmp_path / "in"], tmp_path / "out", val_share=0.25)
    assert sum(r.split == "val" for r in read_records(tmp_path / "out")) == 5
    build([data_folder(tmp_path / "pack")], tmp_path / "out2", val_share=0.9)
    assert [r.split for r in read_records(tmp_path / "out2")] == ["train", "val"] * 2


def test_options_fill_only_what_a_source_leaves_open(tmp_path):
    folder = data_folder(tmp_path / "pack", ("chair",), 1)
    rows = rows_of(folder / "objects.jsonl")
    put(folder / "objects.jsonl", json.dumps(rows[0] | {"license": "CC0-1.0"}) + "\n")
    captions = put(tmp_path / "c.json", json.dumps({"chair_0": ["a chair of oak"]}))
    build([folder], tmp_path / "out", options=Options(license="CC-BY-4.0", creator="Ann", captions=captions))
    record = read_records(tmp_path / "out")[0]
    assert (record.license, record.creator, record.captions) == ("CC0-1.0", "Ann", ("a chair of oak",))


def test_names_are_brought_to_one_vocabulary_and_stay_as_synonyms(tmp_path):
    known = data_folder(tmp_path / "known", ("sofa", "chair"), 1)
    put(known / "labels.json", json.dumps({"sofa": {"synonyms": ["couch"], "category": "furniture", "zh": "沙发"}}))
    source(tmp_path / "in", 2, "couch")
    build([tmp_path / "in"], tmp_path / "out", vocabulary=known)
    label = read_labels(tmp_path / "out")["sofa"]
    assert {r.label for r in read_records(tmp_path / "out")} == {"sofa"}
    assert (label.zh, label.category, label.synonyms) == ("沙发", "furniture", ("couch",))


def test_names_of_files_are_known_by_the_words_in_them():
    words = Vocabulary({n: Label(n) for n in ("tree", "pine tree", "car")})
    assert words.name("snowy pine tree b", loosely=True) == "pine tree"
    assert words.name("car police", loosely=True) == "car" and words.name("thing", loosely=True) == "thing"
    assert words.name("old car") == "old car"


def test_what_is_left_out_is_reported_with_its_reason(tmp_path):
    source(tmp_path / "in", 1)
    block_obj(tmp_path / "in/12.obj")
    build([tmp_path / "in"], tmp_path / "out")
    row = rows_of(tmp_path / "out/report.jsonl")[0]
    assert row["stage"] == "build" and row["path"].endswith("12.obj") and "no label" in row["reason"]


def test_nothing_is_written_when_a_source_is_missing_or_the_folder_is_damaged(tmp_path):
    source(tmp_path / "in", 1)
    with pytest.raises(DataError, match="no such file"):
        build([tmp_path / "in", tmp_path / "absent"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    put(tmp_path / "out/objects.jsonl", '{"id": "a"}\n')
    with pytest.raises(DataError, match="line 1"):
        build([tmp_path / "in"], tmp_path / "out")
    assert (tmp_path / "out/objects.jsonl").read_text() == '{"id": "a"}\n'


def test_a_source_of_sounds_alone_can_be_added(tmp_path):
    put(tmp_path / "esc/meta/esc50.csv", "filename,fold,category\n1-1-A-0.wav,1,dog\n")
    put(tmp_path / "esc/audio/1-1-A-0.wav", b"RIFF")
    for _ in range(2):
        build([tmp_path / "esc"], tmp_path / "out")
    assert len(read_sounds(tmp_path / "out")) == 1 and read_records(tmp_path / "out") == []


def test_a_limit_takes_objects_from_all_over_a_source(tmp_path):
    source(tmp_path / "in", 6, "chair")
    source(tmp_path / "in", 6, "lamp")
    build([tmp_path / "in"], tmp_path / "out", options=Options(limit=4))
    assert sorted(r.label for r in read_records(tmp_path / "out")) == ["chair", "chair", "lamp", "lamp"]
