"""Which text stands on which component, so that the page changes its language without a reload."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import gradio as gr

from .language import DEFAULT, text

Component = TypeVar("Component", bound=gr.components.Component)
Key = str | dict[str, str] | Callable[[str], str]


class Labels:
    """Components and the keys of their texts, by property: `labels.of(button, value="new_chat")`."""

    def __init__(self) -> None:
        self._keys: list[tuple[gr.components.Component, dict[str, Key]]] = []

    def of(self, component: Component, **keys: Key) -> Component:
        """Set the properties to their texts in the default language, and remember to change them with the language.

        A menu's `choices` are given as {value: key of its text}; HTML that holds texts as a function of the language.
        """
        for name, key in keys.items():
            setattr(component, name, _words(DEFAULT, key))
        self._keys.append((component, keys))
        return component

    @property
    def components(self) -> list[gr.components.Component]:
        return [component for component, _ in self._keys]

    def updates(self, language: str) -> list:
        """One update per component, in their order."""
        return [gr.update(**{name: _words(language, key) for name, key in keys.items()}) for _, keys in self._keys]


def _words(language: str, key: Key) -> str | list[tuple[str, str]]:
    if callable(key):
        return key(language)
    if isinstance(key, dict):
        return [(text(language, of), value) for value, of in key.items()]
    return text(language, key)
