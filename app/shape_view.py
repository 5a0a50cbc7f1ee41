"""The place of an interactive 3D view in a page: HTML that `page/viewer.js` finds and draws into.

A view is any element of class "shape-view" whose data-src is the address of a GLB; this is the one with a toolbar, its
buttons named in the reader's language. Several may stand on a page.
"""

from __future__ import annotations

import json
from html import escape

from .language import text

# Buttons and notes that page/viewer.js puts into words: its own name → key of the language files.
WORDS = {
    "points": "view_points", "color": "view_color", "colorFile": "view_color_file", "colorPlain": "view_color_plain",
    "colorHeight": "view_color_height", "axes": "view_axes", "up": "view_up", "reset": "view_reset",
    "fullscreen": "view_fullscreen", "partFaces": "view_part_faces", "partPoints": "view_part_points",
    "loading": "view_loading", "failed": "view_failed", "role": "view_role",
}


def shape_view(source: str, name: str, language: str, kind: str = "") -> str:
    """HTML of a view of the GLB at `source` (an address, not a path), called `name`. kind: further CSS classes."""
    words = json.dumps({key: text(language, of) for key, of in WORDS.items()}, ensure_ascii=False)
    label = text(language, "view_label", name=name)
    return (f'<div class="shape-view {escape(kind)}" data-src="{escape(source)}" data-label="{escape(label)}" '
            f'data-words="{escape(words)}"></div>')
