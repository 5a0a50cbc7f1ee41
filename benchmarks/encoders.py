"""How long encoding a cloud of 8,192 points takes, beside the original implementations.

    python benchmarks/encoders.py [--threads 1,2] [--repeats 7]

Published sizes, random weights (they don't change the time), one cloud and eight; `group` is the share of sampling and
neighbours. Writes benchmarks/results/encoders.json and prints a table. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from yardstick import clock, in_process, machine, measured, table, write  # noqa: E402

from pointllm.encoders.registry import build_encoder  # noqa: E402

POINTS = 8192
# (encoder, clouds, cores) -> seconds of the original, see `yardstick`.
ORIGINAL = {
    ("i2p_mae", 1, 1): 0.364, ("i2p_mae", 8, 1): 4.5, ("point_bert", 1, 1): 0.511, ("point_bert", 8, 1): 5.5,
    ("i2p_mae", 1, 2): 0.227, ("i2p_mae", 8, 2): 2.3, ("point_bert", 1, 2): 0.308, ("point_bert", 8, 2): 3.2,
}  # fmt: skip


def sphere(batch: int) -> torch.Tensor:
    """Clouds (batch, 8192, 3) within the unit sphere."""
    points = torch.randn(batch, POINTS, 3, generator=torch.Generator().manual_seed(0))
    return points / points.norm(dim=-1).amax(1)[:, None, None]


@torch.inference_mode()
def worker(encoders: list[str], repeats: int) -> dict[str, dict]:
    """{"encoder/clouds": {"encode": …, "group": …}} with as many threads as the process has."""
    found = {}
    for name in encoders:
        model = build_encoder(name).eval()
        for batch in (1, 8):
            clouds = sphere(batch)

            def run(model=model, clouds=clouds) -> dict[str, float]:
                started = clock()
                model(clouds)
                encoded = clock()
                model.group(clouds)
                return {"encode": encoded - started, "group": clock() - encoded}

            found[f"{name}/{batch}"] = measured(run, repeats if batch == 1 else max(3, repeats // 2))
            print(name, batch, found[f"{name}/{batch}"], file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Measure in processes of their own, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--encoders", default="i2p_mae,point_bert")
    parser.add_argument("--cpu-time", action="store_true", help="measure processor time (one core, busy machine)")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    encoders = args.encoders.split(",")
    if args.worker:
        print(json.dumps(worker(encoders, args.repeats)))
        return
    rows = []
    for threads in map(int, args.threads.split(",")):
        arguments = ["--repeats", str(args.repeats), "--encoders", args.encoders]
        for key, times in in_process(__file__, threads, arguments, args.cpu_time).items():
            name, batch = key.split("/")
            rows.append({"what": f"{name}, {batch} cloud{'s' * (batch != '1')}", "threads": threads,
                         "ours": times["encode"], "group": times["group"],
                         "original": ORIGINAL.get((name, int(batch), threads))})
    path = write("encoders.json", {"machine": machine(), "cpu_time": args.cpu_time, "points": POINTS, "rows": rows})
    print(table(rows), f"\nwritten to {path}")


if __name__ == "__main__":
    main()
