"""Zero-shot recognition: is the nearest label the right one? By witness, by variant, by the number of templates.

The code of `pointllm classify` ranks the labels, so that figures agree. The templates "quick" are those that it has;
"1" is the paper's protocol (section 5.6: "a/an [CLASS]"), "64" the ensemble over all templates of `data.templates`.
Accuracy is counted as by the acceptance check: right where a label among the first k is one of the accepted ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..bind import PointBind
from ..data.templates import QUICK_TEMPLATES, TEMPLATES
from ..errors import InputError
from ..tasks.zero_shot import Prediction
from . import charts, metrics
from .embedding import OWN, embed_objects, recogniser, witnesses_of
from .objects import Objects, Target, label_of
from .pictures import Thumbnails
from .provenance import Run
from .report import Card, Gallery, Heading, Picture, Report, Table, Text, Tile
from .variants import VARIANTS

TEMPLATE_SETS = {"1": TEMPLATES[:1], "64": TEMPLATES, "quick": QUICK_TEMPLATES}
TEMPLATE_WORDS = {"1": "one template, a/an [CLASS]", "64": "all 64 templates", "quick": "as pointllm classify does"}
WITNESS_WORDS = {"point": "point tower alone", "views": "views alone", "both": "both witnesses",
                 OWN: "the profile's own way"}
READABLE = 60  # classes that a confusion picture can show one by one
EXAMPLES = 24


@dataclass(frozen=True)
class Outcome:
    """How one way of looking ranked the labels.

    predictions: the first few, best first, [] where unreadable; places: (N,) of the first right one among them.
    """

    predictions: list[list[Prediction]]
    places: np.ndarray

    def top(self, k: int) -> np.ndarray:
        """(N,) bool: a right label is among the first k."""
        return self.places < k


def run_zero_shot(run: Run, objects: Objects, names: Sequence[str] | None = None, variants: Sequence[str] = ("mesh",),
                  templates: Sequence[str] = ("quick",), bind: PointBind | None = None) -> Report:
    """Recognise all objects over `names` (None: all labels of the data) and report.

    variants: of `variants.VARIANTS`; templates: of TEMPLATE_SETS, the first being the one that the report is about.
    """
    for which in templates:
        if which not in TEMPLATE_SETS:
            raise InputError(f"templates {which!r} aren't known; choose of {', '.join(TEMPLATE_SETS)}")
    names = list(names or objects.names)
    bind = bind or PointBind.from_pretrained(run.profile)
    witnesses = witnesses_of(bind, run.witness)
    targets = objects.targets
    thumbnails = Thumbnails(run.cache / "thumbnails")
    recognisers = {which: recogniser(run, bind, names, TEMPLATE_SETS[which]) for which in templates}

    outcomes: dict[tuple[str, str, str], Outcome] = {}
    failures: dict[str, dict[str, str]] = {}
    for variant in variants:
        embedded = embed_objects(run, bind, targets, variant, witnesses, thumbnails)
        failures[variant] = embedded.failures
        for witness in witnesses:
            for which, recognise in recognisers.items():
                predictions = recognise(embedded.vectors[witness], max(metrics.TOPS), "point")
                outcomes[variant, witness, which] = _outcome(predictions, targets, embedded.failures)
    return _report(run, objects, names, outcomes, failures, thumbnails)


def _outcome(predictions: list[list[Prediction]], targets: Sequence[Target], failures: dict[str, str]) -> Outcome:
    predictions = [[] if t.id in failures else list(row) for t, row in zip(targets, predictions, strict=True)]
    places = metrics.ranks_of_right([[p.label for p in row] for row in predictions], [t.accepted for t in targets])
    return Outcome(predictions, places)


def _figures(outcome: Outcome, targets: Sequence[Target]) -> dict[str, float]:
    classes = [t.label for t in targets]
    found = {f"top{k}": metrics.percent(outcome.top(k)) for k in metrics.TOPS}
    found["macro_top1"] = metrics.macro_percent(outcome.top(1), classes)
    found["ece"] = _calibration(outcome).ece
    return found


def _calibration(outcome: Outcome) -> metrics.Calibration:
    return metrics.calibration([row[0].score if row else 0.0 for row in outcome.predictions], outcome.top(1))


def _report(run: Run, objects: Objects, names: Sequence[str], outcomes: dict[tuple[str, str, str], Outcome],
            failures: dict[str, dict[str, str]], thumbnails: Thumbnails) -> Report:
    targets = objects.targets
    variants = list(dict.fromkeys(variant for variant, _, _ in outcomes))
    witnesses = list(dict.fromkeys(witness for _, witness, _ in outcomes))
    templates = list(dict.fromkeys(which for _, _, which in outcomes))
    main = (variants[0], witnesses[-1], templates[0])
    first, figures = outcomes[main], {key: _figures(outcome, targets) for key, outcome in outcomes.items()}
    unreadable = sorted({name for part in failures.values() for name in part})
    report = Report("zero-shot", f"Zero-shot recognition over {len(names)} labels", objects.origin)
    report.summary = {
        "objects": len(targets), "labels": len(names), "unreadable": len(unreadable), **figures[main],
        "witnesses": {w: figures[main[0], w, main[2]] for w in witnesses},
        "variants": {v: figures[v, main[1], main[2]] for v in variants},
        "templates": {t: figures[main[0], main[1], t] for t in templates},
    }
    low, high = metrics.bootstrap_interval(first.top(1).astype(float))
    report.tiles = [
        Tile("top-1", figures[main]["top1"], note=f"95 %: {100 * low:.1f} to {100 * high:.1f}"),
        Tile("top-3", figures[main]["top3"]), Tile("top-5", figures[main]["top5"]),
        Tile("top-1, macro", figures[main]["macro_top1"], note="every class alike"),
        Tile("objects", len(targets), "", f"{len(unreadable)} unreadable" if unreadable else "all readable"),
        Tile("calibration error", figures[main]["ece"], "%"),
    ]
    report.add(Heading("Results"), Text(
        f"{len(targets)} objects, each matched against {len(names)} labels. The figures above: {_words(*main)}."))
    report.add(Table(["shown as", "seen by", "templates", "top-1", "top-3", "top-5", "macro top-1", "ECE"], [
        [VARIANTS[v][1], WITNESS_WORDS[w], t, *(figures[v, w, t][f"top{k}"] for k in metrics.TOPS),
         figures[v, w, t]["macro_top1"], figures[v, w, t]["ece"]] for v, w, t in outcomes],
        note="In percent. Macro: mean over classes. ECE: expected calibration error of the first label's score. "
             + "; ".join(f"Templates {t}: {TEMPLATE_WORDS[t]}" for t in templates) + "."))
    if len(variants) > 1:
        report.add(Picture("variants", charts.bars(
            [VARIANTS[v][1] for v in variants], [figures[v, main[1], main[2]]["top1"] for v in variants],
            intervals=[tuple(100 * edge for edge in metrics.bootstrap_interval(
                outcomes[v, main[1], main[2]].top(1).astype(float))) for v in variants]),
            f"Top-1 by how the object is shown, {WITNESS_WORDS[main[1]]}, with 95 % bootstrap intervals."))
    _add_groups(report, targets, first)
    _add_confusions(report, objects, names, first)
    calibration = _calibration(first)
    report.add(Heading("Calibration"), Picture("calibration", charts.reliability(calibration.bins),
               "How often the first label is right, by the score that it was given; on the dashed line the two agree. "
               "The numbers above the bars count objects."))
    _add_examples(report, targets, first, thumbnails, failures[main[0]])
    if unreadable:
        report.add(Heading("Unreadable objects"), Table(
            ["object", "shown as", "reason"],
            [[name, variant, reason] for variant, part in failures.items() for name, reason in sorted(part.items())],
            note="They count as wrong."))
    report.items = [_item(target, variant, witness, which, outcome, row)
                    for (variant, witness, which), outcome in outcomes.items() for row, target in enumerate(targets)]
    return report


def _words(variant: str, witness: str, templates: str) -> str:
    return f"{VARIANTS[variant][1]}, {WITNESS_WORDS[witness]}, templates {templates} ({TEMPLATE_WORDS[templates]})"


def _item(target: Target, variant: str, witness: str, templates: str, outcome: Outcome, row: int) -> dict:
    """One judged object, as `compare` finds it again."""
    top = [[p.label, p.score] for p in outcome.predictions[row]]
    return {"key": f"{target.id}|{variant}|{witness}|{templates}", "group": f"{variant}, {witness}, {templates}",
            "id": target.id, "label": target.label, "right": bool(outcome.top(1)[row]),
            "top5": bool(outcome.top(5)[row]), "top": [[label, round(score, 4)] for label, score in top]}


def _add_groups(report: Report, targets: Sequence[Target], outcome: Outcome) -> None:
    report.add(Heading("By category and source"))
    for title, groups in (("category", [t.category for t in targets]), ("source", [t.source for t in targets])):
        if len(set(groups)) < 2:
            continue
        tops = [metrics.grouped_percent(outcome.top(k), groups) for k in metrics.TOPS]
        report.add(Table([title, "objects", "top-1", "top-3", "top-5"],
                         [[name, count, share, tops[1][name][1], tops[2][name][1]]
                          for name, (count, share) in tops[0].items()]))
    classes = [t.label for t in targets]
    tops = [metrics.grouped_percent(outcome.top(k), classes) for k in metrics.TOPS]
    rows = [[name, count, share, tops[2][name][1]] for name, (count, share) in tops[0].items()]
    report.add(Table(["class", "objects", "top-1", "top-5"], sorted(rows, key=lambda row: (row[2], row[0])),
                     folded=f"All {len(rows)} classes, the worst first"))


def _add_confusions(report: Report, objects: Objects, names: Sequence[str], outcome: Outcome) -> None:
    targets = objects.targets
    wanted = [t.label for t in targets]
    # an accepted label that isn't the object's own is no confusion
    got = [w if place == 0 else (row[0].label if row else "(unreadable)")
           for w, row, place in zip(wanted, outcome.predictions, outcome.places, strict=True)]
    report.add(Heading("Confusions"))
    pairs = metrics.confusions(wanted, got)
    if not pairs:
        report.add(Text("No object was taken for another."))
    else:
        report.add(Table(["is", "was taken for", "times"], pairs))
    by_class = len(set(wanted) | set(got)) <= READABLE
    if by_class:
        rows, columns = wanted, got
    else:
        rows = [t.category for t in targets]
        columns = [t.category if w == g else label_of(g, objects.labels).category or "object"
                   for t, w, g in zip(targets, wanted, got, strict=True)]
    shown = sorted(set(rows) | set(columns))
    report.add(Picture("confusion", charts.confusion(metrics.confusion_matrix(rows, columns, shown), shown),
                       f"Rows: what the object is; columns: the {'label' if by_class else 'category of the label'} it "
                       f"was given. On the diagonal, in blue: {'right' if by_class else 'right, or of the category'}. "
                       "A stronger colour is a larger share of the row."))


def _add_examples(report: Report, targets: Sequence[Target], outcome: Outcome, thumbnails: Thumbnails,
                  failures: dict[str, str]) -> None:
    """Mistakes that were made with most confidence, then successes, from as many classes as there are."""
    rows = [row for row, target in enumerate(targets) if target.id not in failures]
    score = {row: outcome.predictions[row][0].score for row in rows}
    wrong = sorted((r for r in rows if outcome.places[r] > 0), key=lambda r: -score[r])[:EXAMPLES]
    right, seen = [], set()
    for row in sorted((r for r in rows if outcome.places[r] == 0), key=lambda r: -score[r]):
        if targets[row].label not in seen:
            seen.add(targets[row].label)
            right.append(row)
    right = right[:: max(1, len(right) // (EXAMPLES // 2))][: EXAMPLES // 2]
    for title, chosen in (("Mistakes, the most confident first", wrong), ("Successes", right)):
        if not chosen:
            continue
        cards = []
        for row in chosen:
            guesses = ", ".join(f"{p.label} {p.score:.2f}" for p in outcome.predictions[row][:3])
            cards.append(Card(thumbnails.of(targets[row]), targets[row].label,
                              [("said", guesses), ("object", targets[row].id)], bool(outcome.places[row] == 0),
                              thumbnails.file(targets[row]).stem))
        report.add(Heading(title), Gallery(cards))
