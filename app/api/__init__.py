"""What programs call: named endpoints of gradio, tools for assistants (MCP), and an OpenAI-compatible chat.

`endpoints` and `ask` are part of every page; `tools` only where the server was started with them; `openai` is mounted
beside the page. All go through the same engine, wait in the same line, and tell errors in one line without paths.
"""

from __future__ import annotations

from ..engine import Engine
from ..pages.galleries import ServerGallery
from ..space import Space
from . import ask, endpoints


def build(engine: Engine, gallery: str | None = None) -> None:
    """Add the named endpoints to the current `gr.Blocks`. gallery: see `ServerGallery`."""
    ask.build(engine)
    endpoints.build(engine, Space(engine, ServerGallery(gallery)))
