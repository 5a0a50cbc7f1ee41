"""Names of devices and precisions, and what is told about those that are not here."""

import subprocess
import sys

import pytest
import torch

from pointllm.devices import (
    Gpu,
    Machine,
    device_option,
    gibibytes,
    offload_option,
    precision_option,
    towers_option,
    towers_placement,
)
from pointllm.errors import InputError

GIB = 2**30
PLAIN = Machine((), 16 * GIB, 12 * GIB)
CARDS = Machine((Gpu("cuda:0", 8 * GIB, 3 * GIB), Gpu("cuda:1", 24 * GIB, 20 * GIB)), 64 * GIB, 60 * GIB)


def test_this_machine_has_some_memory():
    here = Machine.here()
    assert 0 < here.free <= here.total


def test_what_is_left_open_comes_from_the_environment(monkeypatch):
    for name in ("DEVICE", "PRECISION", "TOWERS_DEVICE", "OFFLOAD"):
        monkeypatch.delenv(f"POINTLLM_{name}", raising=False)
    assert (device_option(None), precision_option(None), offload_option(None)) == ("auto", "auto", "none")
    assert towers_option(None) is None
    monkeypatch.setenv("POINTLLM_DEVICE", "cuda:1")
    monkeypatch.setenv("POINTLLM_PRECISION", "BF16")
    monkeypatch.setenv("POINTLLM_TOWERS_DEVICE", "cpu")
    monkeypatch.setenv("POINTLLM_OFFLOAD", "disk")
    assert (device_option(None), precision_option(None), offload_option(None)) == ("cuda:1", "bf16", "disk")
    assert towers_option(None) == "cpu" and device_option(torch.device("cpu")) == "cpu"


@pytest.mark.parametrize(("check", "value", "known"), [
    (device_option, "gpu", "cuda:N"), (device_option, "cuda:x", "cuda:N"), (precision_option, "fp8", "int8"),
    (offload_option, "tape", "disk"), (towers_option, "tpu", "cuda:N")])
def test_unknown_names_list_the_known_ones(check, value, known):
    with pytest.raises(InputError, match=known):
        check(value)


def test_a_device_that_is_not_here_is_told_with_those_that_are():
    with pytest.raises(InputError, match="this machine has: cpu$"):
        PLAIN.gpu("cuda")
    with pytest.raises(InputError, match="cpu, cuda:0, cuda:1"):
        CARDS.gpu("cuda:7")
    assert CARDS.gpu("cuda").name == "cuda:1"  # the one with more room


def test_towers_run_as_the_originals_did_unless_asked_otherwise():
    assert towers_placement("auto", "auto", PLAIN) == ("cpu", torch.float32)
    assert towers_placement("auto", "int4", CARDS) == ("cuda:1", torch.float16)
    assert towers_placement("cuda:0", "bf16", CARDS) == ("cuda:0", torch.bfloat16)
    assert towers_placement("cpu", "int8", CARDS) == ("cpu", torch.float32)


def test_sizes_are_written_for_people():
    assert [gibibytes(size) for size in (13.5 * GIB, 0.2 * GIB, 2**20)] == ["13.5 GiB", "0.2 GiB", "1 MiB"]


def test_options_are_checked_without_pytorch():
    code = "import sys; from pointllm.cli import build_parser; build_parser(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
