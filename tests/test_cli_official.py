"""The command line on an official profile: options of placement, what is missing, results as JSON."""

import json
import subprocess
import sys

import numpy as np
import pytest
from tiny_official import write_official


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    write_official(cache / "profiles" / "official-i2pmae")
    write_official(cache / "profiles" / "official-pointbert", "point_bert", llm=False)
    return cache


@pytest.fixture
def pointllm(cache, monkeypatch):
    monkeypatch.setenv("POINTLLM_CACHE", str(cache))

    def run(*words):
        return subprocess.run([sys.executable, "-m", "pointllm", *map(str, words)], capture_output=True, text=True)

    return run


def test_a_question_is_answered_in_the_precision_asked_for(pointllm, samples):
    done = pointllm("ask", samples / "chair.ply", "--prompt", "What is this?", "--profile", "official-i2pmae",
                    "--device", "cpu", "--precision", "bf16", "--max-tokens", 3, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["tokens"] <= 3 and answer["inputs"] == [
        {"path": str(samples / "chair.ply"), "modality": "point", "weight": 1.0}]


def test_a_profile_without_language_model_embeds_and_says_what_it_lacks(pointllm, samples, tmp_path):
    out = tmp_path / "vectors.npz"
    done = pointllm("embed", samples / "chair.ply", samples / "cat.jpg", "--text", "a chair", "--out", out,
                    "--profile", "official-pointbert")
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.linalg.norm(np.load(out)["embeddings"], axis=1), 1, atol=1e-5)
    done = pointllm("ask", samples / "chair.ply", "--prompt", "What?", "--profile", "official-pointbert")
    assert done.returncode == 2 and done.stdout == ""
    assert "lacks the Point-LLM adapters and the language model" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(("options", "reason"), [
    (["--device", "cuda:7"], "this machine has: cpu"),
    (["--precision", "int4", "--device", "cpu"], "needs a CUDA card"),
    (["--device", "warp"], "cuda:N"),
    (["--offload", "tape"], "invalid choice"),
])
def test_a_device_that_is_not_here_is_refused_in_one_line(pointllm, samples, options, reason):
    done = pointllm("ask", samples / "chair.ply", "--prompt", "What?", "--profile", "official-i2pmae", *options)
    assert done.returncode == 2 and done.stdout == ""
    assert reason in done.stderr and len(done.stderr.strip().splitlines()) == 1
