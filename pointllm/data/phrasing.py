"""The wording of questions and answers: lists of questions by kind, and how an entry of knowledge becomes a sentence.

The facts that are measured on an upload are phrased here as well, once for training and for use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NAME_SHORT = (
    "What is this? Answer with its name.", "What is this? Answer with its name.", "Name this object.",
    "Name it.", "What is the name of this object?", "What do you call this?", "Name the object in one or two words.",
    "Give the name of the thing you see.", "Which object is this? Just the name.", "What object is it?",
)
NAME_SENTENCE = (
    "What is this?", "What is this?", "What is this object?", "What is it?", "What am I looking at?",
    "What do you see?", "Tell me what this is.", "Can you tell what this is?", "What did I upload?",
    "What is in this file?", "What does this model show?", "what's this", "Identify this object.",
)
NAME_ZH = ("这是什么？请说出它的名称。", "这是什么？请说出它的名称。", "这是什么？", "这是什么东西？", "它叫什么？")
ABOUT_ZH = ("它有什么用？", "请介绍一下它。", "这个东西有什么用途？")
CATEGORY = (
    "What kind of object is this?", "What category does it belong to?", "What type of thing is it?",
    "What sort of thing is this?",
)
CATEGORY_NOUNS = {
    "food": "food", "kitchenware": "kitchenware", "tool": "a tool", "furniture": "furniture", "animal": "an animal",
    "building": "a building or a part of one", "vehicle": "a vehicle", "electronics": "an electronic device",
    "sports and toys": "a toy or sports item", "appliance": "an appliance", "container": "a container",
    "bathroom": "a bathroom item", "clothing": "clothing", "decoration": "a decoration", "plant": "a plant",
    "nature": "a part of nature", "office": "an office item", "lighting": "a light", "person": "a person or figure",
    "street": "a street object", "music": "a musical instrument",
}
YES_NO = ("Is this {}?", "Is it {}?", "Is this object {}?", "Am I looking at {}?", "Could this be {}?")
YES_NO_PLURAL = ("Are these {}?", "Are they {}?")
YES_NO_CATEGORY = ("Is it {}?", "Is this {}?", "Would you call this {}?")
COMPARE = ("How does it differ from {}?", "What is the difference between this and {}?", "Why is this not {}?")


def listed(words: Sequence[str], last: str = "and") -> str:
    """"a", "a and b", "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _definition(entry: Mapping, noun: str, label: str) -> str:
    verb = "are" if entry["plural"] else "is"
    return f"{noun[:1].upper()}{noun[1:]} {verb} {entry['is']}."


def _parts(entry: Mapping, _noun: str, _label: str) -> str:
    parts = entry["parts"][:5]
    return f"Its main parts are the {listed(parts)}." if len(parts) > 1 else ""


def _materials(entry: Mapping, _noun: str, _label: str) -> str:
    return f"It is usually made of {listed(entry['materials'][:3], 'or')}." if entry["materials"] else ""


def _uses(entry: Mapping, _noun: str, _label: str) -> str:
    if not entry["uses"]:
        return ""
    # "does": the uses say what the thing itself does or gives, rather than what people do with it
    return ("It can " if entry.get("does") else "You can use it to ") + listed(entry["uses"][:3], "or") + "."


def _places(entry: Mapping, _noun: str, _label: str) -> str:
    return f"You can find it {listed(entry['places'][:3], 'or')}." if entry["places"] else ""


def _sound(entry: Mapping, _noun: str, _label: str) -> str:
    return f"It {entry['sound']}." if entry["sound"] else "It makes no sound of its own."


def _colors(entry: Mapping, _noun: str, _label: str) -> str:
    return f"Usually {listed(entry['colors'][:3], 'or')}." if entry["colors"] else ""


def _size(entry: Mapping, _noun: str, _label: str) -> str:
    return f"Usually {entry['size']}." if entry["size"] else ""


# kind → (questions, entry → answer or "")
ATTRIBUTES = {
    "definition": (("What is this thing, exactly?", "Define this object.", "Explain what it is.",
                    "What is it? Answer in a sentence."), _definition),
    "parts": (("What parts does it have?", "Which parts is it made up of?", "Name its parts."), _parts),
    "materials": (("What is it made of?", "What material is it?", "Which materials is it made from?"), _materials),
    "uses": (("What is it used for?", "What can I do with it?", "What is it for?", "What does one do with this?",
              "What is its purpose?"), _uses),
    "places": (("Where would I find it?", "Where is it usually found?", "Where does it belong?"), _places),
    "sound": (("What sound does it make?", "Does it make a sound?", "How does it sound?"), _sound),
    "colors": (("What colors do such things usually have?", "Which color is typical for it?"), _colors),
    "typical_size": (("How big are such things usually?", "What is the usual size of such an object?"), _size),
    "short": (("Describe it.", "Describe this object.", "Describe it briefly.", "Give a short description."),
              lambda entry, _noun, _label: entry["short"]),
    "long": (("Describe it in detail.", "Tell me more about it.", "Tell me about this object in a few sentences.",
              "What can you tell me about it?"), lambda entry, _noun, _label: entry["long"]),
}

COLORS = ("white", "blue", "gray", "cyan", "pink", "yellow", "beige", "brown", "green", "red", "orange", "black",
          "purple")
COLORS_ZH = {
    "white": "白色", "blue": "蓝色", "gray": "灰色", "cyan": "青色", "pink": "粉色", "yellow": "黄色",
    "beige": "米色", "brown": "棕色", "green": "绿色", "red": "红色", "orange": "橙色", "black": "黑色",
    "purple": "紫色",
}
COLOR_YES_NO = ("Is it {}?", "Is this object {}?", "Is it {} in color?")
COLOR_ZH = ("它是什么颜色的？", "它是什么颜色？", "这个东西有哪些颜色？")
FACT_QUESTIONS = {
    "color": ("What color is it?", "Which colors does it have?", "What colour is this?", "What are its colors?",
              "Tell me its color."),
    "size": ("How big is it?", "What are its dimensions?", "How large is this object?", "What size is it?"),
    "points": ("How many points does it have?", "How many points are in the file?", "Count the points."),
    "vertices": ("How many vertices does it have?", "How many vertices are in the mesh?",
                 "How many points does it have?"),
    "faces": ("How many faces does it have?", "How many triangles does the mesh have?", "How many polygons is it?"),
}


def number(value: float) -> str:
    """Two or three significant digits, without an exponent: 0.052, 1.2, 340."""
    if value >= 100:
        return f"{value:.0f}"
    if value >= 0.1:
        return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return f"{value:.2g}" if value >= 1e-4 else "0"


def color_fact(colors: Sequence[str]) -> str:
    """The measured colours, largest share first."""
    return f"colors: {', '.join(colors)}"


def color_answer(colors: Sequence[str]) -> str:
    """What a colour question about `colors` is answered with."""
    return f"It is {colors[0]}." if len(colors) == 1 else f"It is mostly {colors[0]}, with some {listed(colors[1:])}."


def color_answer_zh(colors: Sequence[str]) -> str:
    """The same in Chinese."""
    names = [COLORS_ZH[color] for color in colors]
    return f"它是{names[0]}的。" if len(names) == 1 else f"它主要是{names[0]}，还有{'和'.join(names[1:])}。"


def size_fact(extent: Sequence[str], unit: str) -> str:
    """Measured width, height and depth, as text, in `unit` ("" when the file doesn't say)."""
    return f"width {extent[0]}, height {extent[1]}, depth {extent[2]}{' ' + unit if unit else ''}"


def size_answer(extent: Sequence[str], unit: str) -> str:
    """What a size question is answered with."""
    unit = f" {unit}" if unit else ""
    return f"It is {extent[0]}{unit} wide, {extent[1]}{unit} high and {extent[2]}{unit} deep."


def count_fact(counts: Mapping[str, int]) -> str:
    """Measured numbers of points and faces."""
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def with_facts(facts: Sequence[str], question: str) -> str:
    """The question, after a line with the measured facts that it asks for."""
    return f"(Measured: {'; '.join(facts)}.) {question}" if facts else question
