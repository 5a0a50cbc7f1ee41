"""The frame of the app: its bar, the chat page, the other pages, the endpoints, and the language of all of them."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

import gradio as gr

from . import api
from .chat_page.page import build as build_chat
from .chat_page.page import toolbar, welcome
from .conversation import Conversation
from .engine import Engine
from .examples import examples
from .labels import Labels
from .language import DEFAULT, languages, preferred, text
from .pages.site import Site
from .profile_menu import ProfileMenu

PAGE = Path(__file__).parent / "page"
RESUMED = "async (kept, settings, _, ...rest) => [kept, settings, await window.pointllm.arrive(), ...rest]"


def build(engine: Engine, profile_menu: bool = False, gallery: str | None = None) -> gr.Blocks:
    """The whole app, not yet launched.

    profile_menu: whether another profile can be chosen on the page; gallery: see `pages.site.Site`.
    """
    labels = Labels()
    # Uploads and previews are swept after a day; conversations are not kept on the server beyond their session.
    with gr.Blocks(title=text(DEFAULT, "title"), analytics_enabled=False, fill_width=True,
                   delete_cache=(3600, 24 * 3600)) as page:
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
            with site.tabs, site.chat:
                chat = build_chat(engine, labels, language, fresh, profile_menu)
            site.build(language)
        api.build(engine, gallery)

        private = {"api_visibility": "private", "show_progress": "hidden"}
        at_once = {**private, "queue": False}
        if profile_menu:
            page.load(ProfileMenu(engine).show, None, chat.settings.profile, **at_once)
        theme.click(None, js="() => window.pointllmSwitchTheme()", **at_once)
        parts, settings = chat.parts, chat.settings
        translated = list(dict.fromkeys([brand, chat.tools, *labels.components, *parts.shown]))

        def speak(code: str, conversation: Conversation) -> dict:
            said = dict(zip(labels.components, labels.updates(code), strict=True))
            drawn = parts.whole(conversation, code)
            for component in drawn.keys() & said.keys():
                drawn[component] = {**drawn[component], **said[component]}
            drawn[parts.chatbot] = gr.update(**{**drawn[parts.chatbot], "placeholder": welcome(code),
                                                "label": text(code, "chat_label"),
                                                "examples": [sample.for_chatbot(code) for sample in examples()]})
            return {brand: _brand(code), chat.tools: toolbar(code), **said, **drawn}

        def arrive(kept: str | None, kept_settings: dict | None, carried: str, conversation: Conversation,
                   request: gr.Request) -> dict:
            code = kept if kept in languages() else preferred(request.headers.get("accept-language"))
            restored = chat.chat.restored(carried, conversation)
            chosen = dict(zip(settings.inputs, settings.values(kept_settings), strict=True))
            update = speak(code, restored)
            for component in chosen.keys() & update.keys():
                chosen[component] = {**update[component], **chosen[component]}
            return {**update, **chosen, language: code, parts.state: restored}

        page.unload(chat.chat.leave)
        arrived = page.load(arrive, [kept_language, chat.kept_settings, chat.carried, parts.state],
                            [language, parts.state, *dict.fromkeys([*translated, *settings.inputs])], js=RESUMED,
                            **at_once)
        arrived.then(chat.read, [parts.state, language], parts.shown, **private)
        site.listen(page, arrived)
        language.input(speak, [language, parts.state], translated, **at_once)
        language.input(lambda code: code, language, kept_language, **at_once)
    return page


def head() -> str:
    """The page's own scripts, inline: fewer requests, and no files to find."""
    return "".join(f"<script>{file.read_text(encoding='utf-8')}</script>" for file in sorted(PAGE.glob("*.js")))


def _brand(language: str) -> str:
    """Title and tagline; and the sentences of the page's own scripts, where these find them."""
    title, tagline, drop, menu, theme = (escape(text(language, key)) for key in (
        "title", "tagline", "drop_here", "js_chats", "switch_theme"))
    said = {key.removeprefix("js_"): words for key, words in languages()[language].items() if key.startswith("js_")}
    return (f'<div class="brand" lang="{escape(language)}" data-drop="{drop}" data-theme-label="{theme}" '
            f'data-texts="{escape(json.dumps(said, ensure_ascii=False))}">'
            f'<button type="button" class="menu" data-drawer="toggle" aria-label="{menu}" title="{menu}" '
            f'aria-expanded="false" aria-controls="drawer">☰</button><h1>{title}</h1><p>{tagline}</p></div>')
