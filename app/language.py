"""Every sentence that users read, by key, in the languages of `texts/`, a folder each. Holds no sentences itself."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "texts"
DEFAULT = "en"


@cache
def languages() -> dict[str, dict[str, str]]:
    """Language code → its texts from all files of its folder, English first; each names itself under "language"."""
    folders = sorted(filter(Path.is_dir, FOLDER.iterdir()), key=lambda folder: (folder.name != DEFAULT, folder.name))
    return {folder.name: _texts(folder) for folder in folders}


def _texts(folder: Path) -> dict[str, str]:
    """Raises ValueError when two files of a language have the same key: one would silently hide the other."""
    found: dict[str, str] = {}
    for file in sorted(folder.glob("*.json")):
        texts = json.loads(file.read_text(encoding="utf-8"))
        if twice := sorted(found.keys() & texts.keys()):
            raise ValueError(f"{folder.name}/{file.name}: {', '.join(twice)} stand in another file already")
        found |= texts
    return found


def text(language: str, key: str, **values: object) -> str:
    """The sentence `key` in `language`, its {placeholders} filled. An unknown language reads as English."""
    sentence = languages().get(language, languages()[DEFAULT])[key]
    return sentence.format(**values) if values else sentence


def preferred(accept_language: str | None) -> str:
    """The first language of an Accept-Language header that we have, else English.

    Weights are left out of account: browsers list languages in the order of preference.
    """
    for part in (accept_language or "").split(","):
        code = part.split(";")[0].strip().lower().split("-")[0]
        if code in languages():
            return code
    return DEFAULT
