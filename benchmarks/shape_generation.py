"""How well generated shapes are what was asked for, how new they are, and how long they take.

    python benchmarks/shape_generation.py --data FOLDER [--cache CACHE] [--profile embedded] [--labels A,B,C]
        [--seeds 5] [--guidance G] [--best-of 4] [--sheet docs/images/generated.webp] [--quick]
        [--out checkpoints/embedded/generator/results.json]

FOLDER is the data folder that the generator was trained on; CACHE its run's cache of fields, made where it lacks any.
Labels, unless named: the 20 with most real (not procedural) training objects among those that the procedural
generator knows as well. Of each, `seeds` shapes are asked for with the words "a LABEL". Judges, over all labels:

- point: the point tower alone on 8,192 points of the surface; it takes no part in generating or choosing;
- views: the image tower on pictures of the surface, the same that chooses the best of several. Its figure for
  best_of = 1 is the one to go by.

`real` are held-out objects of the same labels before the same judges: what could be hoped for. Also asked with, without
best-of: a rendered view of held-out objects, twelve frames of a film around them, their points as a file of bare points
is seen, and as the point tower alone sees them; and sounds of the data folder, five of each label that makes one,
beside the words for these labels. `diversity`: the mean chamfer distance between shapes of one label. `new`: that
distance (mean of both ways, in units of half the longest side) from each shape to the training object that overlaps
most with it in any of four turns, mirrored or not; and the same for held-out objects, which are no copies.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.spatial import cKDTree

from pointllm import PointBind
from pointllm.data.records import Record, read_labels, read_records, read_sounds
from pointllm.data.templates import QUICK_TEMPLATES, with_article
from pointllm.inputs import read_input, read_shape
from pointllm.inputs.mesh import Mesh, is_watertight, sample_surface
from pointllm.inputs.orientation import with_up
from pointllm.inputs.views import Camera, render_views, ring
from pointllm.profiles import resolve
from pointllm.tasks.fingerprint import fingerprint
from pointllm.tasks.generation import Shape, ShapeGenerator
from pointllm.tasks.generation.grids import Grids
from pointllm.tasks.generation.surface import EmptyShape, extract, fine
from pointllm.tasks.label_cache import LabelCache
from pointllm.tasks.labels import word_vectors
from pointllm.training.generator_data import load_fields
from pointllm.training.generator_fields import coarse, field_of, mirrored, turned

SHORTLIST = 80  # looks of training objects whose overlap is looked at exactly
POINTS = 2048  # for distances
SOUNDS = 5  # of a label
FRAMES = 12  # of a film around an object


def chosen_labels(records: Sequence[Record], count: int) -> list[str]:
    """The rule in this file's head."""
    train = [record for record in records if record.split == "train"]
    procedural = {record.label for record in train if record.source == "procedural"}
    real = Counter(record.label for record in train if record.source != "procedural")
    ranked = sorted(real.items(), key=lambda pair: (-pair[1], pair[0]))
    return [label for label, _ in ranked if not procedural or label in procedural][:count]


class Judges:
    """Both towers, and the labels' embeddings."""

    def __init__(self, bind: PointBind, names: list[str], profile: str, generator: ShapeGenerator) -> None:
        self.bind, self.names, self.generator = bind, names, generator
        self.vectors = word_vectors(bind, names, QUICK_TEMPLATES, LabelCache(fingerprint(profile, "text"),
                                                                             QUICK_TEMPLATES))

    def judged(self, shapes: Sequence[Shape | None], labels: Sequence[str]) -> dict:
        """Top-1 and top-5 in percent by each judge; an empty shape (None) is never recognised."""
        there = [shape for shape in shapes if shape is not None]
        rows = np.flatnonzero([shape is not None for shape in shapes])
        seen = {"point": self.bind.space.point_tower.embed([shape.cloud(8192) for shape in there]).numpy(),
                "views": self.generator.views_of(there)}
        report = {"empty": len(shapes) - len(there)} if len(there) < len(shapes) else {}
        for name, found in seen.items():
            vectors = np.zeros((len(shapes), found.shape[1]), np.float32)
            vectors[rows] = found
            report[name] = self.accuracy(vectors, labels)
        return report

    def accuracy(self, vectors: np.ndarray, labels: Sequence[str]) -> dict:
        """Of embeddings (N, D), zero where there is nothing to recognise."""
        order = np.argsort(-(vectors @ self.vectors.T), axis=1)[:, :5]
        hits = np.array([[self.names[place] == label for place in row]
                         for row, label in zip(order, labels, strict=True)]) & vectors.any(1)[:, None]
        by_label: dict[str, list[bool]] = {}
        for label, row in zip(labels, hits, strict=True):
            by_label.setdefault(label, []).append(bool(row.any()))
        return {"top1": percent(hits[:, 0]), "top5": percent(hits.any(1)), "count": len(labels),
                "top5_by_label": {label: f"{sum(found)}/{len(found)}" for label, found in sorted(by_label.items())}}


def made(generator: ShapeGenerator, vector: np.ndarray, seed: int, guidance: float | None,
         best_of: int = 1) -> Shape | None:
    """One shape, or None where it is empty."""
    try:
        return generator.generate(vector, 1, seed, guidance, best_of)[0]
    except EmptyShape:
        return None


def percent(values: Sequence[bool] | np.ndarray) -> float:
    return round(float(np.mean(values)) * 100, 1)


def held_out_shapes(records: Sequence[Record], generator: ShapeGenerator) -> list[tuple[Record, Shape, Shape]]:
    """Real objects, and the same drawn from their grids as generated ones are: what a perfect generator would make."""
    found = []
    for record in records:
        mesh = with_up(read_shape(record.path, samples=32), record.up_axis or "y").mesh
        if mesh is not None:
            field = field_of(mesh, generator.model.sizes.grids)
            found.append((record, Shape(mesh, 0), Shape(drawn(field, generator), 0)))
    return found


def drawn(field: dict[str, np.ndarray], generator: ShapeGenerator) -> Mesh:
    """The surface of a field, as that of a generated one is made."""
    settings = generator.settings
    distance = field["distance"].astype(np.float32) / 127 * generator.model.sizes.grids.reach
    return extract(fine(distance, settings["resolution"]),
                   fine(field["color"].astype(np.float32) / 255, settings["resolution"]), settings["level"])


def inside_of(mesh: Mesh, size: int) -> np.ndarray:
    """(size, size, size) bool: cells whose centre is inside a closed mesh."""
    import open3d as o3d

    scene = o3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(o3d.core.Tensor(mesh.vertices), o3d.core.Tensor(mesh.faces.astype(np.uint32)))
    return scene.compute_occupancy(o3d.core.Tensor(Grids.centres(size)), nthreads=1).numpy() > 0.5


class Novelty:
    """Distances to the nearest training object; all surfaces are drawn from grids, so thickened alike."""

    def __init__(self, records: Sequence[Record], generator: ShapeGenerator, cache: Path) -> None:
        self.generator, self.size = generator, generator.model.sizes.grids.size
        self.fields = load_fields(records, generator.model.sizes.grids, cache)
        self.ids = list(self.fields)
        self.small = np.stack([self._coarse(self.fields[identity]["distance"] < 0) for identity in self.ids])

    @staticmethod
    def _coarse(inside: np.ndarray) -> np.ndarray:
        return coarse(np.where(inside, -1, 1), 4).reshape(-1).astype(np.float32)

    def distance(self, shape: Shape) -> float:
        """Chamfer distance to the training object that overlaps most."""
        inside = inside_of(shape.mesh, self.size)
        looks = [turned(one, turns) for one in (inside, mirrored(inside)) for turns in range(4)]
        best = (-1.0, "", 0)
        queries = np.stack([self._coarse(look) for look in looks])
        gaps = (self.small**2).sum(1)[None] - 2 * queries @ self.small.T  # (8, N), less what is the same for all
        for flat in np.argsort(gaps, axis=None)[:SHORTLIST]:
            look, row = divmod(int(flat), len(self.ids))
            other = self.fields[self.ids[row]]["distance"] < 0
            overlap = (looks[look] & other).sum() / max(1, (looks[look] | other).sum())
            best = max(best, (float(overlap), self.ids[row], look))
        _, identity, look = best
        theirs = sample_surface(drawn(self.fields[identity], self.generator), POINTS, 0)[0]
        return chamfer(theirs, placed(sample_surface(shape.mesh, POINTS, 0)[0], look))


def chamfer(one: np.ndarray, other: np.ndarray) -> float:
    """Between points (N, 3) and (M, 3): the mean of both ways' mean distances."""
    return float(cKDTree(one).query(other)[0].mean() + cKDTree(other).query(one)[0].mean()) / 2


def diversity(rows: Sequence[Sequence[Shape | None]]) -> float:
    """The mean chamfer distance between two shapes of a row."""
    found = []
    for row in rows:
        clouds = [sample_surface(shape.mesh, POINTS, 0)[0] for shape in row if shape is not None]
        found += [chamfer(one, other) for one, other in combinations(clouds, 2)]
    return round(float(np.mean(found)), 4) if found else 0.0


def placed(xyz: np.ndarray, look: int) -> np.ndarray:
    """Points turned, and mirrored, as the grids of `Novelty.distance` are."""
    xyz = xyz * ((-1, 1, 1) if look >= 4 else (1, 1, 1))
    for _ in range(look % 4):  # as np.rot90 with axes (z, x) does
        xyz = np.stack([xyz[:, 2], xyz[:, 1], -xyz[:, 0]], 1)
    return xyz


def spread(values: Sequence[float]) -> dict:
    """Quartiles and the tenth."""
    return {f"p{share}": round(float(np.percentile(values, share)), 4) for share in (10, 25, 50, 75)}


def contact_sheet(rows: list[list[Shape | None]], labels: Sequence[str], file: Path, size: int = 128) -> None:
    """A row a label, its name beside it; as small a file as it takes."""
    from PIL import ImageDraw

    half = (len(rows) + 1) // 2
    across = max(map(len, rows))
    width = 92 + across * size
    picture = Image.new("RGB", (2 * width, half * size), "white")
    draw = ImageDraw.Draw(picture)
    for number, (shapes, label) in enumerate(zip(rows, labels, strict=True)):
        left, top = number // half * width, number % half * size
        draw.text((left + 6, top + size // 2 - 6), label, fill="black")
        for place, shape in enumerate(shapes):
            if shape is None:
                continue
            view = render_views(shape.cloud(64), [Camera(35, 22)], size)[0]
            picture.paste(Image.fromarray(view), (left + 92 + place * size, top))
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file, quality=82, method=6) if file.suffix == ".webp" else picture.save(file)


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="default: DATA/cache")
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--labels", help="comma separated, instead of the 20 of the rule")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--best-of", type=int, default=4)
    parser.add_argument("--sheet", type=Path, help="write a contact sheet there (.webp, .png, .jpg)")
    parser.add_argument("--quick", action="store_true", help="text only, without best-of and held-out objects")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    folder = resolve(args.profile)
    bind = PointBind.from_pretrained(args.profile)
    generator = ShapeGenerator.from_folder(folder, bind)
    records = [record for record in read_records(args.data) if record.path]
    labels = args.labels.split(",") if args.labels else chosen_labels(records, 20)
    judges = Judges(bind, sorted(read_labels(args.data)), args.profile, generator)
    report: dict = {"profile": args.profile, "towers": fingerprint(args.profile), "labels": labels,
                    "seeds": args.seeds, "guidance": args.guidance or generator.settings["guidance"],
                    "cores": os.cpu_count(), "threads": torch.get_num_threads()}

    def section(name: str, found: dict) -> None:
        report[name] = found
        print(name, json.dumps(found), flush=True)
        if args.out:
            args.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")

    asked = dict(zip(labels, bind.embed_text([with_article(label) for label in labels]), strict=True))
    repeated = [label for label in labels for _ in range(args.seeds)]

    def drawn_by_words(best_of: int) -> list[list[Shape | None]]:
        return [[made(generator, asked[label], seed, args.guidance, best_of) for seed in range(args.seeds)]
                for label in labels]

    begun, used = time.monotonic(), time.process_time()
    rows = drawn_by_words(1)
    flat = [shape for row in rows for shape in row]
    there = [shape for shape in flat if shape is not None]
    seconds = {"clock": round((time.monotonic() - begun) / len(flat), 3),
               "processor": round((time.process_time() - used) / len(flat), 3)}
    section("text", judges.judged(flat, repeated) | {
        "seconds_per_shape": seconds, "diversity": diversity(rows),
        "watertight": percent([bool(is_watertight(shape.mesh)) for shape in there])})
    if args.sheet:
        contact_sheet(rows, labels, args.sheet)
    novelty = Novelty([record for record in records if record.split == "train"], generator,
                      args.cache or args.data / "cache")
    new = {"generated": spread([novelty.distance(shape) for shape in there]), "training objects": len(novelty.ids)}
    section("new", new)
    if args.quick:
        return

    begun, used = time.monotonic(), time.process_time()
    best = [shape for row in drawn_by_words(args.best_of) for shape in row]
    seconds = {"clock": round((time.monotonic() - begun) / len(best), 3),
               "processor": round((time.process_time() - used) / len(best), 3)}
    section(f"text, best of {args.best_of}", judges.judged(best, repeated) | {"seconds_per_shape": seconds})

    held_out = held_out_shapes([r for r in records if r.split == "val" and r.label in labels], generator)
    real_labels = [record.label for record, _, _ in held_out]
    real, redrawn = [shape for _, shape, _ in held_out], [shape for _, _, shape in held_out]
    section("real", judges.judged(real, real_labels))
    section("real, drawn from grids", judges.judged(redrawn, real_labels))
    size = bind.space.image_tower.view_size
    pictures = [render_views(shape.cloud(64), [Camera(35, 20)], size) for shape in real]
    films = [render_views(shape.cloud(64), ring(FRAMES), size) for shape in real]
    bare = [replace(shape.cloud(8192), mesh=None) for shape in real]
    asked_with = {
        "one view": [bind.space.image_tower.embed_features(bind.space.image_tower.features(p)[None])[0]
                     for p in pictures],
        "video": [bind.space.embed_video([Image.fromarray(frame) for frame in film]) for film in films],
        "points": [bind.space.embed_shape(cloud) for cloud in bare],
        "points, tower alone": [bind.space.point_tower.embed([cloud])[0] for cloud in bare],
    }
    for name, vectors in asked_with.items():
        shapes = [made(generator, vector.numpy(), 0, args.guidance) for vector in vectors]
        section(name, judges.judged(shapes, real_labels))
    sounds: dict[str, list[Path]] = {}
    for sound in read_sounds(args.data):
        if sound.object_label in judges.names:
            sounds.setdefault(sound.object_label, []).append(sound.path)
    heard = [(label, path) for label, paths in sounds.items()
             for path in paths[:: max(1, len(paths) // SOUNDS)][:SOUNDS]]
    if heard:
        makers = [label for label, _ in heard]
        vectors = [bind.embed_input(read_input(path)) for _, path in heard]
        words = bind.embed_text([with_article(label) for label in makers])
        for name, rows in (("sound", vectors), ("words of the sounds' labels", words)):
            shapes = [made(generator, vector, place % SOUNDS, args.guidance) for place, vector in enumerate(rows)]
            section(name, judges.judged(shapes, makers))

    section("new", new | {"held_out": spread([novelty.distance(shape) for shape in redrawn])})


if __name__ == "__main__":
    main()
