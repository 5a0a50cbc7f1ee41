"""Every sentence that users read, by key, in the languages of `texts/`. Holds no sentences itself."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "texts"
DEFAULT = "en"


@cache
def languages() -> dict[str, dict[str, str]]:
    """Language code → its texts, English first; each file names itself under "language"."""
    files = sorted(FOLDER.glob("*.json"), key=lambda file: (file.stem != DEFAULT, file.stem))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


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
