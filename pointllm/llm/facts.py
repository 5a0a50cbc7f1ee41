"""Which measured facts of an upload a question asks for, and the line that puts them into the prompt.

Colours, size and counts are measured (`pointllm.inputs.facts`), not guessed by the model; they enter the prompt only
when the question is about them, so that "What is this?" stays short. Wording is shared with training: `data.phrasing`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pointllm.data import hints as wording
from pointllm.data import phrasing

_COLOR = re.compile(r"\bcolou?r(s|ed)?\b|颜色|色彩|什么色", re.IGNORECASE)
# what is usual for such things is a question of knowledge, not of this file
_USUAL = re.compile(
    r"\b(usual|usually|typical|typically|normally|such things|such an? object)\b|通常|一般", re.IGNORECASE)
_SIZE = re.compile(
    r"\bhow (big|large|tall|high|wide|deep|long)\b|\b(size|dimensions?|measurements?|width|height|depth)\b"
    r"|多大|多高|多宽|多长|尺寸|大小", re.IGNORECASE)
_COUNTS = {
    "points": re.compile(r"\bpoints\b|多少个?点|点数", re.IGNORECASE),
    "vertices": re.compile(r"\b(vertices|vertexes|points)\b|顶点|多少个?点|点数", re.IGNORECASE),
    "faces": re.compile(r"\b(faces|triangles|polygons)\b|多少个?(面|三角形)|面数", re.IGNORECASE),
}


def relevant_facts(question: str, facts: Mapping) -> list[str]:
    """The phrases of `facts` (see `inputs.facts.shape_facts`; "unit" where known) that the question asks for."""
    if _USUAL.search(question):
        return []
    found = []
    if facts.get("colors") and (_COLOR.search(question) or _names_color(question)):
        found.append(phrasing.color_fact(facts["colors"]))
    if facts.get("size") and _SIZE.search(question):
        found.append(phrasing.size_fact([phrasing.number(v) for v in facts["size"]], facts.get("unit", "")))
    counts = {kind: facts[kind] for kind, asked in _COUNTS.items() if facts.get(kind) and asked.search(question)}
    if counts:
        found.append(phrasing.count_fact(counts))
    return found


def _names_color(question: str) -> bool:
    """Whether the question is "Is it red?" and the like."""
    return bool(re.search(rf"\b({'|'.join(phrasing.COLORS)}|grey)\b", question, re.IGNORECASE))


def with_relevant_facts(question: str, uploads: Sequence[Mapping], hints: Sequence[str] = ()) -> str:
    """The question, after a line with what was recognised and the facts that it asks for.

    hints: lines of `pointllm.llm.hints`; a question about measured facts does without. Of several uploads the first
    with such facts counts.
    """
    for facts in uploads:
        if phrases := relevant_facts(question, facts):
            return phrasing.with_facts(phrases, question)
    measured = []
    described = wording.describes(question) and not wording.is_chinese(question)
    if described and len(uploads) == 1 and uploads[0].get("colors"):
        measured = [phrasing.color_fact(uploads[0]["colors"])]
    return wording.with_hints(hints, measured, question) if hints else question
