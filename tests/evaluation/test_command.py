"""`pointllm eval` as it is typed."""

import json

import pytest

from pointllm.cli import main


def called(capfd, *arguments):
    """Exit status, stdout, stderr."""
    status = main(["eval", *map(str, arguments)])
    return status, *capfd.readouterr()


@pytest.mark.parametrize(("arguments", "says"), [
    (["zero-shot", "--data", "absent", "--out", "{out}"], "absent"),
    (["zero-shot", "--data", "{data}", "--out", "{data}/labels.json"], "is a file"),
    (["zero-shot", "--data", "{data}", "--out", "{out}", "--variants", "upside-down"], "cloud8192"),
    (["zero-shot", "--data", "{data}", "--out", "{out}", "--templates", "7"], "1, 64, quick"),
    (["zero-shot", "--data", "{data}", "--out", "{out}", "--labels", "absent.txt"], "no such file of labels"),
    (["zero-shot", "--data", "{data}", "--out", "{out}", "--profile", "nonsense"], "'nonsense'"),
    (["qa", "--data", "{data}", "--out", "{out}", "--kinds", "riddle"], "riddle"),
    (["qa", "--data", "{data}", "--out", "{out}", "--questions", "absent.jsonl"], "absent.jsonl"),
    (["retrieval", "--data", "{data}", "--out", "{out}", "--hold-out", "nowhere"], "sources: elsewhere, samples"),
    (["audio", "--data", "{data}", "--out", "{out}", "--folds", "7"], "no sound in folds 7"),
    (["compare", "{data}", "{data}"], "results.json"),
    (["ablation", "--runs", "x={data}"], "results.json"),
])
def test_what_cannot_be_evaluated_is_one_line(capfd, data, tmp_path, arguments, says):
    arguments = [word.format(data=data, out=tmp_path / "out") for word in arguments]
    status, out, err = called(capfd, *arguments)
    assert status == 2 and out == ""
    (line,) = [line for line in err.splitlines() if line.startswith("pointllm: error: ")]
    assert says in line
    assert not (tmp_path / "out" / "results.json").exists()


def test_a_report_is_written_and_its_summary_printed(capfd, data, kept, tmp_path):
    where = ("--data", data, "--out", tmp_path / "report", "--cache", kept)
    status, out, err = called(capfd, "zero-shot", *where, "--json")
    assert status == 0, err
    (line,) = out.splitlines()
    summary = json.loads(line)["summary"]
    assert summary["objects"] == 6
    for name in ("results.json", "report.md", "report.html"):
        assert (tmp_path / "report" / name).stat().st_size > 500

    status, out, _ = called(capfd, "zero-shot", *where, "--witness", "both", "--n", "2")
    assert status == 0 and "top-1: " in out
    status, out, _ = called(capfd, "compare", tmp_path / "report", tmp_path / "report", "--json")
    assert status == 0 and json.loads(out)["groups"][0]["difference"] == 0
    status, out, _ = called(capfd, "ablation", "--runs", f"once={tmp_path / 'report'}", "--figures", "top1,objects",
                            "--out", tmp_path / "table.md")
    assert status == 0 and out == (tmp_path / "table.md").read_text() and "| once |" in out
