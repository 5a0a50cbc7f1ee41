"""`index`, `retrieve` and what is new of `classify`, as people call them: exit status, stdout and stderr."""

import json
import shutil
from pathlib import Path

import pytest
from tiny_space import write_picture, write_profile

from pointllm.bind import PointBind
from pointllm.cli import main

SAMPLES = Path(__file__).parents[2] / "assets" / "samples"
CAT, ROOSTER, CUP = (str(SAMPLES / name) for name in ("cat.jpg", "rooster.ogg", "cup.xyz"))


@pytest.fixture(scope="module")
def embedded():
    return PointBind.from_pretrained("embedded")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch, embedded):
    """Label vectors and indexes are kept apart from the user's; the towers are loaded once for all tests."""
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setattr(PointBind, "from_pretrained", lambda *_, **__: embedded)


@pytest.fixture
def call(capfd, caplog):
    """call(*arguments) → (exit status, JSON objects on stdout, what was logged)."""
    def run(*arguments):
        caplog.clear()
        status = main([*map(str, arguments), "--json"])
        return status, [json.loads(line) for line in capfd.readouterr().out.splitlines()], caplog.text

    return run


@pytest.fixture
def folder(tmp_path):
    """A photograph, a sound, a text, and a file that can't be read."""
    root = tmp_path / "files"
    root.mkdir()
    shutil.copy(CAT, root)
    shutil.copy(ROOSTER, root)
    (root / "boat.txt").write_text("a small boat on the sea")
    (root / "broken.png").write_bytes(b"no picture")
    return root


def test_a_folder_is_indexed_searched_and_brought_up_to_date(call, folder, tmp_path):
    index = tmp_path / "index"
    status, (failure, summary), _ = call("index", folder, "--out", index)
    assert status == 1 and failure["input"].endswith("broken.png") and failure["error"]
    assert summary["entries"] == summary["added"] == 3 and summary["failed"] == 1

    (folder / "broken.png").unlink()
    status, (summary,), _ = call("index", folder, "--out", index)
    assert (status, summary["unchanged"], summary["failed"]) == (0, 3, 0)

    status, (found,), err = call("retrieve", CAT, "--text", "waves", "--gallery", index, "--weight", 2, 1, "--top", 2)
    assert status == 0 and "ERROR" not in err
    assert found["inputs"] == [{"input": CAT, "modality": "image", "weight": 2.0},
                               {"input": "waves", "modality": "text", "weight": 1.0}]
    assert found["searched"] == 3 and len(found["top"]) == 2
    best, second = found["top"]
    assert Path(best["path"]) == folder / "cat.jpg" and best["modality"] == "image"
    assert Path(best["thumbnail"]).is_file() and best["score"] > second["score"]
    for entry in found["top"]:
        assert sum(entry["shares"]) == pytest.approx(entry["score"], abs=1e-4) and len(entry["shares"]) == 2

    status, (found,), _ = call("retrieve", "--text", "a cat", "--gallery", index, "--modality", "text", "audio")
    assert {entry["modality"] for entry in found["top"]} == {"text", "audio"}


def test_a_folder_is_searched_without_an_index_and_its_bad_files_are_reported(call, folder):
    for _ in range(2):  # the second time from the cache
        status, (found,), err = call("retrieve", "--text", "a cat", "--gallery", folder, "--modality", "image")
        assert status == 1 and "broken.png" in err
        assert [entry["path"] for entry in found["top"]] == [str(folder / "cat.jpg")]


def test_labels_are_sounds_and_pictures(call, tmp_path):
    shutil.copytree(SAMPLES / "icons", tmp_path / "things")
    status, rows, err = call("classify", CAT, "--label-files", CAT, ROOSTER, "absent.ogg", "--labels", "椅子")
    assert status == 1 and "absent.ogg" in err
    assert [p["label"] for p in rows[0]["top"]][0] == "cat" and {p["label"] for p in rows[0]["top"]} == {
        "cat", "rooster", "椅子"}


def test_none_of_these_is_said(call):
    status, (cat,), err = call("classify", CAT, "--labels", "cat,量子", "--none")
    assert status == 1 and "量子" in err
    assert cat["none"] is False and [p["label"] for p in cat["top"]] == ["cat"]
    status, (cat,), _ = call("classify", CAT, "--labels", "cat", "--none-threshold", 5)
    assert status == 0 and cat["none"] is True and cat["none_margin"] < 0


def test_the_format_stays_as_it_was_without_none(call, tmp_path):
    (tmp_path / "templates.txt").write_text("a picture of {}\n")
    status, (row,), _ = call("classify", CAT, "--labels", "cat,chair", "--templates", tmp_path / "templates.txt")
    assert status == 0 and set(row) == {"input", "top"} and set(row["top"][0]) == {"label", "score"}


@pytest.mark.parametrize(("arguments", "says"), [
    (["retrieve", "--gallery", "."], "nothing to search for"),
    (["retrieve", "--text", " ", "--gallery", "."], "empty"),
    (["retrieve", CAT, "--weight", "1", "2", "--gallery", "."], "2 numbers for 1 inputs"),
    (["retrieve", "absent.ply", "--gallery", "."], "absent.ply: no such file"),
    (["retrieve", "--text", "x", "--gallery", "absent"], "no such gallery"),
    (["retrieve", "--text", "x", "--gallery", "EMPTY"], "the gallery is empty"),
    (["retrieve", "--text", "x", "--minus-text", "x", "--gallery", "TEXTS"], "cancel"),
    (["retrieve", "--text", "x", "--weight", "0", "--gallery", "TEXTS"], "all weights are zero"),
    (["retrieve", "--text", "x", "--modality", "audio", "--gallery", "TEXTS"], "nothing of kind audio"),
    (["index", "absent", "--out", "OUT"], "no such folder"),
    (["index", "TEXTS", "--out", "TEXTS"], "holds other files"),
    (["classify", CAT], "--labels"),
    (["classify", CAT, "--labels", "cat", "--templates", "loud"], "quick, all or none"),
    (["classify", CAT, "--label-files", CAT, "--none"], "--none"),
    (["calibrate", "--data", "absent"], "no such folder"),
])
def test_what_cannot_be_done_is_one_line_and_status_2(capfd, tmp_path, arguments, says):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a chair stands in a room")
    places = {"EMPTY": tmp_path / "empty", "TEXTS": tmp_path / "texts", "OUT": tmp_path / "out"}
    status = main([str(places.get(word, word)) for word in arguments])
    out, err = capfd.readouterr()
    assert (status, out) == (2, "") and says in err.splitlines()[-1]
    assert len(err.splitlines()) == 1 and not (tmp_path / "out").exists()


def test_an_index_of_another_profile_is_refused(capfd, folder, tmp_path):
    assert main(["index", str(folder), "--out", str(tmp_path / "index"), "--no-thumbnails"]) == 1
    other = write_profile(tmp_path / "other")
    for command in (["retrieve", "--text", "x", "--gallery", str(tmp_path / "index")],
                    ["index", str(folder), "--out", str(tmp_path / "index")]):
        capfd.readouterr()
        assert main([*command, "--profile", other]) == 2
        assert "an index of profile 'embedded', asked for" in capfd.readouterr().err


def test_results_for_people_show_shares(capfd, tmp_path):
    write_picture(tmp_path / "red.png", "red")
    (tmp_path / "a.txt").write_text("a small boat on the sea")
    assert main(["retrieve", "--text", "boat", "--minus-text", "house", "--gallery", str(tmp_path)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 2
    score, path, shares = lines[0].split(maxsplit=2)
    assert path.endswith("a.txt") and shares.startswith("(") and float(score) > float(lines[1].split()[0])
