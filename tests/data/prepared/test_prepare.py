"""Preparing: only what is missing, whole shards or none, and a bad file costs itself only."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from data_trees import block_obj, data_folder, put
from PIL import Image

from pointllm.data.prepared import Parameters, PreparedData, prepare
from pointllm.data.prepared import work as work_module
from pointllm.data.prepared.objects import files_of
from pointllm.data.prepared.shards import Shard, shard_paths
from pointllm.data.records import Record, read_records
from pointllm.errors import DataError

SMALL = Parameters(points=64, views=2, fixed_views=1, size=32)


def run(folder: Path, out: Path, **options):
    options = {"workers": 0, "shard_objects": 2, **options}
    return prepare(read_records(folder), out, options.pop("parameters", SMALL), **options)


def test_each_object_gets_a_cloud_and_views(tmp_path):
    run(data_folder(tmp_path / "d"), tmp_path / "p")
    store = PreparedData(tmp_path / "p")
    cloud = store.cloud("chair_0")
    assert store.ids == ["chair_0", "chair_1", "table_0", "table_1"]
    assert cloud.xyz.shape == (64, 3) and cloud.xyz.dtype == np.float16 and cloud.rgb.dtype == np.uint8
    assert np.linalg.norm(cloud.xyz.astype(float), axis=1).max() == pytest.approx(1, abs=2e-3) and not cloud.has_color
    assert store.views("chair_0").shape == (2, 32, 32, 3) and store.views("chair_1").shape == (1, 32, 32, 3)
    assert store.facts("chair_0")["faces"] == 12 and len(store.pictures("chair_0")) == 0


def test_reading_many_equals_reading_each(tmp_path):
    run(data_folder(tmp_path / "d"), tmp_path / "p")
    store = pickle.loads(pickle.dumps(PreparedData(tmp_path / "p")))
    many = store.clouds(["table_1", "chair_0"])
    assert list(many["ids"]) == ["table_1", "chair_0"]
    assert (many["xyz"][1] == store.cloud("chair_0").xyz).all() and (many["rgb"][0] == store.cloud("table_1").rgb).all()
    seen = {i: shard.array("xyz")[row] for ids, shard, rows in store.shards() for i, row in zip(ids, rows, strict=True)}
    assert seen.keys() == set(store.ids) and (seen["table_0"] == store.cloud("table_0").xyz).all()


def test_a_second_run_does_nothing_and_writes_no_shard(tmp_path):
    folder = data_folder(tmp_path / "d")
    assert run(folder, tmp_path / "p").done == 4
    before = {p: p.stat().st_mtime_ns for p in shard_paths(tmp_path / "p")}
    again = run(folder, tmp_path / "p")
    assert (again.done, again.kept) == (0, 4)
    assert {p: p.stat().st_mtime_ns for p in shard_paths(tmp_path / "p")} == before


def test_only_new_and_changed_files_are_done_again(tmp_path):
    folder = data_folder(tmp_path / "d")
    run(folder, tmp_path / "p")
    old = PreparedData(tmp_path / "p").cloud("chair_0").xyz
    block_obj(folder / "objects/chair_0.obj", (5, 1, 1))
    again = run(folder, tmp_path / "p")
    assert (again.done, again.kept) == (1, 3)
    assert not np.array_equal(PreparedData(tmp_path / "p").cloud("chair_0").xyz, old)


def test_a_touched_file_with_the_same_content_is_not_done_again(tmp_path):
    folder = data_folder(tmp_path / "d")
    run(folder, tmp_path / "p")
    os.utime(folder / "objects/chair_0.obj", ns=(1, 1))
    assert run(folder, tmp_path / "p").done == 0


def test_changed_parameters_do_everything_again(tmp_path):
    folder = data_folder(tmp_path / "d")
    run(folder, tmp_path / "p")
    assert run(folder, tmp_path / "p", parameters=Parameters(points=96, views=1, fixed_views=1, size=32)).done == 4
    assert PreparedData(tmp_path / "p").cloud("chair_0").xyz.shape == (96, 3)
    assert len(shard_paths(tmp_path / "p")) == 2  # the outdated ones are gone


def test_a_material_that_changes_makes_its_object_be_done_again(tmp_path):
    folder = data_folder(tmp_path / "d", ("chair",), 1)
    path = folder / "objects/chair_0.obj"
    put(path, "mtllib a.mtl\nusemtl red\n" + path.read_text())
    put(folder / "objects/a.mtl", "newmtl red\nKd 1 0 0\n")
    assert [p.name for p in files_of(Record("a", path, "chair"))] == ["chair_0.obj", "a.mtl"]
    run(folder, tmp_path / "p")
    assert PreparedData(tmp_path / "p").facts("chair_0")["colors"] == ["red"]
    put(folder / "objects/a.mtl", "newmtl red\nKd 0 0 1\n")
    assert run(folder, tmp_path / "p").done == 1
    assert PreparedData(tmp_path / "p").facts("chair_0")["colors"] == ["blue"]


def test_outdated_shards_are_compacted_without_reading_files_again(tmp_path):
    folder = data_folder(tmp_path / "d", ("chair",), 6)
    run(folder, tmp_path / "p", shard_objects=8)
    kept = PreparedData(tmp_path / "p").cloud("chair_4").xyz
    for k in range(4):
        block_obj(folder / f"objects/chair_{k}.obj", (9, 1 + k, 1))
    assert run(folder, tmp_path / "p", shard_objects=8).done == 4
    store = PreparedData(tmp_path / "p")
    assert np.array_equal(store.cloud("chair_4").xyz, kept)
    assert sum(len(Shard(p)) for p in shard_paths(tmp_path / "p")) == 6


def test_bad_files_are_reported_and_skipped(tmp_path):
    folder = data_folder(tmp_path / "d")
    put(folder / "objects/chair_0.obj", b"\x00\x01 not a mesh")
    (folder / "objects/table_0.obj").unlink()
    result = run(folder, tmp_path / "p")
    assert result.done == 2 and {identifier for identifier, _, _ in result.failed} == {"chair_0", "table_0"}
    assert all(reason for _, _, reason in result.failed) and "chair_0" not in PreparedData(tmp_path / "p")
    with pytest.raises(DataError, match="report.jsonl"):
        PreparedData(tmp_path / "p").cloud("chair_0")


def test_a_file_that_takes_too_long_costs_itself_only(tmp_path, monkeypatch):
    whole = work_module.prepare_object

    def slow(record, parameters):
        if record.id == "chair_0":
            time.sleep(5)
        return whole(record, parameters)

    monkeypatch.setattr(work_module, "prepare_object", slow)
    result = run(data_folder(tmp_path / "d"), tmp_path / "p", timeout=0.2)
    assert result.done == 3 and "longer than 0.2 seconds" in result.failed[0][2]


def test_val_views_do_not_depend_on_the_id_and_train_views_do(tmp_path):
    folder = tmp_path / "d"
    for name in "ab":
        block_obj(folder / f"{name}.obj", (1, 2, 3))
    records = [Record(n, folder / f"{n}.obj", "box", split=s) for n, s in (("a", "train"), ("b", "train"))]
    prepare(records, tmp_path / "p", SMALL, workers=0)
    store = PreparedData(tmp_path / "p")
    assert not np.array_equal(store.views("a"), store.views("b"))
    records = [Record(r.id, r.path, "box", split="val") for r in records]
    prepare(records, tmp_path / "q", SMALL, workers=0)
    store = PreparedData(tmp_path / "q")
    assert np.array_equal(store.views("a"), store.views("b"))


def test_pictures_of_an_object_are_kept_beside_its_views(tmp_path):
    block_obj(tmp_path / "a.obj")
    Image.new("RGB", (40, 20), "red").save(tmp_path / "a.png")
    put(tmp_path / "b.png", b"no picture")
    records = [Record("a", tmp_path / "a.obj", "box", images=(tmp_path / "a.png", tmp_path / "b.png")),
               Record("b", None, "box", images=(tmp_path / "a.png",))]
    prepare(records, tmp_path / "p", SMALL, workers=0)
    store = PreparedData(tmp_path / "p")
    assert store.views("a").shape[0] == 2 and store.pictures("a").shape == (1, 32, 32, 3)
    assert store.pictures("a")[0, 16, 16, 0] > 240 and store.pictures("a")[0, 0, 0, 1] > 240  # red on white
    assert store.views("b").shape[0] == 0 and list(store.clouds()["ids"]) == ["a"]
    with pytest.raises(DataError, match="no 3D file"):
        store.cloud("b")


def test_z_up_objects_are_stood_upright(tmp_path):
    block_obj(tmp_path / "a.obj", (1, 1, 6))
    prepare([Record("a", tmp_path / "a.obj", "tower", up_axis="z")], tmp_path / "p", SMALL, workers=0)
    extent = np.ptp(PreparedData(tmp_path / "p").cloud("a").xyz.astype(float), axis=0)
    assert extent.argmax() == 1


def test_a_damaged_shard_is_made_anew(tmp_path):
    folder = data_folder(tmp_path / "d")
    run(folder, tmp_path / "p")
    path = shard_paths(tmp_path / "p")[0]
    path.write_bytes(path.read_bytes()[:200])
    assert run(folder, tmp_path / "p").done == 2
    assert len(PreparedData(tmp_path / "p").clouds()["ids"]) == 4


def test_two_runs_at_once_are_refused(tmp_path):
    from filelock import FileLock

    (tmp_path / "p").mkdir()
    with FileLock(tmp_path / "p/.lock"), pytest.raises(DataError, match="another run"):
        run(data_folder(tmp_path / "d"), tmp_path / "p")


def test_parameters_out_of_range_are_refused():
    with pytest.raises(DataError, match="points: 3"):
        Parameters(points=3)
    with pytest.raises(DataError, match="jpeg, webp, png"):
        Parameters(encoding="bmp")


def test_without_an_index_the_loader_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match="data prepare"):
        PreparedData(tmp_path)
    put(tmp_path / "index.jsonl", "{}\n")
    with pytest.raises(DataError, match="damaged index"):
        PreparedData(tmp_path)


KILLED = """
import sys, time
from pointllm.data.prepared import Parameters, prepare, work
from pointllm.data.records import read_records
if __name__ == "__main__":
    whole = work.prepare_object
    def slow(record, parameters):
        time.sleep(0.15)
        return whole(record, parameters)
    work.prepare_object = slow
    prepare(read_records(sys.argv[1]), sys.argv[2], Parameters(points=64, views=2, fixed_views=1, size=32), workers=0,
            shard_objects=2)
"""


def test_a_run_killed_at_any_moment_is_taken_up_by_the_next(tmp_path):
    folder = data_folder(tmp_path / "d", ("chair", "table"), 6)
    script = put(tmp_path / "killed.py", KILLED)
    process = subprocess.Popen([sys.executable, str(script), str(folder), str(tmp_path / "p")],
                               env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])})
    deadline = time.monotonic() + 60
    while len(shard_paths(tmp_path / "p")) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    whole = sum(len(Shard(p)) for p in shard_paths(tmp_path / "p"))  # every shard that has its name can be read
    assert 0 < whole < 12
    put(tmp_path / "p/.train-000099.safetensors.1.part", b"half")
    result = run(folder, tmp_path / "p")
    assert (result.kept, result.done) == (whole, 12 - whole)
    assert not list((tmp_path / "p").glob(".*.part")) and len(PreparedData(tmp_path / "p")) == 12


def test_a_write_that_fails_leaves_the_former_state(tmp_path, monkeypatch):
    folder = data_folder(tmp_path / "d")
    run(folder, tmp_path / "p")
    block_obj(folder / "objects/chair_0.obj", (7, 1, 1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pointllm.data.files.os.fsync", full)
    with pytest.raises(DataError, match="No space left"):
        run(folder, tmp_path / "p")
    monkeypatch.undo()
    assert len(PreparedData(tmp_path / "p").clouds()["ids"]) == 4 and not list((tmp_path / "p").glob(".*.part"))


CRASH = """
import os, sys
from pointllm.data.prepared import Parameters, PreparedData, prepare
from pointllm.data.prepared import objects, work
from pointllm.data.records import read_records
whole = work.prepare_object
def deadly(record, parameters):
    if record.id == "chair_1":
        os._exit(11)
    return whole(record, parameters)
work.prepare_object = deadly
if __name__ == "__main__":
    result = prepare(read_records(sys.argv[1]), sys.argv[2], Parameters(points=64, views=0, fixed_views=0, size=32),
                     workers=1, shard_objects=4)
    assert [f[0] for f in result.failed] == ["chair_1"] and "brings down" in result.failed[0][2], result
    assert PreparedData(sys.argv[2]).ids == ["chair_0"]
"""


def test_a_file_that_brings_its_process_down_costs_itself_only(tmp_path):
    folder = data_folder(tmp_path / "d", ("chair",))
    script = put(tmp_path / "crash.py", CRASH)
    done = subprocess.run([sys.executable, str(script), str(folder), str(tmp_path / "p")], capture_output=True,
                          text=True, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
