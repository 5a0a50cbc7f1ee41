"""`pointllm weights convert`: one line a part or a JSON object, one line an error, and what status then says."""

import json

import pytest
import torch
from published_files import (
    IMAGEBIND_SIZES,
    POINT_SIZES,
    adapter,
    imagebind,
    point_bind,
    write_index,
    write_meta,
)

from pointllm.cli import main

SIZES = {**IMAGEBIND_SIZES, **POINT_SIZES["i2p_mae"]}


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """The published files of a whole profile, small, and an empty cache."""
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path / "cache"))
    torch.save(imagebind(), tmp_path / "imagebind_huge.pth")
    torch.save(point_bind(), tmp_path / "pointbind_i2pmae.pt")
    torch.save({"model": adapter()[1]}, tmp_path / "7B.pth")
    write_meta(tmp_path / "7B")
    write_index(tmp_path / "knn.index")
    (tmp_path / "sizes.json").write_text(json.dumps(SIZES))
    return [str(tmp_path / name) for name in ("imagebind_huge.pth", "pointbind_i2pmae.pt", "7B", "7B.pth", "knn.index")]


def objects(capfd):
    return [json.loads(line) for line in capfd.readouterr().out.splitlines()]


def test_a_profile_is_made_of_five_inputs_and_verified(inputs, tmp_path, capfd):
    sizes = ["--sizes", str(tmp_path / "sizes.json")]
    assert main(["weights", "convert", *inputs, "--profile", "official-i2pmae", "--json", *sizes]) == 0
    rows = objects(capfd)
    assert [(row["input"], row["part"], row["state"]) for row in rows] == [
        (path, part, "converted") for path, part in
        zip(inputs, ("imagebind", "point", "llm/base", "llm/adapters", "llm/cache"), strict=True)]
    profile = tmp_path / "cache" / "profiles" / "official-i2pmae"
    assert {row["folder"] for row in rows} == {str(profile / name) for name in ("imagebind", "point", "llm/base",
                                                                                "llm")}
    assert json.loads((profile / "config.json").read_text())["dim"] == 16

    assert main(["weights", "status", "official-i2pmae", "--json"]) == 0
    assert {row["state"] for row in objects(capfd)} == {"ready"}
    assert main(["weights", "verify", "official-i2pmae", "--json"]) == 0
    assert len(objects(capfd)) == 5
    (profile / "point" / "model.safetensors").write_bytes(b"short")
    assert main(["weights", "verify", "official-i2pmae", "--json"]) == 1
    assert [row["name"] for row in objects(capfd) if "error" in row] == ["official-i2pmae/point"]


def test_one_bad_input_does_not_stop_the_others(inputs, tmp_path, capfd):
    (tmp_path / "bad.pth").write_bytes(b"nonsense")
    paths = [inputs[3], str(tmp_path / "bad.pth"), inputs[4]]
    assert main(["weights", "convert", *paths, "--out", str(tmp_path / "out"), "--json"]) == 1
    first, bad, last = objects(capfd)
    assert set(bad) == {"input", "error"} and "bad.pth" in bad["error"]
    assert first["state"] == last["state"] == "converted"


@pytest.mark.parametrize("arguments, says", [
    (["x.pth"], "one of the arguments --profile --out is required"),
    (["--out", "x"], "FILE_OR_FOLDER"),
    (["x.pth", "--profile", "official"], "official-i2pmae"),
    (["x.pth", "--profile", "official-i2pmae", "--out", "y"], "not allowed with"),
    (["x.pth", "--out", "y", "--dtype", "int8"], "bf16"),
    (["x.pth", "--out", "y"], "x.pth: no such file or folder"),
    (["x.pth", "--out", "y", "--sizes", "absent.json"], "absent.json: can't be read"),
])
def test_wrong_arguments_are_refused_in_one_line(arguments, says, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    try:
        status = main(["weights", "convert", *arguments])
    except SystemExit as stop:
        status = stop.code
    out, err = capfd.readouterr()
    assert status == 2 and not out and err.count("\n") == 1 and says in err
    assert not list(tmp_path.iterdir())


def test_what_a_download_brought_may_be_named_by_its_folder(inputs, tmp_path, capfd):
    folder = tmp_path / "cache" / "downloads" / "imagebind-llm-7b"
    folder.mkdir(parents=True)
    (tmp_path / "7B.pth").rename(folder / "7B.pth")
    (folder / "source.json").write_text("{}")
    assert main(["weights", "convert", str(folder), "--out", str(tmp_path / "out"), "--json"]) == 0
    assert [row["part"] for row in objects(capfd)] == ["llm/adapters"]
