"""`pointllm eval audio`: sounds recognised by class, as recorded and disturbed, and what `sound_objects` adds.

Whether the audio tower was trained on the sounds that are given isn't known here: `folds` chooses those that it wasn't,
or `heads` embeds each sound by a head that never heard its fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..bind import PointBind
from ..data.records import Sound
from ..data.sound_disturbances import AS_RECORDED
from ..data.templates import QUICK_TEMPLATES
from ..errors import DataError
from . import charts, metrics
from .embedding import embed_each, recogniser
from .hearing import Hearing
from .objects import Objects
from .provenance import Run
from .report import Heading, Picture, Report, Table, Text, Tile
from .sound_objects import add_names, add_objects, spoken_class


def run_audio(run: Run, sounds: Sequence[Sound], origin: str, objects: Objects | None = None,
              folds: Sequence[int] | None = None, bind: PointBind | None = None, heads: str | Path | None = None,
              conditions: Sequence[str] = (), names: Sequence[str] = ()) -> Report:
    """Evaluate the sounds of `folds` (None: all), and with them the objects whose label makes one of the sounds.

    heads: folder of heads by held-out fold (`hearing`). conditions: of `data.sound_disturbances`, under which the
    recognition of classes is measured again. names: all labels, among which what makes a sound is named.
    """
    sounds = [s for s in sounds if folds is None or s.fold in folds]
    if not sounds:
        raise DataError(f"{origin}: no sound in {'folds ' + ', '.join(map(str, folds)) if folds else 'audio.jsonl'}")
    bind = bind or PointBind.from_pretrained(run.profile)
    hearing = Hearing(bind, heads)
    vectors, failures = _heard(run, hearing, sounds)
    unreadable = {s.path.name: reason for s, reason in zip(sounds, failures, strict=True) if reason}
    readable = np.array([not reason for reason in failures])

    report = Report("audio", "Sounds", f"{origin}, {len(sounds)} sounds"
                    + (f", folds {', '.join(map(str, folds))}" if folds else ""))
    report.summary = {"sounds": len(sounds), "unreadable": len(unreadable)}
    _add_classes(run, report, bind, sounds, vectors, readable, heads is not None)
    if conditions:
        _add_conditions(run, report, hearing, sounds, conditions)
    add_names(run, report, bind, sounds, vectors, readable, names)
    if objects is not None:
        add_objects(run, report, bind, sounds, vectors, readable, objects)
    if unreadable:
        report.add(Heading("Unreadable sounds"), Table(["sound", "reason"], sorted(unreadable.items()),
                                                       note="They count as wrong."))
    return report


def _heard(run: Run, hearing: Hearing, sounds: Sequence[Sound],
           condition: str = AS_RECORDED) -> tuple[np.ndarray, list[str]]:
    """Vectors (N, D), zeros where a sound failed, and for each sound the reason why it did, or ""."""
    items = hearing.items(sounds, condition)
    found, failures = embed_each(run, hearing.bind, "sounds", items)
    zero = np.zeros(hearing.bind.dim, np.float32)
    return np.stack([found.get(key, zero) for key, _ in items]), [failures.get(key, "") for key, _ in items]


def _add_conditions(run: Run, report: Report, hearing: Hearing, sounds: Sequence[Sound],
                    conditions: Sequence[str]) -> None:
    """Top-1 by class again, each sound disturbed."""
    wanted = [spoken_class(s) for s in sounds]
    recognise = recogniser(run, hearing.bind, sorted(set(wanted)), QUICK_TEMPLATES)
    shares = {}
    for condition in conditions:
        vectors, failures = _heard(run, hearing, sounds, condition)
        top = recognise(vectors, 1, "audio")
        shares[condition] = metrics.percent([row[0].label == w and not failed
                                             for row, w, failed in zip(top, wanted, failures, strict=True)])
    report.summary["conditions"] = shares
    report.add(Heading("Disturbed sounds", 3), Text("The same sounds and class names, each sound disturbed in one way; "
                                                    "what is random about it depends on the file's name alone."),
               Table(["condition", "top-1"], [[name, share] for name, share in shares.items()]))


def _add_classes(run: Run, report: Report, bind: PointBind, sounds: Sequence[Sound], vectors: np.ndarray,
                 readable: np.ndarray, held_out: bool) -> None:
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
        f"{len(sounds)} sounds against {len(names)} class names. "
        + ("Each was embedded by a head that was trained without its fold." if held_out else
           "Sounds that the audio tower was trained on are recognised better than others: see --folds and --heads.")))
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
