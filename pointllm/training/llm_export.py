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
from pointllm.training.curves import draw_panels, smoothed


def write_tensors(tensors: dict[str, Tensor], file: Path) -> None:
    """Half precision safetensors, under its name only once whole."""
    partial = file.with_suffix(".partial")
    save_file({name: value.to(torch.float16).contiguous() for name, value in tensors.items()}, partial)
    partial.chmod(0o644)  # the library writes for its owner only
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
    """Losses by step, smoothed, and the share of objects named right where it was measured."""
    rows: dict[int, dict] = {}
    for line in metrics.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows.setdefault(row["step"], {}).update(row)  # a resumed run repeats some steps: the last counts

    def curves(titles: dict[str, str]) -> dict:
        return {title: [(step, row[key]) for step, row in sorted(rows.items()) if key in row]
                for key, title in titles.items()}

    losses = curves({"loss_name": "naming", "loss_yes_no": "yes or no", "loss_name_zh": "naming in Chinese"})
    named = curves({"naming_text": "disturbed text", "naming_val": "validation objects",
                    "naming_val_no_cache": "the same without cache"})
    draw_panels({"cross-entropy a token": {name: smoothed(curve) for name, curve in losses.items()},
                 "named right, percent": named}, file)


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
