"""The examples of docs/api.md, run as they stand there against the running app."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENT = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(python|bash)\n(.*?)```", DOCUMENT, re.DOTALL)
MARKS = {"python": ("gradio_client", "openai"), "bash": ("upload", "completions")}


def block(language: str, mark: str) -> str:
    return next(code for kind, code in BLOCKS if kind == language and mark in code)


def run(command: list[str], code: str, app, samples, folder) -> str:
    shutil.copy(samples / "chair.ply", folder)
    code = code.replace("http://localhost:7860", app.url)
    done = subprocess.run([*command, code], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_run_here():
    assert len(BLOCKS) == sum(map(len, MARKS.values()))


@pytest.mark.parametrize("mark", MARKS["python"])
def test_examples_in_python(mark, answering_app, samples, tmp_path):
    if mark == "openai":
        pytest.importorskip("openai")
    printed = run([sys.executable, "-c"], block("python", mark), answering_app, samples, tmp_path)
    assert "chair" in printed.lower()


@pytest.mark.parametrize(("mark", "sign"), [("upload", "event: complete"), ("completions", '"chat.completion"')])
def test_examples_with_curl(mark, sign, answering_app, samples, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    printed = run(["bash", "-euo", "pipefail", "-c"], block("bash", mark), answering_app, samples, tmp_path)
    assert sign in printed
