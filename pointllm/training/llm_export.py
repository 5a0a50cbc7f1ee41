"""From a training run to weights that are shipped: adapters and visual cache in half precision, config, curve.

    python -m pointllm.training.llm_export --run runs/llm --out checkpoints/embedded/llm [--weights best.pt]

Numbers that were tuned (neighbours, weights and temperatures of the cache) stand in the recipe under `cache`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from pointllm.llm.model import save_config


def write_tensors(tensors: dict[str, Tensor], file: Path) -> None:
    """Half precision safetensors, under its name only once whole."""
    partial = file.with_suffix(".partial")
    save_file({name: value.to(torch.float16).contiguous() for name, value in tensors.items()}, partial)
    partial.replace(file)


def image_keys(file: Path) -> Tensor:
    """(N, D), a key for each training object: the mean of its views, from an npz with `embeddings` (N, V, D)."""
    with np.load(file, allow_pickle=False) as arrays:
        views = torch.from_numpy(arrays["embeddings"].astype(np.float32))
    return F.normalize(F.normalize(views, dim=-1).mean(1), dim=-1)


def export(run: Path, out: Path, weights: str, images: Path | None) -> None:
    """Write adapters.safetensors, visual_cache.safetensors, config.json and curve.png into `out`."""
    recipe = yaml.safe_load((run / "recipe.yaml").read_text(encoding="utf-8"))
    state = torch.load(run / weights, weights_only=True)
    out.mkdir(parents=True, exist_ok=True)
    write_tensors(state["weights"], out / "adapters.safetensors")
    keys = {"labels": torch.load(run / "anchors.pt", weights_only=True)}
    if images is not None:
        keys["images"] = image_keys(images)
    write_tensors(keys, out / "visual_cache.safetensors")
    rows = [{"file": "visual_cache.safetensors", **row} for row in recipe["cache"] if row["tensor"] in keys]
    config = {
        "language_model": "smollm2-135m-instruct", "prompt": "chat", "adapters": recipe["adapters"], "cache": rows,
        "generation": recipe["generation"], "trained_steps": state["step"],
    }
    save_config(out, config)
    draw_curve(run / "metrics.jsonl", out / "curve.png")


def draw_curve(metrics: Path, file: Path) -> None:
    """Loss by step, smoothed, and naming accuracy where it was measured."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = {}
    for line in metrics.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows.setdefault(row["step"], {}).update(row)  # a resumed run repeats some steps: the last counts
    figure, left = pyplot.subplots(figsize=(8, 4), dpi=110)
    for key, title in (("loss_name", "naming"), ("loss_yes_no", "yes/no"), ("loss_name_zh", "naming in Chinese")):
        points = [(step, row[key]) for step, row in sorted(rows.items()) if key in row]
        if points:
            steps, losses = zip(*points, strict=True)
            left.plot(steps, smooth(losses), label=f"loss: {title}")
    left.set_xlabel("step"), left.set_ylabel("cross-entropy a token"), left.set_ylim(bottom=0)
    right = left.twinx()
    for key, title in (("naming_text", "disturbed text"), ("naming_val", "validation objects")):
        points = [(step, row[key]) for step, row in sorted(rows.items()) if key in row]
        if points:
            right.plot(*zip(*points, strict=True), "o--", label=f"named: {title}")
    right.set_ylabel("named, %"), right.set_ylim(0, 100)
    figure.legend(loc="upper center", ncols=3, fontsize=8)
    figure.savefig(file, bbox_inches="tight")
    pyplot.close(figure)


def smooth(values: tuple[float, ...], share: float = 0.9) -> list[float]:
    """Exponential moving average."""
    average, out = values[0], []
    for value in values:
        average = share * average + (1 - share) * value
        out.append(average)
    return out


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", default="last.pt")
    parser.add_argument("--images", type=Path, help="npz with the image embeddings of the training objects")
    args = parser.parse_args()
    export(args.run, args.out, args.weights, args.images)


if __name__ == "__main__":
    main()
