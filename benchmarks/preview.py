"""How long a large 3D file takes from the upload to something to look at: read, measure, write the preview.

    python benchmarks/preview.py [--megabytes 20] [--repeats 3]

A bumpy sphere as a binary .ply, once as a coloured mesh and once as a coloured cloud, through `app.looking.look_at` as
an upload goes. Processor seconds are told beside those of the clock: on a busy machine only they say something. Writes
benchmarks/results/preview.json and prints a table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from yardstick import machine, write  # noqa: E402

from app.looking import look_at  # noqa: E402
from pointllm.inputs import read_shape  # noqa: E402

VERTEX = [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1")]
FACE = [("count", "u1"), ("corners", "<i4", 3)]


def bumpy_sphere(rings: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (2 rings², 6) of position and colour in [0, 1], and faces (F, 3), of a grid of latitudes."""
    latitude, longitude = np.meshgrid(np.linspace(0.01, np.pi - 0.01, rings), np.linspace(0, 2 * np.pi, 2 * rings),
                                      indexing="ij")
    radius = 1 + 0.08 * np.sin(9 * longitude) * np.sin(7 * latitude)
    xyz = np.stack([radius * np.sin(latitude) * np.cos(longitude), radius * np.cos(latitude),
                    radius * np.sin(latitude) * np.sin(longitude)], axis=-1).reshape(-1, 3)
    corner = (np.arange(rings - 1)[:, None] * 2 * rings + np.arange(2 * rings - 1)).ravel()
    faces = np.concatenate([np.stack([corner, corner + 1, corner + 2 * rings], 1),
                            np.stack([corner + 1, corner + 2 * rings + 1, corner + 2 * rings], 1)])
    return np.concatenate([xyz, (xyz + 1.1) / 2.2], axis=1), faces


def write_ply(path: Path, megabytes: float, with_faces: bool) -> None:
    """A binary .ply of about so many megabytes."""
    each = np.dtype(VERTEX).itemsize + (2 * np.dtype(FACE).itemsize if with_faces else 0)
    values, faces = bumpy_sphere(int(np.sqrt(megabytes * 1e6 / each / 2)))
    vertices = np.empty(len(values), VERTEX)
    for place, (name, *_) in enumerate(VERTEX):
        vertices[name] = values[:, place] if place < 3 else values[:, place] * 255
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(vertices)}",
              *[f"property {'float' if kind == '<f4' else 'uchar'} {name}" for name, kind in VERTEX]]
    if with_faces:
        header += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
    packed = np.empty(len(faces), FACE)
    packed["count"], packed["corners"] = 3, faces
    path.write_bytes("\n".join([*header, "end_header", ""]).encode() + vertices.tobytes()
                     + (packed.tobytes() if with_faces else b""))


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the preview of large 3D files.")
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.ply"
        write_ply(small, 0.1, True)
        look_at(str(small))  # what is imported at first use is there from now on
        for kind in ("mesh", "cloud"):
            path = Path(folder) / f"{kind}.ply"
            write_ply(path, options.megabytes, kind == "mesh")
            clock, processor = [], []
            for _ in range(options.repeats):
                started = time.perf_counter(), time.process_time()
                look = look_at(str(path))
                clock.append(time.perf_counter() - started[0])
                processor.append(time.process_time() - started[1])
            started = time.process_time()
            read_shape(path)
            rows[kind] = {
                "megabytes": round(path.stat().st_size / 1e6, 1), "seconds": round(min(clock), 3),
                "processor_seconds": round(min(processor), 3), "reading_alone": round(time.process_time() - started, 3),
                "preview_kilobytes": round(Path(look.preview).stat().st_size / 1e3),
            }
            print(f"{kind}: {rows[kind]}")
    write("preview.json", {"machine": machine(), "files": rows})


if __name__ == "__main__":
    main()
