"""The sentences of comparisons, in English and Chinese. Puts names and measured figures into words; decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pointllm.data.phrasing import CATEGORY_NOUNS, COLORS_ZH, listed, number

if TYPE_CHECKING:
    from pointllm.llm.compare import Thing

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
DIGITS_ZH = "一二三四五六七八九十"
COUNTED_ZH = {"points": "点", "vertices": "顶点", "faces": "面"}


def ordinal(index: int) -> str:
    """"first", "second", …, "No. 9"."""
    return ORDINALS[index] if index < len(ORDINALS) else f"No. {index + 1}"


class English:
    """Sentences about `things`."""

    def __init__(self, things: Sequence[Thing]) -> None:
        self.things = things
        bare = [thing.bare for thing in things]
        self.calls = [f"the {name} ({thing.file})" if name and bare.count(name) == 1
                      else f"the {ordinal(index)} ({thing.file})"
                      for index, (name, thing) in enumerate(zip(bare, things, strict=True))]

    @staticmethod
    def joined(*sentences: str) -> str:
        """Those that say something."""
        return " ".join(filter(None, sentences))

    def each(self, defined: bool = False) -> str:
        """What each is, with a definition where one is known."""
        parts = []
        for index, thing in enumerate(self.things):
            name = thing.name or "something I don't recognise"
            told = f", {thing.entry['is']}" if defined and thing.sure and thing.entry.get("is") else ""
            parts.append(f"the {ordinal(index)} ({thing.file}) {'is' if thing.sure else 'is perhaps'} {name}{told}")
        return _sentence(listed(parts) if not defined else "; ".join(parts))

    def sizes(self, extreme: int | None, word: str) -> str:
        """Who is the `word` ("larger"), with the figures; extreme None: no difference."""
        told = [f"{call} is {_size(thing)}" for call, thing in zip(self.calls, self.things, strict=True)
                if thing.size]
        told = _sentence("; ".join(told))
        if extreme is None:
            return f"They are the same in this. {told}"
        call = self.calls[extreme]
        if _one_unit(self.things):
            return f"{_capital(call)} is {word}. {told}"
        return f"By the numbers in the files, {call} is {word}; their units need not be the same. {told}"

    def unmeasured(self) -> str:
        """Why nothing can be said of their sizes."""
        lacking = [call for call, thing in zip(self.calls, self.things, strict=True) if not thing.size]
        return f"Only 3D files have a measured size; {listed(lacking)} {'has' if len(lacking) == 1 else 'have'} none."

    def typical(self) -> str:
        """How large such things are."""
        told = dict.fromkeys(f"{thing.name} is usually {thing.entry['size']}" for thing in self.things
                             if thing.sure and thing.entry.get("size") and not thing.entry.get("plural"))
        return _sentence(listed(list(told))) if len(told) > 1 else ""

    def counts(self, kind: str, extreme: int | None, word: str) -> str:
        """Who has more or fewer of `kind`."""
        told = [f"{call} has {thing.facts[kind]:,} {kind}" for call, thing in zip(self.calls, self.things, strict=True)
                if thing.facts.get(kind)]
        first = f"{_capital(self.calls[extreme])} has {word}: " if extreme is not None else "They have as many: "
        return first + listed(told) + "."

    def colors(self) -> str:
        """The colours of each."""
        told = [f"{call} is {listed(thing.colors)}" if thing.colors else f"no colours are measured of {call}"
                for call, thing in zip(self.calls, self.things, strict=True)]
        return _sentence("; ".join(told))

    def which(self, indexes: Sequence[int], phrase: str) -> str:
        """Which of them are what was asked for."""
        if not indexes:
            return f"{'Neither' if len(self.things) == 2 else 'None'} of them is {phrase}."
        chosen = listed([self.calls[index] for index in indexes])
        return f"{_capital(chosen)} {'is' if len(indexes) == 1 else 'are'} {phrase}."

    def told_of(self, index: int) -> str:
        """The answer is this one, and why."""
        return f"{_capital(self.calls[index])}. {self.things[index].entry['short']}"

    def uses(self) -> str:
        """What each is for."""
        told = []
        for thing, call in zip(self.things, self.calls, strict=True):
            if thing.sure and thing.entry.get("uses"):
                call = call.rpartition(" (")[0]
                use = listed(thing.entry["uses"][:2], "or")
                told.append(f"{call} can {use}" if thing.entry.get("does") else f"you can use {call} to {use}")
        return _sentence("; ".join(told)) if len(told) == len(self.things) else ""

    def difference(self) -> str:
        """What is known to tell the kinds of things apart."""
        for thing in self.things:
            for other in self.things:
                for similar in thing.entry.get("similar", ()):
                    if similar["label"] == other.label != thing.label:
                        return _sentence(similar["difference"])
        return ""

    def same(self, alike: bool) -> str:
        return f"Yes, both look like {self.things[0].name}." if alike and len(self.things) == 2 else \
            f"Yes, all look like {self.things[0].name}." if alike else f"No. {self.each()}"

    def unknown(self, word: str) -> str:
        """That nothing tells which is `word`."""
        return f"{self.each()} Which is {word}, neither the files nor what I know of such things tells."

    def common(self, category: str, materials: Sequence[str], places: Sequence[str]) -> str:
        """What they share."""
        both = "Both" if len(self.things) == 2 else "All"
        told = []
        if category:
            told.append(f"{both} are {CATEGORY_NOUNS.get(category, category)}." if not
                        CATEGORY_NOUNS.get(category, "").startswith(("a ", "an ")) else f"{both} are {category}s.")
        if materials:
            told.append(f"{both} may be made of {listed(list(materials), 'or')}.")
        if places:
            told.append(f"{both} can be found {listed(list(places), 'or')}.")
        return " ".join([*told, self.each()]) if told else f"I know of nothing that they have in common. {self.each()}"


class Chinese:
    """The same in Chinese."""

    def __init__(self, things: Sequence[Thing]) -> None:
        self.things = things
        names = [thing.zh for thing in things]
        self.calls = [f"{name}（{thing.file}）" if name and names.count(name) == 1
                      else f"第{_digit(index)}个（{thing.file}）"
                      for index, (name, thing) in enumerate(zip(names, things, strict=True))]

    @staticmethod
    def joined(*sentences: str) -> str:
        return "".join(sentences)

    def each(self, defined: bool = False) -> str:
        parts = []
        for index, thing in enumerate(self.things):
            definition = thing.entry.get("zh", {}).get("is")
            told = f"，{definition}" if defined and thing.sure and definition else ""
            parts.append(f"第{_digit(index)}个（{thing.file}）{'是' if thing.sure else '可能是'}"
                         f"{thing.zh or thing.name or '我不认识的东西'}{told}")
        return ("；" if defined else "，").join(parts) + "。"

    def sizes(self, extreme: int | None, word: str) -> str:
        told = [f"{call}宽 {size[0]}、高 {size[1]}、深 {size[2]}" for call, size in
                ((call, [number(side) for side in thing.size]) for call, thing in
                 zip(self.calls, self.things, strict=True) if thing.size)]
        told = "；".join(told) + "。"
        if extreme is None:
            return f"在这一点上它们相同。{told}"
        if _one_unit(self.things):
            return f"{self.calls[extreme]}{word}。{told}"
        return f"按文件中的数值，{self.calls[extreme]}{word}；各文件的单位不一定相同。{told}"

    def unmeasured(self) -> str:
        lacking = [call for call, thing in zip(self.calls, self.things, strict=True) if not thing.size]
        return f"只有三维文件才有测量尺寸，{'、'.join(lacking)}没有。"

    def typical(self) -> str:
        return ""  # the knowledge has usual sizes in English only

    def counts(self, kind: str, extreme: int | None, word: str) -> str:
        told = [f"{call}有 {thing.facts[kind]:,} 个{COUNTED_ZH[kind]}" for call, thing in
                zip(self.calls, self.things, strict=True) if thing.facts.get(kind)]
        first = f"{self.calls[extreme]}{word}：" if extreme is not None else "一样多："
        return first + "，".join(told) + "。"

    def colors(self) -> str:
        told = [f"{call}是{'、'.join(COLORS_ZH[color] for color in thing.colors)}" if thing.colors
                else f"没有测到{call}的颜色" for call, thing in zip(self.calls, self.things, strict=True)]
        return "；".join(told) + "。"

    def which(self, indexes: Sequence[int], phrase: str) -> str:
        if not indexes:
            return f"都不是{phrase}。"
        return f"{'和'.join(self.calls[index] for index in indexes)}是{phrase}。"

    def told_of(self, index: int) -> str:
        return ""  # asked for in English only

    def uses(self) -> str:
        told = [f"{thing.zh}可以用来{thing.entry['zh']['use']}" for thing in self.things
                if thing.sure and thing.zh and thing.entry.get("zh", {}).get("use")]
        return "；".join(told) + "。" if len(told) == len(self.things) else ""

    def difference(self) -> str:
        return ""  # known in English only

    def same(self, alike: bool) -> str:
        return f"是的，看起来都是{self.things[0].zh or self.things[0].name}。" if alike else f"不一样。{self.each()}"

    def unknown(self, word: str) -> str:
        return f"{self.each()}至于哪个{word}，文件和已有的知识都看不出来。"

    def common(self, category: str, materials: Sequence[str], places: Sequence[str]) -> str:
        from pointllm.data.hints import CATEGORIES_ZH

        told = f"它们都属于{CATEGORIES_ZH.get(category, category)}。" if category else "我不知道它们有什么共同点。"
        return told + self.each()


def wording(chinese: bool, things: Sequence[Thing]) -> English | Chinese:
    """The sentences in the language of the question."""
    return Chinese(things) if chinese else English(things)


def _one_unit(things: Sequence[Thing]) -> bool:
    """Whether the sizes can be compared as they stand."""
    units = {thing.facts.get("unit", "") for thing in things if thing.size}
    return len(units) == 1 and units != {""}


def _digit(index: int) -> str:
    return DIGITS_ZH[index] if index < len(DIGITS_ZH) else str(index + 1)


def _size(thing: Thing) -> str:
    unit = f" {thing.facts['unit']}" if thing.facts.get("unit") else ""
    width, height, depth = (number(side) for side in thing.size)
    return f"{width}{unit} wide, {height}{unit} high and {depth}{unit} deep"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _sentence(words: str) -> str:
    return _capital(words.rstrip(".")) + "."


def entry_words(entry: Mapping) -> str:
    """All that the knowledge says of a thing, for words to be found in."""
    told = [entry.get(key, "") for key in ("is", "short", "long")]
    return " ".join([*told, *entry.get("uses", ())]).lower()
