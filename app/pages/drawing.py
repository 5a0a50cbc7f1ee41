"""Search results as a grid of buttons with pictures, and one result large: a 3D view, a picture, a player or words."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ..examples import FOLDER
from ..language import text
from ..looking import Look
from ..messages import address
from ..shape_view import shape_view
from ..uploads import scratch

SIGNS = {"point": "◆", "image": "▣", "audio": "♪", "video": "▶", "text": "¶"}


@dataclass(frozen=True)
class Found:
    """A result. name: as shown; path: on the server; shares: of each input, adding up to score; picture: or None."""

    name: str
    path: str
    modality: str
    score: float
    shares: tuple[float, ...] = ()
    picture: Path | None = None


def grid(found: Sequence[Found], terms: Sequence[str], language: str, scores: bool = True) -> str:
    """A list of buttons; with several terms each tells what every one of them adds to the score."""
    items = "".join(_item(index, hit, terms, language, scores) for index, hit in enumerate(found))
    return f'<ol class="hits" aria-label="{escape(text(language, "find_results"))}">{items}</ol>'


def _item(index: int, hit: Found, terms: Sequence[str], language: str, scores: bool) -> str:
    kind = text(language, f"kind_{hit.modality}")
    score = f"{hit.score:.2f}" if scores else ""
    label = text(language, "find_open" if scores else "find_open_plain", name=hit.name, kind=kind, score=score)
    return (f'<li><button type="button" class="hit" data-hit="{index}" aria-label="{escape(label)}">{_picture(hit)}'
            f'<span class="what">{escape(hit.name)}</span><span class="score">{score}</span></button>'
            f'{_shares(hit, terms, language) if len(terms) > 1 else ""}</li>')


def _picture(hit: Found) -> str:
    """The small picture inside the page itself: an index may lie anywhere, and nothing of it has to be served."""
    try:
        data = hit.picture.read_bytes() if hit.picture else b""
    except OSError:
        data = b""
    if data:
        return f'<img alt="" src="data:image/webp;base64,{base64.b64encode(data).decode()}">'
    return f'<span class="sign" aria-hidden="true">{SIGNS.get(hit.modality, "?")}</span>'


def _shares(hit: Found, terms: Sequence[str], language: str) -> str:
    widest = max((abs(share) for share in hit.shares), default=0) or 1.0
    rows = "".join(
        f'<li><span class="what">{escape(term)}</span><span class="number">{share:+.2f}</span>'
        f'<span class="bar{" minus" if share < 0 else ""}" aria-hidden="true">'
        f'<span style="width:{100 * abs(share) / widest:.0f}%"></span></span></li>'
        for term, share in zip(terms, hit.shares, strict=True)
    )
    return f'<ol class="bars shares" aria-label="{escape(text(language, "combine_shares", name=hit.name))}">{rows}</ol>'


def large(look: Look, name: str, language: str) -> str:
    """One file to be looked at or listened to."""
    title = f"<h3>{escape(name)}</h3>"
    if look.modality == "point":
        return title + shape_view(address(look.preview), name, language)
    if look.modality == "image":
        return f'{title}<img class="view" src="{address(look.preview)}" alt="{escape(name)}">'
    if look.modality in ("audio", "video"):
        poster = f' poster="{address(look.preview)}"' if look.preview else ""
        return (f'{title}<{look.modality} class="view" controls playsinline preload="metadata" '
                f'src="{address(served(look.path))}" aria-label="{escape(name)}"{poster}></{look.modality}>')
    return f'{title}<blockquote class="view">{escape(look.words)}</blockquote>'


def served(path: str) -> str:
    """A path that gradio serves for this file: its own for a sample and an upload, else that of a link or copy."""
    from gradio.utils import get_upload_folder

    if any(Path(path).is_relative_to(folder) for folder in (FOLDER, scratch(), get_upload_folder())):
        return path
    folder = scratch() / f"served-{hashlib.sha256(path.encode()).hexdigest()[:24]}"
    folder.mkdir(exist_ok=True)
    target = folder / Path(path).name
    if not target.exists():
        try:
            os.link(path, target)
        except OSError:  # another file system
            shutil.copyfile(path, target)
    return str(target)
