"""A folder of safetensors files as one table of tensors, read on demand: a file, or shards with their index.

Tensors are views of the mapped file, so that a name that nobody asks for costs nothing, and one that is used as it is
needs no second copy. Which tensors belong to which model is the callers' matter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from torch import Tensor

from .errors import WeightsError

INDEX = "model.safetensors.index.json"


class TensorFolder(Mapping):
    """Names → tensors of `model.safetensors`, or of the shards that `model.safetensors.index.json` lists.

    Raises WeightsError, naming the file, when one is missing, cut off or not of this format.
    """

    def __init__(self, folder: Path, file: str = "model.safetensors"):
        """`file`: another name of the single file, such as "adapters.safetensors"."""
        self.folder = Path(folder)
        self._stack = ExitStack()
        self._opened: dict[str, object] = {}
        self._file_of = self._names(file)

    def _names(self, file: str) -> dict[str, str]:
        if (self.folder / file).is_file():
            return dict.fromkeys(self._open(file).keys(), file)
        index = self.folder / INDEX
        if file != "model.safetensors" or not index.is_file():
            raise WeightsError(f"{self.folder.name}/{file}: no such file; the weights are incomplete, convert or fetch "
                               "them again")
        try:
            table = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
            names = {str(name): str(shard) for name, shard in table.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise WeightsError(f"{self.folder.name}/{INDEX}: can't be read ({error!r}); convert the weights "
                               "again") from error
        for shard in sorted(set(names.values())):
            if Path(shard).name != shard:  # an index leads to no other folder
                raise WeightsError(f"{self.folder.name}/{INDEX}: {shard!r} is no file name; convert the weights again")
            held = set(self._open(shard).keys())
            if lost := [name for name, where in names.items() if where == shard and name not in held]:
                raise WeightsError(f"{self.folder.name}/{shard}: {lost[0]} is missing; convert the weights again")
        return names

    def _open(self, file: str):
        from safetensors import SafetensorError, safe_open

        if file not in self._opened:
            try:
                opened = safe_open(self.folder / file, framework="pt", device="cpu")
                self._opened[file] = self._stack.enter_context(opened)
            except (SafetensorError, OSError) as error:
                reason = " ".join(str(error).split())[:120]
                raise WeightsError(f"{self.folder.name}/{file}: missing or damaged ({reason}); convert or fetch it "
                                   "again") from error
        return self._opened[file]

    def __getitem__(self, name: str) -> Tensor:
        return self._open(self._file_of[name]).get_tensor(name)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, without reading it."""
        return tuple(self._open(self._file_of[name]).get_slice(name).get_shape())

    def __contains__(self, name: object) -> bool:
        return name in self._file_of

    def __iter__(self) -> Iterator[str]:
        return iter(self._file_of)

    def __len__(self) -> int:
        return len(self._file_of)
