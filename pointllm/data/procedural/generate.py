"""From a seed and a number to objects, and to a data folder of them.

Object k of a label depends on the seed, the label and k only: a longer run begins with the objects of a shorter one,
and an interrupted one goes on.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...inputs.facts import dominant_colors
from ...inputs.mesh import Mesh, sample_surface
from ...inputs.point_cloud import PointCloud, ShapeMetadata
from .. import splits
from ..files import slug, write_atomic
from ..folder import DataFolder
from .captions import captions
from .glb import glb_bytes
from .model import GENERATORS, Model

SOURCE, LICENSE, CREATOR = "procedural", "CC0-1.0", "pointllm data procedural"
COLOR_POINTS = 4096  # on which the colours of the whole are measured
CHUNK = 16


@dataclass(frozen=True)
class Object:
    """A generated object: its file's bytes, and its row but for id, path and split."""

    glb: bytes
    row: dict


@dataclass(frozen=True)
class Generated:
    """How many objects and labels a folder got, and how many files were written now."""

    objects: int
    labels: int
    written: int


def make_object(label: str, number: int, seed: int = 0) -> Object:
    """Object `number` of a label.

    Raises:
        DataError: a label that there is no generator for.
    """
    if label not in GENERATORS:
        raise DataError(f"no generator makes {label!r}; known: {', '.join(sorted(GENERATORS))}")
    kind = GENERATORS[label]
    digest = hashlib.sha256(f"{seed}/{label}/{number}".encode()).digest()
    rng = np.random.default_rng(np.frombuffer(digest, np.uint32))
    model = Model(label, rng, str(rng.choice(kind.styles)))
    kind.make(model)
    vertices, faces, colors = model.mesh()
    found = _measured(vertices, faces, colors)
    size = vertices.max(axis=0) - vertices.min(axis=0)
    row = {
        "label": label,
        "category": kind.category,
        "source": SOURCE,
        "license": LICENSE,
        "creator": CREATOR,
        "colors": found,
        "captions": captions(model, found, rng),
        "tags": [model.style],
        "size_m": [round(float(extent), 4) for extent in size],
        "parts": [{"name": p.name, "count": p.count, "color": p.color} for p in model.parts.values()],
    }
    return Object(glb_bytes(vertices, faces, colors, label), row)


def _measured(vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray) -> list[str]:
    """Names of the colours of the whole, as the project measures them on any file."""
    mesh = Mesh(vertices, faces.astype(np.int32), vertex_colors=colors)
    xyz, rgb = sample_surface(mesh, COLOR_POINTS, 0)
    zero = (0.0, 0.0, 0.0)
    return dominant_colors(PointCloud(xyz, rgb, ShapeMetadata("glb", len(vertices), len(faces), 0, zero, zero), mesh))


def generate(
    out: str | Path,
    count: int,
    *,
    seed: int = 0,
    labels: Sequence[str] | None = None,
    val_share: float = 0.1,
    workers: int = 1,
) -> Generated:
    """Add `count` generated objects, spread evenly over the labels, to the data folder `out`.

    Raises:
        DataError: an unknown label; a folder that can't be written or is damaged.
    """
    chosen = sorted(GENERATORS) if labels is None else list(dict.fromkeys(labels))
    unknown = [label for label in chosen if label not in GENERATORS]
    if unknown:
        raise DataError(f"no generator makes {', '.join(unknown)}; known: {', '.join(sorted(GENERATORS))}")
    folder = DataFolder(Path(out))
    numbers: Counter[str] = Counter()
    jobs = []
    for label in islice(cycle(chosen), count):
        jobs.append((label, numbers[label], seed, str(folder.path)))
        numbers[label] += 1
    if workers > 1:
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            results = list(pool.map(_write, jobs, chunksize=CHUNK))
    else:
        results = [_write(job) for job in jobs]
    rows = [row for row, _ in results]
    chosen_splits = splits.by_share(rows, val_share, seed)
    folder.merge_objects({**row, "split": chosen_splits[row["id"]]} for row in rows)
    folder.merge_labels({row["label"]: {"category": row["category"]} for row in rows})
    folder.save()
    return Generated(len(rows), len({row["label"] for row in rows}), sum(new for _, new in results))


def _write(job: tuple[str, int, int, str]) -> tuple[dict, bool]:
    """The row of an object, its file written if it isn't there; whether it was."""
    label, number, seed, folder = job
    made = make_object(label, number, seed)
    identifier = f"procedural_{slug(label)}_{seed}_{number:05d}"
    path = f"objects/procedural/{slug(label)}/{identifier}.glb"
    target = Path(folder) / path
    new = not target.is_file() or target.stat().st_size != len(made.glb)
    if new:
        write_atomic(target, made.glb)
    return {"id": identifier, "path": path, **made.row}, new
