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
    (["x.pth"], "say where to: --profile official-i2pmae|official-pointbert, or --out FOLDER"),
    (["official-i2pmae"], "nothing of it was fetched; run `pointllm weights fetch official-i2pmae`"),
    (["imagebind-huge", "--out", "y"], "nothing of it was fetched"),
    (["--out", "x"], "FILE_OR_FOLDER"),
    (["x.pth", "--profile", "official"], "official-i2pmae"),
    (["x.pth", "--profile", "official-i2pmae", "--out", "y"], "not allowed with"),
    (["x.pth", "--out", "y", "--dtype", "int8"], "bf16"),
    (["x.pth", "--out", "y"], "x.pth: no such file or folder"),
    (["x.pth", "--out", "y", "--sizes", "absent.json"], "absent.json: can't be read"),
])
def test_wrong_arguments_are_refused_in_one_line(arguments, says, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POINTLLM_CACHE", str(tmp_path / "cache"))
    try:
        status = main(["weights", "convert", *arguments])
    except SystemExit as stop:
        status = stop.code
    out, err = capfd.readouterr()
    assert status == 2 and not out and err.count("\n") == 1 and says in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", ["official-i2pmae", "imagebind-llm-7b", "folder"])
def test_what_was_fetched_may_be_named_by_row_by_profile_or_by_folder(inputs, tmp_path, given, capfd):
    folder = tmp_path / "cache" / "downloads" / "imagebind-llm-7b"
    folder.mkdir(parents=True)
    file = (tmp_path / "7B.pth").rename(folder / "7B.pth")
    record = {"source": "here", "files": [{"name": "7B.pth", "size": file.stat().st_size, "sha256": "0" * 64}]}
    (folder / "source.json").write_text(json.dumps(record))
    target = [] if given.startswith("official") else ["--profile", "official-i2pmae"]
    assert main(["weights", "convert", str(folder) if given == "folder" else given, *target, "--json"]) == 0
    assert [row["part"] for row in objects(capfd)] == ["llm/adapters"]
    assert (tmp_path / "cache/profiles/official-i2pmae/llm/config.json").is_file()


def test_two_profiles_share_the_files_that_they_have_in_common(inputs, tmp_path, capfd):
    shared, sizes = inputs[2:], ["--sizes", str(tmp_path / "sizes.json")]
    for name in ("official-i2pmae", "official-pointbert"):
        assert main(["weights", "convert", *shared, "--profile", name, *sizes]) == 0
    first, second = (tmp_path / "cache" / "profiles" / name for name in ("official-i2pmae", "official-pointbert"))
    for file in ("llm/base/model.safetensors", "llm/adapters.safetensors", "llm/knn.index"):
        assert (first / file).samefile(second / file)
    assert not (first / "llm/config.json").samefile(second / "llm/config.json")
    assert main(["weights", "verify", "official-pointbert/llm/base"]) == 0
