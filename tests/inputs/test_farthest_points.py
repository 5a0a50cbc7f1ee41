import sys

import numpy as np

from pointllm.inputs.point_cloud import farthest_points


def spacing(points: np.ndarray) -> float:
    """Smallest distance between two of points (N, 3)."""
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return float(distance[np.triu_indices(len(points), 1)].min())


def test_without_the_compiled_sampler_points_are_as_evenly_spread(monkeypatch):
    xyz = np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32)
    compiled = farthest_points(xyz, 200)
    monkeypatch.setitem(sys.modules, "fpsample", None)  # importing it raises ImportError
    plain = farthest_points(xyz, 200)
    assert len(set(plain.tolist())) == 200
    assert spacing(xyz[plain]) > 0.9 * spacing(xyz[compiled])
    assert spacing(xyz[plain]) > 3 * spacing(xyz[:200])
