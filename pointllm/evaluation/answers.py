"""When an answer in words counts as right: names, yes and no, colours, keywords, Chinese names.

The rule for names is the one that the project's acceptance check uses: a label, or a synonym of it, stands in the
answer as a word of its own, with or without -s or -es. Knows words only; sentence similarity is `similarity`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ..data.phrasing import COLORS
from ..data.records import Label
from .metrics import token_f1

_ARTICLE = re.compile(r"^(this is|these are|it is|it's|they are|that is)?\s*(a|an|the|some)?\s*\b", re.IGNORECASE)
_FIRST = re.compile(r"^\W*(yes|no|yeah|yep|nope|not)\b", re.IGNORECASE)
_ANY = re.compile(r"\b(yes|no)\b", re.IGNORECASE)
_ZH_NO, _ZH_YES = re.compile(r"^\W*(不是|不|没有|否)"), re.compile(r"^\W*(是|对|没错)")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
# Shades that people and models name, by the plain colour that they are one of.
SHADES = {
    "grey": "gray", "silver": "gray", "silvery": "gray", "golden": "yellow", "gold": "yellow", "violet": "purple",
    "turquoise": "cyan", "teal": "cyan", "navy": "blue", "cream": "beige", "tan": "beige", "scarlet": "red",
    "crimson": "red", "magenta": "pink",
}
_COLOR = re.compile(rf"\b({'|'.join([*COLORS, *SHADES])})(?:ish)?\b", re.IGNORECASE)
# Words that say nothing about an object: articles, pronouns, the frame of such answers.
STOP_WORDS = frozenset(
    "a an the this that these those it its they them their he she you your we our i is are was be been being has have "
    "had do does did can could may might will would should and or but not no of to in on at for with from by as into "
    "than then so such some any each also often usually typically commonly used use uses using called main part parts "
    "made make makes thing things object objects one two other others more most many much like very".split()
)


def accepted_names(labels: Mapping[str, Label], right: Iterable[str]) -> set[str]:
    """The labels in `right` and all their synonyms."""
    return {name for label in right for name in (label, *(labels[label].synonyms if label in labels else ()))}


def names_object(answer: str, names: Iterable[str]) -> bool:
    """Whether a name, or its plural by -s or -es, stands in the answer as a word of its own."""
    lowered = answer.lower()
    return any(re.search(rf"(?<![a-z]){re.escape(name.lower())}(?:s|es)?(?![a-z])", lowered) for name in names)


def is_name(answer: str, names: Iterable[str]) -> bool:
    """Whether the answer is the name and nothing else but an article or "This is": the strict reading."""
    bare = _ARTICLE.sub("", answer.strip(), count=1).strip().rstrip(".!").lower()
    return any(bare in (name.lower(), f"{name.lower()}s", f"{name.lower()}es") for name in names)


def names_object_zh(answer: str, labels: Mapping[str, Label], right: Iterable[str]) -> bool:
    """Whether the Chinese name of a label in `right` stands in the answer."""
    return any(labels[label].zh in answer for label in right if label in labels and labels[label].zh)


def is_chinese(answer: str) -> bool:
    """Whether at least half of the answer's letters are Chinese characters."""
    letters = [c for c in answer if c.isalpha()]
    return bool(letters) and 2 * sum(bool(_HAN.match(c)) for c in letters) >= len(letters)


def yes_or_no(answer: str) -> bool | None:
    """True for yes, False for no, by the first word, else by the only yes or no in it; None where it says neither."""
    if first := _FIRST.match(answer):
        return first[1].lower().startswith("y")
    if _ZH_NO.match(answer):
        return False
    if _ZH_YES.match(answer):
        return True
    said = {word.lower() for word in _ANY.findall(answer)}
    return said == {"yes"} if len(said) == 1 else None


def named_colors(text: str) -> list[str]:
    """The plain colours that a text names, in its order, each once; shades count as the colour they are one of."""
    words = (match[1].lower() for match in _COLOR.finditer(text))
    return list(dict.fromkeys(SHADES.get(word, word) for word in words))


def colors_right(answer: str, recorded: Sequence[str]) -> dict[str, bool]:
    """What can be said of the colours in an answer, given those on record.

    "right": it names one of them and no other; "names_one": it names one of them, whatever else it says;
    "names_wrong": it names one that isn't on record; "names_main": it names the first, largest one.
    """
    recorded = [SHADES.get(color, color) for color in recorded]
    named = named_colors(answer)
    good, wrong = [c for c in named if c in recorded], [c for c in named if c not in recorded]
    return {"right": bool(good) and not wrong, "names_one": bool(good), "names_wrong": bool(wrong),
            "names_main": bool(recorded) and recorded[0] in named}


def keywords(text: str) -> list[str]:
    """The words of a text that carry meaning, cut to a common stem, each once."""
    return list(dict.fromkeys(_stem(word) for word in _WORD.findall(text.lower()) if word not in STOP_WORDS))


def keyword_f1(answer: str, reference: str) -> float:
    """F1 (0-1) of the keywords of an answer against those of a reference."""
    return token_f1(keywords(answer), keywords(reference))


def _stem(word: str) -> str:
    """"cutting", "cuts" and "cut" → "cut"; crude, but alike for answer and reference."""
    word = word.removesuffix("'s")
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word
