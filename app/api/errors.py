"""Errors of endpoints: one line for the caller, without a traceback and without the server's paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import gradio as gr

from ..language import DEFAULT
from ..uploads import explain


@contextmanager
def told(paths: Iterable[str] = ()) -> Iterator[None]:
    """Turn whatever is raised into a `gr.Error` of one line; `paths` are shown by their names."""
    try:
        yield
    except (gr.Error, GeneratorExit):
        raise
    except Exception as error:
        raise gr.Error(explain(error, paths, DEFAULT), print_exception=False) from error
