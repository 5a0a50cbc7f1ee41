"""Cross-modal retrieval by mean average precision, as in the paper's Table 1 (section 5.3): 3D → 3D, image → 3D,
3D → image and text → 3D.

Something is relevant to a query where it has the same label. An object, or a picture of it, is never in the gallery of
its own queries, so that what is found is another thing of its kind; queries for which none is left are left out and
counted. Pictures are the record's own, else views drawn from cameras that the joint space doesn't use itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..bind import PointBind
from ..data.templates import TEMPLATES, fill
from ..errors import DataError
from ..inputs.image import read_image
from ..inputs.orientation import with_up
from ..inputs.views import Camera, render_views
from . import metrics
from .embedding import embed_each, embed_objects, recogniser, witnesses_of
from .objects import Objects, Target, read_target
from .pictures import Thumbnails
from .provenance import Run
from .report import Card, Gallery, Heading, Report, Table, Text, Tile
from .stores import file_key, key_of

# Away from the ring that the views witness uses: in between in yaw, lower and higher.
CAMERAS = (Camera(0.0, 8.0), Camera(155.0, 38.0))
PICTURE_SIDE = 320
EXAMPLES = 8
DIRECTIONS = {"3d-3d": "3D → 3D", "image-3d": "image → 3D", "3d-image": "3D → image", "text-3d": "text → 3D"}
# Table 1 of the paper: mAP in percent on ModelNet40 (2,468 test objects, 40 classes).
PAPER = {
    "PointCLIP": (37.63, 13.12, 5.28, 10.86), "PointCLIP-V2": (47.94, 20.48, 9.22, 52.73),
    "ULIP": (60.58, 20.30, 29.75, 50.51), "Point-Bind": (63.23, 34.59, 42.83, 64.50),
}


@dataclass(frozen=True)
class Side:
    """Queries or gallery: vectors (N, D), their labels and names, and the ids of the objects they are of ("": none)."""

    vectors: np.ndarray
    labels: list[str]
    owners: list[str]
    names: list[str]


def run_retrieval(run: Run, objects: Objects, bind: PointBind | None = None) -> Report:
    """Rank the gallery for every query of the four directions, by each witness and by the profile's own way of seeing.

    Raises DataError where fewer than two objects can be read.
    """
    bind = bind or PointBind.from_pretrained(run.profile)
    targets = objects.targets
    thumbnails = Thumbnails(run.cache / "thumbnails")
    witnesses = witnesses_of(bind, run.witness)
    embedded = embed_objects(run, bind, targets, "mesh", witnesses, thumbnails)
    seen = [t for t in targets if t.id not in embedded.failures]
    if len(seen) < 2:
        raise DataError(f"{objects.origin}: {len(seen)} readable objects; retrieval needs at least two")
    rows = [row for row, t in enumerate(targets) if t.id not in embedded.failures]
    shapes = {w: _side(vectors[rows], seen) for w, vectors in embedded.vectors.items()}
    pictures, own = _pictures(run, bind, seen)
    texts = _texts(run, bind, seen)

    results = {}
    for witness, shape in shapes.items():
        pairs = {"3d-3d": (shape, shape), "image-3d": (pictures, shape), "3d-image": (shape, pictures),
                 "text-3d": (texts, shape)}
        results[witness] = {name: _ranked(*pair) for name, pair in pairs.items()}
    main = witnesses[-1]
    chance = {name: metrics.chance_map(*_relevant(*pair)) for name, pair in {
        "3d-3d": (shapes[main], shapes[main]), "image-3d": (pictures, shapes[main]),
        "3d-image": (shapes[main], pictures), "text-3d": (texts, shapes[main])}.items()}

    report = Report("retrieval", "Cross-modal retrieval", objects.origin)
    report.summary = {"objects": len(targets), "unreadable": len(embedded.failures),
                      **{name: _figures(found) for name, found in results[main].items()},
                      "witnesses": {w: {name: found.map for name, found in part.items()}
                                    for w, part in results.items()}}
    report.tiles = [Tile(DIRECTIONS[name], found.map, "%", f"mAP; chance {chance[name]:.1f}")
                    for name, found in results[main].items()]
    report.add(Heading("Results"), Text(
        f"{len(seen)} objects of {len({t.label for t in seen})} labels; pictures: "
        f"{f'the own ones of {own} objects, else ' if own else ''}views from {len(CAMERAS)} cameras that the joint "
        "space doesn't use. A text query is a/an [label]. An object is not in the gallery of its own queries."))
    report.add(Table(
        ["direction", "seen by", "mAP", "R@1", "R@5", "chance mAP", "queries", "left out"],
        [[DIRECTIONS[name], witness, found.map, found.recall[1], found.recall[5],
          chance[name], found.queries, found.left_out]
         for name in DIRECTIONS for witness, part in results.items() for found in [part[name]]],
        note="In percent. Relevant: the same label. Left out: queries to which nothing else in the gallery is "
             "relevant. Chance: mAP of random rankings."))
    report.add(Heading("Beside the paper"), Table(
        ["method", *DIRECTIONS.values()],
        [*([name, *values] for name, values in PAPER.items()),
         ["this run", *(results[main][name].map for name in DIRECTIONS)]],
        note="mAP in percent. The paper's rows are its Table 1, on ModelNet40 with 2,468 objects of 40 classes; this "
             f"run is on {len(seen)} objects of {len({t.label for t in seen})} labels. Numbers can be compared only "
             "where both are on the same objects."))
    _add_examples(report, seen, shapes[main], texts, thumbnails)
    if embedded.failures:
        report.add(Heading("Unreadable objects"), Table(["object", "reason"], sorted(embedded.failures.items()),
                                                        note="They are neither queries nor in the gallery."))
    report.items = [
        {"key": f"{name}|{witness}|{query}", "group": f"{name}, {witness}", "score": float(precision)}
        for witness, part in results.items() for name, found in part.items()
        for query, precision in zip(_query_names(name, shapes[witness], pictures, texts), found.average_precision,
                                    strict=True) if not np.isnan(precision)]
    return report


def _query_names(direction: str, shape: Side, pictures: Side, texts: Side) -> list[str]:
    return {"3d-3d": shape, "image-3d": pictures, "3d-image": shape, "text-3d": texts}[direction].names


def _side(vectors: np.ndarray, targets: Sequence[Target]) -> Side:
    return Side(vectors, [t.label for t in targets], [t.id for t in targets], [t.id for t in targets])


def _texts(run: Run, bind: PointBind, targets: Sequence[Target]) -> Side:
    labels = sorted({t.label for t in targets})
    return Side(recogniser(run, bind, labels, TEMPLATES[:1]).label_vectors, labels, [""] * len(labels), labels)


def _pictures(run: Run, bind: PointBind, targets: Sequence[Target]) -> tuple[Side, int]:
    """Pictures of all objects, and how many objects have their own."""
    size = max([len(CAMERAS), *(len(t.images) for t in targets)])
    items = [(key_of(file_key(t.path), *map(file_key, t.images), CAMERAS, size),
              lambda t=t: _picture_vectors(bind, t, size)) for t in targets]
    found, _ = embed_each(run, bind, f"pictures-{size}", items, (size, bind.dim))
    vectors, labels, owners, names = [], [], [], []
    for target, (key, _) in zip(targets, items, strict=True):
        for number, vector in enumerate(found.get(key, ())):
            if np.abs(vector).max() > 0:
                vectors.append(vector)
                labels.append(target.label)
                owners.append(target.id)
                names.append(f"{target.id}#{number}")
    if not vectors:
        raise DataError("none of the objects has a picture, nor can one be drawn")
    return Side(np.stack(vectors), labels, owners, names), sum(bool(t.images) for t in targets)


@torch.inference_mode()
def _picture_vectors(bind: PointBind, target: Target, size: int) -> np.ndarray:
    """(size, D): the object's pictures as uploads of images are embedded, zeros beyond the last."""
    from PIL import Image

    if target.images:
        images = [read_image(path) for path in target.images]
    else:
        cloud = read_target(target)
        upright = with_up(cloud, cloud.metadata.up_axis or "y")
        images = [Image.fromarray(view) for view in render_views(upright, list(CAMERAS), PICTURE_SIDE)]
    vectors = np.zeros((size, bind.dim), np.float32)
    vectors[:len(images)] = bind.space.embed_images(images).float().cpu().numpy()
    return vectors


def _relevant(queries: Side, gallery: Side) -> tuple[np.ndarray, np.ndarray]:
    """(Q, G) bool: the same label; and not the same object."""
    same = np.array(queries.labels)[:, None] == np.array(gallery.labels)[None]
    mine = np.array(queries.owners)[:, None] == np.array(gallery.owners)[None]
    return same, ~mine


def _ranked(queries: Side, gallery: Side) -> metrics.Retrieval:
    return metrics.retrieval(queries.vectors @ gallery.vectors.T, *_relevant(queries, gallery))


def _figures(found: metrics.Retrieval) -> dict[str, float]:
    return {"map": found.map, "r1": found.recall[1], "r5": found.recall[5], "queries": found.queries,
            "left_out": found.left_out}


def _add_examples(report: Report, targets: Sequence[Target], shapes: Side, texts: Side, thumbnails: Thumbnails) -> None:
    """What some sentences and some objects find first."""
    report.add(Heading("What is found"))
    for row in range(0, len(texts.names), max(1, len(texts.names) // EXAMPLES))[:EXAMPLES]:
        order = np.argsort(-(shapes.vectors @ texts.vectors[row]), kind="stable")[:4]
        there = shapes.labels.count(texts.names[row])
        report.add(Heading(f"Text: {fill(texts.names[row], TEMPLATES[:1])[0]} ({there} in the gallery)", 3),
                   Gallery([_found(targets[i], texts.names[row], thumbnails) for i in order]))
    several = [i for i, label in enumerate(shapes.labels) if shapes.labels.count(label) > 1]
    for row in several[:: max(1, len(several) // EXAMPLES)][:EXAMPLES]:
        similarity = shapes.vectors @ shapes.vectors[row]
        similarity[row] = -np.inf
        order = np.argsort(-similarity, kind="stable")[:3]
        query = Card(thumbnails.of(targets[row]), targets[row].label, [("query", targets[row].id)], None,
                     thumbnails.file(targets[row]).stem)
        there = shapes.labels.count(shapes.labels[row]) - 1
        report.add(Heading(f"3D: {targets[row].label} ({there} other in the gallery)", 3),
                   Gallery([query, *(_found(targets[i], targets[row].label, thumbnails) for i in order)]))


def _found(target: Target, wanted: str, thumbnails: Thumbnails) -> Card:
    return Card(thumbnails.of(target), target.label, [("object", target.id)], target.label == wanted,
                thumbnails.file(target).stem)
