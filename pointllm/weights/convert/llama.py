"""Plans `llm/base/`: a LLaMA from Meta's layout (one shard or several) or the Hugging Face layout.

Meta's code rotates adjacent pairs of a head's components (RoPE), `transformers` rotates component i with i + d/2:
the rows of the query and key projections are permuted. Model parallelism splits a tensor along a dimension that its
name tells; the parts are joined one tensor at a time.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from pointllm.errors import WeightsError
from pointllm.weights.convert.plan import Part, Planned, check_against, count, stored_dtype, take
from pointllm.weights.convert.recognise import EXPECTED
from pointllm.weights.convert.tables import Table, one_line
from pointllm.weights.profile_parts import place_of

# Meta's name → (name in transformers, the dimension along which model parallelism splits it; None: not split)
LAYER = {
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
TOP = {"tok_embeddings": ("model.embed_tokens", 1), "norm": ("model.norm", None), "output": ("lm_head", 0)}
ROTATED = ("attention.wq", "attention.wk")
NOT_WEIGHTS = ("rope.freqs", "rotary_emb.inv_freq")  # computed, not learned
DEFAULT_THETA = 10000.0
DEFAULT_LENGTH = 2048  # LLaMA's; params.json doesn't say
TOKENIZERS = ("tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def permute_rotary(tensor: Tensor, heads: int) -> Tensor:
    """Rows of a query or key projection (or bias): from adjacent pairs to halves. (H * d, …) → the same shape."""
    pairs = tensor.view(heads, -1, 2, *tensor.shape[1:])  # (H, d / 2, 2, …)
    return pairs.transpose(1, 2).reshape(tensor.shape)


# --- Meta's layout ------------------------------------------------------------------------------------------------


def plan_meta_llama(folder: Path, shards: tuple[Table, ...], dtype: torch.dtype | None = None) -> Part:
    """The part `llm/base/`. WeightsError names the first key, shape or number of params.json that doesn't fit."""
    tensors, config = meta_tensors(folder, shards, dtype)
    part = _part(folder, tuple(table.file for table in shards), tensors, config)
    part.copies |= _tokenizer(folder, config.vocab_size, needed=True)
    return part


def meta_tensors(folder: Path, shards: tuple[Table, ...], dtype: torch.dtype | None):
    """The tensors under the names of `transformers`, and the LlamaConfig."""
    from transformers import LlamaConfig

    _check_names(folder, shards)
    params = _params(folder)
    layers, heads, width = params["n_layers"], params["n_heads"], params["dim"]
    kv_heads = params.get("n_kv_heads") or heads
    found = count(shards[0], "layers.")
    if found != layers:
        raise WeightsError(f"{folder.name}/params.json says {layers} layers, {shards[0].file.name} has {found}; these "
                           "belong to different models")
    names = dict(TOP)
    for layer in range(layers):
        names |= {f"layers.{layer}.{k}": (f"model.layers.{layer}.{v}", split) for k, (v, split) in LAYER.items()}
    _check_surplus(shards, names)
    tensors = []
    for name, (target, split) in names.items():
        turn = None
        if name.endswith(ROTATED):
            turn = heads if name.endswith("wq") else kv_heads
        tensors.append(_joined(shards, f"{name}.weight", f"{target}.weight", split, width, turn, dtype))
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    vocabulary, hidden = shapes["model.embed_tokens.weight"][0], shapes["model.layers.0.mlp.gate_proj.weight"][0]
    if params.get("vocab_size", -1) not in (-1, vocabulary):
        raise WeightsError(f"{folder.name}/params.json says vocab_size {params['vocab_size']}, tok_embeddings has "
                           f"{vocabulary} rows; these belong to different models")
    rope = {"rope_type": "default", "rope_theta": float(params.get("rope_theta", DEFAULT_THETA))}
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=width, num_hidden_layers=layers, intermediate_size=hidden,
        num_attention_heads=heads, num_key_value_heads=kv_heads, rms_norm_eps=params["norm_eps"],
        tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, rope_parameters=rope,
        max_position_embeddings=params.get("max_seq_len") or DEFAULT_LENGTH,
    )
    _check_model(config, tensors, EXPECTED["meta_llama"])
    return tensors, config


def _params(folder: Path) -> dict:
    """params.json, with numbers where numbers belong."""
    name = f"{folder.name}/params.json"
    try:
        params = json.loads((folder / "params.json").read_text(encoding="utf-8"))
        counts = {key: params[key] for key in ("n_layers", "n_heads", "dim")}
        counts |= {key: params[key] for key in ("n_kv_heads", "max_seq_len") if params.get(key) is not None}
        numbers = {key: params.get(key, 1.0) for key in ("rope_theta",)} | {"norm_eps": params["norm_eps"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{name}: missing or incomplete ({one_line(error)}); expected {EXPECTED['meta_llama']}"
                           ) from error
    for key, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise WeightsError(f"{name}: {key} is {value!r}; a positive whole number was expected")
    for key, value in numbers.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1e12:
            raise WeightsError(f"{name}: {key} is {value!r}; a positive number was expected")
    heads, kv_heads = counts["n_heads"], counts.get("n_kv_heads") or counts["n_heads"]
    if counts["dim"] % heads or counts["dim"] // heads % 2 or heads % kv_heads:
        raise WeightsError(f"{name}: dim {counts['dim']}, n_heads {heads} and n_kv_heads {kv_heads} don't fit together")
    return params


def _check_names(folder: Path, shards: tuple[Table, ...]) -> None:
    """The shards must be numbered 00, 01, … without a gap."""
    for number, table in enumerate(shards):
        if table.file.name != f"consolidated.{number:02d}.pth":
            raise WeightsError(f"{folder.name}/consolidated.{number:02d}.pth is missing ({table.file.name} is there); "
                               "fetch all shards")


def _check_surplus(shards: tuple[Table, ...], names: dict) -> None:
    known = {f"{name}.weight" for name in names}
    for table in shards:
        surplus = sorted(key for key in table if key not in known and not key.endswith(NOT_WEIGHTS))
        if surplus:
            raise WeightsError(f"{table.file.name}: {surplus[0]} is unknown; expected {table.expected}")


def _joined(shards: tuple[Table, ...], key: str, target: str, split: int | None, width: int, turn: int | None,
            dtype: torch.dtype | None) -> Planned:
    """One tensor from all shards. LLaMA 1 and 2 split the embedding by width, LLaMA 3 by vocabulary."""
    shapes = [table.need(key, 1 if split is None else 2) for table in shards]
    for table, shape in zip(shards, shapes, strict=True):
        if shape != shapes[0] or table[key].dtype != shards[0][key].dtype:
            raise WeightsError(f"{table.file.name}: {key} has shape {shape} and type {table[key].dtype}, in "
                               f"{shards[0].file.name} {shapes[0]} and {shards[0][key].dtype}: shards of different "
                               "models")
    if key.startswith("tok_embeddings") and shapes[0][1] == width:
        split = 0
    whole = list(shapes[0])
    if split is not None:
        whole[split] *= len(shards)
    if turn and whole[0] % (2 * turn):
        raise WeightsError(f"{shards[0].file.name}: {key} has {whole[0]} rows, which {turn} heads don't divide; "
                           "params.json is another model's, or a shard is missing")

    def read() -> Tensor:
        if split is None:
            value = shards[0].read(key)
            for table in shards[1:]:  # every shard has a copy of what isn't split
                if not torch.equal(table.read(key), value):
                    raise WeightsError(f"{table.file.name}: {key} differs from that in {shards[0].file.name}: shards "
                                       "of different models")
        else:
            value = shards[0].read(key) if len(shards) == 1 else torch.cat([t.read(key) for t in shards], dim=split)
        return permute_rotary(value, turn) if turn else value

    origin = f"{shards[0].file.name}: {key}"
    return Planned(target, tuple(whole), stored_dtype(shards[0], key, dtype), read, origin)


# --- the Hugging Face layout --------------------------------------------------------------------------------------


def plan_hf_llama(folder: Path, tables: tuple[Table, ...], dtype: torch.dtype | None = None) -> Part:
    """The part `llm/base/`. WeightsError names the first key or size that doesn't fit config.json."""
    tensors: dict[str, Planned] = {}
    for table in tables:
        for key in table:
            if key.endswith(NOT_WEIGHTS):
                continue
            if key in tensors:
                raise WeightsError(f"{table.file.name}: {key} is also in {tensors[key].origin.split(': ')[0]}; files "
                                   "of different models, or safetensors in two versions")
            tensors[key] = take(table, key, dtype=dtype)
    config = _hf_config(folder, tables)
    if config.tie_word_embeddings:
        tensors.pop("lm_head.weight", None)
    planned = list(tensors.values())
    _check_model(config, planned, EXPECTED["hf_llama"])
    part = _part(folder, tuple(table.file for table in tables), planned, config)
    part.copies |= _tokenizer(folder, config.vocab_size, needed=False)
    if not part.copies:
        raise WeightsError(f"{folder}: tokenizer.model (or tokenizer.json) is neither here nor one level up; fetch it "
                           "too")
    return part


def _hf_config(folder: Path, tables: tuple[Table, ...]):
    from transformers import LlamaConfig

    name = f"{folder.name}/config.json"
    try:
        values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind = values.get("model_type")
        sizes = {key: values[key] for key in ("num_hidden_layers", "hidden_size", "vocab_size", "intermediate_size",
                                              "num_attention_heads")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{name}: missing or incomplete ({one_line(error)}); expected {EXPECTED['hf_llama']}"
                           ) from error
    if kind != "llama":
        raise WeightsError(f"{name}: a model of type {str(kind)[:40]!r}; a LLaMA is needed ('llama')")
    if any(not isinstance(value, int) or isinstance(value, bool) or value < 1 for value in sizes.values()):
        raise WeightsError(f"{name}: sizes must be positive whole numbers, not {sizes}")
    # before anything is built after these numbers: are they the tensors'?
    merged = Table(tables[0].file, {key: table[key] for table in tables for key in table}, None)
    merged.expected = EXPECTED["hf_llama"]
    embedding = merged.need("model.embed_tokens.weight", 2)
    gate = merged.need("model.layers.0.mlp.gate_proj.weight", 2)
    real = {"num_hidden_layers": count(merged, "model.layers."), "vocab_size": embedding[0],
            "hidden_size": embedding[1], "intermediate_size": gate[0]}
    for key, value in real.items():
        if sizes[key] != value:
            raise WeightsError(f"{name} says {key} {sizes[key]}, the tensors say {value}; these belong to different "
                               "models, or a file is missing")
    for key in ("dtype", "torch_dtype", "_name_or_path", "quantization_config", "auto_map"):
        values.pop(key, None)
    try:
        return LlamaConfig(**values)
    except Exception as error:  # validation raises what the odd value leads to
        raise WeightsError(f"{name}: not a LLaMA's configuration ({one_line(error)})") from error


# --- both ---------------------------------------------------------------------------------------------------------


def _check_model(config, tensors: list[Planned], expected: str) -> None:
    from transformers import LlamaForCausalLM

    try:
        with torch.device("meta"):
            model = LlamaForCausalLM(config)
    except Exception as error:  # odd combinations of sizes fail anywhere in the constructor
        raise WeightsError(f"{tensors[0].origin.split(': ')[0]}: the sizes don't make a LLaMA ({one_line(error)})"
                           ) from error
    tied = frozenset({"lm_head.weight"}) if config.tie_word_embeddings else frozenset()
    check_against(model, tensors, expected, tied)


def _part(folder: Path, files: tuple[Path, ...], tensors: list[Planned], config) -> Part:
    values = config.to_diff_dict() | {"architectures": ["LlamaForCausalLM"]}
    values["dtype"] = str(tensors[0].dtype).removeprefix("torch.")
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    facts = {"width": config.hidden_size, "layers": config.num_hidden_layers, "heads": config.num_attention_heads,
             "key_rows": config.num_key_value_heads * head, "feed_forward": config.intermediate_size}
    ids = {key: getattr(config, key, None) for key in ("bos_token_id", "eos_token_id", "pad_token_id")}
    texts = {"generation_config.json": {key: value for key, value in ids.items() if value is not None}}
    return Part(place_of("llm/base"), (*files, *_described_by(folder)), tensors, values, texts=texts, facts=facts)


def _described_by(folder: Path) -> tuple[Path, ...]:
    """The small file whose numbers go into the result: another one makes another result."""
    return tuple(path for name in ("params.json", "config.json") if (path := folder / name).is_file())


def _tokenizer(folder: Path, vocabulary: int, needed: bool) -> dict[str, Path]:
    """The tokenizer's files, beside the weights or one level up. WeightsError for one of another model."""
    copies: dict[str, Path] = {}
    for place in (folder, folder.parent):
        if any((place / name).is_file() for name in TOKENIZERS[:2]):
            copies = {name: place / name for name in TOKENIZERS if (place / name).is_file()}
            break
    if "tokenizer.model" not in copies:
        if needed:
            raise WeightsError(f"{folder}: tokenizer.model is neither here nor one level up; fetch it too")
        return copies
    pieces = _pieces(copies["tokenizer.model"])
    if pieces > vocabulary:
        raise WeightsError(f"{copies['tokenizer.model']}: {pieces} pieces, the language model knows {vocabulary}; it "
                           "belongs to another model")
    return copies


def _pieces(file: Path) -> int:
    from sentencepiece import SentencePieceProcessor

    try:
        return SentencePieceProcessor(model_file=str(file)).vocab_size()
    except (OSError, RuntimeError) as error:
        raise WeightsError(f"{file}: can't be read as a sentencepiece model; fetch it again") from error


