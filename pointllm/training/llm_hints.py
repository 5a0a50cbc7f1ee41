"""Questions with hints: rows whose prompt says what the visual cache recognised, and answers that follow it.

The embedding of a row is drawn as `llm_data` draws all, text or image, never 3D; what is said of it comes from the same
`pointllm.llm.hints` as in use. An answer follows what the hint says: the language model learns to read and to phrase,
recognition stays the joint space's work.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from pointllm.data import hints as wording
from pointllm.data import phrasing
from pointllm.data.questions import QuestionBook
from pointllm.llm.facts import with_relevant_facts
from pointllm.llm.hints import Caption, Hints, Sight
from pointllm.training.llm_config import DisturbanceSection

TRIES = 8  # embeddings drawn until the nearest key is the label's own
FOLLOW_UPS = 0.15  # share of questions that come after another one about the same thing
ZH_YES_NO = ("这是{}吗？", "它是{}吗？", "这是不是{}？")
ZH_ABOUT = (*phrasing.ABOUT_ZH, "请描述一下它。", "请描述这个物体。", "详细介绍一下这个东西。", "它是用来做什么的？",
            "告诉我它的用途。")
ZH_CATEGORY = ("它属于哪一类？", "这是哪一类东西？", "它的类别是什么？")
SEVERAL = ("What are these?", "What do you see?", "What are these two things?", "Name both objects.", "What is this?",
           "What did I upload?")
SEVERAL_ZH = ("这些是什么？", "这两个东西是什么？")
DIFFERENCE = ("What is the difference between them?", "How do they differ?", "Compare them.",
              "What is the difference between the two?", "Compare the two objects.")
MATERIAL = ("Is it made of {}?", "Is this made of {}?")
ALIASED = ("What is it?", "What is this thing?", "what is that", "What have I got here?", "Which object is it?")


@dataclass(frozen=True)
class Hinted:
    """A question with its hints and earlier turn, the answer, and the embedding (D,) it is about."""

    question: str
    history: tuple[tuple[str, str], ...]
    answer: str
    embedding: Tensor


class HintedQuestions:
    """Makes `Hinted` rows of the kinds of `QuestionBook` that a hint helps with, and of kinds of its own."""

    def __init__(self, book: QuestionBook, bank, hints: Hints, amount: DisturbanceSection):
        self.book, self.bank, self.hints, self.amount = book, bank, hints, amount
        self._own = {
            "name": self._name, "name_sentence": self._name_sentence, "name_zh": self._name_zh,
            "yes_no": self._yes_no, "yes_no_zh": self._yes_no_zh, "yes_no_category": self._yes_no_category,
            "category": self._category, "category_zh": self._category_zh, "about_zh": self._about_zh,
            "material_yes_no": self._material, "pair": self._pair, "pair_difference": self._pair_difference,
            "compare": self._compare,
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that `make` knows."""
        return (*self._own, *phrasing.ATTRIBUTES)

    def make(self, kind: str, rng: random.Random) -> Hinted | None:
        """One row; None where this draw gives none."""
        if kind in self._own:
            return self._own[kind](rng)
        return self._attribute(kind, rng)

    # -- what is looked at

    def _look(self, label: str, rng: random.Random) -> Sight:
        """A disturbed embedding of the label that the cache takes for it, as it is right about most things in use."""
        own = self.book.names.index(label)
        for _ in range(TRIES):
            vector = self.bank.sample(label, self.book.confusable(label, rng), self.amount, rng)
            sight = self.hints.see(vector)
            if sight.best[0] == own:
                return sight
        return self.hints.see(self.hints.keys[own])

    def _draw(self, rng: random.Random, known: bool = False) -> tuple[str, Sight, Caption]:
        labels = self.book.draw(1, rng, known)
        label = labels[0]
        sight = self._look(label, rng)
        label = self.hints.captions[sight.best[0]].label  # should two keys be the same
        return label, sight, self.hints.captions[sight.best[0]]

    def _row(self, question: str, sights: list[Sight], answer: str, rng: random.Random,
             facts: dict | None = None) -> Hinted:
        line = with_relevant_facts(question, [facts] if facts else [], self.hints.lines(question, sights))
        history: tuple[tuple[str, str], ...] = ()
        if len(sights) == 1 and rng.random() < FOLLOW_UPS:
            before = self._names(sights[0])
            first = rng.choice(phrasing.NAME_SENTENCE)
            history = ((first, wording.sentence_answer(*before, self._plural(sights[0]))),)
        mixed = F.normalize(torch.stack([sight.embedding for sight in sights]).mean(0), dim=0)
        return Hinted(line, history, answer, mixed)

    def _names(self, sight: Sight, chinese: bool = False) -> tuple[list[str], bool]:
        captions, sure = self.hints.named(sight)
        return [(c.name_zh or c.zh) if chinese else c.name for c in captions], sure

    def _plural(self, sight: Sight) -> bool:
        return self.hints.captions[sight.best[0]].plural

    # -- kinds

    def _name(self, rng: random.Random) -> Hinted:
        _, sight, _ = self._draw(rng)
        return self._row(rng.choice(phrasing.NAME_SHORT), [sight], wording.name_answer(*self._names(sight)), rng)

    def _name_sentence(self, rng: random.Random) -> Hinted:
        _, sight, _ = self._draw(rng)
        answer = wording.sentence_answer(*self._names(sight), self._plural(sight))
        return self._row(rng.choice((*phrasing.NAME_SENTENCE, *ALIASED)), [sight], answer, rng)

    def _name_zh(self, rng: random.Random) -> Hinted | None:
        label, sight, _ = self._draw(rng)
        names, sure = self._names(sight, chinese=True)
        if not all(names):
            return None
        return self._row(rng.choice(phrasing.NAME_ZH), [sight], wording.sentence_answer_zh(names, sure), rng)

    def _asked(self, label: str, sight: Sight, rng: random.Random) -> str:
        """A label to ask about: the object's own, a runner-up, a confusable one or any other."""
        draw = rng.random()
        if draw < 0.45:
            return label
        if draw < 0.65:
            return self.hints.captions[rng.choice(sight.best[1:4] or sight.best)].label
        return self.book.confusable(label, rng) if draw < 0.85 else self.book.draw(1, rng)[0]

    def _yes_no(self, rng: random.Random) -> Hinted | None:
        label, sight, caption = self._draw(rng)
        asked = self._asked(label, sight, rng)
        plural, noun = self.book.entry(asked)["plural"], self.book.noun(asked)
        synonyms = [word for word in self.book.labels[asked].get("synonyms", ()) if word.isascii()]
        if synonyms and not plural and rng.random() < 0.2:
            from pointllm.data.templates import with_article

            noun = with_article(rng.choice(synonyms))
        question = rng.choice(phrasing.YES_NO_PLURAL if plural else phrasing.YES_NO).format(noun)
        likely = self.hints.likely(sight, noun)
        if likely is None:
            return None
        if likely:
            answer = f"Yes, {'these are' if plural else 'this is'} {noun}."
        else:
            said = wording.sentence_answer(*self._names(sight), caption.plural)
            answer = f"No, {said[:1].lower()}{said[1:]}"
        return self._row(question, [sight], answer, rng)

    def _yes_no_zh(self, rng: random.Random) -> Hinted | None:
        label, sight, caption = self._draw(rng)
        asked = self.hints.captions[self.book.names.index(self._asked(label, sight, rng))]
        if not asked.zh or not caption.zh:
            return None
        likely = self.hints.likely(sight, asked.zh)
        if likely is None:
            return None
        said = wording.sentence_answer_zh(*self._names(sight, chinese=True))
        answer = f"是的，这是{asked.name_zh or asked.zh}。" if likely else f"不是，{said}"
        return self._row(rng.choice(ZH_YES_NO).format(asked.zh), [sight], answer, rng)

    def _yes_no_category(self, rng: random.Random) -> Hinted | None:
        _, sight, caption = self._draw(rng)
        inside = rng.random() < 0.5
        asked = caption.category if inside else rng.choice(sorted(phrasing.CATEGORY_NOUNS))
        if asked not in phrasing.CATEGORY_NOUNS:
            return None
        noun = {"animal": "an animal", "person": "a person", "clothing": "clothing", "nature": "nature"}.get(
            asked, f"{'an' if asked[0] in 'aeio' else 'a'} {asked}" if asked in ("tool", "vehicle", "building", "plant",
            "appliance", "container", "decoration") else asked)
        likely = self.hints.likely(sight, noun)
        if likely is None:
            return None
        answer = f"{'Yes' if likely else 'No'}, it is {caption.name}."
        return self._row(rng.choice(phrasing.YES_NO_CATEGORY).format(noun), [sight], answer, rng)

    def _category(self, rng: random.Random) -> Hinted | None:
        _, sight, caption = self._draw(rng)
        if caption.category not in phrasing.CATEGORY_NOUNS:
            return None
        answer = f"It is {phrasing.CATEGORY_NOUNS[caption.category]}: {caption.name}."
        return self._row(rng.choice(phrasing.CATEGORY), [sight], answer, rng)

    def _category_zh(self, rng: random.Random) -> Hinted | None:
        _, sight, caption = self._draw(rng)
        if caption.category not in wording.CATEGORIES_ZH or not caption.zh:
            return None
        answer = f"它属于{wording.CATEGORIES_ZH[caption.category]}：{caption.zh}。"
        return self._row(rng.choice(ZH_CATEGORY), [sight], answer, rng)

    def _about_zh(self, rng: random.Random) -> Hinted | None:
        label, sight, caption = self._draw(rng, known=True)
        entry = self.book.entry(label)
        if not wording.about_zh(caption.zh, entry):
            return None
        zh = entry["zh"]
        answer = f"{caption.zh}是{zh['is']}，可以用来{zh['use'].removeprefix('用来')}。"
        return self._row(rng.choice(ZH_ABOUT), [sight], answer, rng)

    def _attribute(self, kind: str, rng: random.Random) -> Hinted | None:
        questions, phrase = phrasing.ATTRIBUTES[kind]
        label, sight, caption = self._draw(rng, known=True)
        answer = phrase(self.book.entry(label), caption.name, label)
        if not answer:
            return None
        question, facts = rng.choice(questions), None
        if wording.describes(question) and rng.random() < 0.6:
            colors = rng.sample(phrasing.COLORS, rng.randint(1, 3))
            facts = {"colors": colors}
            answer = f"{answer.rstrip('.')}. {phrasing.color_answer(colors).replace('It is', 'This one is')}"
        return self._row(question, [sight], answer, rng, facts)

    def _material(self, rng: random.Random) -> Hinted | None:
        label, sight, _ = self._draw(rng, known=True)
        materials = self.book.entry(label).get("materials", ())[:3]
        if not materials:
            return None
        asked = rng.choice(materials if rng.random() < 0.5 else ("wood", "metal", "plastic", "glass", "stone"))
        answer = f"{'Yes' if asked in materials else 'No'}, it is usually made of {phrasing.listed(materials, 'or')}."
        return self._row(rng.choice(MATERIAL).format(asked), [sight], answer, rng)

    def _compare(self, rng: random.Random) -> Hinted | None:
        label, sight, caption = self._draw(rng, known=True)
        similar = [s for s in self.book.entry(label).get("similar", ()) if s["label"] in self.book.labels]
        if not similar:
            return None
        chosen = rng.choice(similar)
        question = rng.choice(phrasing.COMPARE).format(self.book.noun(chosen["label"]))
        return self._row(question, [sight], f"{self.book.this_is(label)}; {chosen['difference']}.", rng)

    def _two(self, rng: random.Random, known: bool = False) -> list[tuple[str, Sight, Caption]]:
        return [self._draw(rng, known), self._draw(rng, known)]

    def _pair(self, rng: random.Random) -> Hinted | None:
        seen = self._two(rng)
        sights = [sight for _, sight, _ in seen]
        first, second = (caption for _, _, caption in seen)
        if rng.random() < 0.25 and first.zh and second.zh:
            answer = f"第一个是{first.name_zh or first.zh}，第二个是{second.name_zh or second.zh}。"
            return self._row(rng.choice(SEVERAL_ZH), sights, answer, rng)
        answer = f"The first is {first.name} and the second is {second.name}."
        return self._row(rng.choice(SEVERAL), sights, answer, rng)

    def _pair_difference(self, rng: random.Random) -> Hinted | None:
        (one, _, first), (other, _, second) = seen = self._two(rng, known=True)
        answer = (f"The first is {first.name}, {self.book.entry(one)['is']}; "
                  f"the second is {second.name}, {self.book.entry(other)['is']}.")
        return self._row(rng.choice(DIFFERENCE), [sight for _, sight, _ in seen], answer, rng)
