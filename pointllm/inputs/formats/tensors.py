"""Tensors saved by PyTorch as shapes (`.pt`); nothing else in such a file is ever loaded or run.

The names in the pickle are looked at before PyTorch is imported, and PyTorch then loads with `weights_only=True`.
"""

from __future__ import annotations

import pickletools
import zipfile
from pathlib import Path

from ...errors import InputError
from .archive import check_archive
from .arrays import MAX_VALUES, from_arrays
from .geometry import Geometry, check_counts

# What a pickle of plain tensors names; anything else is refused before PyTorch sees the file
PICKLE_MODULES = ("torch", "torch._utils", "torch.storage", "torch._tensor", "torch.serialization", "collections")
PICKLE_NAMES = ("OrderedDict", "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter", "Size", "device",
                "_load_from_bytes", "_reconstruct", "UntypedStorage", "TypedStorage", "Tensor")
LEGACY_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # of torch.save before zip archives


def read(path: Path) -> Geometry:
    """Points (and colours, faces) from a tensor, a dict of tensors, or a pair of points and colours."""
    _check_pickle(path)
    import torch

    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the restricted unpickler raises whatever a broken stream leads to
        raise InputError(f"{path.name}: cannot be read as tensors; save one with torch.save(points, …)") from error
    if isinstance(loaded, (list, tuple)) and loaded:
        loaded = {"points": loaded[0], **({"colors": loaded[1]} if len(loaded) > 1 else {})}
    tensors = loaded if isinstance(loaded, dict) else {"": loaded}
    tensors = {str(k): v for k, v in tensors.items() if isinstance(v, torch.Tensor)}
    for tensor in tensors.values():  # a view may repeat a small storage without end
        check_counts(path, vertices=tensor.numel() // 3 if tensor.ndim > 1 else 0)
    arrays = {k: v.detach().to(torch.float64).numpy() for k, v in tensors.items()
              if not v.is_sparse and not v.is_complex() and v.numel() <= MAX_VALUES}
    if not arrays:
        raise InputError(f"{path.name}: holds no tensor; save one of shape (points, 3) with torch.save")
    return from_arrays(path, arrays)


def _check_pickle(path: Path) -> None:
    """Refuses a .pt that names anything but tensors, before the (slow) import of PyTorch."""
    with path.open("rb") as file:
        head = file.read(len(LEGACY_MAGIC))
        file.seek(0)
        if head.startswith(b"PK"):
            check_archive(path, "PyTorch archive")
            with zipfile.ZipFile(path) as archive:
                names = [n for n in archive.namelist() if n.endswith("data.pkl")]
                if any("/code/" in n for n in archive.namelist()) or not names:
                    raise InputError(f"{path.name}: holds a program or something else than tensors; "
                                     "save a tensor with torch.save")
                streams = [archive.read(n) for n in names[:1]]
        elif head.startswith(b"\x80"):
            streams = [file.read(4_000_000)]
        else:
            raise InputError(f"{path.name}: not a PyTorch file; save a tensor with torch.save")
    for stream in streams:
        _check_names(path, stream)


def _check_names(path: Path, stream: bytes) -> None:
    refused = InputError(f"{path.name}: holds pickled Python objects, which are never loaded; "
                         "save plain tensors with torch.save")
    position, strings = 0, []
    while position < len(stream) and stream[position:position + 1] == b"\x80":
        try:
            for operation, argument, at in pickletools.genops(stream[position:]):
                if operation.name in ("GLOBAL", "INST"):
                    module, name = str(argument).split(" ", 1)
                elif operation.name == "STACK_GLOBAL":
                    module, name = (strings[-2:] + ["", ""])[:2]
                else:
                    if isinstance(argument, str):
                        strings = [*strings[-1:], argument]
                    if operation.name in ("EXT1", "EXT2", "EXT4") or operation.name == "PROTO" and argument > 5:
                        raise refused
                    end = at
                    continue
                plain = name in PICKLE_NAMES or name.endswith("Storage") or _is_dtype(name)
                if module not in PICKLE_MODULES or not plain:
                    raise refused
                end = at
        except InputError:
            raise
        except Exception as error:  # pickletools raises many kinds on broken streams
            if position:  # an old file: pickles, then raw numbers
                return
            raise InputError(f"{path.name}: not a PyTorch file; save a tensor with torch.save") from error
        position += end + 1


def _is_dtype(name: str) -> bool:
    return name.startswith(("float", "int", "uint", "bfloat", "half", "double", "long", "short", "bool"))
