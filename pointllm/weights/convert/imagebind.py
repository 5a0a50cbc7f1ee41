"""Plans `imagebind/`: the six modalities of imagebind_huge.pth, or of a file that holds them beside a point branch.

Keys stay as they are. Sizes are read off the shapes; the number of attention heads leaves no trace in them and is taken
from the published model where the width is the published one, else from the caller (`sizes`).
ImageBind, arXiv 2305.05665.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import torch

from pointllm.encoders.imagebind.model import MODALITIES, POINT_KEYS, ImageBind, ImageBindConfig
from pointllm.errors import WeightsError
from pointllm.weights.convert.plan import Part, check_against, count, take
from pointllm.weights.convert.tables import Spec, Table
from pointllm.weights.profile_parts import place_of

TEXT_SCALE = "modality_postprocessors.text.1.log_logit_scale"
MAX_SCALE = 100.0  # the original clamps what multiplies its text embeddings


def subtable(table: Table, prefix: str) -> Table:
    """The keys behind `prefix`, without it; reading goes to the same file."""
    specs: dict[str, Spec] = {key[len(prefix):]: spec for key, spec in table.items() if key.startswith(prefix)}
    part = Table(table.file, specs, lambda key: table.read(prefix + key))
    part.expected = table.expected
    return part


def holds_imagebind(table: Table) -> bool:
    """Whether trunks of ImageBind are among the keys."""
    return any(key.startswith("modality_trunks.") for key in table)


def plan_imagebind(table: Table, dtype: torch.dtype | None, sizes: Mapping | None = None,
                   optional: bool = False) -> Part:
    """The part `imagebind/`. WeightsError names the first key that doesn't fit ImageBind's architecture."""
    config = read_config(table, sizes or {})
    ours = [key for key in table if not key.startswith(POINT_KEYS)]
    tensors = [take(table, key, dtype=dtype, endless=key.endswith("text.mask")) for key in ours]
    with torch.device("meta"):
        check_against(ImageBind(config), tensors, EXPECTED)
    scale = min(float(table.read(TEXT_SCALE).float().exp()), MAX_SCALE)
    facts = {"dim": config.out_embed_dim, "temperature": 1.0 / scale}
    return Part(place_of("imagebind"), (table.file,), tensors, asdict(config), facts=facts, optional=optional)


EXPECTED = "ImageBind's six modalities (imagebind_huge.pth)"


def read_config(table: Table, sizes: Mapping) -> ImageBindConfig:
    """The constructor's arguments from shapes; `sizes` gives what shapes don't tell, and must not contradict them."""
    def shape(key: str, ndim: int) -> tuple[int, ...]:
        return table.need(key, ndim)

    stems = {"vision": "rgbt_stem.proj.1.weight", "audio": "rgbt_stem.proj.weight", "depth": "depth_stem.proj.weight",
             "thermal": "rgbt_stem.proj.weight"}
    values: dict = {"out_embed_dim": shape("modality_heads.vision.2.weight", 2)[0]}
    for modality in MODALITIES:
        stem = f"modality_preprocessors.{modality}."
        if modality == "text":
            vocabulary, dim = shape(stem + "token_embedding.weight", 2)
            values |= {"text_vocabulary": vocabulary, "text_context": shape(stem + "pos_embed", 3)[1]}
        else:
            dim = shape(stem + "cls_token", 3)[-1]
        values[f"{modality}_embed_dim"] = dim
        values[f"{modality}_num_blocks"] = count(table, f"modality_trunks.{modality}.blocks.")
        if modality in stems:
            kernel = shape(stem + stems[modality], 5 if modality == "vision" else 4)
            if modality == "vision":
                values["kernel_size"] = kernel[2:]
            else:
                values[f"{modality}_kernel_size"] = kernel[-1]
        values[f"{modality}_num_heads"] = _heads(modality, dim, sizes, table)
    features = shape("modality_preprocessors.imu.imu_stem.proj.weight", 2)[1]
    channels = sizes.get("imu_channels", ImageBindConfig.imu_channels)
    values |= {"imu_kernel_size": features // channels,
               "imu_length": (shape("modality_preprocessors.imu.pos_embed", 3)[1] - 1) * (features // channels)}
    # What is left (picture size, stride, mel bins, frames) shows in the number of positions, which is checked.
    known = ImageBindConfig.__dataclass_fields__
    for name, value in sizes.items():
        value = tuple(value) if isinstance(value, list) else value
        if name in values and values[name] != value:
            raise WeightsError(f"{table.file.name}: the sizes given say {name} = {value}, its tensors say "
                               f"{values[name]}")
        if name in known:
            values[name] = value
    return ImageBindConfig(**values)


def _heads(modality: str, dim: int, sizes: Mapping, table: Table) -> int:
    name = f"{modality}_num_heads"
    if name in sizes:
        heads = sizes[name]
    elif dim == getattr(ImageBindConfig, f"{modality}_embed_dim"):
        heads = getattr(ImageBindConfig, name)
    else:
        raise WeightsError(f"{table.file.name}: {modality} is {dim} wide, which isn't ImageBind-Huge, and tensors "
                           f"don't tell the number of heads; give {name} with --sizes FILE.json")
    if not isinstance(heads, int) or heads < 1 or dim % heads:
        raise WeightsError(f"{table.file.name}: {name} = {heads} doesn't divide the width {dim}")
    return heads
