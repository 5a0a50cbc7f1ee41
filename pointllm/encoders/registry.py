"""Names of encoders: a dictionary filled beside each implementation.

A new encoder is one file that decorates its class with `@register("name")` and one line in `MODULES`, which
says where the name lives so that nothing is imported before it is asked for. An encoder class has a
`Config` dataclass with every size; `build_encoder` turns a plain dictionary (from a config file) into it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from torch import nn

ENCODERS: dict[str, type[nn.Module]] = {}

# Where a name is implemented; imported on demand.
MODULES: dict[str, str] = {
    "i2p_mae": "pointllm.encoders.i2p_mae",
    "point_bert": "pointllm.encoders.point_bert",
    "pointnext": "pointllm.encoders.pointnext",
}

EncoderClass = TypeVar("EncoderClass", bound=type[nn.Module])


def register(name: str) -> Callable[[EncoderClass], EncoderClass]:
    """Class decorator: makes the class known as `name`. A name can be taken once."""

    def add(encoder: EncoderClass) -> EncoderClass:
        if ENCODERS.get(name, encoder) is not encoder:
            raise ValueError(f"encoder name {name!r} is already taken by {ENCODERS[name].__qualname__}")
        ENCODERS[name] = encoder
        return encoder

    return add


def encoder_class(name: str) -> type[nn.Module]:
    """The class registered as `name`. Raises ValueError listing the known names."""
    if name not in ENCODERS and name in MODULES:
        importlib.import_module(MODULES[name])
    if name not in ENCODERS:
        raise ValueError(f"unknown encoder {name!r}; known: {', '.join(sorted({*ENCODERS, *MODULES}))}")
    return ENCODERS[name]


def build_encoder(name: str, config: dict[str, Any] | None = None) -> nn.Module:
    """An encoder with the sizes in `config`; keys that are left out keep the published value.

    Raises ValueError for an unknown encoder name or an unknown size, listing the known ones.
    """
    cls = encoder_class(name)
    config = {key: tuple(value) if isinstance(value, list) else value for key, value in (config or {}).items()}
    known = {field.name for field in fields(cls.Config)}
    if unknown := sorted(set(config) - known):
        raise ValueError(f"encoder {name!r} has no setting {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    return cls(cls.Config(**config))
