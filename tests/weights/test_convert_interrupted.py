"""A conversion that is killed, or can't write, leaves nothing that looks finished, and the next one goes on."""

import errno
import hashlib
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch
from published_files import meta_state, write_meta
from tiny_models import tiny_llama

from pointllm.errors import WeightsError
from pointllm.weights.convert import convert, stream

PIECES = 20_000  # several small files


def content(folder):
    """Name → sha256 of every file, but for the lock."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*") if path.is_file() and path.name != ".convert.lock"}


def finished(out):
    return (out / "llm" / "base" / "config.json").exists()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_meta(tmp_path_factory.mktemp("llama") / "7B", shards=2)


@pytest.fixture(scope="module")
def undisturbed(source, tmp_path_factory):
    """What an uninterrupted conversion writes."""
    out = tmp_path_factory.mktemp("undisturbed")
    convert(source, out, shard_bytes=PIECES)
    return content(out)


def stop_after(monkeypatch, files, error):
    """Lets so many files be written, then fails in the middle of the next."""
    write, done = stream._put, []

    def put(target, raw, digest):
        if str(target.name) not in done:
            done.append(str(target.name))
        if len(done) > files:
            write(target, raw[: len(raw) // 2], digest)
            raise error
        write(target, raw, digest)

    monkeypatch.setattr(stream, "_put", put)


@pytest.mark.parametrize("files", [0, 1, 3])
def test_finished_files_are_kept_and_not_written_again(source, undisturbed, tmp_path, monkeypatch, files):
    with monkeypatch.context() as patch:
        stop_after(patch, files, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            convert(source, tmp_path, shard_bytes=PIECES)
    assert not finished(tmp_path) and not list((tmp_path / "llm" / "base").glob("*.safetensors"))
    kept = {path.name: path.stat().st_ino for path in (tmp_path / "llm/base/.model.partial").glob("*.safetensors")}
    assert len(kept) == files

    done = convert(source, tmp_path, shard_bytes=PIECES)
    assert done[0].resumed == files and content(tmp_path) == undisturbed
    assert all((tmp_path / "llm" / "base" / name).stat().st_ino == number for name, number in kept.items())


def test_a_damaged_leftover_and_one_of_another_source_are_written_again(source, undisturbed, tmp_path, monkeypatch):
    partial = tmp_path / "llm" / "base" / ".model.partial"
    with monkeypatch.context() as patch:
        stop_after(patch, 3, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            convert(source, tmp_path, shard_bytes=PIECES)
    first = sorted(partial.glob("*.safetensors"))[0]
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    assert convert(source, tmp_path, shard_bytes=PIECES)[0].resumed == 2
    assert content(tmp_path) == undisturbed

    other = write_meta(tmp_path / "other", meta_state(tiny_llama(seed=4)), shards=2)
    with monkeypatch.context() as patch:
        stop_after(patch, 3, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            convert(other, tmp_path / "out", shard_bytes=PIECES)
    assert convert(source, tmp_path / "out", shard_bytes=PIECES)[0].resumed == 0
    assert content(tmp_path / "out") == undisturbed


def test_a_journal_that_is_none_is_begun_again(source, undisturbed, tmp_path):
    partial = tmp_path / "llm" / "base" / ".model.partial"
    partial.mkdir(parents=True)
    (partial / "journal.json").write_text('{"identity": 3, "files": [{"name": "../../x"}]}')
    convert(source, tmp_path, shard_bytes=PIECES)
    assert content(tmp_path) == undisturbed


@pytest.mark.parametrize("moment", range(1, 14))
def test_a_stop_while_a_part_is_being_published_never_looks_finished(source, undisturbed, tmp_path, monkeypatch,
                                                                     moment):
    """An older conversion is being replaced; renames and deletions stop at any of them."""
    convert(write_meta(tmp_path / "old", meta_state(tiny_llama(seed=4))), tmp_path / "out", shard_bytes=PIECES * 2)
    replace, calls = os.replace, []

    def counted(*paths):
        if Path(paths[1]).parent.name == "base":
            calls.append(paths)
            if len(calls) == moment:
                raise KeyboardInterrupt
        replace(*paths)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", counted)
        try:
            convert(source, tmp_path / "out", shard_bytes=PIECES)
        except KeyboardInterrupt:
            assert not finished(tmp_path / "out")
    convert(source, tmp_path / "out", shard_bytes=PIECES)
    assert content(tmp_path / "out") == undisturbed


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_random_moments_the_last_run_gives_what_an_undisturbed_one_gives(tmp_path):
    torch.manual_seed(0)
    big = tiny_llama(vocabulary=40_000)  # some ten MB, so that there is something to interrupt
    source, out = write_meta(tmp_path / "7B", meta_state(big)), tmp_path / "out"
    started = time.monotonic()
    convert(source, tmp_path / "again", shard_bytes=1 << 19)
    whole = time.monotonic() - started
    chance = random.Random(3)
    kills = 0
    for _ in range(12):
        child = os.fork()
        if not child:
            torch.set_num_threads(1)  # threads don't survive a fork
            convert(source, out, shard_bytes=1 << 19)
            os._exit(0)
        time.sleep(chance.uniform(0, whole / 2))
        os.kill(child, signal.SIGKILL)
        kills += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        if finished(out):
            break
    assert kills
    convert(source, out, shard_bytes=1 << 19)
    assert content(out) == content(tmp_path / "again")


@pytest.mark.parametrize("number, says", [(errno.ENOSPC, "no space is left; make room"), (errno.EIO, "Input/output")])
def test_a_disk_that_fails_is_told_in_one_line_and_the_next_run_goes_on(source, undisturbed, tmp_path, monkeypatch,
                                                                        number, says):
    with monkeypatch.context() as patch:
        stop_after(patch, 2, OSError(number, os.strerror(number)))
        with pytest.raises(WeightsError, match=says) as caught:
            convert(source, tmp_path, shard_bytes=PIECES)
    assert "\n" not in str(caught.value) and not finished(tmp_path)
    assert convert(source, tmp_path, shard_bytes=PIECES)[0].resumed == 2
    assert content(tmp_path) == undisturbed


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(source, tmp_path, monkeypatch):
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(WeightsError, match="llm/base needs .* GB, .* are free"):
        convert(source, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.safetensors*"))


def test_a_disk_that_gives_back_something_else_is_noticed(source, tmp_path, monkeypatch):
    def forget(target, raw, digest):
        digest.update(raw)
        damaged = bytearray(raw)
        damaged[-1] ^= 1
        target.write(damaged if len(raw) > 5000 else raw)

    monkeypatch.setattr(stream, "_put", forget)
    with pytest.raises(WeightsError, match="reads back differently|reads back with other"):
        convert(source, tmp_path)
    assert not finished(tmp_path)


def test_a_place_that_can_not_be_written_is_told(source, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="check the path and the permissions"):
        convert(source, tmp_path / "file" / "out")


def test_two_conversions_into_one_folder_do_not_mix(source, tmp_path):
    from filelock import FileLock

    with FileLock(tmp_path / ".convert.lock"), pytest.raises(WeightsError, match="another conversion is at work"):
        convert(source, tmp_path)
