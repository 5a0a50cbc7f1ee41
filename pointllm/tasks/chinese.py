"""Chinese names of things → English, for text towers that read English only.

A table, not a translator: the names in the object knowledge, a list of everyday words beside it, and words for colour,
material and size before a name (红色的椅子 → red chair). What isn't in the table is reported, never guessed: to an
English tower unknown characters are noise, and an answer made from noise would look like any other.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("chinese_names.json")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
# 一把椅子, 这只猫: number or pointer and a measure word
_MEASURE = re.compile(r"^(?:[一二两三这那]|\d+)[个只把张台辆条件座朵棵头匹本架艘块片双副瓶杯盏扇根颗]")
_SOUND_OF = re.compile(r"的?(?:声音|响声|叫声)$")


def is_chinese(name: str) -> bool:
    """Whether a name holds Chinese characters."""
    return bool(_HAN.search(name))


def translate(name: str) -> str | None:
    """The English for a Chinese name, or None where the table doesn't cover all of it."""
    names, modifiers = _tables()
    word = re.sub(r"\s+", "", unicodedata.normalize("NFKC", name)).strip("。，、！？")
    for candidate in dict.fromkeys((word, _MEASURE.sub("", word), _SOUND_OF.sub("", _MEASURE.sub("", word)))):
        if candidate and (english := _parse(candidate, names, modifiers)):
            return english
    return None


def _parse(word: str, names: dict[str, str], modifiers: dict[str, str]) -> str | None:
    """A name as it stands, else one or more modifiers and then a name; the longest modifier is tried first."""
    if word in names:
        return names[word]
    for length in range(min(len(word) - 1, 4), 0, -1):
        modifier = modifiers.get(word[:length])
        if modifier is None:
            continue
        rest = _parse(word[length:].removeprefix("的"), names, modifiers)
        if rest is not None:
            return f"{modifier} {rest}"
    return None


@cache
def _tables() -> tuple[dict[str, str], dict[str, str]]:
    """Names and modifiers, Chinese → English. Where labels share a name, the first counts."""
    from ..data.questions import read_knowledge

    table = json.loads(TABLE.read_text(encoding="utf-8"))
    names = dict(table["names"])
    for label, entry in reversed(read_knowledge().items()):
        if chinese := entry.get("zh", {}).get("name"):
            names[unicodedata.normalize("NFKC", chinese)] = label
    return names, table["modifiers"]
