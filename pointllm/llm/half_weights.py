"""Weights held in fp16 and arithmetic in fp32, on a CPU: half the memory to read for a token, and only weights rounded.

A token of a small model takes as long as its weights take from memory. FBGEMM, which PyTorch brings for x86 processors
with AVX2 or AVX-512, widens packed fp16 weights inside its kernels; inputs, products and sums are fp32. Weights that
fp16 represents exactly, as published ones often are, lose nothing.

`hold_in_half` turns a network's linear layers and embeddings into such ones. Where that is possible says
`pointllm.devices.half_products`; whether it is wanted, `placement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

# FBGEMM packs input features by so many and fills the last block up.
BLOCK = 512
# The most that matrices on their way may take, in bytes: 6 a weight.
_MOST_ON_THE_WAY = 1 << 31
# Layers of one block that read the same input: one product for all of them.
JOINED = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))


class HalfMatrix:
    """W (out, in) float, rounded to fp16; x -> x Wᵀ in fp32.

    Input features beyond whole blocks, where they are few, are kept as fp32 values rather than in a block filled up.
    """

    def __init__(self, weight: Tensor):
        rounded = weight.detach().half()
        beyond = rounded.shape[1] % BLOCK
        self._packed_in = rounded.shape[1] - (beyond if beyond < BLOCK // 2 else 0)
        self._packed = self._rest = None
        if self._packed_in:
            self._packed = torch.ops.quantized.linear_prepack_fp16(rounded[:, : self._packed_in].float(), None)
        if self._packed_in < rounded.shape[1]:
            self._rest = rounded[:, self._packed_in :].float()  # (out, few)

    def rows(self, x: Tensor) -> Tensor:
        """(T, in) float32 -> (T, out) float32."""
        if self._rest is None:
            return torch.ops.quantized.linear_dynamic_fp16(x, self._packed)
        if self._packed is None:
            return x @ self._rest.T
        out = torch.ops.quantized.linear_dynamic_fp16(x[:, : self._packed_in], self._packed)
        return out.addmm_(x[:, self._packed_in :], self._rest.T)

    def row(self, x: np.ndarray) -> np.ndarray:
        """(in,) float32 -> (out,) float32, with as little as possible around the product."""
        if self._packed is None:
            return torch.mv(self._rest, torch.from_numpy(x)).numpy()
        out = torch.ops.quantized.linear_dynamic_fp16(torch.from_numpy(x[None, : self._packed_in]), self._packed)
        out = out.view(-1)
        if self._rest is not None:
            out.addmv_(self._rest, torch.from_numpy(x[self._packed_in :]))
        return out.numpy()

    def weight(self) -> Tensor:
        """(out, in) float16, unpacked into memory of its own."""
        parts = [] if self._packed is None else [torch.ops.quantized.linear_unpack_fp16(self._packed)[0].half()]
        return torch.cat(parts if self._rest is None else [*parts, self._rest.half()], 1)


class HalfLinear(nn.Module):
    """(…, in) -> (…, out) float32: the outputs `start` to `stop` of a matrix that it may share, and its bias."""

    def __init__(self, matrix: HalfMatrix, start: int, stop: int, bias: Tensor | None):
        super().__init__()
        self.matrix, self._range = matrix, slice(start, stop)
        self.bias = None if bias is None else nn.Parameter(bias.detach().float(), requires_grad=False)

    @property
    def weight(self) -> Tensor:
        """(out, in) float16, unpacked: to look at, not to change."""
        return self.matrix.weight()[self._range]

    def forward(self, x: Tensor) -> Tensor:
        out = self.matrix.rows(x.reshape(-1, x.shape[-1]).float())[:, self._range]
        out = out.reshape(*x.shape[:-1], out.shape[-1])
        return out if self.bias is None else out + self.bias

    def _save_to_state_dict(self, destination: dict, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[f"{prefix}weight"] = self.weight


class HalfEmbedding(nn.Module):
    """Token ids -> float32 vectors of a table in fp16."""

    def __init__(self, table: nn.Embedding):
        super().__init__()
        self.weight = nn.Parameter(table.weight.detach().half(), requires_grad=False)

    def forward(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self.weight).float()


def hold_in_half(network: nn.Module) -> nn.Module:
    """Replace every linear layer and embedding inside a network on the CPU; its other tensors become float32.

    Nothing is held twice but a table that both embedding and output use: rows are looked up in one form of it and
    multiplied by the other. Layers are replaced one by one, each as soon as it is packed.
    """
    groups = [(parent, names) for parent in network.modules() for names in _groups(parent)]
    largest = max((sum(getattr(parent, name).weight.numel() for name in names) for parent, names in groups), default=1)
    workers = min(torch.get_num_threads(), max(1, _MOST_ON_THE_WAY // (6 * largest)))
    with ThreadPoolExecutor(workers) as pool:  # packing takes 10 to 20 ns a weight, and releases the interpreter
        list(pool.map(lambda group: _replace(*group), groups))
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Embedding):
                setattr(parent, name, HalfEmbedding(child))
    for module in network.modules():
        if not isinstance(module, HalfEmbedding):
            for value in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
                value.data = value.data.float() if value.is_floating_point() else value.data
    return network


def _groups(parent: nn.Module) -> list[Sequence[str]]:
    """Names of a module's own linear layers, those that are computed together in one group."""
    names = [name for name, child in parent.named_children() if type(child) is nn.Linear]
    together = [group for group in JOINED if set(group) <= set(names)]
    return [*together, *([name] for name in names if not any(name in group for group in together))]


@torch.no_grad()
def _replace(parent: nn.Module, names: Sequence[str]) -> None:
    linears = [getattr(parent, name) for name in names]
    matrix = HalfMatrix(torch.cat([linear.weight for linear in linears]) if len(names) > 1 else linears[0].weight)
    start = 0
    for name, linear in zip(names, linears, strict=True):
        setattr(parent, name, HalfLinear(matrix, start, start + linear.out_features, linear.bias))
        start += linear.out_features
