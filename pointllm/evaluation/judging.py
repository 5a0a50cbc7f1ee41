"""Judges answers: one row of figures an answer, by the rules of `answers` and by likeness of sentences.

Likeness is the cosine in the joint space's text tower. It is read against a floor: the likeness of the same answer to
the references of other objects, since sentences about things are alike anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..data.records import Label
from . import answers as rules
from .questions import Question

Embed = Callable[[Sequence[str]], np.ndarray]  # sentences → (N, D) unit norm


@dataclass
class Verdict:
    """What is said of one answer. right: None for kinds that have degrees; figures: name → value."""

    question: Question
    answer: str
    right: bool | None = None
    figures: dict[str, float | bool | None] = field(default_factory=dict)


def judge(questions: Sequence[Question], answers: Sequence[str], labels: dict[str, Label], embed: Embed,
          others: dict[str, dict[str, str]] | None = None) -> list[Verdict]:
    """A verdict for each answer.

    others: kind → label → reference, of all labels: for kinds where an answer has to be told from those about others.
    """
    verdicts = [_by_rule(q, a, labels) for q, a in zip(questions, answers, strict=True)]
    texts = [v for v in verdicts if v.question.references]
    if texts:
        _liken(texts, embed)
    for kind, references in (others or {}).items():
        _place([v for v in texts if v.question.kind == kind], references, embed)
    return verdicts


def _by_rule(question: Question, answer: str, labels: dict[str, Label]) -> Verdict:
    verdict, kind = Verdict(question, answer), question.kind
    figures = verdict.figures
    if kind in ("name", "what"):
        label = {question.target.label} if question.part != "file" else question.names
        verdict.right = figures["named"] = rules.names_object(answer, question.names)
        figures["label"] = rules.names_object(answer, label)
        figures["exact"] = rules.is_name(answer, question.names)
    elif kind == "name-zh":
        verdict.right = rules.names_object_zh(answer, labels, question.names)
        figures["chinese"] = rules.is_chinese(answer)
    elif kind == "yes-no":
        said = rules.yes_or_no(answer)
        verdict.right = said is question.truth
        figures |= {"said_yes": said, "unclear": said is None}
    elif kind == "color":
        figures |= rules.colors_right(answer, question.colors)
        verdict.right = bool(figures.pop("right"))
    elif kind == "caption":
        figures["mentions"] = rules.names_object(answer, question.names)
        named = rules.named_colors(answer)
        figures["speaks_of_colors"] = bool(named)
        # of captions that name colours: all of them on record
        figures["colors_right"] = (not rules.colors_right(answer, question.colors)["names_wrong"]
                                   if named and question.colors else None)
        verdict.right = bool(figures["mentions"])
    if question.references:
        figures["keyword_f1"] = max(rules.keyword_f1(answer, reference) for reference in question.references)
    return verdict


def _liken(verdicts: Sequence[Verdict], embed: Embed) -> None:
    """Likeness of each answer to its nearest reference, and on average to those of the other objects (the floor)."""
    answers = embed([v.answer for v in verdicts])
    references = [reference for v in verdicts for reference in v.question.references]
    vectors = embed(references)
    owner = np.repeat(np.arange(len(verdicts)), [len(v.question.references) for v in verdicts])
    label = np.array([v.question.target.label for v in verdicts])
    cosines = answers @ vectors.T  # (answers, references)
    for row, verdict in enumerate(verdicts):
        verdict.figures["similarity"] = float(cosines[row, owner == row].max())
        foreign = label[owner] != label[row]
        verdict.figures["floor"] = float(cosines[row, foreign].mean()) if foreign.any() else float("nan")


def _place(verdicts: Sequence[Verdict], references: dict[str, str], embed: Embed) -> None:
    """Whether the reference of the object's own label is among the five nearest of all labels' references."""
    if not verdicts or len(references) < 2:
        return
    names = list(references)
    cosines = embed([v.answer for v in verdicts]) @ embed(list(references.values())).T
    for row, verdict in enumerate(verdicts):
        label = verdict.question.target.label
        if label in references:
            better = int((cosines[row] > cosines[row, names.index(label)] + 1e-6).sum())
            verdict.figures["nearest"] = better == 0 and bool(verdict.answer.strip())
            verdict.figures["among_five"] = better < 5 and bool(verdict.answer.strip())
