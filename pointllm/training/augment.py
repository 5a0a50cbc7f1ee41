"""What a point cloud may look like: random changes for training, whole batches at a time.

Pure functions of tensors and a generator. Clouds are (B, P, 3) in the unit sphere with y up, colours (B, P, 3) in
[0, 1]. Every function leaves its inputs as they are. Strengths come from the config of a run (`Augmentation`).
Mixing of two clouds follows the idea of PointCutMix (arXiv 2101.01461), cut by a plane.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """How often (a probability) and how strongly each change is made."""

    lying: float = 0.15  # z up instead of y up
    tilt: float = 0.3  # often a little askew …
    tilt_degrees: float = 8.0  # … by a normal angle with this deviation
    stretch: float = 1.25  # each axis by a factor in [1 / stretch, stretch]
    jitter: float = 0.015  # up to this deviation, in radii
    sparse: float = 0.25  # only some of the points are left …
    sparse_least: float = 0.1  # … of all, log-uniform up to all
    partial: float = 0.25  # what lies beyond a random plane is missing …
    partial_most: float = 0.5  # … up to this share
    occluded: float = 0.1  # only what is seen from one side, as a depth camera scans it
    colorless: float = 0.3  # no colours
    hue: float = 0.3  # colours turned around the grey axis …
    hue_degrees: float = 60.0  # … by up to this angle
    gain: float = 0.3  # brightness of channels, ± this share
    mix: float = 0.3  # one side of a plane from another object


def chance(batch: int, probability: float, generator: torch.Generator) -> Tensor:
    """(B,) bool."""
    return torch.rand(batch, generator=generator) < probability


def uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    """Uniform in [low, high)."""
    return low + (high - low) * torch.rand(shape, generator=generator)


def rotation(axis: int, angle: Tensor) -> Tensor:
    """Rotations about a coordinate axis; angle (B,) radians -> (B, 3, 3), to be applied as `points @ R`."""
    matrix = torch.zeros(len(angle), 3, 3)
    one, two = (axis + 1) % 3, (axis + 2) % 3
    matrix[:, axis, axis] = 1
    matrix[:, one, one] = matrix[:, two, two] = angle.cos()
    matrix[:, one, two] = angle.sin()
    matrix[:, two, one] = -angle.sin()
    return matrix


def keep_points(keep: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
    """Where points are dropped, others of the same cloud are repeated, so that the number stays.

    keep: (B, P) bool; values: (B, P, C) each. A cloud that would lose every point keeps its first.
    """
    keep = keep.clone()
    keep[:, 0] |= ~keep.any(1)
    order = (~keep).to(torch.uint8).argsort(dim=1, stable=True)  # kept ones first, in their order
    index = order.gather(1, torch.arange(keep.shape[1]) % keep.sum(1, keepdim=True))
    return tuple(value.gather(1, index[..., None].expand_as(value)) for value in values)


def drop_points(xyz: Tensor, rgb: Tensor, how: Augmentation, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sparse clouds, clouds that end at a plane, and clouds as seen from one side."""
    batch, number, _ = xyz.shape
    least = math.log(how.sparse_least)
    share = uniform((batch,), least, 0.0, generator).exp()
    share[~chance(batch, how.sparse, generator)] = 1.0
    keep = torch.rand(batch, number, generator=generator) < share[:, None]
    direction = torch.nn.functional.normalize(torch.randn(batch, 3, 1, generator=generator), dim=1)
    height = (xyz @ direction).squeeze(-1)  # (B, P)
    missing = uniform((batch,), 0.1, how.partial_most, generator)
    missing[~chance(batch, how.partial, generator)] = 0.0
    rank = height.argsort(1).argsort(1)
    keep &= rank >= (missing * number)[:, None]
    hidden = chance(batch, how.occluded, generator)
    if hidden.any():
        keep[hidden] &= visible(xyz[hidden], generator)
    return keep_points(keep, xyz, rgb)


def visible(xyz: Tensor, generator: torch.Generator) -> Tensor:
    """Which points a camera far away on a random side would see, (B, P) bool.

    Points are taken as discs so large that neighbours on a surface touch: what lies well behind the nearest one of a
    cell of the picture is hidden.
    """
    batch, number, _ = xyz.shape
    back = torch.nn.functional.normalize(torch.randn(batch, 3, generator=generator), dim=1)
    back[:, 1] = back[:, 1].abs()  # seen from above rather than from below
    up = torch.tensor([0.0, 1.0, 0.0]).expand_as(back)
    right = torch.nn.functional.normalize(torch.linalg.cross(up, back) + 1e-6, dim=1)
    axes = torch.stack([right, torch.linalg.cross(back, right), back], 2)
    seen = xyz @ axes  # (B, P, 3): right, up, towards the camera
    cells = max(4, int(number**0.5 / 2))  # a side: some four points a cell where all is surface
    place = ((seen[..., :2] + 1) / 2 * cells).long().clamp(0, cells - 1)
    cell = place[..., 0] * cells + place[..., 1]
    nearest = torch.full((batch, cells * cells), -2.0).scatter_reduce(1, cell, seen[..., 2], "amax")
    return seen[..., 2] >= nearest.gather(1, cell) - 3 / cells


def transform(xyz: Tensor, how: Augmentation, generator: torch.Generator) -> Tensor:
    """Stretching, mirroring, turning about the up axis, tilting, lying down; then centred and scaled anew, jitter."""
    batch = len(xyz)
    factor = uniform((batch, 1, 3), -1, 1, generator) * math.log(how.stretch)
    sign = torch.ones(batch, 1, 3)
    sign[:, 0, 0] -= 2 * chance(batch, 0.5, generator).float()
    turn = rotation(1, uniform((batch,), 0, 2 * math.pi, generator))
    angles = torch.randn(2, batch, generator=generator) * math.radians(how.tilt_degrees)
    angles = angles * chance(batch, how.tilt, generator)
    lies = chance(batch, how.lying, generator).float()
    # The up axis goes to z, then anywhere in the plane: the tower averages over turns about y.
    lying = rotation(0, math.pi / 2 * lies) @ rotation(1, uniform((batch,), 0, 2 * math.pi, generator) * lies)
    # Stretched along the object's own axes mostly, then turned.
    xyz = (xyz * factor.exp() * sign) @ (turn @ rotation(0, angles[0]) @ rotation(2, angles[1]) @ lying)
    xyz = fitted(xyz) * uniform((batch, 1, 1), 0.92, 1.04, generator)
    xyz = xyz + uniform((batch, 1, 3), -0.04, 0.04, generator)
    deviation = uniform((batch, 1, 1), 0, 1, generator) ** 2 * how.jitter
    return xyz + torch.randn(xyz.shape, generator=generator) * deviation


def fitted(xyz: Tensor) -> Tensor:
    """Centred on the mean and scaled into the unit sphere, as `PointCloud.normalized` does."""
    xyz = xyz - xyz.mean(1, keepdim=True)
    return xyz / xyz.norm(dim=-1).amax(1).clamp_min(1e-6)[:, None, None]


def recolor(rgb: Tensor, how: Augmentation, generator: torch.Generator) -> Tensor:
    """Hue, brightness of channels, contrast, noise. (B, P, 3) -> (B, P, 3) in [0, 1]."""
    batch = len(rgb)
    angle = uniform((batch,), -1, 1, generator) * math.radians(how.hue_degrees) * chance(batch, how.hue, generator)
    rgb = (rgb @ _hue_rotation(angle)).clamp(0, 1)
    gamma = uniform((batch, 1, 1), -0.4, 0.4, generator).exp()
    gain = 1 + uniform((batch, 1, 1), -1, 1, generator) * how.gain
    tint = 1 + uniform((batch, 1, 3), -1, 1, generator) * how.gain / 3
    noise = torch.randn(rgb.shape, generator=generator) * 0.02
    return (rgb.pow(gamma) * gain * tint + noise).clamp(0, 1)


def _hue_rotation(angle: Tensor) -> Tensor:
    """Rotation of colour space about its grey diagonal (Rodrigues); (B,) radians -> (B, 3, 3)."""
    third = math.sqrt(1 / 3)
    cross = torch.tensor([[0, -third, third], [third, 0, -third], [-third, third, 0]])
    cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
    return cosine * torch.eye(3) + (1 - cosine) / 3 * torch.ones(3, 3) + sine * cross


def mix_clouds(
    xyz: Tensor, rgb: Tensor, how: Augmentation, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Some clouds get one side of a plane from another cloud of the batch.

    Returns xyz, rgb, partner (B,) and own share (B,), 1 where nothing was mixed.
    """
    batch, number, _ = xyz.shape
    partner = torch.randperm(batch, generator=generator)
    share = uniform((batch,), 0.3, 1.0, generator)
    share[~chance(batch, how.mix, generator)] = 1.0
    direction = torch.nn.functional.normalize(torch.randn(batch, 3, 1, generator=generator), dim=1)
    own = (xyz @ direction).squeeze(-1).argsort(1)  # low end first
    other = (xyz[partner] @ direction).squeeze(-1).argsort(1)
    count = (share * number).round()
    from_own = torch.arange(number) < count[:, None]  # the low end is the cloud's own, the high end the partner's

    def mixed(value: Tensor) -> Tensor:
        mine = value.gather(1, own[..., None].expand_as(value))
        theirs = value[partner].gather(1, other[..., None].expand_as(value))
        both = torch.where(from_own[..., None], mine, theirs)
        return torch.where((share < 1)[:, None, None], both, value)

    return mixed(xyz), mixed(rgb), partner, share
