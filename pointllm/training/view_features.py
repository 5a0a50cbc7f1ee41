"""Features of rendered views, computed once: what the image head, the point tower and the visual cache learn from.

The image tower's trunk is frozen, so its pooled features (1,280) of every view are cached in shards, one file for
some objects, written atomically; a run that was stopped goes on where it was.

    python -m pointllm.training.view_features --data FOLDER --out runs/views [--kinds mesh,plain,…] [--part 0/2]
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import zlib
from pathlib import Path

import numpy as np
import torch

from ..encoders.compact.image_tower import ImageTower
from ..errors import PointLLMError
from ..inputs import read_shape
from ..inputs.orientation import UP_AXES, rotated
from ..inputs.point_cloud import PointCloud
from ..inputs.views import Camera, render_views, ring
from ..profiles import resolve

log = logging.getLogger("pointllm")
SHARD = 32  # objects a file
ELEVATIONS = (20.0,)
# What a view shows: (views for a training object, views for a validation object).
KINDS = {
    "mesh": (6, 6),  # as the file is
    "plain": (2, 6),  # without its colours
    "cloud8192": (2, 6),  # as a bare cloud of so many points
    "lying": (1, 2),  # with another axis up: for telling which axis is up
}


def object_seed(identifier: str, kind: str) -> int:
    """A seed that depends on nothing but the object and the kind of view."""
    return zlib.crc32(f"{identifier}/{kind}".encode())


def views_of(cloud: PointCloud, kind: str, count: int, seed: int, size: int, augment: bool) -> np.ndarray:
    """(count, size, size, 3) uint8: random cameras, lights and backgrounds where `augment`, else the product's."""
    rng = np.random.default_rng(seed)
    if kind.startswith("cloud"):
        points = cloud.resampled(int(kind[5:]), seed=seed)
        cloud = PointCloud(points.xyz, points.rgb, points.metadata, None)
    if kind == "lying":
        cloud = lie_down(cloud)
    if not augment:
        return render_views(cloud, ring(count, ELEVATIONS), size, use_colors=kind != "plain")
    start = rng.uniform(0, 360)
    pictures = []
    for index in range(count):
        camera = Camera(start + 360 * index / count + rng.uniform(-20, 20), rng.uniform(0, 40))
        background = (1.0, 1.0, 1.0) if rng.random() < 0.5 else tuple(rng.uniform(0.3, 1, 3) * rng.uniform(0.5, 1))
        pictures.append(render_views(cloud, [camera], size, background, kind != "plain", rng.uniform(0.35, 0.6))[0])
    return np.stack(pictures)


def lie_down(cloud: PointCloud) -> PointCloud:
    """The shape as it looks when a file with z up is taken for one with y up."""
    return rotated(cloud, UP_AXES["z"].T)


def atomic_save(path: Path, **arrays: np.ndarray) -> None:
    """Write an .npz such that a kill leaves either the whole file or none."""
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **arrays)
    os.replace(partial, path)


@torch.inference_mode()
def compute_shard(rows: list[dict], folder: Path, kind: str, tower: ImageTower) -> dict[str, np.ndarray]:
    """{ids (n,), features (n, V, 1280) float16}; unreadable objects are reported and left out."""
    ids, features = [], []
    for row in rows:
        train = row["split"] == "train"
        try:
            cloud = read_shape(folder / row["path"])
        except PointLLMError as error:
            log.warning("skipped %s: %s", row["id"], error)
            continue
        pictures = views_of(cloud, kind, KINDS[kind][0 if train else 1], object_seed(row["id"], kind),
                            tower.view_size, augment=train)
        ids.append(row["id"])
        features.append(tower.features(pictures).numpy().astype(np.float16))
    return {"ids": np.array(ids), "features": np.stack(features)}


def load_features(folder: Path, kind: str) -> dict[str, np.ndarray]:
    """All cached features of a kind: id → (V, 1280) float16."""
    found = {}
    for path in sorted(Path(folder).glob(f"{kind}-*.npz")):
        if ".partial" in path.name:
            continue
        with np.load(path) as shard:
            found.update(zip(shard["ids"].tolist(), shard["features"], strict=True))
    return found


def main() -> None:
    """Compute what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--part", default="0/1", help="I/N: every N-th shard from the I-th, to share the work")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    args.out.mkdir(parents=True, exist_ok=True)
    rows = [json.loads(line) for line in (args.data / "objects.jsonl").read_text().splitlines()]
    tower = ImageTower.from_folder(resolve(args.profile) / "image")
    part, parts = map(int, args.part.split("/"))
    for kind in args.kinds.split(","):
        for split in ("train", "val"):
            mine = [row for row in rows if row["split"] == split]
            for index, start in enumerate(range(0, len(mine), SHARD)):
                path = args.out / f"{kind}-{split}-{index:04d}.npz"
                if index % parts != part or path.exists():
                    continue
                atomic_save(path, **compute_shard(mine[start:start + SHARD], args.data, kind, tower))
                log.info("%s", path.name)


if __name__ == "__main__":
    main()
