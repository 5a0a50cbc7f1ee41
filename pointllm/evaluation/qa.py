"""Questions and answers about objects: asks, judges, and reports by kind of question. Captions are one such kind.

What is asked stands in `questions`, what counts as right in `answers` and `judging`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from . import charts, metrics
from .asking import Asker
from .embedding import embed_sentences
from .judging import Verdict, judge
from .objects import Objects
from .pictures import Thumbnails
from .provenance import Run
from .questions import FAR, KINDS, NEAR, OWN, PROMPTS, Question, QuestionMaker, read_questions
from .report import Card, Gallery, Heading, Picture, Report, Table, Text, Tile

EXAMPLES = 8  # of mistakes and of successes, for each kind
# kind → (title, the figure that speaks for it, what it is called)
TITLES = {
    "name": ("Naming, asked for the name", "named"), "what": ("Naming in a sentence", "named"),
    "yes-no": ("Yes or no", "balanced accuracy"), "color": ("Colour", "right"), "use": ("Use", "similarity"),
    "parts": ("Parts", "similarity"), "name-zh": ("Naming in Chinese", "named"), "caption": ("Captions", "mentions"),
    "text": ("Questions from a file", "similarity"),
}
COSINES = ("similarity", "floor")  # figures in 0-1; all others are percentages
WORDS = {
    "by_label": "names the label itself", "exact": "nothing but the name", "in_chinese": "answers in Chinese",
    "yes_rate": "answers yes", "unclear": "neither yes nor no", "own_name": "right, asked about its own name",
    "same_category": "right, asked about a name of its category",
    "other_category": "right, asked about a name of another", "balanced_near": "balanced, own against same category",
    "balanced_far": "balanced, own against other category", "names_one": "names a colour on record",
    "names_main": "names the main one", "names_wrong": "names one that isn't on record", "keyword_f1": "keyword F1",
    "nearest": "right reference nearest", "among_five": "right reference among five nearest",
    "mentions": "mentions the name", "colors_right": "colours right", "speaks_of_colors": "speaks of colours",
}
NOTES = {
    "named": "Named: the label, an accepted one or a synonym stands in the answer as a word of its own (plural by -s, "
             "-es allowed). The label itself: without synonyms.",
    "zh": "Named: the Chinese name of an accepted label stands in the answer.",
    "color": "Right: the answer names a colour on record and none that isn't. Colours on record come from the data; "
             "shades count as the colour they are one of.",
    "text": "Keyword F1: words of answer and reference that carry meaning, cut to a stem. Similarity: cosine of the "
            "text tower, to the reference and (floor) on average to those of other labels. Nearest: the reference of "
            "the right label is the nearest, or among the five nearest, of all labels' references.",
    "caption": "Mentions: as in naming. Colours: of the captions that name a colour, those that name none but recorded "
               "ones. Similarity: to the nearest of the object's captions, or of its label's two descriptions.",
}


def run_qa(run: Run, objects: Objects, kinds: Sequence[str] = KINDS, questions: Path | None = None,
           cache: bool = True, asker: Asker | None = None, task: str = "qa") -> Report:
    """Ask the questions of `kinds` about all objects, or those of a file, and report.

    cache: whether the visual cache mends embeddings before the language model sees them.
    """
    for kind in kinds:
        if kind not in PROMPTS and kind != "yes-no":
            raise InputError(f"kind {kind!r} of question isn't known; choose of {', '.join(KINDS)}")
    maker = QuestionMaker(objects.labels)
    if questions is not None:
        asked = read_questions(questions, objects.targets)
        asked.sort(key=lambda question: question.target.id)
    else:
        asked = [q for target in objects.targets for kind in kinds for q in maker.make(kind, target)]
    if not asked:
        raise InputError("no question can be made of these objects; ask of other kinds, or give --questions FILE")
    asker = asker or Asker(run, cache)
    answers, failures = asker.ask(asked)
    others = {kind: maker.references(kind) for kind in ("use", "parts") if any(q.kind == kind for q in asked)}
    verdicts = judge(asked, answers, objects.labels, lambda texts: embed_sentences(run, asker.bind, texts), others)
    for verdict in verdicts:
        if verdict.question.target.id in failures and verdict.right is not None:
            verdict.right = False
    return _report(run, objects, verdicts, failures, cache, task)


def run_caption(run: Run, objects: Objects, cache: bool = True, asker: Asker | None = None) -> Report:
    """Ask for a description of each object, and report."""
    return run_qa(run, objects, ("caption",), None, cache, asker, "caption")


def _report(run: Run, objects: Objects, verdicts: Sequence[Verdict], failures: dict[str, str], cache: bool,
            task: str) -> Report:
    by_kind: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_kind[verdict.question.kind].append(verdict)
    about = len({v.question.target.id for v in verdicts})
    report = Report(task, {"qa": "Questions and answers", "caption": "Captions"}[task], objects.origin)
    report.summary = {"objects": about, "questions": len(verdicts), "unreadable": len(failures),
                      **{kind: _summary(kind, part) for kind, part in by_kind.items()}}
    for kind in by_kind:
        title, figure = TITLES[kind]
        report.tiles.append(_tile(title, figure, report.summary[kind][figure.replace(" ", "_")]))
    report.tiles.append(Tile("questions", len(verdicts), "", f"about {about} objects"))
    report.add(Text(f"Answers: greedy, seed 0, visual cache {'on' if cache else 'off'}. An object that can't be read "
                    "counts as answered wrongly."))
    thumbnails = Thumbnails(run.cache / "thumbnails")
    for kind, part in by_kind.items():
        _add_kind(report, kind, part, thumbnails)
    if failures:
        report.add(Heading("Unreadable objects"), Table(["object", "reason"], sorted(failures.items())))
    report.items = [_item(verdict) for verdict in verdicts]
    return report


def _tile(title: str, figure: str, value: float) -> Tile:
    if figure in COSINES:
        return Tile(title, f"{value:.2f}", "", f"{figure}, cosine")
    return Tile(title, value, "%", figure)


def _mean(verdicts: Sequence[Verdict], figure: str) -> float:
    """Mean of a figure as it is."""
    return _share(verdicts, figure) / 100


def _share(verdicts: Sequence[Verdict], figure: str) -> float:
    """Mean of a figure in percent, over the verdicts that have it."""
    values = [v.figures[figure] for v in verdicts if v.figures.get(figure) is not None]
    return metrics.percent([float(value) for value in values if value == value])


def _right(verdicts: Sequence[Verdict]) -> float:
    return metrics.percent([bool(v.right) for v in verdicts])


def _summary(kind: str, verdicts: Sequence[Verdict]) -> dict[str, float]:
    count = {"questions": len(verdicts)}
    if kind in ("name", "what"):
        return {"named": _right(verdicts), "by_label": _share(verdicts, "label"), "exact": _share(verdicts, "exact"),
                **count}
    if kind == "name-zh":
        return {"named": _right(verdicts), "in_chinese": _share(verdicts, "chinese"), **count}
    if kind == "yes-no":
        said = [v.figures["said_yes"] for v in verdicts]
        found = {"balanced_accuracy": metrics.balanced_accuracy(said, [v.question.truth for v in verdicts]),
                 "yes_rate": metrics.percent([s is True for s in said]), "unclear": _share(verdicts, "unclear")}
        for part in (OWN, NEAR, FAR):
            if some := [v for v in verdicts if v.question.part == part]:
                found[part.replace(" ", "_")] = _right(some)
        # each kind of negative against the same positives
        for part, name in ((NEAR, "balanced_near"), (FAR, "balanced_far")):
            some = [v for v in verdicts if v.question.part in (OWN, part)]
            if any(v.question.part == part for v in some):
                found[name] = metrics.balanced_accuracy([v.figures["said_yes"] for v in some],
                                                        [v.question.truth for v in some])
        return found | count
    if kind == "color":
        return {"right": _right(verdicts), **{f: _share(verdicts, f) for f in ("names_one", "names_main",
                                                                             "names_wrong")}, **count}
    found = {"similarity": _mean(verdicts, "similarity"), "floor": _mean(verdicts, "floor"),
             "keyword_f1": _share(verdicts, "keyword_f1")}
    if kind == "caption":
        return {"mentions": _share(verdicts, "mentions"), "colors_right": _share(verdicts, "colors_right"),
                "speaks_of_colors": _share(verdicts, "speaks_of_colors"), **found, **count}
    if any("nearest" in v.figures for v in verdicts):
        found |= {"nearest": _share(verdicts, "nearest"), "among_five": _share(verdicts, "among_five")}
    return found | count


def _add_kind(report: Report, kind: str, verdicts: Sequence[Verdict], thumbnails: Thumbnails) -> None:
    title, _ = TITLES[kind]
    summary = report.summary[kind]
    prompts = Counter(v.question.prompt for v in verdicts)
    asked = (f"Asked {len(verdicts)} times: {next(iter(prompts))}" if len(prompts) == 1 else
             f"{len(verdicts)} questions, {len(prompts)} of them different.")
    group = {"name": "named", "what": "named", "name-zh": "zh"}.get(kind, kind if kind in NOTES else "text")
    note = NOTES[group] if kind != "yes-no" else (
        "Each object is asked about its own name, about a name of the same category and about one of another; "
        "synonyms and names that contain one another are not drawn. Balanced: mean of the shares right where yes "
        "and where no is true; always yes, or always no, gives 50.")
    figures = [[WORDS.get(name, name.replace("_", " ")), f"{value:.2f}" if name in COSINES else f"{value:.1f} %"]
               for name, value in summary.items() if name != "questions"]
    if any(v.right is not None for v in verdicts) and kind != "yes-no":
        low, high = metrics.bootstrap_interval([float(bool(v.right)) for v in verdicts])
        figures.insert(1, ["95 % interval of it", f"{100 * low:.1f} to {100 * high:.1f} %"])
    report.add(Heading(title), Text(asked),
               Table(["figure", "value"], figures, note=note))
    if kind in ("name", "what", "name-zh"):
        groups = metrics.grouped_percent([bool(v.right) for v in verdicts],
                                         [v.question.target.category for v in verdicts])
        if len(groups) > 1:
            report.add(Table(["category", "objects", "named"], [[n, c, s] for n, (c, s) in groups.items()],
                             folded=f"By category ({len(groups)})"))
        wrong = Counter((v.question.target.label, v.answer) for v in verdicts if not v.right)
        report.add(Table(["object", "answer", "times"], [[*pair, n] for pair, n in wrong.most_common()],
                         folded=f"All wrong answers ({sum(wrong.values())})"))
    if kind == "yes-no":
        names = [part for part in (OWN, NEAR, FAR) if part.replace(" ", "_") in summary]
        report.add(Picture(f"yes-no-{len(report.blocks)}", charts.bars(
            [{OWN: "its own name", NEAR: "a name of the same category", FAR: "a name of another category"}[p]
             for p in names],
            [summary[p.replace(" ", "_")] for p in names]), "Right answers by what was asked, in percent."))
    for word, chosen in _examples(verdicts):
        if chosen:
            report.add(Heading(word, 3), Gallery([_card(v, thumbnails, len(prompts) > 1) for v in chosen]))


def _examples(verdicts: Sequence[Verdict]) -> list[tuple[str, list[Verdict]]]:
    """Some mistakes and some successes, of different labels as far as there are."""
    if all(v.right is None for v in verdicts):
        ranked = sorted(verdicts, key=lambda v: v.figures.get("similarity", 0.0))
        return [("Least like the reference", _distinct(ranked)), ("Most like the reference", _distinct(ranked[::-1]))]
    return [("Mistakes", _distinct([v for v in verdicts if not v.right])),
            ("Successes", _distinct([v for v in verdicts if v.right]))]


def _distinct(verdicts: Sequence[Verdict]) -> list[Verdict]:
    chosen, seen = [], set()
    for verdict in verdicts:
        if verdict.question.target.label not in seen:
            seen.add(verdict.question.target.label)
            chosen.append(verdict)
    return chosen[:EXAMPLES]


def _expected(question: Question) -> tuple[str, str] | None:
    """What a card says of the right answer, where the title doesn't say it."""
    if question.kind == "yes-no":
        return "true is", "yes" if question.truth else "no"
    if question.kind == "color":
        return "on record", ", ".join(question.colors)
    if question.kind == "caption":
        return ("on record", ", ".join(question.colors)) if question.colors else None
    if question.references:
        return "reference", question.references[0]
    return None


def _card(verdict: Verdict, thumbnails: Thumbnails, with_prompt: bool) -> Card:
    question = verdict.question
    lines = [("asked", question.prompt)] if with_prompt else []
    lines.append(("answer", verdict.answer or "(none)"))
    if expected := _expected(question):
        lines.append(expected)
    if "similarity" in verdict.figures:
        lines.append(("likeness", f"{verdict.figures['similarity']:.2f}"))
    return Card(thumbnails.of(question.target), question.target.label, lines, verdict.right,
                thumbnails.file(question.target).stem)


def _item(verdict: Verdict) -> dict:
    question = verdict.question
    item = {"key": question.key, "group": f"{question.kind}{f', {question.part}' if question.part else ''}",
            "id": question.target.id, "label": question.target.label, "question": question.prompt,
            "answer": verdict.answer}
    if verdict.right is not None:
        item["right"] = verdict.right
    else:
        item["score"] = verdict.figures.get("similarity", 0.0)
    return item | {"figures": dict(verdict.figures)}
