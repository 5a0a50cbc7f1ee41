"""The chat page: what stands where, and which handler each event calls. Holds no sentences and no logic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import gradio as gr

from .. import remote
from ..chat import Chat
from ..conversation import Conversation
from ..engine import Engine
from ..examples import examples
from ..labels import Labels
from ..language import DEFAULT, text
from ..panel import Panel
from ..profile_menu import ProfileMenu
from ..settings import ANSWERS_AT_ONCE, READS_AT_ONCE
from .drawer import Drawer
from .inputs import Inputs
from .parts import IDLE, Parts
from .settings_form import SettingsForm

# Runs in the browser at every keystroke, so that the server hears of the text box only when its files change.
FILES_OF_BOX = "(box) => (box?.files ?? []).map((file) => file.path).join('|')"
# Files that became inputs leave the box; what was typed meanwhile stays.
EMPTIED = """(box, taken) => {
    const gone = (taken ?? '').split('|');
    return {text: box?.text ?? '', files: (box?.files ?? []).filter((file) => !gone.includes(file.path))};
}"""
CARRIED = "(box, _, ...rest) => [box, window.pointllm.carried(), ...rest]"
# Events that the page's own scripts send, by the names that they use.
BRIDGE = "window.pointllm.connect(trigger, ['chip', 'link', 'open_chat', 'save_chat', 'back', 'stop_now'])"


@dataclass
class ChatPage:
    """What the frame needs to know of the page: components to translate, and how; what to do on arrival."""

    parts: Parts
    chat: Chat
    settings: SettingsForm
    kept_settings: gr.BrowserState
    carried: gr.Textbox
    tools: gr.HTML
    read: Callable


def build(engine: Engine, labels: Labels, language: gr.Dropdown, fresh: gr.Button,
          profile_menu: bool) -> ChatPage:
    """The page's components and events, in the current `gr.Blocks`. fresh: the button for a new conversation."""
    samples = examples()
    state = gr.State(Conversation())
    kept_settings = gr.BrowserState(None, storage_key="pointllm-settings", secret="pointllm")
    bridge = gr.HTML("", elem_id="bridge", js_on_load=BRIDGE)
    kept, carried, download, signature = (gr.Textbox(visible="hidden", elem_id=name)
                                          for name in ("kept", "carried", "download", "signature"))
    bring = gr.File(file_types=[".json"], elem_id="bring")
    with gr.Row(elem_id="columns"):
        with gr.Column(scale=3, elem_id="talk"):
            chatbot = gr.Chatbot(
                elem_id="chat", height="100%", label=text(DEFAULT, "chat_label"), show_label=False, buttons=["copy"],
                layout="bubble", placeholder=welcome(DEFAULT),
                examples=[sample.for_chatbot(DEFAULT) for sample in samples],
                latex_delimiters=[], allow_tags=False, feedback_options=("Like", "Dislike"), editable="user",
                group_consecutive_messages=False,  # else editing a question would open its files as well
            )
            chips = gr.HTML("", elem_id="chips")
            box = labels.of(gr.MultimodalTextbox(
                elem_id="question", file_count="multiple", sources=["upload", "microphone"], show_label=False,
                autofocus=True, max_lines=6, **IDLE,
            ), label="question_label", placeholder="question_placeholder")
            tools = gr.HTML(elem_id="tools", value=toolbar(DEFAULT))
        with gr.Column(scale=2, elem_id="panel"):
            panel = Panel(engine)
            with labels.of(gr.Accordion(open=False, elem_id="settings"), label="settings"):
                menu = ProfileMenu(engine)
                settings = SettingsForm(labels, menu, profile_menu)

    parts = Parts(state, chatbot, box, chips, kept, download, panel, engine)
    inputs = Inputs(parts)
    chat = Chat(engine, parts, inputs, samples, settings.options)
    drawer = Drawer(parts, chat)
    page = ChatPage(parts, chat, settings, kept_settings, carried, tools, inputs.read)

    private = {"api_visibility": "private", "show_progress": "hidden"}
    at_once = {**private, "queue": False}
    whole = [state, *parts.shown]
    mine = [state, language]

    # -- inputs --
    box.change(None, box, signature, js=FILES_OF_BOX, **at_once)
    reading = {"fn": inputs.read, "inputs": mine, "outputs": parts.shown, **private, "trigger_mode": "multiple",
               "concurrency_limit": READS_AT_ONCE * 4, "concurrency_id": "reads"}
    taken = signature.change(inputs.take, [box, *mine], parts.shown, **at_once, trigger_mode="multiple")
    taken.then(None, [box, signature], box, js=EMPTIED, **at_once)
    taken.then(**reading)
    bridge.chip(inputs.change, mine, parts.shown, **at_once, trigger_mode="multiple")
    if remote.allowed():
        bridge.link(inputs.fetch, mine, parts.shown, **private, concurrency_limit=READS_AT_ONCE,
                    trigger_mode="multiple")

    # -- asking and answering --
    write = {"fn": chat.write, "inputs": [*mine, *settings.inputs], "outputs": parts.shown,
             "concurrency_id": "answers", "concurrency_limit": ANSWERS_AT_ONCE, **private}
    asked = [
        box.submit(chat.begin, [box, carried, *mine], whole, js=CARRIED, **at_once),
        chatbot.example_select(chat.example, mine, whole, **at_once),
        chatbot.retry(chat.retry, mine, whole, **at_once),
        chatbot.edit(chat.edit, mine, whole, **at_once),
    ]
    explain = {"fn": panel.explain, "inputs": mine, "outputs": panel.report,
               "concurrency_limit": ANSWERS_AT_ONCE * 4, **private}
    # "multiple": the browser must never hold back a question because it believes the last answer still to run.
    # For the same reason answers are stopped by a mark on the conversation and not by gradio's `cancels`, after
    # which the next event is sometimes not sent (gradio 6.31). What was on its way meanwhile is drawn over.
    for event in asked:
        event.then(**write, trigger_mode="multiple").then(**explain, trigger_mode="multiple")
    redraw = {"fn": chat.redraw, "inputs": mine, "outputs": parts.shown, **at_once}
    for stopped in (box.stop, bridge.stop_now):
        stopped(chat.stop, mine, parts.shown, **at_once, trigger_mode="multiple").then(**redraw)
    chatbot.like(chat.judge, mine, kept, **at_once, trigger_mode="multiple")

    # -- conversations --
    fresh.click(chat.restart, mine, whole, **at_once).then(**redraw)
    bridge.open_chat(drawer.open, mine, whole, **at_once, trigger_mode="multiple").then(**reading)
    done = {"fn": None, "js": "() => window.pointllm.notice(null)", **at_once}
    bridge.save_chat(drawer.save, language, download, **private, trigger_mode="multiple").then(**done)
    bridge.back(drawer.back, mine, whole, **at_once, trigger_mode="multiple").then(**reading)
    # Emptied afterwards: a gr.File that holds a file takes no other.
    bring.upload(drawer.bring, [bring, *mine], whole, **private).then(**done).then(
        lambda: None, None, bring, **at_once).then(**reading)
    kept.change(None, kept, None, js="(json) => window.pointllm.keep(json)", **at_once, trigger_mode="multiple")
    download.change(None, download, None, js="(told) => window.pointllm.download(told)", **at_once,
                    trigger_mode="multiple")

    # -- settings --
    changed = [component.release if isinstance(component, gr.Slider) else component.input
               for component in settings.inputs]
    gr.on(changed, settings.kept, settings.inputs, kept_settings, **at_once, trigger_mode="always_last")
    settings.reset.click(lambda: ({}, *settings.values({})), None, [kept_settings, *settings.inputs], **at_once)
    if profile_menu:
        # In line with the answers: none is being written while the model changes.
        settings.profile.input(menu.choose, [settings.profile, language], settings.profile, **private,
                               concurrency_id="answers").then(
            settings.values, kept_settings, settings.inputs, **at_once)
    return page


def welcome(language: str) -> str:
    """What an empty conversation shows above the examples."""
    return f'## {text(language, "welcome")}\n{text(language, "welcome_formats")}'


def toolbar(language: str) -> str:
    """Further ways to bring something in, below the text box, and what the keys do."""
    def button(action: str, sign: str) -> str:
        label = escape(text(language, f"tool_{action}"))
        return f'<button type="button" data-tool-of-chat="{action}">{sign} {label}</button>'

    ways = button("camera", "◉") + (button("link", "↗") if remote.allowed() else "")
    return f'<div class="tools">{ways}<span class="keys">{escape(text(language, "tool_keys"))}</span></div>'
