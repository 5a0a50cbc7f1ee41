"""The hidden components that say which parameters an endpoint takes, and of which type."""

from __future__ import annotations

import gradio as gr

from .values import WITNESSES

TEXTS = {"type": "array", "items": {"type": "string"}}
NUMBERS = {"type": "array", "items": {"type": "number"}}
HISTORY = {"type": "array", "items": {"type": "object", "properties": {
    "role": {"type": "string", "enum": ["user", "assistant"]}, "content": {"type": "string"}}}}
ROWS = {"type": "array", "items": {"type": "object"}}
OBJECT = {"type": "object"}


def files(label: str) -> gr.File:
    """Uploads: gradio checks that they are the caller's."""
    return gr.File(file_count="multiple", label=label)


def json(label: str, schema: dict, value: object = None) -> gr.JSON:
    """A value of a type that JSON Schema describes; gradio documents it, the endpoint checks it."""
    component = gr.JSON(value, label=label)
    component.api_info = lambda: schema
    return component


def top(value: int) -> gr.Number:
    """How many results."""
    return gr.Number(value, label="top", precision=0, minimum=1, maximum=1000)


def witness() -> gr.Dropdown:
    """How 3D files are seen; None: the profile's own way."""
    return gr.Dropdown(list(WITNESSES), value=None, label="witness")
