"""Reads the published files: LLaMA in Meta's layout, and the adapter files of ImageBind-LLM and Point-LLM.

Meta's code rotates adjacent pairs of a head's components (RoPE), `transformers` rotates component i with i + d/2.
The rows of the query and key projections are therefore permuted, with their biases and the outer half of their LoRA.
Pickles are read with `weights_only=True`: nothing in them is executed.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import torch
from torch import Tensor

from pointllm.errors import WeightsError
from pointllm.llm.adapters import LINEARS, AdaptedLlama, AdapterConfig
from pointllm.llm.bind_network import BindNetworkConfig

# Meta's name → (name in transformers, the dimension along which model parallelism splits it; None: not split)
_LAYER = {
    "attention.wq": ("self_attn.q_proj", 0),
    "attention.wk": ("self_attn.k_proj", 0),
    "attention.wv": ("self_attn.v_proj", 0),
    "attention.wo": ("self_attn.o_proj", 1),
    "feed_forward.w1": ("mlp.gate_proj", 0),
    "feed_forward.w2": ("mlp.down_proj", 1),
    "feed_forward.w3": ("mlp.up_proj", 0),
    "attention_norm": ("input_layernorm", None),
    "ffn_norm": ("post_attention_layernorm", None),
}
_TOP = {"tok_embeddings": ("model.embed_tokens", 1), "norm": ("model.norm", None), "output": ("lm_head", 0)}
_ROTATED = ("attention.wq", "attention.wk")
_DEFAULT_THETA = 10000.0


def permute_rotary(tensor: Tensor, heads: int) -> Tensor:
    """Rows of a query or key projection (or bias): from adjacent pairs to halves. (H * d, …) → the same shape."""
    pairs = tensor.view(heads, -1, 2, *tensor.shape[1:])  # (H, d / 2, 2, …)
    return pairs.transpose(1, 2).reshape(tensor.shape)


def read_pickle(file: Path) -> dict:
    """The tensors of a .pth. Raises WeightsError for a missing or damaged file, or one with anything but tensors."""
    file = Path(file)
    if not file.is_file():
        raise WeightsError(f"{file}: no such file")
    try:
        content = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(f"{file.name}: holds more than tensors and isn't loaded; fetch the published one") from error
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise WeightsError(f"{file.name}: damaged or not a checkpoint ({_line(error)}); fetch it again") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{file.name}: a {type(content).__name__}, expected a table of tensors")
    return content


def load_meta_llama(folder: Path, dtype: torch.dtype = torch.float32):
    """A frozen LlamaForCausalLM from a folder with params.json and consolidated.*.pth (one shard or several)."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = Path(folder)
    files = sorted(folder.glob("consolidated.*.pth"))
    if not files:
        raise WeightsError(f"{folder.name}: no consolidated.*.pth; expected a folder in Meta's layout")
    try:
        params = json.loads((folder / "params.json").read_text(encoding="utf-8"))
        layers, heads, width, eps = (params[key] for key in ("n_layers", "n_heads", "dim", "norm_eps"))
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(f"{folder.name}/params.json: missing or incomplete ({error})") from error
    kv_heads = params.get("n_kv_heads", heads)
    shards = [read_pickle(file) for file in files]
    state = {}
    for name, (target, split) in _names(layers).items():
        parts = [_take(shard, f"{name}.weight", file) for shard, file in zip(shards, files, strict=True)]
        whole = _join(parts, split, width, name).to(dtype)
        if name.endswith(_ROTATED):
            whole = permute_rotary(whole, heads if name.endswith("wq") else kv_heads)
        state[f"{target}.weight"] = whole
    config = LlamaConfig(
        vocab_size=len(state["model.embed_tokens.weight"]), hidden_size=width, num_hidden_layers=layers,
        intermediate_size=len(state["model.layers.0.mlp.gate_proj.weight"]), num_attention_heads=heads,
        num_key_value_heads=kv_heads, rms_norm_eps=eps, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2,
        rope_parameters={"rope_type": "default", "rope_theta": params.get("rope_theta", _DEFAULT_THETA)},
        max_position_embeddings=params.get("max_seq_len", 2048), dtype=dtype,
    )
    with torch.device("meta"):  # no memory for numbers that are replaced at once
        llama = LlamaForCausalLM(config)
    try:
        llama.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise WeightsError(f"{folder.name}: the tensors don't fit params.json ({_line(error)})") from error
    # the rotary frequencies are computed, not stored, and were made without memory above
    llama.model.rotary_emb = type(llama.model.rotary_emb)(config)
    return llama.eval().requires_grad_(False)


def _names(layers: int) -> dict[str, tuple[str, int | None]]:
    names = dict(_TOP)
    for layer in range(layers):
        names |= {f"layers.{layer}.{k}": (f"model.layers.{layer}.{v}", split) for k, (v, split) in _LAYER.items()}
    return names


def _take(shard: dict, key: str, file: Path) -> Tensor:
    if not isinstance(shard.get(key), Tensor):
        raise WeightsError(f"{file.name}: {key} is missing; expected a LLaMA checkpoint in Meta's layout")
    return shard[key]


def _join(parts: list[Tensor], split: int | None, width: int, name: str) -> Tensor:
    """One tensor from its shards. LLaMA 1 and 2 split the embedding by width, LLaMA 3 by vocabulary."""
    if split is None or len(parts) == 1:
        return parts[0]
    if name == "tok_embeddings" and parts[0].shape[1] == width:
        split = 0
    return torch.cat(parts, dim=split)


def load_published_adapter(file: Path, llama) -> AdaptedLlama:
    """`llama` (in the layout of `transformers`) with the adapters of `7B.pth`, `7B-beta.pth` or the like, unmerged."""
    content = read_pickle(file)
    tensors = content.get("model", content)
    config, state = convert_adapter(tensors, llama.config, Path(file).name)
    adapted = AdaptedLlama(llama, config)
    adapted.load_adapter_state(state, Path(file).name)
    return adapted


def convert_adapter(tensors: dict, llama_config, source: str) -> tuple[AdapterConfig, dict[str, Tensor]]:
    """Published adapter tensors → our config and names. Sizes and the kind of norm are read off the tensors."""
    def take(key: str) -> Tensor:
        return _take(tensors, key, Path(source)).float()

    layers, heads = llama_config.num_hidden_layers, llama_config.num_attention_heads
    rotated = {"attention.wq": heads, "attention.wk": llama_config.num_key_value_heads}
    project = take("image_bind_proj.weight")
    blocks = sum(key.startswith("image_bind_f1_") and key.endswith(".weight") for key in tensors)
    layer_norm = "image_bind_norm_1.bias" in tensors
    linear_bias = "image_bind_f1_1.bias" in tensors
    first = "llama.layers.0."
    biased = tuple(ours.split(".")[1] for theirs, (ours, _) in _LAYER.items() if f"{first}{theirs}.bias" in tensors)
    lora = "attention.lora_wq_l1.weight"
    rank = take(first + lora).shape[0] if first + lora in tensors else 0
    config = AdapterConfig(
        bind=BindNetworkConfig(
            joint_dim=project.shape[1], model_dim=project.shape[0], hidden_dim=take("image_bind_f1_1.weight").shape[0],
            blocks=blocks, norm="layer" if layer_norm else "rms", norm_eps=1e-5 if layer_norm else 1e-6,
            linear_bias=linear_bias,
        ),
        positions="all", lora_rank=rank, lora_alpha=float(rank), lora_targets=LINEARS, biased=biased,
        norms=f"{first}attention_norm.weight" in tensors,
    )
    bind = "injection.bind_network."
    state = {f"{bind}project.weight": project, f"{bind}project.bias": take("image_bind_proj.bias")}
    for block in range(blocks):
        theirs = {"norm": f"image_bind_norm_{block + 1}"}
        theirs |= {f"w{i}": f"image_bind_f{i}_{block + 1}" for i in (1, 2, 3)}
        for ours, name in theirs.items():
            kinds = ("weight", "bias") if (layer_norm if ours == "norm" else linear_bias) else ("weight",)
            state |= {f"{bind}blocks.{block}.{ours}.{kind}": take(f"{name}.{kind}") for kind in kinds}
    # only the last layers have a prefix where there are fewer prefixes than layers; a gate of 0 keeps the others out
    prefix = take("prefix_query.weight")
    before = layers - len(prefix)
    state["injection.prefix_query"] = torch.cat([torch.zeros(before, prefix.shape[1]), prefix])
    gates = [take(f"llama.layers.{layer}.attention.gate").flatten() for layer in range(before, layers)]
    state["injection.gates"] = torch.cat([torch.zeros(before, heads), torch.stack(gates)])
    if config.norms:
        state["llama.model.norm.weight"] = take("llama.norm.weight")
    for layer in range(layers):
        for theirs, (ours, _) in _LAYER.items():
            source_name, target = f"llama.layers.{layer}.{theirs}", f"llama.model.layers.{layer}.{ours}"
            turn = rotated.get(theirs)
            leaf = ours.split(".")[-1]
            if leaf in LINEARS and rank:
                block, _, linear = theirs.partition(".")
                stem = f"llama.layers.{layer}.{block}.lora_{linear}"
                outer = take(f"{stem}_l2.weight")
                state[f"{target}.lora_A.weight"] = take(f"{stem}_l1.weight")
                state[f"{target}.lora_B.weight"] = permute_rotary(outer, turn) if turn else outer
            if leaf in biased:
                bias = take(f"{source_name}.bias")
                state[f"{target}.bias"] = permute_rotary(bias, turn) if turn else bias
            if leaf.endswith("layernorm") and config.norms:
                state[f"{target}.weight"] = take(f"{source_name}.weight")
    return config, state


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
