"""Weights: where they lie, where they come from, and whether they are whole.

`manifest` reads the table of published weights (`checkpoints/manifest.json`), `download` brings one file and checks
it, `gguf_import` turns a GGUF into safetensors, `language_model` puts these together. `published` fetches the files of
the official profiles, `convert` turns them into a profile's folder, `profile_parts` knows what lies there; `inventory`
answers for everything whether it is here and undamaged. What the weights mean is left to `encoders` and `llm`.
"""

from .language_model import ensure_language_model
from .paths import cache_dir

__all__ = ["cache_dir", "ensure_language_model"]
