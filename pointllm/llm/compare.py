"""Questions that compare several inputs: "Which is larger?", "What is the difference?", "What are these?".

The language model sees one mixed embedding and cannot tell its parts apart. Each input is therefore named by itself,
and the answer is composed from these names, measured facts (sizes, colours, counts) and the object knowledge. What
these don't settle is None: the model then answers as it does otherwise. Not part of the paper.

Knows no files, embeddings or models; sentences are `compare_wording`'s.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pointllm.data.hints import is_chinese
from pointllm.data.phrasing import COLORS, COLORS_ZH
from pointllm.llm.compare_wording import English, entry_words, wording

ALIKE = 0.01  # sizes that differ by less are the same

_USUAL = re.compile(r"\b(usual|usually|typical|typically|normally|in real(ity| life))\b|通常|一般|现实", re.IGNORECASE)
_EACH = re.compile(
    r"\bwhat (are|'re) (these|they|those|both|the (two|three|objects|things|files|inputs))\b|\bwhat is each\b"
    r"|\bname (them|each|both|all|these|every)\b|\bidentify (them|each|both|all|these)\b"
    r"|(这些|它们|他们|这[两二三几]个|两个)(都|各|分别)*(是|叫)(些)?什么|分别是什么|各是什么", re.IGNORECASE)
_DIFFER = re.compile(
    r"\bdiffer(s|ence|ences|ent|ently)?\b|\bcompar(e|es|ison)\b|\bcontrast\b|\bversus\b|\bvs\b|区别|不同|差别|差异|比较|对比",
    re.IGNORECASE)
_SAME = re.compile(r"\bthe same\b|\bidentical\b|\balike\b|\bsimilar\b|一样吗|相同吗|同样的|同一种|相似", re.IGNORECASE)
_COMMON = re.compile(r"\bin common\b|\bshare\b|\bboth have\b|共同点|共同之处|相同点", re.IGNORECASE)
_COLORS_OF = re.compile(r"\bcolou?rs?\b|颜色", re.IGNORECASE)
_WHICH = re.compile(r"\bwhich\b|\bwhat one\b|\bwho is\b|哪", re.IGNORECASE)
_COUNTED = {"points": r"\bpoints\b|点数|(多少|更多|最多|更少|最少)的?点", "vertices": r"\bvert(ices|exes)\b|顶点",
            "faces": r"\b(faces|triangles|polygons)\b|三角形|面数|(更多|最多|更少|最少)的?面|面(更|最)(多|少)"}

Size = Sequence[float]
# pattern, what is compared, whether the largest is meant, the word in English (two of them, more) and in Chinese
_MEASURES: tuple[tuple[str, Callable[[Size], float], bool, tuple[str, str], tuple[str, str]], ...] = (
    (r"tall(er|est)|high(er|est)|更高|最高|比较高", lambda s: s[1], True, ("taller", "the tallest"),
     ("更高", "最高")),
    (r"short(er|est)|lower|lowest|更矮|最矮", lambda s: s[1], False, ("shorter", "the shortest"),
     ("更矮", "最矮")),
    (r"wid(er|est)|broad(er|est)|更宽|最宽", lambda s: s[0], True, ("wider", "the widest"), ("更宽", "最宽")),
    (r"narrow(er|est)|更窄|最窄", lambda s: s[0], False, ("narrower", "the narrowest"), ("更窄", "最窄")),
    (r"deep(er|est)|更深|最深", lambda s: s[2], True, ("deeper", "the deepest"), ("更深", "最深")),
    (r"long(er|est)|更长|最长", max, True, ("longer", "the longest"), ("更长", "最长")),
    (r"larg(er|est)|bigg(er|est)|更大|最大|大一些|比较大", lambda s: math.hypot(*s), True, ("larger", "the largest"),
     ("更大", "最大")),
    (r"small(er|est)|更小|最小|小一些|比较小", lambda s: math.hypot(*s), False, ("smaller", "the smallest"),
     ("更小", "最小")),
)
_IS_A = re.compile(
    r"\bwhich(?: one| of (?:them|these|those|the \w+)| \w+)? (?:is|are|shows?|looks? like) (?P<x>.+?)\W*$",
    re.IGNORECASE)
_IS_A_ZH = re.compile(r"哪[一]?[个件只把辆张种]?(?:东西|物体)?(?:是|像)(?P<x>[^吗？?，,。什么]+)")
_COMPARED = re.compile(r"\b(?:(?:more|most|less|least) \w+|better|best|worse|worst|\w{3,}(?:er|est))\b", re.IGNORECASE)
_COMPARED_ZH = re.compile(r"[更最](?!多|少)[\u4e00-\u9fff]{1,2}")
_NO_COMPARATIVES = frozenset("""after another computer corner dinner either ever finger flower however letter matter
    never number order other over paper power printer river rather speaker under water weather whether winter wonder
    forest guest interest request rest test""".split())
_ARTICLE = re.compile(r"^(an?|the|some)\s+", re.IGNORECASE)
# Words of a question that say nothing of what is asked for.
_PLAIN = frozenset("""which one of them these those the two three is are can could would should you i we used for to an
    in on at with do does it its this that what who be might may best better most more thing object objects and or from
    your my will has have""".split())


@dataclass(frozen=True)
class Thing:
    """One input as far as it is known.

    name: "a chair", or "" where nothing is recognised; sure: whether the name may be said without a "perhaps"; label,
    category and entry: of the object knowledge; zh: the Chinese name; facts: measured, see `inputs.facts`; is_like:
    whether it is what a phrase names, None where that can't be told.
    """

    file: str
    name: str = ""
    sure: bool = True
    label: str = ""
    category: str = ""
    zh: str = ""
    entry: Mapping = field(default_factory=dict)
    facts: Mapping = field(default_factory=dict)
    is_like: Callable[[str], bool | None] = lambda phrase: None

    @property
    def bare(self) -> str:
        """The name without its article."""
        return _ARTICLE.sub("", self.name)

    @property
    def size(self) -> Size | None:
        return self.facts.get("size")

    @property
    def colors(self) -> list[str]:
        return list(self.facts.get("colors") or ())


def compares(question: str) -> bool:
    """Whether a question may be about inputs side by side, so that naming each of them is worth the time."""
    return any(pattern.search(question) for pattern in (_EACH, _DIFFER, _SAME, _COMMON, _WHICH)) \
        or bool(_COLORS_OF.search(question) and re.search(r"\b(they|these|each|both)\b|它们|分别|各", question))


def compare(question: str, things: Sequence[Thing]) -> str | None:
    """The answer to a question about two or more things, in its language; None where nothing known answers it."""
    if len(things) < 2 or not compares(question):
        return None
    say = wording(is_chinese(question), things)
    for answer in (_which_counts, _which_size, _which_color, _colors_of, _common, _which_is, _difference, _same, _each,
                   _which_fits, _unknown):
        if told := answer(question, things, say):
            return told
    return None


def _side(values: Sequence[float | None], largest: bool) -> int | None:
    """Where the extreme of the known values lies; None where it is no different from the next."""
    known = sorted(((value, index) for index, value in enumerate(values) if value is not None), reverse=largest)
    (first, index), (second, _) = known[:2]
    return None if abs(first - second) <= ALIKE * max(abs(first), abs(second)) else index


def _which_counts(question: str, things: Sequence[Thing], say) -> str | None:
    kind = next((kind for kind, asked in _COUNTED.items() if re.search(asked, question, re.IGNORECASE)), None)
    if kind is None or not (_WHICH.search(question) or re.search(r"\b(more|fewer|less)\b", question)):
        return None
    values = [thing.facts.get(kind) for thing in things]
    if kind == "points":  # of a mesh its vertices
        things = [replace(thing, facts={"points": thing.facts.get("vertices"), **thing.facts}) for thing in things]
        say, values = type(say)(things), [thing.facts.get("points") for thing in things]
    if sum(value is not None for value in values) < 2:
        return None
    fewer = bool(re.search(r"\b(fewer|fewest|less|least)\b|更少|最少|少", question))
    two = len(things) == 2
    word = (("fewer" if two else "the fewest") if fewer else ("more" if two else "the most")) \
        if isinstance(say, English) else (("更少" if two else "最少") if fewer else ("更多" if two else "最多"))
    return say.counts(kind, _side(values, not fewer), word)


def _which_size(question: str, things: Sequence[Thing], say) -> str | None:
    for pattern, measure, largest, english, chinese in _MEASURES:
        if not re.search(rf"\b({pattern})\b" if not is_chinese(question) else pattern, question, re.IGNORECASE):
            continue
        if _USUAL.search(question) and (usual := say.typical()):
            return usual
        values = [measure(thing.size) if thing.size else None for thing in things]
        if sum(value is not None for value in values) < 2:
            return say.joined(say.unmeasured(), say.typical())
        words = english if isinstance(say, English) else chinese
        told = say.sizes(_side(values, largest), words[0 if len(things) == 2 else 1])
        return say.joined(told, say.typical())
    return None


def _color_in(question: str) -> str | None:
    for color in COLORS:
        if re.search(rf"\b({color}|{'grey' if color == 'gray' else color})\b", question, re.IGNORECASE) \
                or COLORS_ZH[color].removesuffix("色") + "色" in question:
            return color
    return None


def _which_color(question: str, things: Sequence[Thing], say) -> str | None:
    color = _color_in(question)
    if color is None or not _WHICH.search(question) or not any(thing.colors for thing in things):
        return None
    having = [index for index, thing in enumerate(things) if color in thing.colors]
    return say.joined(say.which(having, color if isinstance(say, English) else COLORS_ZH[color]), say.colors())


def _colors_of(question: str, things: Sequence[Thing], say) -> str | None:
    asked = _COLORS_OF.search(question) and not _USUAL.search(question)
    return say.colors() if asked and any(thing.colors for thing in things) else None


def _difference(question: str, things: Sequence[Thing], say) -> str | None:
    if not _DIFFER.search(question) or not any(thing.name for thing in things):
        return None
    told = [say.each(defined=True), say.difference(), say.uses()]
    if len({tuple(thing.colors) for thing in things}) > 1 and all(thing.colors for thing in things):
        told.append(say.colors())
    if all(thing.size for thing in things):
        values = [math.hypot(*thing.size) for thing in things]
        two, english = len(things) == 2, isinstance(say, English)
        word = ("larger" if two else "the largest") if english else ("更大" if two else "最大")
        told.append(say.sizes(_side(values, True), word))
    return say.joined(*told)


def _same(question: str, things: Sequence[Thing], say) -> str | None:
    if not _SAME.search(question) or _WHICH.search(question) or not all(thing.name for thing in things):
        return None
    return say.same(len({thing.label or thing.bare for thing in things}) == 1)


def _common(question: str, things: Sequence[Thing], say) -> str | None:
    if not _COMMON.search(question) or not all(thing.name for thing in things):
        return None
    categories = {thing.category for thing in things}

    def shared(key: str) -> list[str]:
        first, *rest = (thing.entry.get(key, []) for thing in things)
        return [word for word in first if all(word in other for other in rest)]

    return say.common(categories.pop() if len(categories) == 1 else "", shared("materials"), shared("places"))


def _which_is(question: str, things: Sequence[Thing], say) -> str | None:
    found = (_IS_A_ZH if is_chinese(question) else _IS_A).search(question)
    if found is None:
        return None
    phrase = found["x"].strip()
    word = _ARTICLE.sub("", phrase).lower()
    if isinstance(say, English) and not _ARTICLE.match(phrase) and word not in {thing.category for thing in things}:
        return None
    said = [True if word in (thing.bare.lower(), thing.label, thing.category, thing.zh) else thing.is_like(phrase)
            for thing in things]
    if not any(said) and any(one is None for one in said):
        return None
    chosen = [index for index, one in enumerate(said) if one]
    return say.joined(say.which(chosen, phrase), "" if chosen else say.each())


def _each(question: str, things: Sequence[Thing], say) -> str | None:
    return say.each() if _EACH.search(question) and any(thing.name for thing in things) else None


def _which_fits(question: str, things: Sequence[Thing], say) -> str | None:
    """"Which can I sit on?": the one whose description alone has the words of the question."""
    if not _WHICH.search(question) or not isinstance(say, English):
        return None
    words = {_stem(word) for word in re.findall(r"[a-z]+", question.lower()) if word not in _PLAIN and len(word) > 2}
    if not words:
        return None
    found = [len(words & {_stem(word) for word in re.findall(r"[a-z]+", entry_words(thing.entry))}) if thing.sure
             else 0 for thing in things]
    best = max(found)
    if best == 0 or found.count(best) > 1:
        return None
    return say.told_of(found.index(best))


def _unknown(question: str, things: Sequence[Thing], say) -> str | None:
    """"Which is louder?": what nothing known tells is said to be so, where the model would make something up."""
    if not _WHICH.search(question) or not all(thing.name for thing in things):
        return None
    if not isinstance(say, English):
        found = _COMPARED_ZH.search(question)
        return say.unknown(found[0]) if found else None
    for found in _COMPARED.finditer(question):
        if found[0].lower() not in _NO_COMPARATIVES:
            return say.unknown(found[0].lower())
    return None


def _stem(word: str) -> str:
    for ending in ("ting", "ing", "es", "ed", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
