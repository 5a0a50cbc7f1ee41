"""The wording of hints: what the joint space recognised, as a line before the question, and answers that follow it.

A hint is what stands nearest in the visual cache, in words: names, and of the nearest one whatever knowledge the
question asks for. `pointllm.llm.hints` decides what is said; training and use share the wording here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from . import phrasing

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")

# What a question asks for, the first pattern that matches; a question that matches none gets a short description.
_SUCH = r"\b(usual|usually|typical|typically|normally|such)\b"
_OPENING = r"^\W*(so |and |ok,? |hi,? |hello,? )?(what|who|which (object|thing|animal))( exactly)?"
_VERB = r"('s|s| is| are| am i| do you| does| did i| object is| do we| would you)"
_THING = r"(this|it|that|these|those|the name|called|see|call|looking|upload|show|in|here|you|model|thing|object|say)"
_TOPICS = (
    ("compare", r"\bdiffer|\bcompare\b|\bwhy is (this|it) not\b|不同|区别|比较"),
    ("colors", rf"\bcolou?rs?\b.*({_SUCH}|\bhave\b)|{_SUCH}.*colou?r"),
    ("typical_size", rf"\b(big|large|tall|size)\b.*{_SUCH}|{_SUCH} size"),
    ("parts", r"\bparts?\b|\bmade up of\b|\bcomponents?\b|\bconsists? of\b|零件|部分|组成"),
    ("materials", r"\bmade (out )?(of|from)\b|\bmaterials?\b|材料|材质|什么做的"),
    ("uses", r"\bused? (for|it|this|to)\b|\bpurpose\b|\bwhat .*\bfor\?|\bdo with\b|\bfunction\b|\buseful\b"
             r"|用途|有什么用|用来|怎么用"),
    ("places", r"\bwhere\b|哪里|在哪"),
    ("sound", r"\b(?<!this )sounds?\b|\bnoises?\b|(?<!什么的)声音"),
    ("long", r"\bin detail\b|\bmore about\b|\btell me about\b|\bfew sentences\b|\bknow about\b|\bfacts?\b"),
    ("definition", r"\bdefine\b|\bexactly\b|\bexplain\b|\banswer in a sentence\b|\bmean(ing)?\b"),
    ("category", r"\b(what|which) (kind|category|type|sort|class)\b|\bclassify\b|类别|哪一类|哪类|种类"),
    ("name", rf"{_OPENING}{_VERB} ?{_THING}?\b(?!.*\bfor\b)|\bname\b|\bidentify\b|\bwhat (object|thing|animal)\b"
             r"|\btell me what\b|\bcan you tell what\b|\brecogni[sz]e\b|\bmakes? this sound\b"
             r"|是什么|叫什么|名称|名字|什么东西"),
)  # fmt: skip
TOPICS = tuple((topic, re.compile(pattern, re.IGNORECASE)) for topic, pattern in _TOPICS)

_IT = r"(?:(?:the|this|that) (?:object|thing|model|file|picture|sound|shape|animal)|this|it|that|these|those|they)"
_NAMED_EN = tuple(re.compile(rf"^\W*{opening} (?P<x>.+?)(?:,? or not)?\W*$", re.IGNORECASE) for opening in (
    rf"(?:so |and |but |now )?(?:is|are) {_IT}(?: really| actually| maybe| perhaps| possibly)?", r"am i looking at",
    rf"(?:could|can|might|would) {_IT} be", rf"would you (?:call|say) {_IT}(?: is)?", r"(?:do|can) you (?:see|hear)",
    rf"(?:does|do) {_IT} (?:look|sound) like",
))  # fmt: skip
_NAMED_ZH = re.compile(r"^(?:请问)?(?:这个|那个|这些|这|它|那)(?:东西|物体)?(?:是不是|是否是|是|算是|像|属于)"
                       r"(?P<x>[^吗？?，,。什么]+)吗?[？?]?$")
# What can be told from an object's category: question, the property's name in both languages, categories that have it.
_PROPERTIES = (
    (re.compile(r"\b(alive|living (thing|being))\b|活的|有生命|生物吗", re.IGNORECASE), ("alive", "有生命"),
     ("animal", "plant", "person")),
    (re.compile(r"\b(can|could|may) (i|you|we|one|people) eat\b|\bedible\b|能吃|可以吃|可食用", re.IGNORECASE),
     ("food", "食物"), ("food",)),
    (re.compile(r"\b(can|could) (i|you|we|one|people) wear\b|\bwearable\b|能穿|可以穿", re.IGNORECASE),
     ("clothing", "服饰"), ("clothing",)),
    (re.compile(r"\b(can|could) (i|you|we|one|people) (drive|ride|travel)\b|能开|可以开|可以乘坐", re.IGNORECASE),
     ("a vehicle", "交通工具"), ("vehicle",)),
)
# A question with none of these and no topic of ours is not about what was uploaded: "What is the capital of France?"
_POINTS_AT = re.compile(
    r"\b(it|its|it's|this|that|these|those|they|them|their|there|here|he|she|his|her|objects?|things?|items?|models?|files?"
    r"|pictures?|images?|photos?|sounds?|videos?|shapes?|mesh|clouds?|scans?|see|hear|look(ing)?|upload(ed)?|attached|one"
    r"|both|two|each|first|second|describe|name|identify|caption|what's)\b|[这那它其哪他她们图物品东声音频看听描述介绍]",
    re.IGNORECASE)
FEW_WORDS = 3
_NEXT_QUESTION = re.compile(
    r"[?？]\s*(?=\S)|,?\s+and\s+(?=(?:what|how|where|which|who|why|is|are|does|do|can)\b)|，(?=它?(?:有什么|是什么|在哪))",
    re.IGNORECASE)
MOST_QUESTIONS = 3
_DESCRIBE = re.compile(r"\b(describe|description|caption|summari[sz]e)\b|\btell me (more )?about\b", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:a kind of|a type of|some kind of|a piece of|an?|the|some|any|a pair of)\s+", re.IGNORECASE)
_ARTICLE_ZH = re.compile(r"^[一两][种个把张只辆架台条件双顶座本支根棵朵块枚艘匹头盏部套幅口扇栋位瓶盒袋杯株丛]?")
CATEGORIES_ZH = {
    "food": "食物", "kitchenware": "厨具", "tool": "工具", "furniture": "家具", "animal": "动物", "building": "建筑",
    "vehicle": "交通工具", "electronics": "电子设备", "sports and toys": "玩具或体育用品", "appliance": "家用电器",
    "container": "容器", "bathroom": "卫浴用品", "clothing": "服饰", "decoration": "装饰品", "plant": "植物",
    "nature": "自然景物", "office": "办公用品", "lighting": "灯具", "person": "人物", "street": "街道设施",
    "music": "乐器",
}


def is_chinese(question: str) -> bool:
    """Whether a question has Chinese characters, and so wants a Chinese answer."""
    return bool(_HAN.search(question))


def topic_of(question: str) -> str:
    """The first of `TOPICS` that a question is about, else "short"."""
    return next((topic for topic, pattern in TOPICS if pattern.search(question)), "short")


def describes(question: str) -> bool:
    """Whether a question wants a description, to which measured colours belong."""
    return thing_asked(question) is None and bool(_DESCRIBE.search(question))


def thing_asked(question: str) -> str | None:
    """The phrase X of "Is this X?", "Could it be X?", "这是X吗？"; None of other questions."""
    if is_chinese(question):
        found = _NAMED_ZH.match(question.strip())
        return found["x"].strip() if found else None
    found = next((match for pattern in _NAMED_EN if (match := pattern.match(question.strip()))), None)
    phrase = found["x"].strip() if found else None
    if phrase and re.match(r"(made|used|usually|able|bigger|smaller|larger|in|on|at|for|from|with|similar)\b", phrase):
        return None  # "Is it made of wood?" names no thing
    return phrase


def about_the_input(question: str) -> bool:
    """Whether a question may be about what was uploaded: it points at something, asks for a topic, or is short."""
    if _POINTS_AT.search(question) or topic_of(question) not in ("name", "short"):
        return True
    return len(question) <= 6 if is_chinese(question) else len(question.split()) <= FEW_WORDS


def questions_in(question: str) -> list[str]:
    """"What is this, and what is it used for?" as two questions; left whole where parts ask for the same or much."""
    parts = [part.strip(" ,，?？") for part in _NEXT_QUESTION.split(question)]
    topics = {topic_of(part) for part in parts}
    if not 1 < len(parts) <= MOST_QUESTIONS or len(topics) < len(parts) or "short" in topics:
        return [question]
    return [part + ("？" if is_chinese(part) else "?") for part in parts]


def property_asked(question: str) -> tuple[str, tuple[str, ...]] | None:
    """A property that depends on the category, in the question's language, and the categories that have it."""
    for pattern, (english, chinese), categories in _PROPERTIES:
        if pattern.search(question):
            return (chinese if is_chinese(question) else english), categories
    return None


def bare(phrase: str) -> str:
    """A phrase without its article or measure word: "a chair" → "chair", "一把椅子" → "椅子"."""
    if is_chinese(phrase):
        return _ARTICLE_ZH.sub("", phrase) or phrase
    return _ARTICLE.sub("", phrase.strip()).strip()


def has_article(phrase: str) -> bool:
    """Whether a phrase is a thing by its article: "a dog" is one, "alive" is not."""
    return bool(_ARTICLE.match(phrase.strip()))


def names_line(names: Sequence[str], sure: bool, chinese: bool) -> str:
    """"Looks like: a chair", or "Perhaps: a chair, a stool" where the nearest stand close together."""
    if chinese:
        return f"{'看起来像' if sure else '可能是'}：{'、'.join(names)}"
    return f"{'Looks like' if sure else 'Perhaps'}: {', '.join(names)}"


def evidence_line(thing: str, likely: bool, chinese: bool) -> str:
    """Whether the joint space takes it for the thing that the question names."""
    if chinese:
        return f"{bare(thing)}：{'是' if likely else '否'}"
    return f"{thing}: {'yes' if likely else 'no'}"


def fact_line(topic: str, entry: Mapping, name: str, other: Mapping | None = None, thing: str = "") -> str:
    """What knowledge says on a topic, as a note rather than a sentence; "" where it says nothing."""
    listed = {"parts": ("parts", "parts", 5), "materials": ("made of", "materials", 3),
              "places": ("found", "places", 3), "colors": ("usual colors", "colors", 3)}
    if topic in listed:
        title, key, most = listed[topic]
        return f"{title}: {', '.join(entry[key][:most])}" if entry.get(key) else ""
    if topic == "uses":
        title = "it can" if entry.get("does") else "used to"
        return f"{title}: {', '.join(entry['uses'][:3])}" if entry.get("uses") else ""
    if topic == "sound":
        return f"sound: {entry.get('sound') or 'none of its own'}"
    if topic == "typical_size":
        return f"usual size: {entry['size']}" if entry.get("size") else ""
    if topic in ("short", "long"):
        return entry.get(topic, "").rstrip(".")
    if topic == "definition":
        return f"{name} is {entry['is']}" if entry.get("is") else ""
    if topic == "compare":
        known = next((s["difference"] for s in entry.get("similar", ()) if s["label"] == bare(thing)), "")
        if known:
            return known
        return f"{name} is {entry.get('is', '')}" + (f"; {thing} is {other['is']}" if other else "")
    return ""


def about_zh(name: str, entry: Mapping) -> str:
    """"椅子：一种坐具，可以用来坐"."""
    zh = entry.get("zh", {})
    return f"{name}：{zh['is']}，可以用来{zh['use'].removeprefix('用来')}" if zh.get("is") and zh.get("use") else ""


def with_hints(lines: Sequence[str], facts: Sequence[str], question: str) -> str:
    """The question after a line of hints and measured facts."""
    if not lines:
        return phrasing.with_facts(facts, question)
    measured = [f"Measured: {'; '.join(facts)}"] if facts else []
    if is_chinese(question):
        return f"（{'。'.join([*lines, *measured])}。）{question}"
    return f"({'. '.join([*lines, *measured])}.) {question}"


# -- answers that follow a hint ------------------------------------------------------------------------------------


def name_answer(names: Sequence[str], sure: bool) -> str:
    """"A chair." or "A chair, or perhaps a stool."."""
    first = names[0][:1].upper() + names[0][1:]
    return f"{first}." if sure or len(names) < 2 else f"{first}, or perhaps {names[1]}."


def sentence_answer(names: Sequence[str], sure: bool, plural: bool) -> str:
    """"This is a chair." or "This looks like a chair, or perhaps a stool."."""
    if sure:
        return f"{'These are' if plural else 'This is'} {names[0]}."
    looks = "These look like" if plural else "This looks like"
    return f"{looks} {names[0]}, or perhaps {names[1]}." if len(names) > 1 else f"{looks} {names[0]}."


def sentence_answer_zh(names: Sequence[str], sure: bool) -> str:
    """"这是一把椅子。" or "这看起来像一把椅子，也可能是一张凳子。"."""
    if sure:
        return f"这是{names[0]}。"
    return f"这看起来像{names[0]}，也可能是{names[1]}。" if len(names) > 1 else f"这看起来像{names[0]}。"
