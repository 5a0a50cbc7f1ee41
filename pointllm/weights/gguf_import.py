"""Turns a GGUF of a LLaMA-family chat model into a folder in the Hugging Face layout (safetensors, float16).

`transformers` reads and dequantises the tensors; this file corrects what it doesn't carry over for SmolLM2: the
pre-tokenizer that splits digits, the ids in the generation config, the length limit, the quantisation note.
float16 is exact enough: a 4-bit value times a float16 scale plus a float16 offset has a relative rounding error of
2e-4 there, while bfloat16 would lose 1.4e-3.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from ..errors import WeightsError

logger = logging.getLogger("pointllm")


def import_gguf(gguf: Path, folder: Path, source: str) -> None:
    """Writes `config.json`, `generation_config.json`, `model.safetensors` and the tokenizer files into `folder`.

    `source` is recorded in the config as `weights_source`. Raises `WeightsError` when the file isn't a readable GGUF
    of a LLaMA-family model with a chat template.
    """
    with gguf.open("rb") as stream:
        if stream.read(4) != b"GGUF":
            raise WeightsError(f"{gguf}: not a GGUF file (it doesn't begin with 'GGUF'); give the original file")
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    logger.info("reading %s", gguf.name)
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
        model = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32)
    except Exception as error:  # the reader raises whatever the damaged part leads to
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(f"{gguf}: can't be read as a language model ({reason}); give an undamaged file") from error
    if model.config.model_type != "llama" or not tokenizer.chat_template:
        raise WeightsError(
            f"{gguf}: a {model.config.model_type} model, chat template: {bool(tokenizer.chat_template)}; "
            "a LLaMA-family chat model is needed"
        )

    if _pre_tokenizer_name(gguf) == "smollm":
        _split_digits(tokenizer)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.model_max_length = model.config.max_position_embeddings
    tokenizer.save_pretrained(folder)
    # Written by hand: `save_pretrained` refuses a model that was read from a GGUF.
    config = model.config.to_diff_dict()
    for key in ("quantization_config", "_name_or_path", "_model_name_or_path"):
        config.pop(key, None)
    config |= {"architectures": ["LlamaForCausalLM"], "dtype": "float16", "weights_source": source}
    config["rms_norm_eps"] = float(f"{config['rms_norm_eps']:.6g}")  # the GGUF stores 1e-5 as a float32
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    ids = {key: config[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id")}
    GenerationConfig(**ids).save_pretrained(folder)
    state = {key: value for key, value in model.state_dict().items() if not _is_tied(model, key)}
    state = {key: value.to(torch.float16).contiguous() for key, value in state.items()}
    worst = max(float(value.abs().max()) for value in state.values())
    if not worst < 65504:  # also catches NaN
        raise WeightsError(f"{gguf}: holds values that float16 can't ({worst}); give an undamaged file")
    weights = folder / "model.safetensors"
    save_file(state, weights, metadata={"format": "pt"})
    weights.chmod((folder / "config.json").stat().st_mode)  # safetensors makes it readable by its owner only


def _is_tied(model, key: str) -> bool:
    """Whether a tensor is only another name of the token embedding, which is stored once."""
    return key == "lm_head.weight" and model.config.tie_word_embeddings


def _pre_tokenizer_name(gguf: Path) -> str | None:
    """The name that the GGUF gives to its pre-tokenizer, e.g. "smollm" or "llama-bpe"."""
    from gguf import GGUFReader

    field = GGUFReader(gguf).get_field("tokenizer.ggml.pre")
    return field.contents() if field else None


def _split_digits(tokenizer) -> None:
    """Puts back the digit splitter of SmolLM2's tokenizer, which `transformers` drops for GGUF files.

    Without it "  3" becomes ["Ġ", "Ġ", "3"] where the model was trained on ["ĠĠ", "3"].
    """
    from tokenizers import pre_tokenizers

    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
