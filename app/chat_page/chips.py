"""The inputs of a conversation as a row of chips: a picture, the name, a tick, a weight, a way out.

Plain HTML; `page/chips.js` tells the server what was done to a chip.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from ..conversation import WEIGHTS, Conversation, Item
from ..engine import Engine
from ..language import text
from ..looking import Look
from ..messages import address

SIGNS = {"point": "◈", "image": "▣", "audio": "♪", "video": "▶", "text": "¶"}


def key_of(item: Item) -> str:
    """How the browser names an input: by the folder that it is kept in."""
    return Path(item.path).parent.name


def find(conversation: Conversation, key: object) -> Item | None:
    """The input that the browser names."""
    return next((item for item in conversation.inputs if key_of(item) == key), None)


def chips_html(conversation: Conversation, language: str, engine: Engine, busy: str = "") -> str:
    """All chips; weights where several inputs are asked about, as only their ratio counts."""
    inputs = conversation.inputs
    weighed = sum(item.active and not item.lost for item in inputs) > 1
    chips = "".join(_chip(item, conversation, language, _look(item, engine), weighed) for item in inputs)
    waiting = f'<div class="chip busy" role="status"><span class="spinner"></span>{escape(busy)}</div>' if busy else ""
    label = escape(text(language, "inputs_label"))
    return f'<div class="chips" role="group" aria-label="{label}">{chips}{waiting}</div>' if chips or waiting else ""


def _look(item: Item, engine: Engine) -> Look | None:
    if item.lost:
        return None
    future = engine.look(item.path)
    return future.result() if future.done() and future.exception() is None else None


def _chip(item: Item, conversation: Conversation, language: str, look: Look | None, weighed: bool) -> str:
    name, key = escape(item.name), escape(key_of(item))

    def say(word: str) -> str:
        return escape(text(language, word, name=item.name))

    if item.lost:
        kind, state = say("chip_lost"), "lost"
    elif look is None:
        kind, state = say("chip_reading"), "reading"
    else:
        kind, state = say(f"modality_{look.modality}"), "ready"
    picture = _picture(look)
    tick = (f'<button type="button" class="tick" role="checkbox" aria-checked="{str(item.active).lower()}" '
            f'data-do="tick" aria-label="{say("chip_tick")}" title="{say("chip_tick")}"></button>')
    weight = (f'<input type="range" data-do="weigh" min="{WEIGHTS[0]:g}" max="{WEIGHTS[1]:g}" step="0.1" '
              f'value="{item.weight:g}" aria-label="{say("chip_weight")}" title="{say("chip_weight")}">'
              if weighed and item.active and not item.lost else "")
    shown = " shown" if item.path == conversation.shown else ""
    return (f'<div class="chip {state}{shown}" data-key="{key}">'
            f'<button type="button" class="picture" data-do="show" aria-label="{say("chip_show")}" '
            f'title="{say("chip_show")}">{picture}</button>{"" if item.lost else tick}'
            f'<span class="what"><span class="name" title="{name}">{name}</span><span class="kind">{kind}</span></span>'
            f'{weight}<button type="button" class="remove" data-do="remove" aria-label="{say("chip_remove")}" '
            f'title="{say("chip_remove")}">×</button></div>')


def _picture(look: Look | None) -> str:
    if look is None:
        return '<span class="sign">?</span>'
    image = getattr(look, "icon", None) or (look.preview if look.modality in ("image", "video") else None)
    return f'<img src="{address(image)}" alt="">' if image else f'<span class="sign">{SIGNS[look.modality]}</span>'
