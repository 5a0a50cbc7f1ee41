"""Every object of a data folder as one sampled, normalised cloud: read once, kept in one file.

Reads through `pointllm.inputs`, so training sees the clouds that the product sees. Run:
`python -m pointllm.training.point_clouds --data FOLDER --out runs/clouds.npz`
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np

from pointllm.errors import PointLLMError
from pointllm.inputs.point_cloud import farthest_points
from pointllm.inputs.shape import read_shape

logger = logging.getLogger("pointllm")

# Candidates of an evened-out subset, and its size: as `PointCloud.resampled` chooses them.
EVEN_CANDIDATES, EVEN_POINTS = 4096, 1024


def read_records(data: Path) -> list[dict]:
    """Rows of `objects.jsonl`."""
    lines = (data / "objects.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def sample_objects(data: Path, points: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Arrays ids (N,), xyz (N, points, 3) float16, rgb (N, points, 3) uint8, has_color (N,) bool.

    Objects that cannot be read are left out and named in the log. Coordinates are in the unit sphere, where
    float16 is good to 1/2000 of the radius.
    """
    ids, xyz, rgb, has_color = [], [], [], []
    for number, record in enumerate(read_records(data)):
        try:
            cloud = read_shape(data / record["path"], samples=points, seed=seed).normalized().resampled(points, seed)
        except PointLLMError as error:
            logger.warning("left out %s: %s", record["id"], error)
            continue
        ids.append(record["id"])
        xyz.append(cloud.xyz.astype(np.float16))
        has_color.append(cloud.rgb is not None)
        color = np.full_like(cloud.xyz, 0.5) if cloud.rgb is None else cloud.rgb
        rgb.append(np.round(color * 255).astype(np.uint8))
        if number % 200 == 0:
            logger.info("%d objects read", number + 1)
    return {
        "ids": np.array(ids),
        "xyz": np.stack(xyz),
        "rgb": np.stack(rgb),
        "has_color": np.array(has_color),
    }


def even_subsets(xyz: np.ndarray, subsets: int, seed: int = 0) -> np.ndarray:
    """Evened-out subsets of every cloud: (N, subsets, EVEN_POINTS) uint16 indices into xyz (N, P, 3).

    What resampling gives in use; too slow to repeat in every step, so some are kept for each object.
    """
    rng = np.random.default_rng(seed)
    index = np.empty((len(xyz), subsets, EVEN_POINTS), np.uint16)
    for row, cloud in enumerate(xyz.astype(np.float32)):
        for subset in range(subsets):
            chosen = rng.choice(len(cloud), min(len(cloud), EVEN_CANDIDATES), replace=False)
            index[row, subset] = chosen[farthest_points(cloud[chosen], EVEN_POINTS)]
    return index


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--points", type=int, default=8192)
    parser.add_argument("--subsets", type=int, default=6, help="evened-out subsets kept for each object")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    objects = sample_objects(args.data, args.points)
    np.savez(args.out, **objects, even=even_subsets(objects["xyz"], args.subsets))


if __name__ == "__main__":
    main()
