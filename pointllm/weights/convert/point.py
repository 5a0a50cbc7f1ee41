"""Plans `point/`: the point branch of pointbind_i2pmae.pt, pointbind_pointbert.pt or imagebind_w3D.pth.

Keys become those of `pointllm.encoders.point_head.PointBranch`. Widths and depths are read off the shapes; how many
groups of how many points, radii and heads leave no trace in them: they are the published ones unless `sizes` says
otherwise. I2P-MAE, arXiv 2212.06785; Point-BERT, arXiv 2111.14819.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields

import torch

from pointllm.encoders.point_head import POINT_BIND_KEYS, POINT_TRUNK_KEYS, PointBranch
from pointllm.encoders.registry import build_encoder, encoder_class
from pointllm.errors import WeightsError
from pointllm.weights.convert.plan import Part, Planned, check_against, count, take
from pointllm.weights.convert.tables import Table
from pointllm.weights.profile_parts import place_of

LAYOUTS = {"point_bind": POINT_BIND_KEYS, "imagebind_w3d": POINT_TRUNK_KEYS}
# The settings of the original's YAML file, under our names; the tensors tell the rest of it.
YAML_NAMES = {"num_group": "groups", "group_size": "group_size", "num_heads": "heads"}
INITIAL_SCALE = math.log(1 / 0.07)  # of the contrastive loss; the trunk's file doesn't store it


def plan_point(table: Table, kind: str, dtype: torch.dtype | None, sizes: Mapping | None = None) -> Part:
    """The part `point/`. WeightsError names the first key that doesn't fit the encoder."""
    layout = LAYOUTS[kind]
    # published key → ours
    names = {key: ours + key[len(published):] for key in table for published, ours in layout.items()
             if key.startswith(published)}
    ours = Table(table.file, {names[key]: table[key] for key in names}, None)
    ours.expected = table.expected
    encoder, architecture = read_architecture(ours, sizes or {})
    width = ours.need("pc_projection", 2)[1]
    dim = ours.need("modality_head.2.weight", 2)[0]
    tensors = [take(table, key, name, dtype) for key, name in names.items()]
    if "logit_scale" not in ours:
        scale = torch.tensor(INITIAL_SCALE)
        origin = f"{table.file.name}: logit_scale"
        tensors.append(Planned("logit_scale", (), dtype or torch.float32, lambda: scale, origin))
    with torch.device("meta"):
        branch = PointBranch(build_encoder(encoder, architecture), width, dim)
    check_against(branch, tensors, f"a point branch with {encoder} ({table.expected})")
    config = {"encoder": encoder, "architecture": architecture, "projection_dim": width, "dim": dim}
    return Part(place_of("point"), (table.file,), tensors, config, facts={"dim": dim, "encoder": encoder},
                sharded=False)


def read_architecture(table: Table, sizes: Mapping) -> tuple[str, dict]:
    """The encoder's name in the registry and every size of it, from the shapes of our keys and from `sizes`."""
    if any(key.startswith("point_encoder.h_encoder.") for key in table):
        encoder, values = "i2p_mae", _i2p_mae(table)
    elif "point_encoder.cls_token" in table:
        encoder, values = "point_bert", _point_bert(table)
    else:
        raise WeightsError(f"{table.file.name}: neither I2P-MAE nor Point-BERT: point_encoder.h_encoder.* and "
                           f"point_encoder.cls_token are missing; expected {table.expected}")
    config = encoder_class(encoder).Config
    known = {field.name for field in fields(config)}
    for name, value in sizes.items():
        name = YAML_NAMES.get(name, name)
        value = tuple(value) if isinstance(value, list) else value
        if name in values and values[name] != value:
            raise WeightsError(f"{table.file.name}: the sizes given say {name} = {value}, its tensors say "
                               f"{values[name]}")
        if name in known and name != "drop_path":  # matters in training only
            values[name] = value
    try:
        return encoder, asdict(config(**values))
    except ValueError as error:
        raise WeightsError(f"{table.file.name}: the sizes don't fit together ({error})") from error


def _mini_point_net(table: Table, stem: str) -> tuple[int, tuple[int, int, int], int]:
    """Channels in, hidden widths, channels out of a mini-PointNet."""
    first, channels, _ = table.need(f"{stem}.first_conv.0.weight", 3)
    middle = table.need(f"{stem}.first_conv.3.weight", 3)[0]
    second = table.need(f"{stem}.second_conv.0.weight", 3)[0]
    return channels, (first, middle, second), table.need(f"{stem}.second_conv.3.weight", 3)[0]


def _i2p_mae(table: Table) -> dict:
    stem = "point_encoder.h_encoder."
    levels = count(table, f"{stem}token_embed.")
    if not levels:
        raise WeightsError(f"{table.file.name}: {stem}token_embed.0 is missing; expected {table.expected}")
    channels, widths, _ = _mini_point_net(table, f"{stem}token_embed.0")
    dims = tuple(_mini_point_net(table, f"{stem}token_embed.{level}")[2] for level in range(levels))
    depths = tuple(count(table, f"{stem}encoder_blocks.{level}.blocks.") for level in range(levels))
    hidden = table.need(f"{stem}encoder_blocks.0.blocks.0.mlp.fc1.weight", 2)[0]
    return {"dims": dims, "depths": depths, "point_widths": widths, "in_channels": channels,
            "mlp_ratio": hidden / dims[0]}


def _point_bert(table: Table) -> dict:
    stem = "point_encoder."
    channels, widths, token_dim = _mini_point_net(table, f"{stem}encoder")
    dim = table.need(f"{stem}cls_token", 3)[-1]
    depth = count(table, f"{stem}blocks.blocks.")
    hidden = table.need(f"{stem}blocks.blocks.0.mlp.fc1.weight", 2)[0]
    return {"dim": dim, "depth": depth, "point_widths": widths, "token_dim": token_dim, "in_channels": channels,
            "position_hidden": table.need(f"{stem}pos_embed.0.weight", 2)[0], "mlp_ratio": hidden / dim}
