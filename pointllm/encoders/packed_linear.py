"""Linear maps whose weights are laid out once for the CPU's matrix kernels, for repeated use in evaluation.

oneDNN multiplies faster when the weight is already in its blocked layout, and applies ReLU or GELU before the result
leaves the cache. Building the layout costs more than one use of it, so it is kept beside the weights it was made of
and made again when they change: `WeightCache` compares versions, places and types of the tensors.
Where the kernels don't apply (another device or precision, gradients wanted) the map is `F.linear`: same numbers to
rounding, which the tests hold it to.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# The layout is chosen for so many rows at once; other numbers of rows use it too.
_ROWS = 512
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"none": lambda x: x, "relu": F.relu, "gelu": F.gelu}


def can_pack(weight: Tensor) -> bool:
    """Whether the blocked kernels apply: float32 on a CPU with oneDNN, and nothing to be differentiated."""
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and not torch.is_grad_enabled()
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


class PackedLinear:
    """x (…, in) -> activation(x Wᵀ + b) (…, out), where `can_pack(weight)`. weight: (out, in)."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None, activation: str = "none"):
        self._bias = None if bias is None else bias.detach().clone()
        self._activation = activation
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), _ROWS)

    def __call__(self, x: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, self._activation, [], "none")


class WeightCache:
    """What was computed from weights, kept until they change. Copies and pickles of it are empty.

    Changes are seen by the tensors' identity, place and version. Some leave no trace there: through `.data`, by fused
    optimisers, in tensors made in inference mode. A module that keeps one is therefore a `Caching`, which forgets at
    every switch of mode and load of weights, and calls `clear` on passes that may be differentiated.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[list[Tensor], tuple, Any]] = {}

    def get(self, name: Hashable, sources: Iterable[Tensor | None], make: Callable[[], Any]) -> Any:
        """The value that `make()` gave for `sources` as they are now."""
        given = [source for source in sources if source is not None]
        state = tuple((source.data_ptr(), None if source.is_inference() else source._version) for source in given)
        kept = self._kept.get(name)
        same = kept is not None and kept[1] == state and all(map(operator.is_, kept[0], given))
        if not same:
            kept = self._kept[name] = (given, state, make())
        return kept[2]

    def clear(self) -> None:
        self._kept.clear()

    def __deepcopy__(self, memo: dict) -> WeightCache:
        return WeightCache()

    def __reduce__(self) -> tuple:
        return WeightCache, ()


class Caching(nn.Module):
    """Base of modules with a `WeightCache`: `self._cache`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._cache = WeightCache()

    def train(self, mode: bool = True) -> Caching:
        self._cache.clear()
        return super().train(mode)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self._cache.clear()
        super()._load_from_state_dict(*args, **kwargs)


class FastLinear(Caching, nn.Linear):
    """`nn.Linear`, followed by an activation, with the packed weight in evaluation; the same parameters and keys."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True, activation: str = "none"):
        super().__init__(in_features, out_features, bias)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        if self.training or not can_pack(self.weight):
            self._cache.clear()
            return ACTIVATIONS[self.activation](F.linear(x, self.weight, self.bias))
        packed = self._cache.get(
            "map", (self.weight, self.bias), lambda: PackedLinear(self.weight, self.bias, self.activation)
        )
        return packed(x)
