"""The chat of OpenAI's API over this model, so that programs made for it work: `application` is mounted at /v1.

`schema` says which requests are understood, `conversation` turns one into a question with files, `answering` writes
the answer whole or as server-sent events, `files` takes uploads, `errors` tells what went wrong as OpenAI does.
"""

from __future__ import annotations

from .routes import application

__all__ = ["application"]
