"""What the speed benchmarks share: a matrix product of the same run as the unit of time, and processes by threads.

Times of different machines, or of one machine on different days, are compared by the time that a
2048 × 2048 × 2048 fp32 product takes on one core in between. The figures of the original implementations were taken on
a core where it took 0.166 s. On a busy machine one core's figures can be taken in processor time (`--cpu-time`):
it leaves out waiting for a core, not the fight for memory.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

SIZE = 2048
CPU_TIME = "POINTLLM_BENCHMARK_CPU_TIME"  # set for processes that measure processor time
clock = time.process_time if os.environ.get(CPU_TIME) else time.perf_counter
ORIGINAL_YARDSTICK = 0.166  # seconds, where the original's times were taken
RESULTS = Path(__file__).parent / "results"


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one core inside the block."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def yardstick() -> float:
    """Seconds of the product on one core."""
    a = torch.ones(SIZE, SIZE)
    with one_thread():
        started = clock()
        a @ a
        return clock() - started


def measured(run: Callable[[], dict[str, float]], repeats: int) -> dict[str, dict[str, float]]:
    """Medians of what `run` returns (seconds by name) and of its ratio to the yardstick taken before and after.

    One run warms up. Returns {name: {"seconds", "units", "yardstick"}}.
    """
    run()
    yardstick()
    rows: dict[str, list[tuple[float, float]]] = {}
    for _ in range(repeats):
        before = yardstick()
        times = run()
        unit = (before + yardstick()) / 2
        for name, seconds in times.items():
            rows.setdefault(name, []).append((seconds, unit))
    return {name: {"seconds": round(statistics.median(s for s, _ in found), 5),
                   "units": round(statistics.median(s / unit for s, unit in found), 4),
                   "yardstick": round(statistics.median(unit for _, unit in found), 4)}
            for name, found in rows.items()}


def in_process(script: str, threads: int, arguments: list[str], cpu_time: bool) -> dict:
    """The JSON that `script --worker` prints last, in a process with so many threads from its start on."""
    if cpu_time and threads != 1:
        raise SystemExit("processor time says nothing about several cores; give --threads 1 with --cpu-time")
    environment = dict(os.environ, **({CPU_TIME: "1"} if cpu_time else {}))
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        environment[name] = str(threads)
    command = [sys.executable, script, "--worker", *arguments]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def machine() -> dict[str, object]:
    """What a reader needs to judge the figures."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"torch": torch.__version__, "cores": os.cpu_count(), "cpu": torch.backends.cpu.get_cpu_capability(),
            "load_average_at_the_end": load and round(load, 2)}


def write(name: str, report: dict) -> Path:
    """Into benchmarks/results/."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / name
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def table(rows: list[dict]) -> str:
    """Markdown: our time, the original's, both in yardsticks, and how many times as fast. A row without "original"
    has nothing to be compared with."""
    lines = ["| what | cores | ours (s) | in yardsticks | the original (s) | in yardsticks | times as fast |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        ours, original = row["ours"], row.get("original")
        theirs = original and original / ORIGINAL_YARDSTICK
        other = f"{original:.3f} | {theirs:.2f} | {theirs / ours['units']:.2f}" if original else "– | – | –"
        lines.append(f"| {row['what']} | {row['threads']} | {ours['seconds']:.4f} | {ours['units']:.3f} | {other} |")
    return "\n".join(lines)
