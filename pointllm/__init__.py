"""Point-Bind and Point-LLM: one joint space for 3D, images, sound, video and text, and a language model on top.

Importing the package is cheap: the public names load their modules (and PyTorch) when they are first used.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"
__all__ = ["PointBind", "PointCloud", "PointLLM", "__version__"]

_HOMES = {"PointLLM": ".llm.model", "PointBind": ".bind", "PointCloud": ".inputs"}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
