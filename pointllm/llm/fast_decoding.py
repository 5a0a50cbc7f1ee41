"""Reads a prompt and writes one answer on a CPU, without what a general forward pass costs for a single token.

A token needs every weight once, so a small model is as fast as its weights stream from memory; masks, cache objects
and dispatch of thousands of tiny operations double that time. Here the linear layers of a `LlamaForCausalLM` that read
the same input are joined (q, k, v; gate, up), a step works on NumPy rows, and keys and values lie in arrays of fixed
size. It computes what the model's own forward computes, to rounding (tests/llm/test_fast_decoding.py); the layers,
weights and rotary frequencies are the model's.

Three kinds of weights:

    "fp32"  the model's own, rearranged in place: no copy is kept, and the model works as before
    "fp16"  those of a model that `half_weights` holds in fp16, as they are; arithmetic is in float32
    "bf16"  packed copies of a bfloat16 model's weights; activations between the layers stay in float32

`fast_decoder` gives a model's decoder, or None where it isn't such a model: on a GPU, divided over devices, with LoRA
beside its weights, in training. Choosing tokens is `generation`'s business.

LLaMA, arXiv 2302.13971; grouped-query attention, arXiv 2305.13245; rotary positions, arXiv 2104.09864.
"""

from __future__ import annotations

import functools
import math
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pointllm.llm.half_weights import HalfLinear

# The most that packed copies of the weights may take beside the model, in bytes.
_MOST_COPIED = 1 << 30
_LOCK = threading.Lock()
# NumPy's product of a row and a matrix reads memory faster than torch's on one core. With several, its threads wait
# for each other in a way that is ruinous where cores are busy, and they don't heed torch.set_num_threads.
_NUMPY_ON_ONE_CORE = os.cpu_count() == 1 or "1" == (
    os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS")
)


def _on_one_thread(compute: Callable) -> Callable:
    """Decorates what only waits for memory: a second thread brings nothing, and takes the core that draws the page."""

    @functools.wraps(compute)
    def alone(*args, **options):
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # of the calling thread alone
        try:
            return compute(*args, **options)
        finally:
            torch.set_num_threads(threads)

    return alone


class _Rearranged:
    """x -> x Wᵀ in fp32: W transposed, (in, out), so that a row times it streams long rows of memory."""

    def __init__(self, modules: Sequence[nn.Module]):
        outs = [module.weight.shape[0] for module in modules]
        self._array = np.empty((modules[0].weight.shape[1], sum(outs)), np.float32)
        self._tensor = torch.from_numpy(self._array)
        for module, part in zip(modules, self._tensor.split(outs, 1), strict=True):
            part.copy_(module.weight.detach().T)
            module.weight.data = part.T  # the module reads the same memory from now on

    def row(self, x: np.ndarray) -> np.ndarray:
        if _NUMPY_ON_ONE_CORE:
            return np.dot(x, self._array)
        return torch.mv(self._tensor.T, torch.from_numpy(x)).numpy()

    def rows(self, x: Tensor) -> Tensor:
        if torch.backends.mkldnn.is_available():  # the quicker product where every weight comes from memory
            return torch.ops.mkldnn._linear_pointwise(x, self._tensor.T, None, "none", [], "none")
        return x @ self._tensor


class _Bfloat16:
    """x -> x Wᵀ with weights and input in bfloat16 and sums in float32, in oneDNN's layout."""

    def __init__(self, modules: Sequence[nn.Module]):
        weight = torch.cat([module.weight.detach() for module in modules])
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight, 4)

    def row(self, x: np.ndarray) -> np.ndarray:
        # oneDNN reads weights from memory a fifth faster for four rows than for one.
        four = torch.from_numpy(x).bfloat16().expand(4, -1).contiguous()
        return self._product(four)[0].float().numpy()

    def rows(self, x: Tensor) -> Tensor:
        return self._product(x.bfloat16()).float()

    def _product(self, x: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, self._packed, None, "none", [], "none")


class _Half:
    """x -> x Wᵀ in fp32 with the weights in fp16 that the modules share."""

    def __init__(self, modules: Sequence[nn.Module]):
        self._matrix = modules[0].matrix

    def row(self, x: np.ndarray) -> np.ndarray:
        return self._matrix.row(x)

    def rows(self, x: Tensor) -> Tensor:
        return self._matrix.rows(x)


_MAPS = {"fp32": _Rearranged, "fp16": _Half, "bf16": _Bfloat16}
_Map = _Rearranged | _Half | _Bfloat16


@dataclass
class _Layer:
    """One block: maps, and its vectors as float32 arrays (None: no bias)."""

    qkv: _Map
    out: _Map
    gate_up: _Map
    down: _Map
    attention_norm: np.ndarray
    mlp_norm: np.ndarray
    qkv_bias: np.ndarray | None
    out_bias: np.ndarray | None
    gate_up_bias: np.ndarray | None
    down_bias: np.ndarray | None


class FastDecoder:
    """A model's weights in the form that answering needs; shared by all answers, in any thread."""

    def __init__(self, llama: nn.Module, weights: str):
        make = _MAPS[weights]
        config = llama.config
        self.weights = weights
        self.heads, self.kv_heads = config.num_attention_heads, config.num_key_value_heads
        self.head_dim = llama.model.layers[0].self_attn.head_dim
        self.epsilon = config.rms_norm_eps
        self._llama = llama
        self.layers = []
        for layer in llama.model.layers:
            attention, mlp = layer.self_attn, layer.mlp
            groups = [[attention.q_proj, attention.k_proj, attention.v_proj], [attention.o_proj],
                      [mlp.gate_proj, mlp.up_proj], [mlp.down_proj]]
            self.layers.append(_Layer(
                *(make(group) for group in groups),
                _array(layer.input_layernorm.weight), _array(layer.post_attention_layernorm.weight),
                *(_joined_bias(group) for group in groups),
            ))
        self.norm = _array(llama.model.norm.weight)
        self.head = make([llama.lm_head])
        self.head_bias = _joined_bias([llama.lm_head])
        self._made_of = _state(llama)

    def holds(self) -> bool:
        """Whether the model's parameters still are those that this was made of, by place and version."""
        return self._made_of == _state(self._llama)

    def embed(self, tokens: Sequence[int]) -> Tensor:
        """(T,) ids -> (T, D) float32."""
        return self._llama.model.embed_tokens(torch.tensor(list(tokens))).float()

    def rotation(self, positions: int) -> tuple[np.ndarray, np.ndarray]:
        """Cosines and sines (positions, head_dim / 2) of the model's rotary positions."""
        index = torch.arange(positions)[None]
        pair = self._llama.model.rotary_emb(torch.zeros(1), index)
        cos, sin = (values[0, :, : self.head_dim // 2].contiguous().numpy() for values in pair)
        return cos, sin

    def begin(self, capacity: int) -> Decoding:
        """A new text of at most `capacity` tokens."""
        return Decoding(self, capacity)


class Decoding:
    """One text in progress: keys and values of what was read and written. Dropping it frees them."""

    def __init__(self, decoder: FastDecoder, capacity: int):
        self._decoder = decoder
        shape = (len(decoder.layers), decoder.kv_heads, capacity, decoder.head_dim)
        self._keys, self._values = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self._cos, self._sin = decoder.rotation(capacity)
        self._length = 0

    @torch.inference_mode()
    def read(self, tokens: Sequence[int], biases: Sequence[Tensor] | None = None, wanted: bool = True
             ) -> np.ndarray | None:
        """Take in the beginning of a text; returns the logits (V,) float32 of the token after it, if they are wanted.

        biases: one (1, 1, D) a layer, added to the attention's output at all of `tokens`; None for none.
        """
        if self._length:
            raise ValueError("a text is read once, at its beginning; go on token by token")
        decoder, number = self._decoder, len(tokens)
        x = decoder.embed(tokens)  # (T, D)
        cos, sin = (torch.from_numpy(values[:number, None]) for values in (self._cos, self._sin))  # (T, 1, hd / 2)
        rotated = decoder.heads + decoder.kv_heads
        for index, layer in enumerate(decoder.layers):
            normed = F.rms_norm(x, x.shape[-1:], torch.from_numpy(layer.attention_norm), decoder.epsilon)
            qkv = _plus(layer.qkv.rows(normed), layer.qkv_bias).view(number, -1, decoder.head_dim)
            first, second = qkv[:, :rotated].chunk(2, -1)
            turned = torch.cat([first * cos - second * sin, second * cos + first * sin], -1)
            key, value = turned[:, decoder.heads :].transpose(0, 1), qkv[:, rotated:].transpose(0, 1)
            self._keys[index, :, :number], self._values[index, :, :number] = key.numpy(), value.numpy()
            query = turned[:, : decoder.heads].transpose(0, 1)  # (H, T, hd)
            attended = F.scaled_dot_product_attention(query[None], key[None], value[None], is_causal=True,
                                                      enable_gqa=decoder.heads != decoder.kv_heads)
            out = layer.out.rows(attended[0].transpose(0, 1).reshape(number, -1))
            x = x + _plus(out, layer.out_bias)
            if biases is not None:
                x += biases[index][0].float()
            normed = F.rms_norm(x, x.shape[-1:], torch.from_numpy(layer.mlp_norm), decoder.epsilon)
            gate, up = _plus(layer.gate_up.rows(normed), layer.gate_up_bias).chunk(2, -1)
            x += _plus(layer.down.rows(F.silu(gate) * up), layer.down_bias)
        self._length = number
        return self._logits(x[-1].numpy()) if wanted else None

    @torch.inference_mode()
    @_on_one_thread
    @np.errstate(over="ignore")  # exp(89) is infinite, and a gate divided by it 0, as it should be
    def step(self, token: int, biases: Sequence[np.ndarray] | None = None) -> np.ndarray:
        """Add one token; returns the logits (V,) float32 of the next. biases: one (D,) float32 a layer, or None."""
        decoder, position = self._decoder, self._length
        heads, kv_heads, size = decoder.heads, decoder.kv_heads, decoder.head_dim
        rotated, half, scale = heads + kv_heads, size // 2, np.float32(size**-0.5)
        cos, sin = self._cos[position], self._sin[position]
        x = decoder.embed([token])[0].numpy().copy()
        turned = np.empty((rotated, size), np.float32)
        for index, layer in enumerate(decoder.layers):
            qkv = layer.qkv.row(_normed(x, layer.attention_norm, decoder.epsilon))
            if layer.qkv_bias is not None:
                qkv += layer.qkv_bias
            qkv = qkv.reshape(-1, size)
            first, second = qkv[:rotated, :half], qkv[:rotated, half:]
            np.subtract(first * cos, second * sin, out=turned[:, :half])
            np.add(second * cos, first * sin, out=turned[:, half:])
            keys, values = self._keys[index], self._values[index]
            keys[:, position], values[:, position] = turned[heads:], qkv[rotated:]
            query = (turned[:heads] * scale).reshape(kv_heads, -1, size)  # heads that share keys lie together
            scores = query @ keys[:, : position + 1].transpose(0, 2, 1)  # (kv_heads, group, n)
            scores -= scores.max(-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(-1, keepdims=True)
            x += layer.out.row((scores @ values[:, : position + 1]).reshape(-1))
            if layer.out_bias is not None:
                x += layer.out_bias
            if biases is not None:
                x += biases[index]
            hidden = layer.gate_up.row(_normed(x, layer.mlp_norm, decoder.epsilon))
            if layer.gate_up_bias is not None:
                hidden += layer.gate_up_bias
            gate, up = hidden[: len(hidden) // 2], hidden[len(hidden) // 2 :]
            up *= gate
            up /= 1 + np.exp(-gate)
            x += layer.down.row(up)
            if layer.down_bias is not None:
                x += layer.down_bias
        self._length = position + 1
        return self._logits(x)

    def _logits(self, x: np.ndarray) -> np.ndarray:
        logits = self._decoder.head.row(_normed(x, self._decoder.norm, self._decoder.epsilon))
        return logits if self._decoder.head_bias is None else logits + self._decoder.head_bias


def _normed(x: np.ndarray, weight: np.ndarray, epsilon: float) -> np.ndarray:
    """Root-mean-square norm of a row."""
    return x * np.float32(1 / math.sqrt(np.dot(x, x) / len(x) + epsilon)) * weight


def _plus(x: Tensor, bias: np.ndarray | None) -> Tensor:
    return x if bias is None else x.add_(torch.from_numpy(bias))


def _array(weight: Tensor) -> np.ndarray:
    return weight.detach().float().numpy().copy()


def _joined_bias(modules: Sequence[nn.Module]) -> np.ndarray | None:
    """The biases of layers that are computed together; zeros stand in for those without."""
    if all(module.bias is None for module in modules):
        return None
    parts = [np.zeros(len(m.weight), np.float32) if m.bias is None else _array(m.bias) for m in modules]
    return np.concatenate(parts)


def fast_decoder(llama: nn.Module) -> FastDecoder | None:
    """The model's decoder, made at the first call and when its parameters have changed; None where it can't be."""
    found = llama.__dict__.get("_fast_decoder")
    if found is not None and found.holds():
        return found
    with _LOCK:
        weights = _own_weights(llama)
        if weights is None or not _is_plain_llama(llama):
            return None
        llama.__dict__["_fast_decoder"] = found = FastDecoder(llama, weights)
    return found


def _own_weights(llama: nn.Module) -> str | None:
    """The kind of the model's own weights, or None where copies of them would be too large."""
    if isinstance(llama.lm_head, HalfLinear):
        return "fp16"
    dtype = llama.lm_head.weight.dtype
    if dtype == torch.bfloat16 and torch.backends.mkldnn.is_available():
        size = sum(value.numel() * value.element_size() for value in llama.parameters())
        return "bf16" if size <= _MOST_COPIED else None
    return "fp32" if dtype == torch.float32 else None


def _is_plain_llama(llama: nn.Module) -> bool:
    """Whether the model is a LLaMA in evaluation on the CPU whose layers do what `Decoding` computes."""
    if llama.training or llama.config.model_type != "llama" or llama.config.hidden_act != "silu":
        return False
    if llama.config.rope_parameters["rope_type"] in ("dynamic", "longrope"):  # these depend on the text's length
        return False
    if any(value.device.type != "cpu" or value.requires_grad for value in llama.parameters()):
        return False
    kind = type(llama.lm_head)
    others = (value for name, value in llama.named_parameters() if kind is nn.Linear or "embed_tokens" not in name)
    if len({value.dtype for value in others}) > 1 or hasattr(llama, "hf_device_map"):
        return False
    linears = [getattr(part, name) for layer in llama.model.layers for part, names in (
        (layer.self_attn, ("q_proj", "k_proj", "v_proj", "o_proj")), (layer.mlp, ("gate_proj", "up_proj", "down_proj"))
    ) for name in names]
    # Without LoRA beside it, and all of them held the same way.
    return kind in (nn.Linear, HalfLinear) and all(type(module) is kind for module in linears)


def _state(llama: nn.Module) -> list[tuple[int, int | None]]:
    return [(value.data_ptr(), None if value.is_inference() else value._version) for value in llama.parameters()]
