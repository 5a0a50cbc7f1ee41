"""From a finished run of `train bind` to a profile that uses it: weights, config, figures, curves, recipe.

Takes the averaged weights, rounds them to fp16, and measures what is written, not what was trained.
"""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import torch
import yaml

from ..encoders.compact.point_tower import PointTower
from ..errors import InputError
from .bind_config import BindConfig
from .bind_evaluate import Evaluation
from .profile_folder import complete, write_tensors
from .run_log import draw_curves
from .trainer import CONFIG, PROVENANCE

logger = logging.getLogger("pointllm")


def export(run: Path, profile: Path, evaluation: Evaluation | None, weights: str = "last.pt") -> dict:
    """Write `point/` of the profile in the folder `profile`, and return the measured accuracy of what was written.

    What else a profile needs, and the folder lacks, comes from the config's profile.

    weights: "last.pt" or "best.pt". "best" looks at the held-out objects to choose, so its figures flatter it.
    """
    config = BindConfig.model_validate(yaml.safe_load((run / CONFIG).read_text(encoding="utf-8")))
    try:
        state = torch.load(run / weights, weights_only=True)
    except OSError as error:
        raise InputError(f"{run / weights}: not there; has the run been finished?") from error
    branch = {key.removeprefix("branch."): value for key, value in state["weights"].items()
              if key.startswith("branch.")}
    complete(profile, config.profile, without="point")
    out = profile / "point"
    out.mkdir(parents=True, exist_ok=True)
    if "logit_scale" not in branch:  # not trained where there is no loss against labels
        branch["logit_scale"] = torch.tensor(config.loss.scale).log()
    write_tensors(branch, out / "model.safetensors")
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
