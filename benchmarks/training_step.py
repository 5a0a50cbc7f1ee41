"""What a step of `train bind` costs: making the batch, grouping, forward and backward pass, in milliseconds.

    python benchmarks/training_step.py --config configs/embedded/bind.yaml --data DIR --cache DIR

Times are CPU seconds of the process, so that other programs disturb them little. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from pointllm.training import bind
from pointllm.training.bind_config import BindConfig
from pointllm.training.config import load_config


def milliseconds(work, repeats: int) -> float:
    work()
    started = time.process_time()
    for _ in range(repeats):
        work()
    return round((time.process_time() - started) / repeats * 1000, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("config", "data", "cache"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=10)
    args = parser.parse_args()
    config = load_config(args.config, BindConfig)
    task = bind.prepare(config, args.data, args.cache, 1)
    model = task.module.train()
    found = {}
    for name, step in (("first stage", 0), ("last stage", task.steps - 1)):
        task.enter(step)
        batch = task.batch(step, 0, 1)
        xyz = batch["points"][..., :3].contiguous()

        def whole(batch=batch):
            sum(model(batch).values()).backward()

        found[name] = {
            "points": len(xyz[0]),
            "batch": milliseconds(lambda step=step: task.batch(step, 0, 1), args.repeats),
            "grouping": milliseconds(lambda xyz=xyz: model.branch.point_encoder.group(xyz), args.repeats),
            "forward and backward, with grouping": milliseconds(whole, args.repeats),
        }
    steps = [task.points(step) for step in range(task.steps)]
    json.dump({"batch": config.batch, "steps": len(steps), **found}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
