"""Starts the app: builds the page, serves it and what programs call beside it, and loads the model meanwhile."""

from __future__ import annotations

import os

from .settings import MAX_FILE_MEGABYTES, MAX_WAITING, Settings


def launch(settings: Settings, block: bool = True):
    """Serve the page on `settings.port`. Gives (blocks, engine); with `block` it returns only when stopped."""
    # Before gradio is imported: no usage statistics, no version check.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    import gradio as gr
    from starlette.middleware import Middleware
    from starlette.routing import Mount

    from . import keeping, remote
    from .api import tools
    from .api.openai import application
    from .api.store import store
    from .engine import Engine
    from .examples import FOLDER, examples
    from .headers import OwnHostOnly
    from .layout import PAGE, build, head
    from .pages.galleries import ServerGallery
    from .space import Space
    from .theme import theme
    from .uploads import scratch

    # Plain chat, and a shape: every part that answers has then run once.
    engine = Engine(settings.profile, warm_up=([], [str(examples()[0].file)]))
    page = build(engine, settings.profile_menu, settings.gallery)
    if settings.mcp:
        with page:
            tools.build(engine, Space(engine, ServerGallery(settings.gallery)), store())
    page.queue(max_size=MAX_WAITING, api_open=False)
    gr.set_static_paths([FOLDER])
    remote.guard_gradio()
    chat = Mount("/v1", application(engine, store(), settings.api_key))
    page.launch(
        server_name=settings.host, server_port=settings.port, prevent_thread_lock=True, share=False, ssr_mode=False,
        theme=theme(), css_paths=sorted(PAGE.glob("*.css")), head=head(), footer_links=[], show_error=False,
        run_history=False, max_file_size=f"{MAX_FILE_MEGABYTES}mb",
        allowed_paths=[str(scratch()), str(keeping.folder())],
        app_kwargs={"middleware": [Middleware(OwnHostOnly)], "routes": [chat]}, mcp_server=settings.mcp,
        # Else gradio asks itself for the page, and gives up where a busy machine needs three seconds for it, or a proxy
        # is set for localhost.
        _frontend=False,
    )
    tools.only_these(page)
    keeping.sweep()  # what a server of days ago kept
    engine.start()
    if block:
        page.block_thread()
    return page, engine
