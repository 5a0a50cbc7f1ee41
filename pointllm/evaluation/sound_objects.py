"""Sounds and the 3D objects that make them: found by sounds, recognised by sounds, named from sounds.

Recognition by sounds is the audio-referred recognition that the paper gains from binding with audio (Figure 1 of
arXiv 2309.00615): the labels to choose from are given as sounds, as `pointllm classify chair.glb --labels dog.ogg,…`
takes them, one of each label or several, and compared as `classify` compares them, each modality without its centre.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..bind import PointBind
from ..data.records import Sound
from ..data.templates import QUICK_TEMPLATES
from ..tasks.calibration import Calibration
from . import metrics
from .embedding import embed_objects, recogniser, witnesses_of
from .objects import Objects
from .pictures import Thumbnails
from .provenance import Run
from .report import Card, Gallery, Heading, Report, Table, Text, Tile

EXAMPLES = 12
DRAWS = 200  # of one sound a label
SEVERAL = 5  # sounds that stand for a label together


def add_objects(run: Run, report: Report, bind: PointBind, sounds: Sequence[Sound], vectors: np.ndarray,
                readable: np.ndarray, objects: Objects) -> None:
    """Both directions between sounds, with `vectors` (N, D), and the shapes of `objects`."""
    made = [s.object_label if ok else None for s, ok in zip(sounds, readable, strict=True)]
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
    heard = vectors[queries], [made[r] for r in queries]
    _find(report, [sounds[r] for r in queries], *heard, targets, shapes, thumbnails)
    _recognise(run, report, bind, *heard, targets, shapes, thumbnails)


def add_names(run: Run, report: Report, bind: PointBind, sounds: Sequence[Sound], vectors: np.ndarray,
              readable: np.ndarray, names: Sequence[str]) -> None:
    """What makes the sound, in words: the nearest of all labels' names, and of those that make one of the sounds."""
    rows = [r for r, s in enumerate(sounds) if s.object_label]
    makers = sorted({sounds[r].object_label for r in rows})
    if len(makers) < 2:
        return
    every = list(dict.fromkeys([*names, *makers]))
    lines, summary = [], {"sounds": len(rows)}
    for among, labels in (("all labels", every), ("labels with sounds", makers)):
        top = recogniser(run, bind, labels, QUICK_TEMPLATES)(vectors[rows], max(metrics.TOPS), "audio")
        top = [row if readable[r] else [] for r, row in zip(rows, top, strict=True)]
        places = metrics.ranks_of_right([[p.label for p in row] for row in top],
                                        [[sounds[r].object_label] for r in rows])
        figures = {f"top{k}": metrics.percent(places < k) for k in metrics.TOPS}
        summary["all" if among == "all labels" else "sounding"] = {**figures, "labels": len(labels)}
        lines.append([among, len(labels), *figures.values(), 100 / len(labels)])
        if among == "all labels":
            got = [row[0].label if row else "(unreadable)" for row in top]
            wrong = metrics.confusions([sounds[r].object_label for r in rows], got)
            report.items += [{"key": f"sound-name|{sounds[r].path.parent.name}/{sounds[r].path.name}",
                              "group": "sound names", "label": sounds[r].object_label, "right": bool(place == 0)}
                             for r, place in zip(rows, places, strict=True)]
    report.summary["sound-names"] = summary
    report.tiles.append(Tile("sound → name", lines[0][2], "%", f"over {len(every)} labels"))
    report.add(Heading("What makes the sound"), Text(
        f"{len(rows)} sounds of things that have a label, each given to the nearest name."),
        Table(["among", "labels", *(f"top-{k}" for k in metrics.TOPS), "chance"], lines))
    if wrong:
        report.add(Table(["is", "was taken for", "times"], wrong))


def _find(report: Report, sounds: Sequence[Sound], vectors: np.ndarray, made: Sequence[str], targets: Sequence,
          shapes: np.ndarray, thumbnails: Thumbnails) -> None:
    """Sound → 3D retrieval."""
    relevant = np.array([[label == t.label for t in targets] for label in made])
    similarity = vectors @ shapes.T
    ranked = metrics.retrieval(similarity, relevant)
    chance = metrics.chance_map(relevant)
    report.summary["sound-3d"] = {"map": ranked.map, "r1": ranked.recall[1], "r5": ranked.recall[5],
                                  "queries": ranked.queries, "left_out": ranked.left_out}
    report.tiles.append(Tile("sound → 3D", ranked.map, "%", f"mAP; chance {chance:.1f}"))
    report.add(Heading("Sound → 3D"), Text(
        f"A sound is relevant to the objects whose label makes it; the gallery has {len(targets)} objects."), Table(
        ["mAP", "R@1", "R@5", "chance mAP", "queries", "left out"],
        [[ranked.map, ranked.recall[1], ranked.recall[5], chance, ranked.queries, ranked.left_out]]))
    counted = ~np.isnan(ranked.average_precision)
    for label in sorted({m for m, c in zip(made, counted, strict=True) if c})[:EXAMPLES]:
        first = made.index(label)
        order = np.argsort(-similarity[first], kind="stable")[:4]
        sound = sounds[first]
        report.add(Heading(f"Sound: {spoken_class(sound)}, {sound.path.name}", 3), Gallery([
            Card(thumbnails.of(targets[i]), targets[i].label, [("object", targets[i].id)], targets[i].label == label,
                 thumbnails.file(targets[i]).stem) for i in order]))
    report.items += [{"key": f"sound-3d|{s.path.parent.name}/{s.path.name}", "group": "sound-3d", "score": float(ap)}
                     for s, ap, c in zip(sounds, ranked.average_precision, counted, strict=True) if c]


def referred(shapes: np.ndarray, references: Sequence[np.ndarray], calibration: Calibration) -> np.ndarray:
    """Shapes (N, D) and for each label the sounds (S, D) that stand for it → the place of the nearest label, (N,).

    As `tasks.zero_shot.ZeroShot` with labels that are files: means of centred vectors, against centred shapes.
    """
    means = np.stack([calibration.centred(sounds, "audio").mean(axis=0) for sounds in references])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return (calibration.centred(shapes, "point") @ means.T).argmax(axis=1)


def _recognise(run: Run, report: Report, bind: PointBind, vectors: np.ndarray, made: Sequence[str], targets: Sequence,
               shapes: np.ndarray, thumbnails: Thumbnails) -> None:
    """3D objects recognised by sounds, by one of each label and by several; the same by the labels' words beside."""
    labels = sorted(set(made))
    among = [i for i, t in enumerate(targets) if t.label in labels]
    report.add(Heading("3D objects by their sound"))
    if not among or len(labels) < 2:
        report.add(Text("None of the objects has a label that makes one of the sounds, or there is one such label."))
        return
    wanted = np.array([labels.index(targets[i].label) for i in among])
    shapes, made = shapes[among], np.array(made)
    of_label = [np.flatnonzero(made == label) for label in labels]
    calibration = Calibration.of(run.profile)

    def drawn(count: int) -> np.ndarray:
        """(draws, objects): right or wrong with `count` sounds of each label, drawn with a fixed seed."""
        rng = np.random.default_rng(count)
        picks = [[rng.choice(rows, min(count, len(rows)), replace=False) for rows in of_label] for _ in range(DRAWS)]
        return np.stack([referred(shapes, [vectors[rows] for rows in pick], calibration) == wanted for pick in picks])

    one, several = drawn(1), drawn(SEVERAL)
    got = referred(shapes, [vectors[rows] for rows in of_label], calibration)
    top = recogniser(run, bind, labels, QUICK_TEMPLATES)(shapes, 1, "point")
    by_words = np.array([labels.index(row[0].label) for row in top]) == wanted
    commonest = max(Counter(wanted.tolist()).values()) / len(wanted)
    names = [labels[w] for w in wanted]
    rows = [[how, metrics.percent(hits.ravel()), metrics.macro_percent(hits.ravel(), names * (hits.size // len(names))),
             "" if hits.ndim == 1 else f"{100 * hits.mean(axis=1).min():.0f} to {100 * hits.mean(axis=1).max():.0f}"]
            for how, hits in ((f"one sound, mean of {DRAWS} draws", one),
                              (f"{SEVERAL} sounds, mean of {DRAWS} draws", several),
                              ("all its sounds", got == wanted), ("its name, in words", by_words))]
    report.summary["object-by-sound"] = {
        "top1": rows[2][1], "one": rows[0][1], f"of{SEVERAL}": rows[1][1], "words": rows[3][1],
        "macro_top1": rows[2][2], "macro_one": rows[0][2], "objects": len(among), "labels": len(labels),
        "chance": 100 / len(labels), "commonest": 100 * commonest}
    report.tiles.append(Tile("3D by sound", rows[2][1], "%", f"of {len(among)}, over {len(labels)} labels"))
    report.add(Text(f"Each of {len(among)} objects is given to the nearest of {len(labels)} labels that make a sound. "
                    f"By chance {100 / len(labels):.1f} % are right; if all were called by the commonest label, "
                    f"{100 * commonest:.1f} %."),
               Table(["a label is given as", "top-1", "mean over labels", "least to most"], rows))
    report.add(Table(["label", "objects", "by all sounds", "by one sound", "by its name"],
                     [[name, count, share, metrics.grouped_percent(one.mean(axis=0), names, )[name][1],
                       metrics.grouped_percent(by_words, names)[name][1]]
                      for name, (count, share) in metrics.grouped_percent(got == wanted, names).items()]))
    hits = got == wanted
    report.add(Gallery([Card(thumbnails.of(targets[i]), targets[i].label, [("nearest sound", labels[g])], bool(hit),
                             thumbnails.file(targets[i]).stem)
                        for i, g, hit in list(zip(among, got, hits, strict=True))[:2 * EXAMPLES]]))
    report.items += [{"key": f"object-by-sound|{targets[i].id}", "group": "object-by-sound", "label": targets[i].label,
                      "right": bool(hit)} for i, hit in zip(among, hits, strict=True)]


def spoken_class(sound: Sound) -> str:
    """"dog_bark" → "dog bark"."""
    return sound.name.replace("_", " ")
