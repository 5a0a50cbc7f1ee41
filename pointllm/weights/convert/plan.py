"""What one part of a profile will hold: its tensors, their origin, its config, and the facts others must agree with.

A plan is made from keys and shapes alone; no number is read before every check of this file has passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from pointllm.errors import WeightsError
from pointllm.weights.convert.tables import Table
from pointllm.weights.profile_parts import Place

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32, "keep": None}


@dataclass(frozen=True)
class Planned:
    """One tensor of the result: its name, shape and stored type, and how to get its numbers.

    `origin`: file and key, for messages. `endless`: minus infinity is a legal value (an attention mask).
    """

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    read: Callable[[], Tensor]
    origin: str
    endless: bool = False

    @property
    def nbytes(self) -> int:
        """Size in the result."""
        return self.dtype.itemsize * torch.Size(self.shape).numel()


@dataclass
class Part:
    """One part of a profile, ready to be written.

    place: where it goes. sources: the files that it is made of. config: of its config.json, without what is only
    known later; None: it has none of its own. copies: files taken as they are, by their name in the result. texts:
    small JSON files. facts: sizes that parts of one profile share. sharded: in files of at most a GB. optional: written
    only if the part isn't there yet.
    """

    place: Place
    sources: tuple[Path, ...]
    tensors: list[Planned] = field(default_factory=list)
    config: dict | None = None
    copies: dict[str, Path] = field(default_factory=dict)
    texts: dict[str, dict] = field(default_factory=dict)
    facts: dict = field(default_factory=dict)
    sharded: bool = True
    optional: bool = False

    @property
    def nbytes(self) -> int:
        """What the part will take on disk, but for headers and small texts."""
        return sum(t.nbytes for t in self.tensors) + sum(path.stat().st_size for path in self.copies.values())


def take(table: Table, key: str, name: str | None = None, dtype: torch.dtype | None = None, **options) -> Planned:
    """A tensor that goes over as it is. `dtype` None keeps the stored type; whole numbers always keep theirs."""
    shape = table.need(key)
    return Planned(name or key, shape, stored_dtype(table, key, dtype), lambda: table.read(key),
                   f"{table.file.name}: {key}", **options)


def stored_dtype(table: Table, key: str, dtype: torch.dtype | None) -> torch.dtype:
    """The type that a key's tensor gets in the result."""
    own = table[key].dtype
    return dtype if dtype and own.is_floating_point else own


def check_against(model: nn.Module | Mapping[str, Tensor], tensors: list[Planned], expected: str,
                  ignore: frozenset[str] = frozenset()) -> None:
    """WeightsError unless the planned tensors are exactly those of `model` (built on the meta device).

    Names the first key that is missing, surplus or of another shape. `ignore`: names that may be left out.
    """
    wanted = model.state_dict() if isinstance(model, nn.Module) else model
    given = {tensor.name: tensor for tensor in tensors}
    origin = tensors[0].origin.split(": ")[0] if tensors else expected
    if missing := sorted(wanted.keys() - given.keys() - ignore):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise WeightsError(f"{origin}: {missing[0]}{more} missing; expected {expected}")
    if surplus := sorted(given.keys() - wanted.keys()):
        more = f" and {len(surplus) - 1} more" if len(surplus) > 1 else ""
        raise WeightsError(f"{given[surplus[0]].origin}{more} unknown; expected {expected}")
    for name, tensor in given.items():
        if tensor.shape != tuple(wanted[name].shape):
            raise WeightsError(f"{tensor.origin} has shape {tensor.shape}, the others ask for "
                               f"{tuple(wanted[name].shape)}; expected {expected}")


def count(table: Table, before: str, after: str = ".") -> int:
    """How many numbered modules `before`N`after`… there are. WeightsError where the numbers have a gap."""
    numbers = set()
    for key in table:
        if key.startswith(before):
            number, dot, _ = key[len(before):].partition(after)
            if dot and number.isascii() and number.isdigit() and len(number) < 6:
                numbers.add(int(number))
    if numbers and numbers != set(range(len(numbers))):
        gap = next(number for number in range(max(numbers) + 1) if number not in numbers)
        raise WeightsError(f"{table.file.name}: {before}{gap} is missing; expected {table.expected}")
    return len(numbers)
