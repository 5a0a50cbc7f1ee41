"""The test of which axis is up: trained on every object as it stands and as it lies when z is taken for y.

Part of `pointllm train image`, whose tuned features it uses. Half of the objects train the two looks, the other half
the regression that joins them, so that neither look is trusted for what it learned by heart.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.records import Record
from ..encoders.compact.image_tower import ImageTower
from ..encoders.compact.upright import CLIP, UprightTest, measurements
from ..inputs import read_shape
from ..inputs.orientation import UP_AXES, rotated, with_up
from ..inputs.views import Camera, render_views
from .image_views import bare, colorless

VIEWS = 2
HIDDEN = 32
POSES = ("standing", "lying")
LIE_DOWN = UP_AXES["z"].T  # a file with z up as it looks when y is taken for its upward axis
MARGIN_SPREAD = 0.05  # added to deviations, so that a feature that hardly varies isn't blown up


def looks(record: Record, tower: ImageTower, seed: int) -> dict[str, np.ndarray]:
    """`measured` (2, M) and `features` (2, VIEWS, C) of an object, standing and lying; views of random kinds."""
    rng = np.random.default_rng([seed, zlib.crc32(record.id.encode())])
    cloud = with_up(read_shape(record.path), record.up_axis or "y")
    if rng.random() < 0.3:
        cloud = colorless(cloud)
    elif rng.random() < 0.35:
        cloud = bare(cloud, 8192, rng)
    measured, features = [], []
    for pose in POSES:
        shape = rotated(cloud, LIE_DOWN) if pose == "lying" else cloud
        measured.append(measurements(shape))
        start = rng.uniform(0, 360)
        cameras = [Camera(start + 360 * view / VIEWS + rng.uniform(-20, 20), rng.uniform(10, 30))
                   for view in range(VIEWS)]
        features.append(tower.features(render_views(shape, cameras, tower.view_size)).numpy())
    return {"measured": np.stack(measured), "features": np.stack(features).astype(np.float16)}


def train(found: list[dict[str, np.ndarray]], seed: int = 0) -> UprightTest:
    """From the looks at some objects."""
    measured = torch.from_numpy(np.stack([arrays["measured"] for arrays in found]))  # (N, 2, M)
    features = torch.from_numpy(np.stack([arrays["features"] for arrays in found])).float()  # (N, 2, V, C)
    torch.manual_seed(seed)
    order = torch.randperm(len(found))
    halves = order[: len(found) // 2], order[len(found) // 2 :]
    logits = torch.zeros(len(found), 2)  # of both looks at the standing object; the lying one's are the reverse
    for own, other in (halves, halves[::-1]):
        test = UprightTest(_looks(measured[own], features[own]) | {"joined": torch.tensor([1.0, 1.0, 0.0])})
        logits[other] = _both(test, measured[other], features[other])
    inputs = torch.cat([logits, -logits])
    joined = _regression(inputs, torch.cat([torch.zeros(len(logits)), torch.ones(len(logits))]))
    return UprightTest(_looks(measured, features) | {"joined": joined})


def accuracy(test: UprightTest, found: list[dict[str, np.ndarray]]) -> dict[str, float]:
    """Percent of objects that are left standing, and of lying ones that are stood up, at a margin of 0."""
    standing = lying = 0
    for arrays in found:
        measured, features = torch.from_numpy(arrays["measured"]), torch.from_numpy(arrays["features"]).float()
        standing += test(measured[0], features[0], features[1]) <= 0
        lying += test(measured[1], features[1], features[0]) > 0
    return {"standing": round(100 * standing / len(found), 1), "lying": round(100 * lying / len(found), 1)}


def _both(test: UprightTest, measured: Tensor, features: Tensor) -> Tensor:
    """(N, 2): what geometry and views say against the standing objects."""
    views = features @ test.weights["view.weight"] + test.weights["view.bias"]  # (N, 2, V)
    difference = views[:, 1].mean(1) - views[:, 0].mean(1)
    geometry = (test.geometry(measured[:, 0]) - test.geometry(measured[:, 1])) / 2
    return torch.stack([geometry, difference], 1)


def _looks(measured: Tensor, features: Tensor) -> dict[str, Tensor]:
    """The weights of both looks."""
    standing, lying = features[:, 0].flatten(0, 1), features[:, 1].flatten(0, 1)
    inputs = torch.cat([standing, lying])
    mean, deviation = inputs.mean(0), inputs.std(0) + MARGIN_SPREAD
    layer = nn.Linear(inputs.shape[1], 1)
    nn.init.zeros_(layer.weight)
    wanted = torch.cat([torch.ones(len(standing)), torch.zeros(len(lying))])
    _fit(layer, lambda rows: layer((inputs[rows] - mean) / deviation)[:, 0], wanted, 400, 3e-3)
    weight = (layer.weight[0] / deviation).detach()
    found = {"view.weight": weight, "view.bias": layer.bias[0].detach() - weight @ mean}

    flat = measured.flatten(0, 1)  # standing, lying, standing, …
    mean, deviation = flat.mean(0), flat.std(0) + 1e-3
    scaled = ((flat - mean) / deviation).clamp(-CLIP, CLIP)
    network = nn.Sequential(nn.Linear(flat.shape[1], HIDDEN), nn.ReLU(), nn.Dropout(0.3), nn.Linear(HIDDEN, 1))
    _fit(network, lambda rows: network(scaled[rows])[:, 0], torch.tensor([0.0, 1.0]).repeat(len(measured)), 2000, 2e-3)
    return found | {"mean": mean, "deviation": deviation, "hidden.weight": network[0].weight.detach(),
                    "hidden.bias": network[0].bias.detach(), "output.weight": network[3].weight[0].detach(),
                    "output.bias": network[3].bias[0].detach()}  # fmt: skip


def _fit(module: nn.Module, logits: Callable[[Tensor], Tensor], wanted: Tensor, steps: int, rate: float) -> None:
    optimizer = torch.optim.AdamW(module.parameters(), lr=rate, weight_decay=0.1)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        rows = torch.randint(len(wanted), (256,), generator=generator)
        loss = F.binary_cross_entropy_with_logits(logits(rows), wanted[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _regression(inputs: Tensor, wanted: Tensor) -> Tensor:
    """Factors and bias (3,) of a logistic regression on two columns."""
    weights = torch.tensor([1.0, 1.0, 0.0], requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=100)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(inputs @ weights[:2] + weights[2], wanted)
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach()
