"""Hints: the words that stand beside the visual cache's nearest keys, put before the question.

The gated injection gives the language model one vector; a small one reads little from it. The cache that mends the
vector (`visual_cache`) knows what its keys are called, so its nearest names can be said as well, and with them what is
known of the nearest one, and whether the thing that a question names is among them. Not part of the paper: a profile
has hints if its config says so, the published ones have none, and without the cache there are none.

Wording: `pointllm.data.hints`. Reads embeddings of any modality; knows no files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from pointllm.data import hints as wording
from pointllm.errors import WeightsError

CAPTIONS = "captions.json"
_COMPARED = re.compile(r"(?:differ from|different from|this and|it and|is (?:this|it) not) (.+?)\W*$", re.IGNORECASE)


@dataclass(frozen=True)
class Caption:
    """What a key of the cache is called: "a chair", in Chinese with its measure word, and what else names it."""

    label: str
    name: str
    plural: bool = False
    name_zh: str = ""
    zh: str = ""
    category: str = ""
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class HintSettings:
    """names: said at most. temperature: of the softmax over all keys. sure: probability from which the first name is
    said alone. among: share of the first one's probability that others need. likely: probability from which a thing
    that a question names is taken to be there. All fitted on validation objects."""

    names: int = 3
    temperature: float = 60.0
    sure: float = 0.35
    among: float = 0.2
    likely: float = 0.12


@dataclass(frozen=True)
class Sight:
    """Probabilities (N,) of the keys for one input, and the best of them, best first."""

    probabilities: Tensor
    best: tuple[int, ...]
    embedding: Tensor  # (D,)

    @property
    def first(self) -> float:
        return float(self.probabilities[self.best[0]])


class Hints:
    """Names what embeddings are nearest to, and phrases what of it a question asks for."""

    def __init__(self, captions: Sequence[Caption], keys: Tensor, settings: HintSettings,
                 knowledge: Mapping[str, Mapping], embed_names: Callable[[list[str]], Tensor] | None = None):
        """keys: (N, D), one a caption. embed_names: bare names → vectors as the keys are, for things without a key."""
        if len(captions) != len(keys):
            raise WeightsError(f"{CAPTIONS}: {len(captions)} captions for {len(keys)} keys of the visual cache; "
                               "take both from one export")
        self.captions, self.settings, self.knowledge = tuple(captions), settings, knowledge
        self.keys = F.normalize(keys.float(), dim=-1)
        self.embed_names = embed_names
        self._rows: dict[str, set[int]] = {}
        for row, caption in enumerate(self.captions):
            for word in {caption.label, *caption.synonyms, caption.category, caption.zh,
                         wording.CATEGORIES_ZH.get(caption.category, "")} - {""}:
                self._rows.setdefault(word.lower(), set()).add(row)

    @classmethod
    def from_config(cls, folder: Path, config: Mapping, keys: Tensor | None,
                    embed_names: Callable[[list[str]], Tensor] | None = None) -> Hints | None:
        """From the `hints` object of a profile's llm/config.json; None where it has none.

        Raises WeightsError when the captions are missing or don't fit the keys.
        """
        rows = config.get("hints")
        if not rows:
            return None
        if keys is None:
            raise WeightsError("llm/config.json: hints need a visual cache of labels")
        from pointllm.data.questions import read_knowledge

        file = Path(folder) / CAPTIONS
        try:
            captions = [Caption(**{**row, "synonyms": tuple(row.get("synonyms", ()))})
                        for row in json.loads(file.read_text(encoding="utf-8"))]
            settings = HintSettings(**rows)
        except (OSError, ValueError, TypeError) as error:
            raise WeightsError(f"llm/{CAPTIONS}: not the captions of a visual cache ({error})") from error
        return cls(captions, keys, settings, read_knowledge(), embed_names)

    def see(self, embedding: Tensor) -> Sight:
        """What a unit vector (D,) is nearest to."""
        vector = F.normalize(embedding.detach().float().reshape(-1).cpu(), dim=0)
        probabilities = torch.softmax(self.settings.temperature * (self.keys @ vector), dim=0)
        best = probabilities.topk(min(max(self.settings.names, 5), len(self.captions))).indices.tolist()
        return Sight(probabilities, tuple(best), vector)

    def named(self, sight: Sight) -> tuple[list[Caption], bool]:
        """The captions worth naming, best first, and whether the first may be said alone."""
        sure = sight.first >= self.settings.sure
        if sure:
            return [self.captions[sight.best[0]]], True
        least = self.settings.among * sight.first
        rows = [row for row in sight.best[: self.settings.names] if float(sight.probabilities[row]) >= least]
        return [self.captions[row] for row in rows], False

    def likely(self, sight: Sight, phrase: str) -> bool | None:
        """Whether the input is what `phrase` names; None where neither names nor knowledge tell.

        A known label, synonym or category counts by its keys' probability. A phrase that the nearest one's definition
        uses ("a fruit") is true of it. Another thing is embedded and weighed against the keys.
        """
        word = wording.bare(phrase).lower()
        rows = self._rows.get(word) or self._rows.get(word.removesuffix("s")) or self._rows.get(word.removesuffix("es"))
        if rows is None and wording.is_chinese(word):
            rows = {row for row, caption in enumerate(self.captions)
                    if caption.zh and (caption.zh in word or word in caption.zh)}
            if not rows:
                return None
        if rows and float(sight.probabilities[sorted(rows)].sum()) >= self.settings.likely:
            return True
        entry = self.knowledge.get(self.captions[sight.best[0]].label, {})
        told = f" {entry.get('is', '')} {entry.get('short', '')} ".lower().replace(",", " ").replace(".", " ")
        if word and f" {word} " in told:
            return True
        if rows:
            return False
        if not wording.has_article(phrase) or self.embed_names is None:
            return None
        vector = F.normalize(self.embed_names([word]).float().reshape(-1), dim=0)
        scores = self.settings.temperature * torch.cat([self.keys @ sight.embedding, (vector @ sight.embedding)[None]])
        return float(torch.softmax(scores, dim=0)[-1]) >= self.settings.likely

    def lines(self, question: str, sights: Sequence[Sight]) -> list[str]:
        """What to say before a question about inputs seen so: names, and evidence or knowledge; of several, a line
        each."""
        chinese = wording.is_chinese(question)
        if len(sights) > 1:
            return [self._of_several(question, sight, number, chinese) for number, sight in enumerate(sights, 1)]
        sight = sights[0]
        captions, sure = self.named(sight)
        lines = [wording.names_line([self._name(caption, chinese) for caption in captions], sure, chinese)]
        if asked := wording.property_asked(question):
            name, categories = asked
            share = sum(float(sight.probabilities[row]) for row, caption in enumerate(self.captions)
                        if caption.category in categories)
            return [*lines, wording.evidence_line(name, share >= 0.5, chinese)]
        thing = wording.thing_asked(question)
        if thing is not None:
            likely = self.likely(sight, thing)
            if likely is not None:
                return [*lines, wording.evidence_line(thing, likely, chinese)]
        topic = wording.topic_of(question)
        if topic != "name" and (told := self._told(topic, captions[0], question, chinese)):
            lines.append(told)
        return lines

    def _of_several(self, question: str, sight: Sight, number: int, chinese: bool) -> str:
        captions, sure = self.named(sight)
        caption = captions[0]
        name = self._name(caption, chinese)
        entry = self.knowledge.get(caption.label, {})
        if wording.topic_of(question) == "compare" and entry:
            name += f"，{entry['zh']['is']}" if chinese and entry.get("zh", {}).get("is") else \
                "" if chinese else f", {entry['is']}"
        return f"第{number}个{'看起来像' if sure else '可能是'}{name}" if chinese else \
            f"No. {number} {'looks like' if sure else 'is perhaps'} {name}"

    def _told(self, topic: str, caption: Caption, question: str, chinese: bool) -> str:
        entry = self.knowledge.get(caption.label)
        if topic == "category" and caption.category:
            return _category(caption.category, chinese)
        if entry is None:
            return ""
        if chinese:
            return wording.about_zh(caption.zh, entry)
        thing = _compared(question) if topic == "compare" else ""
        return wording.fact_line(topic, entry, caption.name, self.knowledge.get(wording.bare(thing)), thing)

    @staticmethod
    def _name(caption: Caption, chinese: bool) -> str:
        return (caption.name_zh or caption.zh or caption.name) if chinese else caption.name


def _category(category: str, chinese: bool) -> str:
    from pointllm.data.phrasing import CATEGORY_NOUNS

    if chinese:
        return f"类别：{wording.CATEGORIES_ZH[category]}" if category in wording.CATEGORIES_ZH else ""
    return f"kind: {CATEGORY_NOUNS.get(category, category)}"


def _compared(question: str) -> str:
    """The thing that an object is compared with: "a stool" of "How does it differ from a stool?"."""
    found = _COMPARED.search(question)
    return found[1].strip() if found else ""


def captions_of(book) -> list[Caption]:
    """The captions of all labels of a `pointllm.data.questions.QuestionBook`, in the order of its names."""
    rows = []
    for label in book.names:
        row, entry = book.labels[label], book.entry(label)
        zh = row.get("zh") or ""
        measure = entry.get("zh", {}).get("measure", "") if zh else ""
        rows.append(Caption(label, book.noun(label), bool(entry["plural"]), f"一{measure}{zh}" if measure else zh, zh,
                            row.get("category", ""), tuple(row.get("synonyms", ()))))
    return rows


def write_captions(captions: Sequence[Caption], folder: Path) -> None:
    """captions.json beside the visual cache."""
    kept = [{key: value for key, value in vars(row).items() if value not in ("", (), False)} for row in captions]
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in kept)
    (Path(folder) / CAPTIONS).write_text(f"[\n{rows}\n]\n", encoding="utf-8")
