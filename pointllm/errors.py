"""The errors that users may see. Each message is one line: what was given, why it fails, what to do.

Knows nothing of the command line or the app; both print `str(error)` and nothing else.
"""

from __future__ import annotations


class PointLLMError(Exception):
    """Base of every error with a message meant for users; the message is one line."""

    def __init__(self, message: str = "") -> None:
        super().__init__(" ".join(str(message).split()))


class InputError(PointLLMError):
    """A file, prompt or option given by the user cannot be used."""


class WeightsError(PointLLMError):
    """Weights are missing, damaged, or of another kind than asked for."""


class DataError(PointLLMError):
    """A data folder, or a source to build one from, cannot be used."""
