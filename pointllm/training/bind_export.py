"""From a finished run of `train bind` to a folder that a profile uses: weights, config, figures, curves, recipe.

Takes the averaged weights, rounds them to fp16, and measures what is written, not what was trained.
"""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import torch
import yaml
from safetensors.torch import save_file

from ..encoders.compact.point_tower import PointTower
from ..errors import InputError
from .bind_config import BindConfig
from .bind_evaluate import Evaluation
from .run_log import draw_curves
from .trainer import CONFIG, PROVENANCE

logger = logging.getLogger("pointllm")


def export(run: Path, out: Path, evaluation: Evaluation | None, weights: str = "last.pt") -> dict:
    """Write the folder and return the measured accuracy of what was written.

    weights: "last.pt" or "best.pt". "best" looks at the held-out objects to choose, so its figures flatter it.
    """
    config = BindConfig.model_validate(yaml.safe_load((run / CONFIG).read_text(encoding="utf-8")))
    try:
        state = torch.load(run / weights, weights_only=True)
    except OSError as error:
        raise InputError(f"{run / weights}: not there; has the run been finished?") from error
    branch = {key.removeprefix("branch."): value for key, value in state["weights"].items()
              if key.startswith("branch.")}
    out.mkdir(parents=True, exist_ok=True)
    if "logit_scale" not in branch:  # not trained where there is no loss against labels
        branch["logit_scale"] = torch.tensor(config.loss.scale).log()
    halves = {key: value.half().contiguous() if value.is_floating_point() else value.contiguous()
              for key, value in branch.items()}
    partial = out / "model.safetensors.partial"
    save_file(halves, partial)
    partial.chmod(0o644)  # the library writes for its owner only
    partial.replace(out / "model.safetensors")
    tower = config.tower.model_dump(mode="json")
    (out / "config.json").write_text(json.dumps(tower, indent=1) + "\n", encoding="utf-8")
    draw_curves(run / "metrics.jsonl", out / "curves.png")
    shutil.copyfile(run / CONFIG, out / "recipe.yaml")
    shutil.copyfile(run / PROVENANCE, out / PROVENANCE)
    written = PointTower.from_folder(out)
    results = evaluation.full(written, None) if evaluation is not None else {}
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for kind, result in results.items():
        logger.info("%s: top-1 %.1f %%, top-5 %.1f %%", kind, result["top1"], result["top5"])
    logger.info("written to %s", out)
    return results
