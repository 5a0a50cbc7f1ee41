"""The page: what stands where, and which handler each event calls. Holds no sentences and no logic."""

from __future__ import annotations

from html import escape
from pathlib import Path

import gradio as gr

from . import api
from .chat import IDLE, Chat
from .conversation import Conversation
from .engine import Engine, Options
from .examples import examples
from .labels import Labels
from .language import DEFAULT, languages, preferred, text
from .pages.site import Site
from .panel import Panel
from .profile_menu import ProfileMenu
from .settings import ANSWERS_AT_ONCE, READS_AT_ONCE

PAGE = Path(__file__).parent / "page"
# Runs in the browser at every keystroke, so that the server hears of the text box only when its files change.
FILES_OF_BOX = "(box) => (box?.files ?? []).map((file) => file.path).join('|')"


def build(engine: Engine, profile_menu: bool = False, gallery: str | None = None) -> gr.Blocks:
    """The whole app, not yet launched.

    profile_menu: whether another profile can be chosen on the page; gallery: see `pages.site.Site`.
    """
    labels = Labels()
    samples = examples()
    # Uploads and previews are swept after a day; conversations are not kept on the server beyond their session.
    with gr.Blocks(title=text(DEFAULT, "title"), analytics_enabled=False, fill_width=True,
                   delete_cache=(3600, 24 * 3600)) as page:
        conversation = gr.State(Conversation())
        kept_language = gr.BrowserState(None, storage_key="pointllm-language", secret="pointllm")
        with gr.Column(elem_id="page"):
            with gr.Row(elem_id="bar"):
                brand = gr.HTML(_brand(DEFAULT), elem_id="brand")
                language = labels.of(gr.Dropdown(
                    [(texts["language"], code) for code, texts in languages().items()], value=DEFAULT, container=False,
                    filterable=False, elem_id="language"), label="choose_language")
                theme = gr.Button("◐", elem_id="theme", size="sm")
                fresh = labels.of(gr.Button(size="sm", elem_id="new-chat"), value="new_chat")
            site = Site(engine, labels, gallery)
            with site.tabs, site.chat, gr.Row(elem_id="columns"):
                with gr.Column(scale=3, elem_id="talk"):
                    chatbot = gr.Chatbot(
                        elem_id="chat", height="100%", label=text(DEFAULT, "chat_label"), show_label=False,
                        buttons=["copy"], layout="bubble",
                        placeholder=_welcome(DEFAULT), examples=[sample.for_chatbot() for sample in samples],
                        latex_delimiters=[], allow_tags=False, feedback_options=None,
                    )
                    box = labels.of(gr.MultimodalTextbox(
                        elem_id="question", file_count="multiple", show_label=False, autofocus=True, max_lines=6,
                        **IDLE,
                    ), label="question_label", placeholder="question_placeholder")
                    signature = gr.Textbox(visible="hidden", elem_id="signature")
                with gr.Column(scale=2, elem_id="panel"):
                    panel = Panel(engine)
                    with labels.of(gr.Accordion(open=False, elem_id="settings"), label="settings"):
                        cache = labels.of(gr.Checkbox(Options.cache), label="cache_label", info="cache_info")
                        length = labels.of(gr.Slider(16, 512, Options.max_tokens, step=16), label="length_label")
                        seed = labels.of(gr.Number(Options.seed, precision=0, minimum=0), label="seed_label",
                                         info="seed_info")
                        menu = ProfileMenu(engine)
                        profile = labels.of(gr.Dropdown(menu.choices(), value=engine.profile, filterable=False,
                                                        visible=profile_menu, elem_id="profile"),
                                            label="profile_label", info="profile_info")
            site.build(language)
        api.build(engine, gallery)

        chat = Chat(engine, panel, samples)
        private = {"api_visibility": "private", "show_progress": "hidden"}
        at_once = {**private, "queue": False}
        whole = [chatbot, box, *panel.components]

        box.change(None, box, signature, js=FILES_OF_BOX, **at_once)
        signature.change(chat.add, [box, conversation, language], [chatbot, *panel.components], **private,
                         concurrency_limit=READS_AT_ONCE * 4, trigger_mode="always_last")

        write = {"fn": chat.write, "inputs": [conversation, language, cache, length, seed], "outputs": whole,
                 "concurrency_id": "answers", "concurrency_limit": ANSWERS_AT_ONCE, **private}
        asked = [
            box.submit(chat.begin, [box, conversation, language], whole, **at_once),
            chatbot.example_select(chat.example, [conversation, language], whole, **at_once),
            chatbot.retry(chat.retry, [conversation, language], whole, **at_once),
        ]
        explain = {"fn": panel.explain, "inputs": [conversation, language], "outputs": panel.report,
                   "concurrency_limit": ANSWERS_AT_ONCE * 4, **private}
        # "multiple": the browser must never hold back a question because it believes the last answer still to run.
        # For the same reason answers are stopped by a mark on the conversation and not by gradio's `cancels`, after
        # which the next event is sometimes not sent (gradio 6.31). What was on its way meanwhile is drawn over.
        for event in asked:
            event.then(**write, trigger_mode="multiple").then(**explain, trigger_mode="multiple")
        redraw = {"fn": chat.redraw, "inputs": [conversation, language], "outputs": [chatbot, box], **at_once}
        box.stop(chat.stop, [conversation, language], [chatbot, box], **at_once).then(**redraw)
        fresh.click(chat.restart, [conversation, language], [conversation, *whole], **at_once).then(**redraw)

        panel.inputs.input(chat.tick, [panel.inputs, conversation, language], panel.components, **at_once)
        panel.inputs.select(chat.show, [conversation, language], panel.components, **at_once)

        if profile_menu:
            # In line with the answers: none is being written while the model changes.
            profile.input(menu.choose, [profile, language], profile, **private, concurrency_id="answers")
            page.load(menu.show, None, profile, **at_once)

        theme.click(None, js="() => window.pointllmSwitchTheme()", **at_once)
        translated = [brand, chatbot, *labels.components, *panel.components]

        def speak(code: str, conversation: Conversation) -> list:
            chat_texts = gr.update(placeholder=_welcome(code), label=text(code, "chat_label"))
            return [_brand(code), chat_texts, *labels.updates(code), *panel.updates(conversation, code)]

        def arrive(kept: str | None, conversation: Conversation, request: gr.Request) -> list:
            code = kept if kept in languages() else preferred(request.headers.get("accept-language"))
            return [code, *speak(code, conversation)]

        page.unload(chat.leave)
        arrived = page.load(arrive, [kept_language, conversation], [language, *translated], **at_once)
        site.listen(page, arrived)
        language.input(speak, [language, conversation], translated, **at_once)
        language.input(lambda code: code, language, kept_language, **at_once)
    return page


def head() -> str:
    """The page's own scripts, inline: fewer requests, and no files to find."""
    return "".join(f"<script>{file.read_text(encoding='utf-8')}</script>" for file in sorted(PAGE.glob("*.js")))


def _brand(language: str) -> str:
    """The name of the app. Carries what the scripts need in the reader's language."""
    title, tagline, drop, theme = (escape(text(language, key)) for key in ("title", "tagline", "drop_here",
                                                                           "switch_theme"))
    return (f'<div class="brand" lang="{escape(language)}" data-drop="{drop}" data-theme-label="{theme}">'
            f"<h1>{title}</h1><p>{tagline}</p></div>")


def _welcome(language: str) -> str:
    return f'## {text(language, "welcome")}\n{text(language, "welcome_formats")}'
