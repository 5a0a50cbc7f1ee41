"""From a training run of the point tower to the folder that is shipped: weights, config, curves.

Takes the averaged weights, rounds them to fp16, and measures what is written, not what was trained.

    python -m pointllm.training.point_export --run runs/point --data FOLDER --clouds runs/clouds.npz \
        --out checkpoints/embedded/point
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import torch
import yaml
from safetensors.torch import save_file

from pointllm.encoders.compact.point_tower import PointTower
from pointllm.training.curves import draw_panels
from pointllm.training.point_tower import evaluate, load_objects, load_prototypes

logger = logging.getLogger("pointllm")
KINDS = ("as_is", "no_color", "z_up", "points_1024", "points_10_percent")


def branch_weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The averaged weights of the branch in fp16; integers (counters of BatchNorm) as they are."""
    average = torch.load(checkpoint, weights_only=True)["average"]
    weights = {key.removeprefix("branch."): value for key, value in average.items() if key.startswith("branch.")}
    return {
        key: value.half().contiguous() if value.is_floating_point() else value.contiguous()
        for key, value in weights.items()
    }


def read_metrics(run: Path) -> list[dict]:
    """One record an epoch; where a run was continued, the later record of an epoch counts."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return list({record["epoch"]: record for record in map(json.loads, lines)}.values())


def draw_curves(records: list[dict], path: Path) -> None:
    """Losses and validation accuracy against epochs, as a PNG."""
    scored = [(record["epoch"], record["val"]["as_is"]) for record in records if "val" in record]
    losses = ("label", "relation", "regression")
    panels = {
        "training losses": {key: [(r["epoch"], r[key]) for r in records if key in r] for key in losses},
        "val accuracy, percent": {key: [(epoch, value[key]) for epoch, value in scored] for key in ("top1", "top5")},
    }
    draw_panels(panels, path, "epoch")


def export(run: Path, data: Path, clouds: Path, out: Path) -> dict:
    """Write the folder and return the measured accuracy of what was written."""
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    out.mkdir(parents=True, exist_ok=True)
    save_file(branch_weights(run / "checkpoint.pt"), out / "model.safetensors")
    (out / "model.safetensors").chmod(0o644)
    (out / "config.json").write_text(json.dumps(config["tower"], indent=1) + "\n", encoding="utf-8")
    draw_curves(read_metrics(run), out / "curves.png")
    names = sorted(json.loads((data / "labels.json").read_text(encoding="utf-8")))
    held_out = load_objects(data, clouds, "val", names)
    return evaluate(PointTower.from_folder(out), held_out, load_prototypes(run, names), KINDS, quick=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("run", "data", "clouds", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    results = export(args.run, args.data, args.clouds, args.out)
    (args.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for kind, result in results.items():
        logger.info("%s: top-1 %.1f %%, top-5 %.1f %%", kind, result["top1"], result["top5"])


if __name__ == "__main__":
    main()
