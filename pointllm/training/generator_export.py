"""From a finished run of `train generator` to a profile that generates: weights, config, curves, recipe."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError
from ..tasks.generation.grids import Grids
from ..tasks.generation.networks import Sizes
from .curves import draw_panels, smoothed
from .generator_config import GeneratorConfig
from .profile_folder import complete, write_tensors
from .run_log import flat, read_metrics
from .trainer import CONFIG, PROVENANCE

logger = logging.getLogger("pointllm")


def sizes_of(config: GeneratorConfig, dim: int) -> Sizes:
    """The networks' sizes for a joint space of `dim`; InputError where the grids don't divide into blocks."""
    sizes = Sizes(dim=dim, grids=Grids(**config.grids.model_dump()), flow_kind=config.flow.kind,
                  **config.sizes.model_dump())
    grids = sizes.grids
    if grids.size % sizes.block or grids.color_size % sizes.blocks or grids.size % grids.color_size:
        raise InputError(f"grids of {grids.size} and {grids.color_size} don't divide into blocks of {sizes.block}; "
                         "choose sizes.block and grids.color_size so that they do")
    if sizes.refinement_width and (sizes.block % 2 or sizes.color_block % 2):
        raise InputError(f"sizes.refinement_width is {sizes.refinement_width}, but blocks of {sizes.block} cells, "
                         f"{sizes.color_block} of colours, can't be halved; set it to 0, or choose other blocks")
    if grids.cell / 2 >= grids.thickness:
        raise InputError(f"grids.thickness is {grids.thickness}; it should exceed half a cell, {grids.cell / 2:g}")
    return sizes


def export(config: GeneratorConfig, run: Path, profile: Path, scaling: tuple[Tensor, Tensor]) -> None:
    """Write `generator/` of the profile; what else a profile needs, and the folder lacks, comes from the config's.

    scaling: mean and scale (L,) of the latents.
    """
    complete(profile, config.profile, without="generator")
    out = profile / "generator"
    out.mkdir(parents=True, exist_ok=True)
    decoder = torch.load(run / "autoencoder" / "last.pt", weights_only=True)["weights"]
    flow = torch.load(run / "flow" / "last.pt", weights_only=True)["weights"]
    tensors = {name: value for name, value in decoder.items() if name.startswith("decoder.")}
    tensors |= {name: value for name, value in flow.items() if name.startswith("flow.")}
    tensors |= {"latent_mean": scaling[0], "latent_scale": scaling[1]}
    write_tensors(tensors, out / "model.safetensors")
    dim = len(flow["flow.no_condition"])
    table = asdict(sizes_of(config, dim)) | {"sampler": config.sampler.model_dump(mode="json")}
    (out / "config.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    draw(run, out / "curves.png")
    shutil.copyfile(run / CONFIG, out / "recipe.yaml")
    shutil.copyfile(run / PROVENANCE, out / PROVENANCE)
    logger.info("written to %s", out)


def draw(run: Path, file: Path) -> None:
    """Both stages' losses, and what was measured on the way."""
    panels: dict[str, dict[str, list]] = {}
    for stage in ("autoencoder", "flow"):
        losses: dict[str, list] = {}
        measured: dict[str, list] = {}
        for row in read_metrics(run / stage / "metrics.jsonl"):
            for name, value in row.get("losses", {}).items():
                if name != "divergence":  # on another scale
                    losses.setdefault(name, []).append((row["step"], value))
            for name, value in flat(row.get("evaluation", {})).items():
                measured.setdefault(name, []).append((row["step"], value))
        panels[f"{stage}: losses"] = {name: smoothed(curve, 0.6) for name, curve in losses.items()}
        panels[f"{stage}: measured"] = measured
    draw_panels(panels, file, panel=(360, 300))
