"""The trainer: killed at any moment it goes on as if nothing had happened, and never leaves a broken file."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiny_task
import torch

from pointllm.errors import InputError, PointLLMError
from pointllm.training.checkpoints import Checkpoints
from pointllm.training.optimization import parameter_groups, schedule
from pointllm.training.trainer import Trainer, open_run

SCRIPT = Path(tiny_task.__file__)


def run(out, config_and_task):
    config, task = config_and_task
    open_run(config, out, True, None)
    return Trainer(task, config, out).run()


def rows(out):
    """What was logged, without times."""
    found = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in found]


def losses(out):
    return [row["loss"] for row in rows(out) if "loss" in row]


def weights(out, name="last.pt"):
    return torch.load(out / name, weights_only=True)["weights"]


def assert_same_run(one, other):
    assert rows(one) == rows(other)
    for name in ("last.pt", "best.pt"):
        first, second = weights(one, name), weights(other, name)
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    assert run(out, tiny_task.make(out))
    return out


def test_the_loss_falls_and_what_was_measured_is_drawn(tmp_path):
    run(tmp_path, tiny_task.make(tmp_path, steps=80, batch=16, evaluate_every=40))
    course = losses(tmp_path)
    assert sum(course[-10:]) < 0.5 * sum(course[:10])
    assert (tmp_path / "curves.png").stat().st_size > 1000
    first = next(row for row in rows(tmp_path) if "loss" in row)
    assert first["loss"] == pytest.approx(first["losses"]["square"] + 0.1 * first["losses"]["absolute"])


def test_a_run_killed_at_random_moments_has_the_losses_of_an_undisturbed_one(tmp_path, whole):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[2])}
    rng = random.Random(0)
    for kill_at in (rng.randint(3, 6), rng.randint(7, 11)):  # while this step is made
        process = subprocess.Popen([sys.executable, SCRIPT, tmp_path, "12", "4", "1", "3", "0.1"], env=environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        metrics, started = tmp_path / "metrics.jsonl", time.monotonic()
        while time.monotonic() - started < 120 and process.poll() is None:
            if metrics.is_file() and f'"step": {kill_at}' in metrics.read_text():
                break
            time.sleep(0.02)
        assert process.poll() is None, "the run ended before it could be killed"
        process.kill()
        process.wait()
        assert not (tmp_path / "last.pt").exists()
    metrics.write_text(metrics.read_text() + '{"step": 12, "lo')  # a line cut off by the kill
    assert run(tmp_path, tiny_task.make(tmp_path))
    assert_same_run(tmp_path, whole)


@pytest.mark.parametrize("write", ["torch.save", "os.replace"])
def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(tmp_path, whole, monkeypatch, write):
    class Killed(BaseException):
        pass

    module, name = (torch, "save") if write == "torch.save" else (os, "replace")
    original = getattr(module, name)

    def dies(*args):
        target = str(args[1])
        if "step-00000006" in target:
            if write == "torch.save":
                Path(target).write_bytes(b"half a file")
            raise Killed
        return original(*args)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(module, name, dies)
        run(tmp_path, tiny_task.make(tmp_path))
    step, _ = Checkpoints(tmp_path / "checkpoints", 2).newest()
    assert step == 3
    assert run(tmp_path, tiny_task.make(tmp_path))
    assert_same_run(tmp_path, whole)
    assert not list((tmp_path / "checkpoints").glob("*.partial"))


def test_a_damaged_checkpoint_is_passed_over(tmp_path, whole):
    config, task = tiny_task.make(tmp_path)

    class Killed(BaseException):
        pass

    def damage():
        state = tmp_path / "checkpoints" / "step-00000009" / "state.pt"
        state.write_bytes(state.read_bytes()[:100])
        raise Killed

    task.at[10] = damage
    with pytest.raises(Killed):
        run(tmp_path, (config, task))
    assert run(tmp_path, tiny_task.make(tmp_path))
    assert_same_run(tmp_path, whole)


def test_only_the_last_checkpoints_are_kept(whole):
    assert Checkpoints(whole / "checkpoints", 2).steps() == [9, 12]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_after_a_checkpoint(tmp_path, whole, number):
    config, task = tiny_task.make(tmp_path)
    task.at[4] = lambda: os.kill(os.getpid(), number)
    handler = signal.getsignal(number)
    assert run(tmp_path, (config, task)) is False
    assert signal.getsignal(number) is handler
    assert Checkpoints(tmp_path / "checkpoints", 2).steps()[-1] == 5
    assert run(tmp_path, tiny_task.make(tmp_path))
    assert_same_run(tmp_path, whole)


def test_gradients_of_parts_add_up_to_those_of_the_whole_batch(tmp_path):
    for name, batch, accumulate in (("whole", 8, 1), ("parts", 2, 4)):
        run(tmp_path / name, tiny_task.make(tmp_path / name, 6, batch, accumulate, dropout=0.0, ema=None))
    assert losses(tmp_path / "whole") == pytest.approx(losses(tmp_path / "parts"), rel=1e-5)
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    for key, value in first.items():
        torch.testing.assert_close(second[key], value, rtol=1e-4, atol=1e-5)


def test_two_processes_do_what_one_does_with_the_whole_batch(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[2]), "OMP_NUM_THREADS": "1"}
    arguments = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(SCRIPT),
                 str(tmp_path / "two"), "6", "4", "1", "3", "0", "0"]
    result = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-2000:]
    run(tmp_path / "one", tiny_task.make(tmp_path / "one", 6, batch=8, dropout=0.0))
    assert losses(tmp_path / "one") == pytest.approx(losses(tmp_path / "two"), rel=1e-5)
    assert len(list((tmp_path / "two" / "checkpoints" / "step-00000006").glob("random-*.pt"))) == 2


def test_weights_that_lie_in_shards_are_saved_and_restored(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[2]), "OMP_NUM_THREADS": "1"}
    result = subprocess.run([sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2",
                             str(SCRIPT.with_name("sharded.py")), str(tmp_path)], env=environment, capture_output=True,
                            text=True, timeout=300)
    assert result.stdout.split() == ["same"], result.stderr[-2000:]


def test_batches_made_in_other_processes_are_the_same(tmp_path, whole):
    run(tmp_path, tiny_task.make(tmp_path, workers=2))
    assert rows(tmp_path) == rows(whole)


def test_a_run_is_not_continued_by_accident_or_with_another_config(tmp_path, whole):
    config, _ = tiny_task.make(whole)
    with pytest.raises(InputError, match="--resume"):
        open_run(config, whole, False, None)
    other, _ = tiny_task.make(whole, steps=13)
    with pytest.raises(InputError, match="another steps"):
        open_run(other, whole, True, None)
    slower, _ = tiny_task.make(whole, checkpoint_every=5)  # how a run is carried out may change
    open_run(slower, whole, True, None)


def test_config_and_provenance_lie_beside_the_weights(whole):
    saved = (whole / "config.yaml").read_text()
    assert "learning_rate: 0.02" in saved and "betas" in saved  # defaults too
    table = json.loads((whole / "provenance.json").read_text())
    assert table["seed"] == 0 and table["versions"]["torch"] == torch.__version__


def test_a_loss_that_is_no_number_ends_the_run_in_one_line(tmp_path):
    config, task = tiny_task.make(tmp_path)
    with torch.no_grad():
        task.module.layers[0].weight.fill_(float("nan"))
    with pytest.raises(PointLLMError, match="became nan in step 1"):
        run(tmp_path, (config, task))


def test_half_precision_on_a_cpu_is_refused(tmp_path):
    config, task = tiny_task.make(tmp_path, precision="fp16")
    with pytest.raises(InputError, match="needs a GPU"):
        Trainer(task, config, tmp_path)


def test_mixed_precision_computes_in_bfloat16_and_keeps_float32_weights(tmp_path):
    run(tmp_path, tiny_task.make(tmp_path, 4, precision="bf16"))
    assert {value.dtype for value in weights(tmp_path).values() if value.is_floating_point()} == {torch.float32}


def test_the_rate_warms_up_stays_and_falls():
    settings = tiny_task.OptimizerSection(learning_rate=1, warmup_steps=10, final=0.1, decay_from=0.5)
    rates = [schedule(step, 100, settings) for step in range(100)]
    assert rates[0] < rates[5] < rates[9] == rates[49] == 1.0
    assert all(a >= b for a, b in zip(rates[50:], rates[51:], strict=False))
    assert rates[-1] < 0.11


def test_matrices_decay_and_names_choose_their_rate():
    model = tiny_task.TinyModel(0.1)
    settings = tiny_task.OptimizerSection(learning_rate=1, weight_decay=0.3, factors={"layers.0": 10})
    groups = {(group["lr"], group["weight_decay"]): group["params"] for group in parameter_groups(model, settings)}
    assert [value.shape for value in groups[10, 0.3]] == [(16, 6)]
    assert [value.shape for value in groups[1, 0.3]] == [(2, 16)]
    assert all(value.ndim == 1 for key in ((10, 0.0), (1, 0.0)) for value in groups[key])
