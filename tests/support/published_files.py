"""Small models saved in the layouts of the published checkpoints: real files, random numbers.

Every builder takes a seed, so that two files of the same kind can be of different models.
"""

import json

import torch
from tiny_models import BIASED, tiny_adapted, tiny_llama

from pointllm.encoders.imagebind.model import ImageBind, ImageBindConfig
from pointllm.encoders.point_head import POINT_BIND_KEYS, POINT_TRUNK_KEYS, PointBranch
from pointllm.encoders.registry import build_encoder

DIM = 16
IMAGEBIND_SIZES = {
    "image_size": 28, "audio_num_mel_bins": 16, "audio_target_len": 26, "depth_kernel_size": 14,
    "thermal_kernel_size": 14, **{f"{name}_num_heads": 2 for name in ("vision", "text", "audio", "depth", "thermal",
                                                                    "imu")},
}
POINT_SIZES = {
    "i2p_mae": {"groups": [16, 8, 4], "group_sizes": [4, 4, 2], "heads": 2},
    "point_bert": {"groups": 16, "group_size": 4, "heads": 2},
}
META_NAMES = {
    "self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk", "self_attn.v_proj": "attention.wv",
    "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.down_proj": "feed_forward.w2",
    "mlp.up_proj": "feed_forward.w3", "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm",
}
SPLIT = {"wq": 0, "wk": 0, "wv": 0, "w1": 0, "w3": 0, "output": 0, "wo": 1, "w2": 1, "tok_embeddings": 1}
HEADS, KV_HEADS, LAYERS = 6, 2, 3  # of `tiny_llama`


def imagebind(seed=0, dtype=torch.float32, dim=DIM):
    """Tensors in the layout of imagebind_huge.pth."""
    torch.manual_seed(seed)
    widths = {f"{name}_embed_dim": 8 for name in ("vision", "text", "audio", "depth", "thermal", "imu")}
    depths = {f"{name}_num_blocks": 2 for name in ("vision", "text", "audio", "depth", "thermal", "imu")}
    config = ImageBindConfig(**widths, **depths, **IMAGEBIND_SIZES, out_embed_dim=dim, text_vocabulary=40,
                             text_context=7, imu_length=32)
    return _randomised(ImageBind(config), dtype)


def point_branch(encoder="i2p_mae", seed=0, dtype=torch.float32, dim=DIM):
    """A branch under our names."""
    torch.manual_seed(seed)
    small = {"point_widths": (8, 12, 16)}
    if encoder == "i2p_mae":
        small |= {"dims": (8, 12, 16), "depths": (1, 2, 1)}
    else:
        small |= {"dim": 12, "depth": 2, "token_dim": 10, "position_hidden": 6}
    sizes = {key: tuple(value) if isinstance(value, list) else value for key, value in POINT_SIZES[encoder].items()}
    return _randomised(PointBranch(build_encoder(encoder, {**sizes, **small}), 20, dim), dtype)


def point_bind(encoder="i2p_mae", whole=False, **options):
    """Tensors in the layout of pointbind_*.pt; `whole`: with all of ImageBind, as they are published."""
    state = _renamed(point_branch(encoder, **options), POINT_BIND_KEYS)
    return state | ({f"bind.{key}": value for key, value in imagebind().items()} if whole else {})


def imagebind_w3d(**options):
    """Tensors in the layout of imagebind_w3D.pth."""
    state = _renamed(point_branch("point_bert", **options), POINT_TRUNK_KEYS)
    return imagebind() | state


def _renamed(state, table):
    return {published + key[len(ours):]: value for key, value in state.items() for published, ours in table.items()
            if key.startswith(ours)}


def _randomised(model, dtype):
    return {key: (torch.randn_like(value) if value.is_floating_point() and not key.endswith("mask") and value.ndim
                  else value).to(dtype if value.is_floating_point() else value.dtype)
            for key, value in model.state_dict().items()}


def unpermute(tensor, heads):
    """From halves to adjacent pairs: the plain inverse of the permutation of rotary rows."""
    halves = tensor.view(heads, 2, -1, *tensor.shape[1:])
    return halves.transpose(1, 2).reshape(tensor.shape)


def meta_state(llama):
    """A model of transformers, in Meta's names and order."""
    state = {"tok_embeddings.weight": llama.model.embed_tokens.weight, "norm.weight": llama.model.norm.weight,
             "output.weight": llama.lm_head.weight, "rope.freqs": torch.ones(2)}
    for index, layer in enumerate(llama.model.layers):
        for ours, theirs in META_NAMES.items():
            weight = layer.get_submodule(ours).weight
            if theirs.endswith(("wq", "wk")):
                weight = unpermute(weight, HEADS if theirs.endswith("wq") else KV_HEADS)
            state[f"layers.{index}.{theirs}.weight"] = weight
    return {name: value.detach().clone() for name, value in state.items()}


def write_meta(folder, state=None, shards=1, tokenizer=True, **params):
    """A folder in Meta's layout; `params` override params.json."""
    folder.mkdir(parents=True, exist_ok=True)
    state = state or meta_state(tiny_llama())
    config = {"dim": 24, "n_layers": LAYERS, "n_heads": HEADS, "n_kv_heads": KV_HEADS, "norm_eps": 1e-6,
              "multiple_of": 8, "vocab_size": -1} | params
    (folder / "params.json").write_text(json.dumps(config))
    for shard in range(shards):
        part = {}
        for name, value in state.items():
            split = SPLIT.get(name.split(".")[-2])
            part[name] = value if split is None else value.chunk(shards, dim=split)[shard].clone()
        torch.save(part, folder / f"consolidated.{shard:02d}.pth")
    if tokenizer:
        write_tokenizer(folder / "tokenizer.model")
    return folder


def write_hugging_face(folder, safe=True, pieces="1MB"):
    """A folder in the Hugging Face layout, safetensors or pickles, in one file or several with an index."""
    llama = tiny_llama()
    llama.save_pretrained(folder, max_shard_size=pieces)
    if not safe:
        from safetensors.torch import load_file

        index = folder / "model.safetensors.index.json"
        for file in folder.glob("model*.safetensors"):
            torch.save(load_file(file), folder / file.name.replace("model", "pytorch_model").replace(".safetensors",
                                                                                                     ".bin"))
            file.unlink()
        if index.exists():
            text = index.read_text().replace("model-", "pytorch_model-").replace(".safetensors", ".bin")
            (folder / "pytorch_model.bin.index.json").write_text(text)
            index.unlink()
    write_tokenizer(folder / "tokenizer.model")
    return llama


def write_tokenizer(file, pieces=60, more="what is this object?"):
    """A sentencepiece model; another sentence gives another one."""
    import io

    import sentencepiece

    model = io.BytesIO()
    sentences = ["the quick brown fox jumps over the lazy dog", "a red chair with four legs", more]
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(sentences * 5), model_writer=model,
                                             vocab_size=pieces, hard_vocab_limit=False, minloglevel=2)
    file.write_bytes(model.getvalue())


def adapter(rank=2, seed=1):
    """An adapted model of ours, and its adapters' tensors in the layout of 7B.pth."""
    adapted = tiny_adapted("all", rank)
    ours = adapted.adapter_state()
    bind = "injection.bind_network."
    state = {"image_bind_proj.weight": ours[f"{bind}project.weight"],
             "image_bind_proj.bias": ours[f"{bind}project.bias"],
             "prefix_query.weight": ours["injection.prefix_query"]}
    for block in range(3):
        state[f"image_bind_norm_{block + 1}.weight"] = ours[f"{bind}blocks.{block}.norm.weight"]
        for number in (1, 2, 3):
            name = f"{bind}blocks.{block}.w{number}.weight"
            state[f"image_bind_f{number}_{block + 1}.weight"] = ours[name]
    state["llama.norm.weight"] = ours["llama.model.norm.weight"]
    for layer in range(LAYERS):
        state[f"llama.layers.{layer}.attention.gate"] = ours["injection.gates"][layer].view(1, HEADS, 1, 1)
        for theirs_long, name in ((v, k) for k, v in META_NAMES.items()):
            leaf, target = name.split(".")[-1], f"llama.model.layers.{layer}.{name}"
            source = f"llama.layers.{layer}.{theirs_long}"
            heads = {"q_proj": HEADS, "k_proj": KV_HEADS}.get(leaf)
            if leaf.endswith("layernorm"):
                state[f"{source}.weight"] = ours[f"{target}.weight"]
                continue
            block, _, linear = theirs_long.partition(".")
            if rank:
                lora = f"llama.layers.{layer}.{block}.lora_{linear}"
                outer = ours[f"{target}.lora_B.weight"]
                state[f"{lora}_l1.weight"] = ours[f"{target}.lora_A.weight"]
                state[f"{lora}_l2.weight"] = unpermute(outer, heads) if heads else outer
            if leaf in BIASED:
                bias = ours[f"{target}.bias"]
                state[f"{source}.bias"] = unpermute(bias, heads) if heads else bias
    return adapted, {key: value.clone() for key, value in state.items()}


def write_index(file, dim=DIM, vectors=30, kind="Flat", inner_product=True, seed=0):
    """A faiss index such as knn.index."""
    import faiss
    import numpy as np

    rows = np.random.default_rng(seed).normal(size=(vectors, dim)).astype("float32")
    metric = faiss.METRIC_INNER_PRODUCT if inner_product else faiss.METRIC_L2
    index = faiss.index_factory(dim, kind, metric)
    index.add(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    faiss.write_index(index, str(file))
