"""Opens checkpoint files as tables of tensors: shapes at once, numbers one tensor at a time, nothing executed.

Three formats, told apart by their first bytes: PyTorch's zip (mapped into memory; pages are given back once read),
its older pickle stream (which can't be mapped and is held whole), and safetensors (read with plain reads). Pickles go
through `torch.load(weights_only=True)`, which builds tensors and containers and refuses everything else.
What the keys mean is left to `recognise`.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import pickle
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pointllm.errors import WeightsError

DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}
WRAPPERS = ("state_dict", "model", "module")  # where training scripts put the tensors
PREFIX = "module."  # left by DistributedDataParallel
_HEADER_LIMIT = 100_000_000  # safetensors' own limit
_PICKLE_LIMIT = 1 << 28  # the pickle inside a zip holds names and shapes only: a few MB for the largest models
_READ_BYTES = 1 << 30


@dataclass(frozen=True)
class Spec:
    """Shape and type of a stored tensor."""

    shape: tuple[int, ...]
    dtype: torch.dtype


class Table(Mapping[str, Spec]):
    """One file's tensors by key. `read` gives a tensor in memory of its own; the file stays where it is."""

    def __init__(self, file: Path, specs: dict[str, Spec], read: Callable[[str], Tensor]):
        self.file, self._specs, self._read = Path(file), specs, read

    def __getitem__(self, key: str) -> Spec:
        return self._specs[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def read(self, key: str) -> Tensor:
        """The tensor, contiguous. WeightsError for a key that isn't there, naming the file."""
        self.need(key)
        try:
            return self._read(key)
        except (OSError, RuntimeError, ValueError) as error:
            raise WeightsError(f"{self.file.name}: {key} can't be read ({one_line(error)}); fetch the file again"
                               ) from error

    def need(self, key: str, ndim: int | None = None) -> tuple[int, ...]:
        """The shape of a key. WeightsError where it is missing or has another number of dimensions."""
        if key not in self._specs:
            raise WeightsError(f"{self.file.name}: {key} is missing; expected {self.expected}")
        shape = self._specs[key].shape
        if 0 in shape:
            raise WeightsError(f"{self.file.name}: {key} is empty (shape {shape}); expected {self.expected}")
        if ndim is not None and len(shape) != ndim:
            raise WeightsError(f"{self.file.name}: {key} has shape {shape}, {ndim} dimensions are needed; expected "
                               f"{self.expected}")
        return shape

    expected = "a published checkpoint"  # `recognise` says which, for messages


def open_table(file: Path) -> Table:
    """The tensors of a checkpoint file.

    Raises WeightsError for a file that is missing, damaged, of another format, or holds more than tensors.
    """
    file = Path(file)
    if not file.is_file():
        raise WeightsError(f"{file}: no such file")
    try:
        with file.open("rb") as stream:
            start = stream.read(9)
        if start[:4] == b"PK\x03\x04":
            return _open_zip(file)
        if start[8:9] == b"{":
            return _open_safetensors(file)
        if start[:1] == b"\x80":
            return _open_pickle(file)
    except OSError as error:
        raise WeightsError(f"{file}: can't be read ({error.strerror or error}); check the disk and the permissions"
                           ) from error
    except MemoryError as error:
        raise WeightsError(f"{file.name}: asks for more memory than there is; damaged, or not a published file"
                           ) from error
    if start.startswith(b"version h"):
        raise WeightsError(f"{file.name}: a Git LFS pointer, not the file itself; fetch the file it stands for")
    if start.lstrip()[:1] == b"<":
        raise WeightsError(f"{file.name}: a web page, not a checkpoint; the download was answered by a page")
    raise WeightsError(f"{file.name}: not a checkpoint (neither PyTorch's nor safetensors'); fetch the published file")


# --- PyTorch ------------------------------------------------------------------------------------------------------


def _open_zip(file: Path) -> Table:
    """The current format: a zip of one pickle and the raw numbers, which are mapped instead of read."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise WeightsError(f"{file.name}: damaged or cut short ({one_line(error)}); fetch it again") from error
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise WeightsError(f"{file.name}: {entry.filename} is compressed, which torch.save never does; not loaded")
        if entry.filename.endswith("data.pkl") and entry.file_size > _PICKLE_LIMIT:
            raise WeightsError(f"{file.name}: an index of {entry.file_size} bytes is no checkpoint's; not loaded")
    if sum(entry.file_size for entry in entries) > file.stat().st_size:
        raise WeightsError(f"{file.name}: its parts overlap, as in a zip bomb; not loaded")
    tensors = _unpickle(file, mapped=True)

    def read(key: str) -> Tensor:
        value = tensors[key].clone(memory_format=torch.contiguous_format)
        _give_back(tensors[key])
        return value

    return Table(file, _specs(file, tensors), read)


def _open_pickle(file: Path) -> Table:
    """The format before PyTorch 1.6, or a plain pickle: it can't be mapped, so the whole file is held in memory."""
    tensors = _unpickle(file, mapped=False)
    return Table(file, _specs(file, tensors), lambda key: tensors[key].clone(memory_format=torch.contiguous_format))


def _unpickle(file: Path, mapped: bool) -> dict[str, Tensor]:
    try:
        content = torch.load(file, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        raise WeightsError(f"{file.name}: holds {_forbidden(error)} and isn't loaded, nothing in it was executed; "
                           "fetch the published file") from error
    except MemoryError:
        raise  # told by the caller
    except Exception as error:
        # the unpickler and the readers raise whatever the damaged part leads to
        raise WeightsError(f"{file.name}: damaged or not a checkpoint ({one_line(error)}); fetch it again") from error
    return _unwrapped(file, content)


def _forbidden(error: Exception) -> str:
    """What the unpickler refused, from its long message."""
    named = re.search(r"GLOBAL ([\w.]+)", str(error)) or re.search(r"Trying to load unsupported GLOBAL ([\w.]+)",
                                                                   str(error))
    return f"more than tensors ({named[1]})" if named else "more than tensors"


def _unwrapped(file: Path, content: object) -> dict[str, Tensor]:
    """The table of tensors inside what was pickled, without wrappers and without `module.`."""
    for _ in range(len(WRAPPERS)):
        if not isinstance(content, dict):
            break
        inner = next((content[name] for name in WRAPPERS if isinstance(content.get(name), dict)), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, dict):
        raise WeightsError(f"{file.name}: holds a {type(content).__name__}, a table of tensors was expected")
    tensors = {}
    for key, value in content.items():
        if not isinstance(value, Tensor):
            continue  # an epoch, a name: nothing of the model
        value = value.detach()
        if not isinstance(key, str):
            raise WeightsError(f"{file.name}: a tensor is called {key!r}; names were expected")
        if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
            raise WeightsError(f"{file.name}: {key} is sparse, quantised or without numbers; fetch the published file")
        if value.dtype not in DTYPES.values():
            raise WeightsError(f"{file.name}: {key} is of type {value.dtype}; numbers of a published type expected")
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise WeightsError(f"{file.name}: {key} of shape {tuple(value.shape)} claims more numbers than the file "
                               "has; not loaded")
        tensors[key] = value
    if not tensors:
        raise WeightsError(f"{file.name}: holds no tensors; fetch the published file")
    return _without_prefix(tensors)


def _specs(file: Path, tensors: dict[str, Tensor]) -> dict[str, Spec]:
    return {key: Spec(tuple(value.shape), value.dtype) for key, value in tensors.items()}


def _without_prefix(table: dict) -> dict:
    return {key.removeprefix(PREFIX): v for key, v in table.items()} if all(k.startswith(PREFIX) for k in table
                                                                            ) else table


def _give_back(mapped: Tensor) -> None:
    """Tells the system that the mapped pages of a tensor are no longer needed; they can be read again any time."""
    start = mapped.data_ptr()
    end = start + mapped.numel() * mapped.element_size()
    page = mmap.PAGESIZE
    start, end = -(-start // page) * page, end // page * page
    if end > start and hasattr(mmap, "MADV_DONTNEED"):
        libc = ctypes.CDLL(None)
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), ctypes.c_int(mmap.MADV_DONTNEED))


# --- safetensors --------------------------------------------------------------------------------------------------


def _open_safetensors(file: Path) -> Table:
    """The library checks the file; the numbers are then read from the places that its header names."""
    from safetensors import SafetensorError, safe_open

    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > min(_HEADER_LIMIT, size - 8):
            raise WeightsError(f"{file.name}: a header of {length} bytes in a file of {size}: damaged or cut short; "
                               "fetch it again")
        header_bytes = stream.read(length)
    try:
        with safe_open(file, "pt"):  # refuses overlaps, holes, wrong lengths and repeated names
            pass
        header = json.loads(header_bytes)
        header.pop("__metadata__", None)
        specs, places = {}, {}
        for key, entry in header.items():
            if entry["dtype"] not in DTYPES:
                raise WeightsError(f"{file.name}: {key} is of type {entry['dtype']}; known: {', '.join(DTYPES)}")
            specs[key] = Spec(tuple(entry["shape"]), DTYPES[entry["dtype"]])
            begin, end = entry["data_offsets"]
            places[key] = (8 + length + begin, end - begin)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{file.name}: damaged or cut short ({one_line(error)}); fetch it again") from error
    if not specs:
        raise WeightsError(f"{file.name}: holds no tensors; fetch the published file")
    specs, places = _without_prefix(specs), _without_prefix(places)

    def read(key: str) -> Tensor:
        spec, (begin, count) = specs[key], places[key]
        raw = torch.empty(count, dtype=torch.uint8)
        with open(file, "rb", buffering=0) as stream:
            read_into(stream.fileno(), memoryview(raw.numpy()), begin)
        return raw.view(spec.dtype).reshape(spec.shape) if count else torch.empty(spec.shape, dtype=spec.dtype)

    return Table(file, specs, read)


def read_into(descriptor: int, view: memoryview, begin: int) -> None:
    """Fills `view` from `begin` on. ValueError where the file ends before."""
    done = 0
    while done < len(view):
        got = os.preadv(descriptor, [view[done : done + _READ_BYTES]], begin + done)
        if not got:
            raise ValueError("the file ends too early")
        done += got


def one_line(error: object) -> str:
    """The start of a library's message."""
    return " ".join(str(error).split())[:160] or type(error).__name__
