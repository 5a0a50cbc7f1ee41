"""Small trees of each layout, written into a folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

CORNERS = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
QUADS = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))


def put(path: Path, text: str | bytes) -> Path:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def block_obj(path: Path, size: tuple[float, float, float] = (1, 1, 1)) -> Path:
    """A box as Wavefront OBJ."""
    lines = [f"v {x} {y} {z}" for x, y, z in CORNERS * size]
    return put(path, "\n".join(lines + [f"f {' '.join(str(i + 1) for i in quad)}" for quad in QUADS]) + "\n")


def block_off(path: Path, size: tuple[float, float, float] = (1, 1, 1)) -> Path:
    """A box as OFF."""
    lines = ["OFF", f"8 {len(QUADS)} 0"] + [f"{x} {y} {z}" for x, y, z in CORNERS * size]
    return put(path, "\n".join(lines + [f"4 {' '.join(map(str, quad))}" for quad in QUADS]) + "\n")


def block_cloud(path: Path, size: tuple[float, float, float] = (1, 1, 1), count: int = 200) -> Path:
    """Points of a box as .npy."""
    points = np.random.default_rng(0).uniform(-1, 1, (count, 3))
    axis = np.abs(points).argmax(1)
    points[np.arange(count), axis] = np.sign(points[np.arange(count), axis])
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, (points * size).astype(np.float32))
    return path


def rows_of(path: Path) -> list[dict]:
    """The rows of a .jsonl file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def data_folder(root: Path, labels: tuple[str, ...] = ("chair", "table"), each: int = 2) -> Path:
    """A data folder of boxes, all of different proportions, the last of each label in val."""
    rows = []
    for a, label in enumerate(labels):
        for k in range(each):
            block_obj(root / f"objects/{label}_{k}.obj", (1 + a, 1 + k, 2))
            rows.append({"id": f"{label}_{k}", "path": f"objects/{label}_{k}.obj", "label": label,
                         "split": "val" if k == each - 1 and each > 1 else "train", "source": f"pack-{k}"})
    put(root / "objects.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    put(root / "labels.json", json.dumps({label: {"synonyms": []} for label in labels}))
    return root
