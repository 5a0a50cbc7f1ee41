"""Questions and true answers about objects, made from the object knowledge in `knowledge/*.json`.

A group is one question asked about several objects, so that a trainer reads the question once. What an object looks
like to the model (its joint embedding) is the business of `pointllm.training.llm_data`; this module deals in labels
and words. Measured facts (colours, size, counts) stand in the question itself, phrased by `pointllm.llm.facts`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pointllm.data import phrasing
from pointllm.data.templates import with_article
from pointllm.errors import InputError

KNOWLEDGE = Path(__file__).parent / "knowledge"


@dataclass(frozen=True)
class Item:
    """One object of a group: its label and the answer that is true of it."""

    label: str
    answer: str


@dataclass(frozen=True)
class Group:
    """One question and the objects that it is asked about."""

    kind: str
    question: str
    items: tuple[Item, ...]


def read_knowledge(folder: Path = KNOWLEDGE) -> dict[str, dict]:
    """label → its entry, from every *.json of the folder. Raises InputError for a file that isn't such a table."""
    entries: dict[str, dict] = {}
    for file in sorted(Path(folder).glob("*.json")):
        try:
            part = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{file.name}: object knowledge must be a JSON table ({error})") from error
        if not isinstance(part, dict):
            raise InputError(f"{file.name}: object knowledge is a JSON table label → entry, this is another thing")
        entries.update(part)
    return entries


class QuestionBook:
    """All questions over `labels` (label → {"zh", "category", "synonyms", "count"} as in labels.json)."""

    def __init__(self, labels: Mapping[str, Mapping], knowledge: Mapping[str, Mapping]):
        self.labels = labels
        self.knowledge = {label: entry for label, entry in knowledge.items() if label in labels}
        self.names = sorted(labels)
        # an object that the data has often is asked about more often, but far less than in proportion
        self._weights = [max(labels[name].get("count", 1), 1) ** 0.5 for name in self.names]
        self._by_category: dict[str, list[str]] = {}
        for name in self.names:
            self._by_category.setdefault(labels[name].get("category", "object"), []).append(name)
        self._makers: dict[str, Callable[[int, random.Random], Group | None]] = {
            "name": self._name, "name_sentence": self._name_sentence, "name_zh": self._name_zh,
            "category": self._category, "yes_no": self._yes_no, "yes_no_category": self._yes_no_category,
            "compare": self._compare, "about_zh": self._about_zh, "color_fact": self._color_fact,
            "size_fact": self._size_fact, "count_fact": self._count_fact,
        }
        for kind in phrasing.ATTRIBUTES:
            self._makers[kind] = lambda size, rng, kind=kind: self._attribute(kind, size, rng)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of questions that `group` can make."""
        return tuple(self._makers)

    def group(self, kind: str, size: int, rng: random.Random) -> Group | None:
        """A group of about `size` objects; None where the knowledge at hand gives no such question."""
        if kind not in self._makers:
            raise InputError(f"unknown kind of question {kind!r}; known: {', '.join(self._makers)}")
        return self._makers[kind](size, rng)

    # names as they stand in a sentence

    def entry(self, label: str) -> Mapping:
        """The knowledge of a label, or the little that can be said without any."""
        entry = self.knowledge.get(label)
        if entry is None:
            article = with_article(label).removesuffix(label).strip()
            entry = {"article": article, "plural": not article and label.endswith("s")}
        return entry

    def noun(self, label: str) -> str:
        """"a chair", "scissors", "bread"."""
        return f"{self.entry(label)['article']} {label}".strip()

    def this_is(self, label: str) -> str:
        """"This is a chair", "These are scissors"."""
        return ("These are " if self.entry(label)["plural"] else "This is ") + self.noun(label)

    def sentence_zh(self, label: str) -> str:
        """"这是一把椅子。" """
        zh = self.entry(label).get("zh", {})
        # labels.json decides the name: the knowledge's may be a longer form of it
        return f"这是{'一' + zh['measure'] if zh.get('measure') else ''}{self.labels[label]['zh']}。"

    def draw(self, count: int, rng: random.Random, known: bool = False) -> list[str]:
        """`count` labels; only those with knowledge if `known`."""
        if known and not self.knowledge:
            return []
        chosen: list[str] = []
        while len(chosen) < count:
            chosen += [n for n in rng.choices(self.names, self._weights, k=count) if not known or n in self.knowledge]
        return chosen[:count]

    def confusable(self, label: str, rng: random.Random) -> str:
        """Another label that a careless eye takes for this one: a listed neighbour, else one of its category."""
        similar = [s["label"] for s in self.entry(label).get("similar", ()) if s["label"] in self.labels]
        if similar and rng.random() < 0.5:
            return rng.choice(similar)
        rivals = [n for n in self._by_category[self.labels[label].get("category", "object")] if n != label]
        rivals = [n for n in (rivals or self.names) if not self.same_thing(label, n)]
        return rng.choice(rivals or [n for n in self.names if n != label])

    def same_thing(self, label: str, other: str) -> bool:
        """Whether one label is the other, or listed as its synonym: then "no" would be wrong."""
        words = {label, *self.labels[label].get("synonyms", ())}
        return bool(words & {other, *self.labels[other].get("synonyms", ())})

    # kinds

    def _name(self, size: int, rng: random.Random) -> Group:
        labels = self.draw(size, rng)
        answers = [_capital(self.noun(label)) + "." for label in labels]
        return _group("name", rng.choice(phrasing.NAME_SHORT), labels, answers)

    def _name_sentence(self, size: int, rng: random.Random) -> Group:
        labels = self.draw(size, rng)
        answers = [self.this_is(label) + "." for label in labels]
        return _group("name_sentence", rng.choice(phrasing.NAME_SENTENCE), labels, answers)

    def _name_zh(self, size: int, rng: random.Random) -> Group:
        labels = [label for label in self.draw(size, rng) if self.labels[label].get("zh")]
        return _group("name_zh", rng.choice(phrasing.NAME_ZH), labels, [self.sentence_zh(label) for label in labels])

    def _category(self, size: int, rng: random.Random) -> Group:
        labels = [n for n in self.draw(size, rng) if self.labels[n].get("category") in phrasing.CATEGORY_NOUNS]
        kinds = [phrasing.CATEGORY_NOUNS[self.labels[label]["category"]] for label in labels]
        answers = [f"It is {kind}: {self.noun(label)}." for kind, label in zip(kinds, labels, strict=True)]
        return _group("category", rng.choice(phrasing.CATEGORY), labels, answers)

    def _attribute(self, kind: str, size: int, rng: random.Random) -> Group | None:
        questions, phrase = phrasing.ATTRIBUTES[kind]
        labels = self.draw(size, rng, known=True)
        pairs = [(label, phrase(self.entry(label), self.noun(label), label)) for label in labels]
        pairs = [(label, answer) for label, answer in pairs if answer]
        return _group(kind, rng.choice(questions), *zip(*pairs, strict=True)) if pairs else None

    def _yes_no(self, size: int, rng: random.Random) -> Group:
        asked = self.draw(1, rng)[0]
        question = rng.choice(phrasing.YES_NO if not self.entry(asked)["plural"] else phrasing.YES_NO_PLURAL)
        labels, answers = [], []
        for index in range(size):
            label = asked if index % 2 else self.confusable(asked, rng) if rng.random() < 0.8 else self.draw(1, rng)[0]
            yes = self.same_thing(asked, label)
            labels.append(label)
            answers.append(f"{'Yes' if yes else 'No'}, {_lower(self.this_is(asked if yes else label))}.")
        return _group("yes_no", question.format(self.noun(asked)), labels, answers)

    def _yes_no_category(self, size: int, rng: random.Random) -> Group | None:
        categories = sorted(self._by_category.keys() & phrasing.CATEGORY_NOUNS.keys())
        if not categories:
            return None
        asked = rng.choice(categories)
        labels, answers = [], []
        for index in range(size):
            inside = bool(index % 2)
            category = asked if inside else rng.choice([c for c in categories if c != asked] or categories)
            label = rng.choice(self._by_category[category])
            labels.append(label)
            answers.append(f"{'Yes' if category == asked else 'No'}, it is {self.noun(label)}.")
        question = rng.choice(phrasing.YES_NO_CATEGORY).format(phrasing.CATEGORY_NOUNS[asked])
        return _group("yes_no_category", question, labels, answers)

    def _compare(self, size: int, rng: random.Random) -> Group | None:
        pairs = [(label, s) for label in self.draw(8, rng, known=True) for s in self.entry(label).get("similar", ())]
        if not pairs:
            return None
        label, similar = rng.choice(pairs)
        question = rng.choice(phrasing.COMPARE).format(self.noun(similar["label"]) if similar["label"] in self.labels
                                                       else similar["label"])
        answer = f"{self.this_is(label)}; {similar['difference']}."
        return _group("compare", question, [label] * min(size, 2), [answer] * min(size, 2))

    def _about_zh(self, size: int, rng: random.Random) -> Group | None:
        labels = [n for n in self.draw(size, rng, known=True) if self.entry(n).get("zh", {}).get("use")]
        answers = []
        for name in labels:
            zh = self.entry(name)["zh"]
            answers.append(f"{self.labels[name]['zh']}是{zh['is']}，可以用来{zh['use'].removeprefix('用来')}。")
        return _group("about_zh", rng.choice(phrasing.ABOUT_ZH), labels, answers) if labels else None

    def _color_fact(self, size: int, rng: random.Random) -> Group:
        colors = rng.sample(phrasing.COLORS, rng.randint(1, 3))
        style = rng.random()
        if style < 0.3:  # "Is it red?"
            asked = rng.choice(colors if rng.random() < 0.5 else [c for c in phrasing.COLORS if c not in colors])
            answer = f"{'Yes' if asked in colors else 'No'}, {_lower(phrasing.color_answer(colors))}"
            labels = self.draw(min(size, 4), rng)
            question = rng.choice(phrasing.COLOR_YES_NO).format(asked)
            question = phrasing.with_facts([phrasing.color_fact(colors)], question)
            return _group("color_fact", question, labels, [answer] * len(labels))
        if style < 0.45:
            labels = self.draw(min(size, 4), rng)
            question = phrasing.with_facts([phrasing.color_fact(colors)], rng.choice(phrasing.COLOR_ZH))
            return _group("color_fact", question, labels, [phrasing.color_answer_zh(colors)] * len(labels))
        return self._fact("color", phrasing.color_fact(colors), phrasing.color_answer(colors), size, rng)

    def _size_fact(self, size: int, rng: random.Random) -> Group:
        scale = 10 ** rng.uniform(-1, 2)
        extent = [phrasing.number(scale * rng.uniform(0.2, 1)) for _ in range(3)]
        unit = rng.choice(("m", ""))
        return self._fact("size", phrasing.size_fact(extent, unit), phrasing.size_answer(extent, unit), size, rng)

    def _count_fact(self, size: int, rng: random.Random) -> Group:
        kind = rng.choice(("points", "vertices", "faces"))
        count = int(10 ** rng.uniform(2, 5.5))
        return self._fact(kind, phrasing.count_fact({kind: count}), f"It has {count} {kind}.", size, rng)

    def _fact(self, kind: str, fact: str, answer: str, size: int, rng: random.Random) -> Group:
        labels = self.draw(min(size, 4), rng)
        question = phrasing.with_facts([fact], rng.choice(phrasing.FACT_QUESTIONS[kind]))
        return _group(f"{kind}_fact", question, labels, [answer] * len(labels))


def _group(kind: str, question: str, labels: Sequence[str], answers: Sequence[str]) -> Group:
    return Group(kind, question, tuple(Item(*pair) for pair in zip(labels, answers, strict=True)))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
