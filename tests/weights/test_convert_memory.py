"""Conversion takes no more memory than the largest input file, however large that is."""

import ctypes
import os
import re
from pathlib import Path

import pytest
import torch
from published_files import write_meta

from pointllm.weights.convert import convert

MEGABYTE = 1 << 20
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak():
    """The most that was resident since the last reset, pages of mapped files included."""
    return int(re.search(r"VmHWM:\s+(\d+)", STATUS.read_text())[1]) << 10


def growth(work):
    """By how much a process of its own grows at most while it does `work`."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        torch.set_num_threads(1)  # threads don't survive a fork
        ctypes.CDLL(None).malloc_trim(0)  # what the tests before left free would hide what is taken now
        RESET.write_text("5")
        before = peak()
        work()
        os.write(writer, str(peak() - before).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        said = told.read()
    assert os.waitpid(child, 0)[1] == 0
    return int(said)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """120 MB in one file; the largest tensor takes 4 MB."""
    width, layers = 512, 8
    generator = torch.Generator().manual_seed(0)

    def numbers(*shape):
        return torch.randn(shape, generator=generator).half()

    state = {"tok_embeddings.weight": numbers(300, width), "norm.weight": numbers(width),
             "output.weight": numbers(300, width)}
    for layer in range(layers):
        stem = f"layers.{layer}."
        state |= {f"{stem}attention.{name}.weight": numbers(width, width) for name in ("wq", "wk", "wv", "wo")}
        state |= {f"{stem}feed_forward.{name}.weight": numbers(8 * width, width) for name in ("w1", "w3")}
        state |= {f"{stem}feed_forward.w2.weight": numbers(width, 8 * width)}
        state |= {f"{stem}{name}.weight": numbers(width) for name in ("attention_norm", "ffn_norm")}
    return write_meta(tmp_path_factory.mktemp("llama") / "7B", state, dim=width, n_layers=layers, n_heads=8,
                      n_kv_heads=8)


@pytest.mark.skipif(not RESET.exists(), reason="needs Linux's /proc to measure")
@pytest.mark.parametrize("dtype", ["keep", "fp32"])
def test_the_peak_stays_far_below_the_size_of_the_file(source, tmp_path, dtype):
    convert(write_meta(tmp_path / "small"), tmp_path / "first")  # imports and tables that are made once
    size = (source / "consolidated.00.pth").stat().st_size
    assert size > 100 * MEGABYTE
    # The promise is 1.25 times the size; a reader that keeps its pages takes 1.0. Between them is room for a heap
    # that the tests before have cut into pieces: 0.25 to 0.4 alone, 0.48 after two thousand tests.
    assert growth(lambda: convert(source, tmp_path / "out", dtype=dtype)) < 0.7 * size
