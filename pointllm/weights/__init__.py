"""Weights: where they lie, where they come from, and whether they are whole.

`manifest` reads the table of published weights (`checkpoints/manifest.json`), `paths` knows the folders,
`download` brings one file and checks it, `gguf_import` turns a GGUF into safetensors, and `language_model`
puts these together. What the weights mean is left to `pointllm.encoders` and `pointllm.llm`.
"""

from pointllm.weights.language_model import ensure_language_model
from pointllm.weights.paths import cache_dir, checkpoints_dir

__all__ = ["cache_dir", "checkpoints_dir", "ensure_language_model"]
