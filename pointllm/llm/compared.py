"""What is known of one input that is to be compared: its name from the visual cache's captions or from the language
model's own words, and what the object knowledge says of that. Comparing is `compare`'s."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from pointllm.data.phrasing import CATEGORY_NOUNS
from pointllm.data.templates import with_article
from pointllm.llm.compare import Thing
from pointllm.llm.compare_wording import entry_words

if TYPE_CHECKING:
    from torch import Tensor

    from pointllm.llm.hints import Hints

NAME_QUESTION = "What is this? Answer with its name."
NAME_TOKENS = 12
# What stands before the name in an answer: "This is a", "It looks like an", "The object is the".
_BEFORE = re.compile(r"^(?:this|it|that|the (?:object|picture|image|sound|thing))\b[^.]*?"
                     r"\b(?:is|looks like|shows|seems to be|sounds like)\s+", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)


@cache
def _knowledge() -> Mapping[str, Mapping]:
    from pointllm.data.questions import read_knowledge

    return read_knowledge()


def thing_seen(file: str, facts: Mapping, vector: Tensor, hints: Hints) -> Thing:
    """By the captions that are nearest to its embedding (D,)."""
    sight = hints.see(vector)
    captions, sure = hints.named(sight)
    first = captions[0]
    return Thing(file, first.name, sure, first.label, first.category, first.zh, hints.knowledge.get(first.label, {}),
                 facts, lambda phrase: hints.likely(sight, phrase))


def thing_named(file: str, facts: Mapping, words: str) -> Thing:
    """By the language model's answer to NAME_QUESTION."""
    first = re.split(r"[.,;!?\n]", words.strip())[0]
    bare = _ARTICLE.sub("", _BEFORE.sub("", first)).strip()
    if not bare:
        return Thing(file, facts=facts)
    bare = bare if bare.isupper() else bare[:1].lower() + bare[1:]
    entry = _knowledge().get(bare.lower(), {})
    return Thing(file, with_article(bare), True, bare.lower() if entry else "", "", entry.get("zh", {}).get("name", ""),
                 entry, facts, lambda phrase: _told_of(entry, phrase))


def _told_of(entry: Mapping, phrase: str) -> bool | None:
    """Whether the knowledge calls a thing so; None where it doesn't know the word either."""
    word = _ARTICLE.sub("", phrase).lower()
    if not entry:
        return None
    if re.search(rf"\b{re.escape(word)}s?\b", entry_words(entry)):
        return True
    known = word in _knowledge() or any(word in noun for noun in CATEGORY_NOUNS.values())
    return False if known else None
