"""The visual cache: pulls an embedding towards its nearest neighbours among stored ones, without training.

ImageBind-LLM (arXiv 2309.03905, section 3.3): embeddings of other modalities than images lie off the manifold that
the language model's adapters were trained on; mixing in retrieved image embeddings brings them back:

    x' = normalise((1 - w) x + w normalise(softmax(t · sims) @ neighbours)).                               (1)

x is a unit vector, or a weighted mean of unit vectors as it is: shorter where the inputs disagree, so that the
neighbours count more.

A cache has one or several kinds of keys (image features of training views, text embeddings of labels, …), each with
its own number of neighbours k, weight w and temperature t, applied one after the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from pointllm.errors import InputError, WeightsError


class Index(Protocol):
    """Finds stored unit vectors by inner product."""

    def search(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """(B, D) → similarities (B, k), largest first, and vectors (B, k, D)."""
        ...


class TensorIndex:
    """Vectors (N, D) held as a tensor; exact search by one matrix product."""

    def __init__(self, vectors: Tensor):
        self.vectors = vectors.float()

    def search(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """See `Index`."""
        sims, found = (queries @ self.vectors.T).topk(min(k, len(self.vectors)), dim=-1)
        return sims, self.vectors[found]


class FaissIndex:
    """A faiss index file with inner product, such as the published `knn.index`.

    A flat index is mapped, not read: the published one has 13 GB, of which the system keeps what memory allows.
    """

    def __init__(self, path: Path):
        import faiss

        try:
            self.index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise WeightsError(f"{Path(path).name}: not a faiss index; fetch the visual cache again") from error

    def search(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """See `Index`."""
        sims, _, vectors = self.index.search_and_reconstruct(queries.detach().cpu().numpy(), k)
        return torch.from_numpy(sims).to(queries), torch.from_numpy(vectors).to(queries)


@dataclass(frozen=True)
class Keys:
    """One kind of keys: where to search, how many neighbours, how much they count, how sharply they are weighed."""

    index: Index
    k: int
    weight: float
    temperature: float


@dataclass(frozen=True)
class CacheOptions:
    """What an answer does otherwise than its profile, for every kind of keys; None leaves the profile's own.

    k: neighbours, at least 1; weight: of the neighbours against the input, in [0, 1]; temperature: how sharply they
    are weighed, above 0. Raises InputError for other values.
    """

    k: int | None = None
    weight: float | None = None
    temperature: float | None = None

    def __post_init__(self):
        if self.k is not None and (not isinstance(self.k, int) or self.k < 1):
            raise InputError(f"visual cache: k is {self.k}; give a whole number of at least 1")
        if self.weight is not None and not 0 <= self.weight <= 1:
            raise InputError(f"visual cache: weight is {self.weight}; give a number from 0 to 1")
        if self.temperature is not None and not (math.isfinite(self.temperature) and self.temperature > 0):
            raise InputError(f"visual cache: temperature is {self.temperature}; give a number above 0")


PROFILES_OWN = CacheOptions()


class VisualCache:
    """Applies equation (1) for each kind of keys in order."""

    def __init__(self, kinds: list[Keys]):
        self.kinds = kinds

    @classmethod
    def from_config(cls, folder: Path, config: list[dict]) -> VisualCache:
        """From the `cache` list of a config.json: {"file", "tensor"?, "k", "weight", "temperature"} a kind."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        kinds = []
        for row in config:
            path = Path(folder) / row["file"]
            if not path.is_file():
                raise WeightsError(f"{path.name}: the visual cache is missing from {Path(folder).name}/")
            if path.suffix == ".safetensors":
                try:
                    index: Index = TensorIndex(load_file(path)[row["tensor"]])
                except (SafetensorError, KeyError) as error:
                    raise WeightsError(f"{path.name}: not the expected visual cache ({error})") from error
            else:
                index = FaissIndex(path)
            kinds.append(Keys(index, row["k"], row["weight"], row["temperature"]))
        return cls(kinds)

    def keys_of(self, config: list[dict], tensor: str) -> Tensor | None:
        """The keys (N, D) of the kind that the same config calls `tensor`; None where it has none."""
        for kind, row in zip(self.kinds, config, strict=True):
            if row.get("tensor") == tensor and isinstance(kind.index, TensorIndex):
                return kind.index.vectors
        return None

    @torch.no_grad()
    def __call__(self, embedding: Tensor, options: CacheOptions = PROFILES_OWN) -> Tensor:
        """(B, D) → (B, D), unit norm."""
        mixed = embedding.float()
        for keys in self.kinds:
            keys = replace(keys, **{name: value for name, value in vars(options).items() if value is not None})
            sims, vectors = keys.index.search(mixed, keys.k)
            weights = torch.softmax(keys.temperature * sims, dim=-1)
            neighbours = F.normalize(torch.einsum("bk,bkd->bd", weights, vectors), dim=-1)
            mixed = F.normalize((1 - keys.weight) * mixed + keys.weight * neighbours, dim=-1)
        return mixed
