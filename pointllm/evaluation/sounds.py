"""Sounds: recognised by class, finding the 3D objects that make them, and naming 3D objects by their sounds.

The last is the audio-referred recognition that the paper gains from binding with audio: among labels that have
sounds, an object is given to the class whose mean sound lies nearest. Whether the audio tower was trained on the sounds
that are given isn't known here; `folds` chooses those that it wasn't (leave-one-fold-out is training's business).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..bind import PointBind
from ..data.records import Sound
from ..data.templates import QUICK_TEMPLATES
from ..errors import DataError
from . import charts, metrics
from .embedding import embed_each, embed_objects, recogniser, sound_items, witnesses_of
from .objects import Objects
from .pictures import Thumbnails
from .provenance import Run
from .report import Card, Gallery, Heading, Picture, Report, Table, Text, Tile

EXAMPLES = 12


def run_audio(run: Run, sounds: Sequence[Sound], origin: str, objects: Objects | None = None,
              folds: Sequence[int] | None = None, bind: PointBind | None = None) -> Report:
    """Evaluate the sounds of `folds` (None: all), and with them the objects whose label makes one of the sounds."""
    sounds = [s for s in sounds if folds is None or s.fold in folds]
    if not sounds:
        raise DataError(f"{origin}: no sound in {'folds ' + ', '.join(map(str, folds)) if folds else 'audio.jsonl'}")
    bind = bind or PointBind.from_pretrained(run.profile)
    items = sound_items(bind, [s.path for s in sounds])
    found, failures = embed_each(run, bind, "sounds", items)
    unreadable = {s.path.name: failures[key] for s, (key, _) in zip(sounds, items, strict=True) if key in failures}
    vectors = np.stack([found.get(key, np.zeros(bind.dim, np.float32)) for key, _ in items])
    readable = np.array([key in found for key, _ in items])

    report = Report("audio", "Sounds", f"{origin}, {len(sounds)} sounds"
                    + (f", folds {', '.join(map(str, folds))}" if folds else ""))
    report.summary = {"sounds": len(sounds), "unreadable": len(unreadable)}
    _add_classes(run, report, bind, sounds, vectors, readable)
    if objects is not None:
        _add_objects(run, report, bind, sounds, vectors, readable, objects)
    if unreadable:
        report.add(Heading("Unreadable sounds"), Table(["sound", "reason"], sorted(unreadable.items()),
                                                       note="They count as wrong."))
    return report


def _add_classes(run: Run, report: Report, bind: PointBind, sounds: Sequence[Sound], vectors: np.ndarray,
                 readable: np.ndarray) -> None:
    wanted = [spoken_class(s) for s in sounds]
    names = sorted(set(wanted))
    top = recogniser(run, bind, names, QUICK_TEMPLATES)(vectors, max(metrics.TOPS), "audio")
    top = [row if ok else [] for row, ok in zip(top, readable, strict=True)]
    places = metrics.ranks_of_right([[p.label for p in row] for row in top], [[w] for w in wanted])
    figures = {f"top{k}": metrics.percent(places < k) for k in metrics.TOPS}
    calibration = metrics.calibration([row[0].score if row else 0.0 for row in top], places == 0)
    report.summary |= {**figures, "macro_top1": metrics.macro_percent(places == 0, wanted), "ece": calibration.ece}
    report.tiles += [Tile("sounds, top-1", figures["top1"], "%", f"over {len(names)} classes"),
                     Tile("sounds, top-3", figures["top3"]), Tile("sounds", len(sounds), "")]
    report.add(Heading("Recognition by class"), Text(
        f"{len(sounds)} sounds against {len(names)} class names. Sounds that the audio tower was trained on are "
        "recognised better than others: the held-out accuracy stands in its model card."))
    per_class = metrics.grouped_percent(places == 0, wanted)
    report.add(Table(["class", "sounds", "top-1"], [[n, c, s] for n, (c, s) in per_class.items()]))
    if any(s.fold is not None for s in sounds):
        per_fold = metrics.grouped_percent(places == 0, [str(s.fold) for s in sounds])
        report.add(Table(["fold", "sounds", "top-1"], [[n, c, s] for n, (c, s) in per_fold.items()]))
    got = [row[0].label if row else "(unreadable)" for row in top]
    if pairs := metrics.confusions(wanted, got):
        report.add(Table(["is", "was taken for", "times"], pairs))
    shown = sorted(set(names) | set(got))
    report.add(Picture("sound-confusion", charts.confusion(metrics.confusion_matrix(wanted, got, shown), shown),
                       "Rows: the class of the sound; columns: the name it was given."))
    report.items += [{"key": f"class|{s.path.parent.name}/{s.path.name}", "group": "sounds by class",
                      "label": w, "right": bool(place == 0), "top": [[p.label, round(p.score, 4)] for p in row]}
                     for s, w, place, row in zip(sounds, wanted, places, top, strict=True)]


def _add_objects(run: Run, report: Report, bind: PointBind, sounds: Sequence[Sound], vectors: np.ndarray,
                 readable: np.ndarray, objects: Objects) -> None:
    """Sound → 3D retrieval, and 3D objects recognised by the mean sound of each label."""
    made = [s.object_label if ok else None for s, ok in zip(sounds, readable, strict=True)]
    labels = sorted({label for label in made if label})
    thumbnails = Thumbnails(run.cache / "thumbnails")
    witnesses = witnesses_of(bind, run.witness)
    embedded = embed_objects(run, bind, objects.targets, "mesh", witnesses, thumbnails)
    rows = [r for r, t in enumerate(objects.targets) if t.id not in embedded.failures]
    targets = [objects.targets[r] for r in rows]
    shapes = embedded.vectors[witnesses[-1]][rows]
    queries = [r for r, label in enumerate(made) if label]
    if not queries or not targets:
        report.add(Heading("Sounds and objects"), Text("No sound names an object that makes it, or there is no "
                                                       "readable object: nothing to compare."))
        return

    relevant = np.array([[made[q] == t.label for t in targets] for q in queries])
    similarity = vectors[queries] @ shapes.T
    ranked = metrics.retrieval(similarity, relevant)
    chance = metrics.chance_map(relevant)
    report.summary["sound-3d"] = {"map": ranked.map, "r1": ranked.recall[1], "r5": ranked.recall[5],
                                  "queries": ranked.queries, "left_out": ranked.left_out}
    report.tiles.append(Tile("sound → 3D", ranked.map, "%", f"mAP; chance {chance:.1f}"))
    report.add(Heading("Sound → 3D"), Text(
        f"A sound is relevant to the objects whose label makes it; the gallery has {len(targets)} objects."), Table(
        ["mAP", "R@1", "R@5", "chance mAP", "queries", "left out"],
        [[ranked.map, ranked.recall[1], ranked.recall[5], chance, ranked.queries, ranked.left_out]]))
    shown = sorted({made[q] for q, ap in zip(queries, ranked.average_precision, strict=True) if not np.isnan(ap)})
    for label in shown[:EXAMPLES]:
        first = next(row for row, q in enumerate(queries) if made[q] == label)
        order = np.argsort(-similarity[first], kind="stable")[:4]
        sound = sounds[queries[first]]
        report.add(Heading(f"Sound: {spoken_class(sound)}, {sound.path.name}", 3), Gallery([
            Card(thumbnails.of(targets[i]), targets[i].label, [("object", targets[i].id)], targets[i].label == label,
                 thumbnails.file(targets[i]).stem) for i in order]))
    report.items += [{"key": f"sound-3d|{sounds[q].path.parent.name}/{sounds[q].path.name}", "group": "sound-3d",
                      "score": float(ap)}
                     for q, ap in zip(queries, ranked.average_precision, strict=True) if not np.isnan(ap)]

    among = [i for i, t in enumerate(targets) if t.label in labels]
    report.add(Heading("3D objects by their sound"))
    if not among or len(labels) < 2:
        report.add(Text("None of the objects has a label that makes one of the sounds, or there is one such label."))
        return
    centroids = np.stack([vectors[[r for r in queries if made[r] == label]].mean(axis=0) for label in labels])
    centroids /= np.maximum(np.linalg.norm(centroids, axis=1, keepdims=True), 1e-12)
    got = [labels[i] for i in (shapes[among] @ centroids.T).argmax(axis=1)]
    hits = [g == targets[i].label for g, i in zip(got, among, strict=True)]
    report.summary["object-by-sound"] = {"top1": metrics.percent(hits), "objects": len(among), "labels": len(labels)}
    report.tiles.append(Tile("3D by sound", metrics.percent(hits), "%", f"of {len(among)}, over {len(labels)} labels"))
    report.add(Text(f"Each of {len(among)} objects is given to the label, of {len(labels)} that make a sound, whose "
                    f"mean sound is nearest. Right: {metrics.percent(hits):.1f} %; by chance: "
                    f"{100 / len(labels):.1f} %."),
               Gallery([Card(thumbnails.of(targets[i]), targets[i].label, [("nearest sound", g)], hit,
                             thumbnails.file(targets[i]).stem)
                        for i, g, hit in list(zip(among, got, hits, strict=True))[:2 * EXAMPLES]]))
    report.items += [{"key": f"object-by-sound|{targets[i].id}", "group": "object-by-sound", "label": targets[i].label,
                      "right": bool(hit)} for i, hit in zip(among, hits, strict=True)]


def spoken_class(sound: Sound) -> str:
    """"dog_bark" → "dog bark"."""
    return sound.name.replace("_", " ")
