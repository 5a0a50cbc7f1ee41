"""What is held out: spread over labels, or by whole sources, the same for the same seed."""

from __future__ import annotations

import pytest
from data_trees import data_folder, rows_of

from pointllm.data import splits
from pointllm.data.records import read_records
from pointllm.data.resplit import resplit
from pointllm.errors import DataError


def rows(**counts: int) -> list[dict]:
    return [{"id": f"{label}{k}", "label": label, "source": "ab"[k % 2]}
            for label, count in counts.items() for k in range(count)]


def test_about_the_share_is_held_out_and_every_label_keeps_one_in_train():
    data = rows(chair=40, table=30, axe=1, bell=2, cup=3, fork=2, lamp=2)
    chosen = splits.by_share(data, 0.25)
    held = [r for r in data if chosen[r["id"]] == "val"]
    assert len(held) == 20 and not any(r["label"] == "axe" for r in held)
    assert splits.untaught([r | {"split": chosen[r["id"]]} for r in data]) == []


def test_a_split_depends_on_the_seed_and_not_on_the_order():
    data = rows(chair=30, table=20)
    assert splits.by_share(data, 0.2, 1) == splits.by_share(data[::-1], 0.2, 1)
    assert splits.by_share(data, 0.2, 1) != splits.by_share(data, 0.2, 2)


def test_whole_sources_are_held_out_but_for_labels_that_nothing_else_teaches():
    data = [*rows(chair=4), {"id": "x", "label": "bell", "source": "b"}]
    chosen = splits.by_source(data, ["b"])
    assert [chosen[f"chair{k}"] for k in range(4)] == ["train", "val", "train", "val"] and chosen["x"] == "train"
    assert splits.by_source(data, ["b"], everything=True)["x"] == "val"
    assert splits.by_source(data, ["[b]*"]) == chosen


@pytest.mark.parametrize("call, message", [
    (lambda: splits.by_source(rows(chair=4), ["c"]), "sources: a, b"),
    (lambda: splits.by_source(rows(chair=4), ["*"]), "at least one"),
    (lambda: splits.by_share(rows(chair=4), 1.5), "between 0 and 1"),
])
def test_an_impossible_split_is_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()


def test_a_new_folder_refers_to_the_files_of_the_old_one(tmp_path):
    old = data_folder(tmp_path / "old")
    before = (old / "objects.jsonl").read_bytes()
    counts = resplit(old, hold_out=["pack-0"], out=tmp_path / "new")
    assert (counts["train"], counts["val"], counts["labels_untaught"]) == (2, 2, 0)
    assert (old / "objects.jsonl").read_bytes() == before
    new = read_records(tmp_path / "new", "val")
    assert [r.id for r in new] == ["chair_0", "table_0"] and all(r.path.is_file() for r in new)
    with pytest.raises(DataError, match="already"):
        resplit(old, val_share=0.5, out=tmp_path / "new")


def test_a_folder_is_split_in_place(tmp_path):
    folder = data_folder(tmp_path, each=4)
    assert resplit(folder, val_share=0.5)["val"] == 4
    assert rows_of(folder / "objects.jsonl")[0]["path"] == "objects/chair_0.obj"
