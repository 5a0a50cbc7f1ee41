"""Writes safetensors one tensor at a time, and reads them back.

The library's own writer wants all tensors at once. The format is simple enough to be streamed: eight bytes with the
length of the header, the header (JSON: type, shape and place of each tensor), then the numbers without a gap. Whether
the library agrees is checked on every file that is written. Never more than one tensor is in memory.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pointllm.errors import WeightsError
from pointllm.weights.convert.plan import Planned
from pointllm.weights.convert.tables import DTYPES, open_table
from pointllm.weights.manifest import sha256_of

logger = logging.getLogger("pointllm")

_CODES = {dtype: code for code, dtype in DTYPES.items()}
_ALIGNMENT = 8
_REPORT_SECONDS = 5.0
_PIECE = 1 << 24


@dataclass(frozen=True)
class Written:
    """A finished file: its name, size in bytes and sha256."""

    name: str
    size: int
    sha256: str


def split(tensors: Iterable[Planned], limit: int) -> list[list[Planned]]:
    """Groups of at most `limit` bytes, in order; a tensor larger than that is a group of its own."""
    groups: list[list[Planned]] = []
    size = 0
    for tensor in tensors:
        if not groups or (size + tensor.nbytes > limit and groups[-1]):
            groups.append([])
            size = 0
        groups[-1].append(tensor)
        size += tensor.nbytes
    return groups


def write_file(path: Path, tensors: list[Planned]) -> Written:
    """Writes one safetensors file, flushes it to disk and compares it with what was meant.

    The file appears under its name only when all of that has succeeded. Raises WeightsError for numbers that are not
    finite (or stop being so in a narrower type) and for a file that reads back differently.
    """
    # large items first, so that every tensor begins at a multiple of its item's size, as in the library
    tensors = sorted(tensors, key=lambda tensor: -tensor.dtype.itemsize)
    header: dict = {"__metadata__": {"format": "pt"}}
    place = 0
    for tensor in tensors:
        offsets = [place, place + tensor.nbytes]
        header[tensor.name] = {"dtype": _CODES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": offsets}
        place = offsets[1]
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    digest = hashlib.sha256()
    sums: dict[str, int] = {}
    unfinished = path.with_name(path.name + ".writing")
    reported = time.monotonic()
    with unfinished.open("wb", buffering=0) as stream:
        _put(stream, memoryview(len(text).to_bytes(8, "little") + text), digest)
        for number, tensor in enumerate(tensors):
            raw = _raw(_numbers(tensor))
            sums[tensor.name] = zlib.crc32(raw)
            _put(stream, raw, digest)
            del raw
            if time.monotonic() - reported > _REPORT_SECONDS:
                reported = time.monotonic()
                logger.info("%s: %d of %d tensors", path.name, number + 1, len(tensors))
        os.fsync(stream.fileno())
        if hasattr(os, "posix_fadvise"):  # so that reading back reads the disk
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    _compare(unfinished, tensors, sums)
    written = Written(path.name, unfinished.stat().st_size, digest.hexdigest())
    os.replace(unfinished, path)
    return written


def copy_file(source: Path, path: Path) -> Written:
    """Copies a file as it is, with the same care; compares what lies on disk with what was read."""
    digest = hashlib.sha256()
    unfinished = path.with_name(path.name + ".writing")
    with source.open("rb") as given, unfinished.open("wb", buffering=0) as stream:
        while piece := given.read(_PIECE):
            _put(stream, memoryview(piece), digest)
        os.fsync(stream.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    written = Written(path.name, unfinished.stat().st_size, digest.hexdigest())
    if sha256_of(unfinished) != written.sha256:
        raise WeightsError(f"{unfinished}: reads back differently from what was written; the disk may be failing")
    os.replace(unfinished, path)
    return written


def _numbers(tensor: Planned) -> Tensor:
    """The numbers of one tensor in the type of the result. WeightsError where they are none."""
    value = tensor.read()
    if tuple(value.shape) != tensor.shape:
        raise WeightsError(f"{tensor.origin} has shape {tuple(value.shape)}, {tensor.shape} was announced; fetch the "
                           "file again")
    _check_finite(tensor, value, "fetch the file again")
    if value.dtype == tensor.dtype:
        return value.contiguous()
    converted = value.to(tensor.dtype)
    del value
    _check_finite(tensor, converted, f"too large for {tensor.dtype}; use --dtype bf16 or keep".removeprefix("torch."))
    return converted.contiguous()


def _check_finite(tensor: Planned, value: Tensor, remedy: str) -> None:
    if not value.is_floating_point() or not value.numel():
        return
    low, high = torch.aminmax(value)  # a NaN anywhere becomes both
    if tensor.endless and low == -torch.inf:
        low = torch.zeros_like(low)
    if not (torch.isfinite(low) and torch.isfinite(high)):
        what = "NaN" if torch.isnan(high) else "infinite numbers"
        raise WeightsError(f"{tensor.origin} holds {what}: {remedy}")


def _raw(value: Tensor) -> memoryview:
    """The bytes of a contiguous tensor, not copied."""
    return memoryview(value.reshape(-1).view(torch.uint8).numpy()) if value.numel() else memoryview(b"")


def _put(stream, raw: memoryview, digest) -> None:
    digest.update(raw)
    done = 0
    while done < len(raw):  # a raw stream may take less than it is given
        done += stream.write(raw[done:])


def _compare(path: Path, tensors: list[Planned], sums: dict[str, int]) -> None:
    """Opens a written file as a reader would, and compares names, types, shapes and checksums."""
    table = open_table(path)
    if table.keys() != sums.keys():
        raise WeightsError(f"{path}: reads back with other tensors than were written; the disk may be failing")
    for tensor in tensors:
        spec = table[tensor.name]
        if (spec.shape, spec.dtype) != (tensor.shape, tensor.dtype) or zlib.crc32(_raw(table.read(tensor.name))) != \
                sums[tensor.name]:
            raise WeightsError(f"{path}: {tensor.name} reads back differently from what was written; the disk may be "
                               "failing")
