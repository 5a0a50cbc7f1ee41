"""A profile in the layout of the converted official ones, of tiny random networks: everything real but small."""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tiny_models import randomised, tiny_config, tiny_llama

from pointllm.encoders.compact.point_tower import build_branch
from pointllm.encoders.imagebind.model import MODALITIES, ImageBind, ImageBindConfig
from pointllm.llm.adapters import AdaptedLlama

DIM = 16
VOCABULARY = 300
IMAGEBIND = {
    "out_embed_dim": DIM, "image_size": 28, "depth_kernel_size": 14, "thermal_kernel_size": 14, "imu_length": 80,
    **{f"{name}_{size}": value for name in MODALITIES
       for size, value in (("embed_dim", 16), ("num_blocks", 1), ("num_heads", 2))},
}
POINT = {
    "i2p_mae": {"groups": [64, 32, 16], "group_sizes": [16, 8, 8], "dims": [12, 24, 36], "depths": [1, 1, 1],
                "radii": [0.32, 0.64, 1.28], "point_widths": [16, 24, 32]},
    "point_bert": {"groups": 64, "group_size": 16, "dim": 24, "depth": 2, "heads": 2, "token_dim": 20,
                   "position_hidden": 12, "point_widths": [16, 24, 32]},
}
LLM = {
    "generation": {"temperature": 0.0, "top_p": 0.75}, "normalise_mixture": False, "prompt": "alpaca",
    "language_model": "base", "cache": [{"file": "knn.index", "k": 5, "weight": 0.5, "temperature": 20.0}],
}


def write_official(folder, encoder="i2p_mae", seed=0, llm=True) -> Path:
    """A whole profile, or one without its language model."""
    folder = Path(folder)
    torch.manual_seed(seed)
    imagebind = ImageBind(ImageBindConfig.from_dict(IMAGEBIND)).eval()
    _write(folder / "imagebind", IMAGEBIND | {"source": {"name": "imagebind_huge.pth"}}, imagebind.state_dict())
    point = {"encoder": encoder, "architecture": POINT[encoder], "projection_dim": 20, "dim": DIM}
    _write(folder / "point", point, build_branch(point).eval().state_dict())
    if llm:
        write_language_model(folder / "llm", seed)
    _config(folder, {"space": "imagebind", "dim": DIM, "temperature": 0.05, "views": 2, "licences": {}})
    return folder


def write_language_model(folder, seed=0):
    """`llm/`: adapters, visual cache, and the base in the Hugging Face layout with a sentencepiece tokenizer."""
    import faiss

    llama = tiny_llama(VOCABULARY, seed)
    (folder / "base").mkdir(parents=True)
    llama.save_pretrained(folder / "base")
    (folder / "base" / "tokenizer.model").write_bytes(tokenizer())
    adapted = randomised(AdaptedLlama(llama, tiny_config("all")), seed + 1)
    state = {name: value.contiguous() for name, value in adapted.adapter_state().items()}
    save_file(state, folder / "adapters.safetensors")
    vectors = np.random.default_rng(seed).normal(size=(40, DIM)).astype(np.float32)
    index = faiss.IndexFlatIP(DIM)
    index.add(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    faiss.write_index(index, str(folder / "knn.index"))
    bind = {"joint_dim": DIM, "model_dim": 24, "hidden_dim": 32}
    adapters = {"bind": bind, "positions": "all", "lora_rank": 2, "lora_alpha": 4.0, "norms": True,
                "biased": list(tiny_config().biased)}
    _config(folder, LLM | {"adapters": adapters})


@lru_cache(maxsize=1)
def tokenizer() -> bytes:
    """A sentencepiece model over a few sentences, with a token for each byte."""
    import io

    from sentencepiece import SentencePieceTrainer

    sentences = ["What is this object?", "Below is an instruction that describes a task.", "This is a chair.",
                 "Write a response that appropriately completes the request."] * 4
    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, vocab_size=VOCABULARY, model_type="bpe",
        byte_fallback=True, hard_vocab_limit=False, character_coverage=1.0, minloglevel=2,
        remove_extra_whitespaces=False, normalization_rule_name="identity",
    )
    return model.getvalue()


def _write(folder, config, state):
    folder.mkdir(parents=True)
    save_file({name: value.contiguous() for name, value in state.items()}, folder / "model.safetensors")
    _config(folder, config)


def _config(folder, values):
    (folder / "config.json").write_text(json.dumps(values))
