"""Which axis of a shape is up, y or z: files come either way and rarely say which.

Two looks at both hypotheses. Geometry: what a shape rests on is flat and wide, its mirror planes stand, its mass lies
low; a small network weighs such measurements. Views: a logistic test on the image tower's features tells drawings of
shapes that stand from drawings of shapes that lie. Both are joined by a logistic regression. Knows points and features,
not files.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file
from scipy.spatial import cKDTree
from torch import Tensor
from torch.nn import functional as F

from ...errors import WeightsError
from ...inputs.point_cloud import PointCloud

POINTS = 2048  # that are measured
CLIP = 4.0  # standard deviations beyond which a measurement says nothing more
FLOOR = 1e-3  # of distances, in diagonals of the bounding box


def measurements(cloud: PointCloud) -> np.ndarray:
    """(50,) float32 of a shape: what hints at y or z being up, each axis by itself, and how they differ."""
    points = cloud.resampled(POINTS, seed=0).xyz.astype(np.float64)
    points -= (points.max(0) + points.min(0)) / 2
    points /= max(float(np.linalg.norm(np.ptp(points, axis=0))), 1e-12)
    as_y, as_z = _along(points, 1), _along(points, 2)
    mirror, turned = _symmetry(points)
    log_ratio = np.log((mirror[1] + FLOOR) / (mirror[2] + FLOOR))
    found = [*as_y, *as_z, *(as_y - as_z), *mirror, mirror[1] - mirror[2], log_ratio, *turned,
             np.log((turned[0] + FLOOR) / (turned[1] + FLOOR))]  # fmt: skip
    return np.asarray(found, np.float32)


def _along(points: np.ndarray, axis: int) -> np.ndarray:
    """(14,): how the shape's two ends along an axis look."""
    height = points[:, axis]
    low, high = np.quantile(height, 0.002), np.quantile(height, 0.998)
    span = max(high - low, 1e-6)
    share = np.clip((height - low) / span, 0, 1)
    plane = [other for other in range(3) if other != axis]
    across = points[:, plane]
    bottom, top = across[share < 0.08], across[share > 0.92]
    whole = np.maximum(_extent(across), 1e-6)
    centre = across.mean(0)
    offsets = [float(np.linalg.norm((end.mean(0) - centre) / whole)) if len(end) else 1.0 for end in (bottom, top)]
    return np.array([
        (share < 0.02).mean(), (share > 0.98).mean(), (share < 0.06).mean(), (share > 0.94).mean(),
        share.mean(), share.std(), *np.sort(_extent(bottom) / whole), *np.sort(_extent(top) / whole),
        span / max(float(np.linalg.norm(np.ptp(points, axis=0))), 1e-12), whole.min() / whole.max(), *offsets,
    ])  # fmt: skip


def _extent(points: np.ndarray) -> np.ndarray:
    return np.ptp(points, axis=0) if len(points) else np.zeros(points.shape[1])


def _symmetry(points: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean distance to the nearest point after mirroring each axis, and after a quarter turn about y and about z."""
    tree, some = cKDTree(points), points[::4]
    mirror, turned = [], []
    for axis in range(3):
        image = some.copy()
        image[:, axis] *= -1
        mirror.append(float(tree.query(image)[0].mean()))
    for axis in (1, 2):
        one, two = (other for other in range(3) if other != axis)
        image = some.copy()
        image[:, one], image[:, two] = some[:, two], -some[:, one]
        turned.append(float(tree.query(image)[0].mean()))
    return mirror, turned


class UprightTest:
    """Weights: `view.weight` (C,), `view.bias`; `mean`, `deviation` (M,), `hidden.weight` (H, M), `hidden.bias`,
    `output.weight` (H,), `output.bias` of the network on measurements; `joined` (3,): factors of both looks, bias."""

    def __init__(self, weights: dict[str, Tensor]):
        self.weights = weights

    @classmethod
    def from_file(cls, file: Path) -> UprightTest:
        """WeightsError when the file is missing or another one."""
        try:
            weights = {key: value.float() for key, value in load_file(file).items()}
            weights["joined"], weights["view.weight"], weights["hidden.weight"]
        except (OSError, KeyError, SafetensorError) as error:
            raise WeightsError(f"{Path(file).name} doesn't load ({str(error)[:160]}); restore it from the repository"
                               ) from error
        return cls(weights)

    def views(self, features: Tensor) -> Tensor:
        """Features of views (V, C) → scalar: how much they look like a shape that stands."""
        return (features @ self.weights["view.weight"] + self.weights["view.bias"]).mean()

    def geometry(self, measured: Tensor) -> Tensor:
        """Measurements (…, M) → (…,): > 0 where z looks like the upward axis."""
        weights = self.weights
        scaled = ((measured - weights["mean"]) / weights["deviation"]).clamp(-CLIP, CLIP)
        hidden = F.relu(F.linear(scaled, weights["hidden.weight"], weights["hidden.bias"]))
        return hidden @ weights["output.weight"] + weights["output.bias"]

    def __call__(self, measured: Tensor, as_is: Tensor, turned: Tensor) -> float:
        """The logit of "z is up": measurements (M,), features of views as it is and turned with z up (V, C)."""
        geometry, views, bias = self.weights["joined"]
        return float(geometry * self.geometry(measured) + views * (self.views(turned) - self.views(as_is)) + bias)
