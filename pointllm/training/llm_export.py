"""From a finished run of `train llm` to a profile that answers: adapters and visual cache in half precision, config."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError
from ..llm.hints import Caption, write_captions
from ..llm.model import save_config
from .llm_config import LlmConfig
from .llm_model import LlmModel
from .profile_folder import complete, place, write_tensors
from .run_log import draw_curves, read_metrics
from .trainer import CONFIG, PROVENANCE


def export(run: Path, profile: Path, config: LlmConfig, model: LlmModel, keys: dict[str, Tensor], base: Path,
           weights: str = "last.pt", captions: list[Caption] | None = None) -> None:
    """Write `llm/` of the profile in the folder `profile`; what else it needs comes from the config's profile.

    keys: name → (N, D) of the visual cache; captions: of its labels, where the profile is to have hints.
    A language model that has no name of its own is placed in `llm/base`.
    """
    try:
        state = torch.load(run / weights, weights_only=True)
    except OSError as error:
        raise InputError(f"{run / weights}: not there; has the run been finished?") from error
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in state["weights"].items():
            own[name].copy_(value)
    complete(profile, config.profile, without="llm")
    out = profile / "llm"
    out.mkdir(parents=True, exist_ok=True)
    write_tensors(model.adapter_state(), out / "adapters.safetensors")
    used = {row.tensor: keys[row.tensor] for row in config.cache if row.tensor in keys}
    if used:
        write_tensors(used, out / "visual_cache.safetensors")
    rows = [{"file": "visual_cache.safetensors", **row.model_dump()} for row in config.cache if row.tensor in used]
    name = config.language_model
    if (Path(name) / "config.json").is_file():
        name = "base"
        if not (out / name).exists():
            place(base, out / name)
    adapters = {key: list(value) if isinstance(value, tuple) else value for key, value in config.adapters.items()}
    hints = {}
    if captions is not None and config.hints is not None:
        write_captions(captions, out)
        hints = {"hints": config.hints.model_dump()}
    save_config(out, {"language_model": name, "prompt": config.prompt, "adapters": adapters, "cache": rows, **hints,
                      "generation": config.generation, "trained_steps": state["step"],
                      "trained_on": ["text", "image"]})
    draw_curves(run / "metrics.jsonl", out / "curve.png")
    shutil.copyfile(run / CONFIG, out / "recipe.yaml")
    shutil.copyfile(run / PROVENANCE, out / PROVENANCE)
    measured = [row["evaluation"] for row in read_metrics(run / "metrics.jsonl") if "evaluation" in row]
    (out / "results.json").write_text(json.dumps(measured[-1] if measured else {}, indent=1) + "\n", encoding="utf-8")
