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


def draw_curves(records: list[dict], path: Path, size: tuple[int, int] = (900, 360)) -> None:
    """Losses (left) and validation accuracy (right) against epochs, as a PNG."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    half = size[0] // 2
    scored = [(record["epoch"], record["val"]["as_is"]) for record in records if "val" in record]
    panels = [
        {key: [(r["epoch"], r[key]) for r in records if key in r] for key in ("label", "relation", "regression")},
        {key: [(epoch, value[key]) for epoch, value in scored] for key in ("top1", "top5")},
    ]
    for number, (title, curves) in enumerate(zip(("training losses", "val accuracy, percent"), panels, strict=True)):
        left, top, right, bottom = number * half + 50, 30, (number + 1) * half - 20, size[1] - 40
        last = max((x for curve in curves.values() for x, _ in curve), default=1)
        most = max((y for curve in curves.values() for _, y in curve), default=1.0)
        draw.rectangle((left, top, right, bottom), outline="#888888")
        draw.text((left, 8), title, fill="black")
        draw.text((right - 60, bottom + 8), f"epoch {last}", fill="black")
        draw.text((left - 40, top), f"{most:.1f}", fill="black")
        draw.text((left - 40, bottom - 10), "0", fill="black")
        colors = ("#1f77b4", "#d62728", "#2ca02c")
        for line, ((name, curve), color) in enumerate(zip(curves.items(), colors, strict=False)):
            points = [(left + x / last * (right - left), bottom - y / most * (bottom - top)) for x, y in curve]
            if len(points) > 1:
                draw.line(points, fill=color, width=2)
            draw.text((right - 90, top + 8 + 16 * line), name, fill=color)
    picture.save(path)


def export(run: Path, data: Path, clouds: Path, out: Path) -> dict:
    """Write the folder and return the measured accuracy of what was written."""
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    out.mkdir(parents=True, exist_ok=True)
    save_file(branch_weights(run / "checkpoint.pt"), out / "model.safetensors")
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
    (args.run / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for kind, result in results.items():
        logger.info("%s: top-1 %.1f %%, top-5 %.1f %%", kind, result["top1"], result["top5"])


if __name__ == "__main__":
    main()
