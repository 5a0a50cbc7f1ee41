"""The questions of `pointllm eval qa` and `eval caption`: one prompt a kind, and what a good answer is measured by.

Prompts are fixed, so that figures can be compared; those for naming are the acceptance check's. Yes/no questions come
in threes: the object's own name (yes), a name of the same category and a name of another one (no, no), drawn with a
fixed seed. Judging the answers is `judging`'s.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..data.phrasing import ATTRIBUTES
from ..data.questions import QuestionBook, read_knowledge
from ..data.records import Label, Row, read_rows
from ..errors import DataError
from .answers import accepted_names
from .objects import Target

KINDS = ("name", "what", "yes-no", "color", "use", "parts", "name-zh")
PROMPTS = {
    "name": "What is this? Answer with its name.",
    "what": "What is this?",
    "color": "What is its main color?",
    "use": "What is it used for?",
    "parts": "What parts does it have?",
    "name-zh": "这是什么？请说出它的名称。",
    "caption": "Describe it.",
}
MAX_TOKENS = {"name": 48, "what": 48, "yes-no": 24, "color": 48, "use": 64, "parts": 64, "name-zh": 48, "caption": 96}
FREE = 64  # tokens of the answer to a question from a file
OWN, NEAR, FAR = "own name", "same category", "other category"


@dataclass(frozen=True)
class Question:
    """One prompt about one object.

    part: which of a kind's questions it is; names: that an answer may name; truth: of a yes/no question;
    colors: on record; references: sentences that a good answer resembles.
    """

    kind: str
    target: Target
    prompt: str
    part: str = ""
    names: frozenset[str] = frozenset()
    truth: bool | None = None
    colors: tuple[str, ...] = ()
    references: tuple[str, ...] = field(default=())

    @property
    def key(self) -> str:
        """By which two reports find the same question."""
        return "|".join(filter(None, (self.kind, self.target.id, self.part, self.prompt)))

    @property
    def max_tokens(self) -> int:
        """Length at which the answer is cut."""
        return MAX_TOKENS.get(self.kind, FREE)


class QuestionMaker:
    """Makes the questions of each kind about objects; what is true of a label comes from the object knowledge."""

    def __init__(self, labels: dict[str, Label], seed: int = 0) -> None:
        self.labels, self.seed = labels, seed
        entries = {name: {"zh": label.zh or "", "category": label.category or "object", "synonyms": label.synonyms}
                   for name, label in labels.items()}
        self.book = QuestionBook(entries, read_knowledge())

    def make(self, kind: str, target: Target) -> list[Question]:
        """The questions of one kind about one object; none where nothing is known to judge the answer by."""
        if kind == "yes-no":
            return self._yes_no(target)
        question = {"kind": kind, "target": target, "prompt": PROMPTS[kind]}
        names = frozenset(accepted_names(self.labels, target.accepted))
        if kind in ("name", "what"):
            return [Question(**question, names=names)]
        if kind == "name-zh":
            known = any(label in self.labels and self.labels[label].zh for label in target.accepted)
            return [Question(**question, names=target.accepted)] if known else []
        if kind == "color":
            return [Question(**question, colors=target.colors)] if target.colors else []
        if kind == "caption":
            return [Question(**question, names=names, colors=target.colors, references=self._captions(target))]
        reference = self._attribute({"use": "uses", "parts": "parts"}[kind], target.label)
        return [Question(**question, references=(reference,))] if reference else []

    def references(self, kind: str) -> dict[str, str]:
        """label → the reference answer of a kind, for all labels that have one: what an answer must be told from."""
        attribute = {"use": "uses", "parts": "parts"}[kind]
        return {name: text for name in sorted(self.labels) if (text := self._attribute(attribute, name))}

    def _attribute(self, attribute: str, label: str) -> str:
        if label not in self.book.knowledge:
            return ""
        return ATTRIBUTES[attribute][1](self.book.entry(label), self.book.noun(label), label)

    def _captions(self, target: Target) -> tuple[str, ...]:
        """The object's own captions, else the two descriptions of its label."""
        entry = self.book.knowledge.get(target.label, {})
        return target.captions or tuple(entry[k] for k in ("short", "long") if entry.get(k))

    def _yes_no(self, target: Target) -> list[Question]:
        if target.label not in self.labels:
            return []
        rng = random.Random(f"{self.seed} {target.id}")
        category = self.labels[target.label].category
        others = [name for name in sorted(self.labels) if not self._overlap(target, name)]
        asked = [(OWN, target.label)]
        for part, same in ((NEAR, True), (FAR, False)):
            choice = [name for name in others if (self.labels[name].category == category) is same]
            if choice:
                asked.append((part, rng.choice(choice)))
        return [Question("yes-no", target, self._is_it(name), part, truth=part == OWN) for part, name in asked]

    def _is_it(self, name: str) -> str:
        plural = self.book.entry(name)["plural"]
        return f"{'Are these' if plural else 'Is this'} {self.book.noun(name)}?"

    def _overlap(self, target: Target, name: str) -> bool:
        """Whether "no" could be wrong of the object: the name is accepted, shares a synonym, or one contains the other
        (an armchair is a chair; an office chair is one too)."""
        mine, theirs = accepted_names(self.labels, target.accepted), accepted_names(self.labels, [name])
        return any(a == b or a.endswith(b) or b.endswith(a) or f" {a} " in f" {b} " or f" {b} " in f" {a} "
                   for a in map(str.lower, mine) for b in map(str.lower, theirs))


def read_questions(file: Path, targets: Sequence[Target]) -> list[Question]:
    """Questions from a JSONL file, a line {"object" or "path", "question", "answer" or "answers", "kind"} each.

    object: the id of one of `targets`; path: of any file, relative to the question file. kind: "name" (the answer
    names one of the answers), "yes-no" ("yes" or "no"), "color" (colours), "text" (default: the answer resembles
    them). Raises DataError for a row that can't be used.
    """
    known = {target.id: target for target in targets}
    found = []
    for row in read_rows(Path(file)):
        kind = row.text("kind") or "text"
        if kind not in ("name", "yes-no", "color", "text"):
            raise row.error(f"unknown kind {kind!r}; known: name, yes-no, color, text")
        single = row.fields.get("answer")
        answers = (single,) if isinstance(single, str) and single.strip() else row.texts("answers")
        if not answers:
            raise row.error('no "answer" and no "answers"; give what a right answer says')
        question = {"kind": kind, "target": _asked_about(row, file, known),
                    "prompt": row.text("question", needed=True), "part": "file"}
        if kind == "name":
            question["names"] = frozenset(answers)
        elif kind == "yes-no":
            said = answers[0].strip().lower().rstrip(".")
            if said not in ("yes", "no"):
                raise row.error(f"the answer to a yes/no question is {said!r}; write yes or no")
            question["truth"] = said == "yes"
        elif kind == "color":
            question["colors"] = tuple(answers)
        else:
            question["references"] = tuple(answers)
        found.append(Question(**question))
    if not found:
        raise DataError(f"{file}: holds no question; write one JSON object a line")
    return found


def _asked_about(row: Row, file: Path, known: dict[str, Target]) -> Target:
    name, path = row.text("object"), row.text("path")
    if name:
        if name not in known:
            raise row.error(f"object {name!r} is not in the data; check its id, or --split")
        return known[name]
    if not path:
        raise row.error('neither "object" nor "path"; say what the question is about')
    return Target(path, Path(file).parent / path, Path(path).stem, frozenset())
