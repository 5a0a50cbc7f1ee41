"""`pointllm data` from the command line: JSON on stdout, one-line errors, exit statuses."""

from __future__ import annotations

import json

import pytest
from data_trees import block_obj, data_folder, put, rows_of

from pointllm.cli import main

SMALL = ["--workers", "0", "--points", "64", "--views", "1", "--size", "32"]


def run(capfd, *words: object) -> tuple[int, list[dict], str]:
    status = main(["data", *map(str, words), "--json"])
    out, err = capfd.readouterr()
    return status, [json.loads(line) for line in out.splitlines()], err


def test_build_prepares_measures_colours_and_reports_what_failed(tmp_path, capfd):
    path = block_obj(tmp_path / "in/chair/a.obj")
    put(path, "mtllib m.mtl\nusemtl r\n" + path.read_text())
    put(tmp_path / "in/chair/m.mtl", "newmtl r\nKd 1 0 0\n")
    put(tmp_path / "in/chair/b.glb", b"broken")
    status, (built, prepared), _ = run(capfd, "build", tmp_path / "in", "--out", tmp_path / "out", *SMALL)
    assert (status, built["added"], prepared["prepared"], prepared["failed"]) == (1, 2, 1, 1)
    colors = {row["name"]: row.get("colors") for row in rows_of(tmp_path / "out/objects.jsonl")}
    assert colors == {"a": ["red"], "b": None}
    assert rows_of(tmp_path / "out/report.jsonl")[0]["path"].endswith("b.glb")
    (tmp_path / "in/chair/b.glb").unlink()
    block_obj(tmp_path / "in/chair/b.obj")
    status, lines, _ = run(capfd, "check", tmp_path / "out")
    assert status == 1 and any(line.get("kind") == "prepared" for line in lines)


def test_info_split_prepare_and_attribution(tmp_path, capfd):
    folder = data_folder(tmp_path / "d", each=4)
    status, (info,), _ = run(capfd, "info", folder)
    assert status == 0 and info["splits"] == {"train": 6, "val": 2} and info["labels"] == 2
    assert run(capfd, "split", folder, "--val-share", "0.5")[1][0]["val"] == 4
    assert run(capfd, "prepare", folder, "--out", tmp_path / "p", *SMALL)[1][0]["prepared"] == 8
    assert run(capfd, "check", folder, "--prepared", tmp_path / "p")[0] == 0
    assert run(capfd, "attribution", folder)[0] == 0 and (folder / "ATTRIBUTION.md").is_file()


def test_packs_are_listed_and_objects_generated(tmp_path, capfd):
    status, rows, _ = run(capfd, "packs")
    assert status == 0 and {"sweethome3d", "esc50"} <= {row["pack"] for row in rows}
    assert all(row["license"] and row["address"].startswith("https://") for row in rows)
    status, (made,), _ = run(capfd, "procedural", "--out", tmp_path, "--count", 3, "--labels", "cup")
    assert status == 0 and made == {"folder": str(tmp_path), "objects": 3, "labels": 1, "written": 3}


@pytest.mark.parametrize("words, message", [
    (["info", "absent"], "no such folder"), (["build", "absent", "--out", "x"], "no such file"),
    (["fetch", "nothing", "--out", "x"], "unknown pack"), (["prepare", "."], "holds no objects.jsonl"),
    (["build", ".", "--out", "x", "--points", "5"], "points: 5"), (["split", "."], "required"),
])
def test_errors_are_one_line_with_status_2(tmp_path, capfd, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    try:
        status = main(["data", *words])
    except SystemExit as stop:
        status = stop.code
    out, err = capfd.readouterr()
    assert status == 2 and out == "" and message in err and len(err.strip().splitlines()) == 1
