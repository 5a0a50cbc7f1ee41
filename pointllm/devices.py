"""What this machine computes on: processors, graphics cards, their memory, and the names that users give them.

`Machine` is plain data, so that decisions about placement (`pointllm.llm.placement`) can be tested on machines that
are not here. Knows nothing of models. PyTorch is imported when something is looked up, not with this module: the
command line checks its options by it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    import torch

PRECISIONS = ("auto", "fp32", "bf16", "fp16", "int8", "int4")
DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
QUANTISED = ("int8", "int4")
OFFLOADS = ("none", "cpu", "disk")
# What is asked for when a caller doesn't say: the command line's options set these for their process.
DEFAULTS = {"device": "POINTLLM_DEVICE", "precision": "POINTLLM_PRECISION",
            "towers_device": "POINTLLM_TOWERS_DEVICE", "offload": "POINTLLM_OFFLOAD"}
DEVICE_HELP = "auto, cpu, cuda, cuda:N, mps, or split (over all graphics cards)"


@dataclass(frozen=True)
class Gpu:
    """A graphics card: its name in PyTorch, memory in bytes, and whether it computes in bfloat16."""

    name: str
    total: int
    free: int
    bf16: bool = True


@dataclass(frozen=True)
class Machine:
    """Cards, main memory in bytes, whether `bitsandbytes` can be imported, and `half_products`."""

    gpus: tuple[Gpu, ...]
    total: int
    free: int
    bitsandbytes: bool = False
    half: bool = False

    @classmethod
    def here(cls) -> Machine:
        """This machine as it is now. Inside a container its limit of memory counts."""
        import torch

        gpus = []
        for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
            free, total = torch.cuda.mem_get_info(index)
            bf16 = torch.cuda.get_device_capability(index) >= (8, 0)
            gpus.append(Gpu(f"cuda:{index}", total, free, bf16))
        total, free = _main_memory()
        if torch.backends.mps.is_available():  # shares the main memory
            gpus.append(Gpu("mps", total, free, bf16=False))
        return cls(tuple(gpus), total, free, find_spec("bitsandbytes") is not None, half_products())

    def gpu(self, name: str) -> Gpu:
        """The card called `name`; "cuda" is the one with the most free memory. InputError lists those that are here."""
        cards = {gpu.name: gpu for gpu in self.gpus}
        if name == "cuda" and self.cuda:
            return max(self.cuda, key=lambda gpu: gpu.free)
        if name not in cards:
            known = ", ".join(["cpu", *cards])
            raise InputError(f"--device {name}: there is no such device here; this machine has: {known}")
        return cards[name]

    @property
    def cuda(self) -> tuple[Gpu, ...]:
        """Cards that CUDA reaches."""
        return tuple(gpu for gpu in self.gpus if gpu.name.startswith("cuda"))


def device_option(given: str | torch.device | None) -> str:
    """A device as users name it, checked; None: `$POINTLLM_DEVICE`, else "auto". InputError otherwise."""
    name = _given(given, "device", "auto")
    if name not in ("auto", "cpu", "split", "mps", "cuda") and not re.fullmatch(r"cuda:\d{1,3}", name):
        raise InputError(f"device {name!r} isn't known; give {DEVICE_HELP}")
    return name


def precision_option(given: str | None) -> str:
    """A precision as users name it, checked; None: `$POINTLLM_PRECISION`, else "auto". InputError otherwise."""
    name = _given(given, "precision", "auto")
    if name not in PRECISIONS:
        raise InputError(f"precision {name!r} isn't known; give {', '.join(PRECISIONS)}")
    return name


def offload_option(given: str | None) -> str:
    """Where layers may go that no card holds, checked; None: `$POINTLLM_OFFLOAD`, else "none". InputError otherwise."""
    name = _given(given, "offload", "none")
    if name not in OFFLOADS:
        raise InputError(f"offload {name!r} isn't known; give {', '.join(OFFLOADS)}")
    return name


def towers_option(given: str | torch.device | None) -> str | None:
    """The towers' device, checked; None where neither the caller nor `$POINTLLM_TOWERS_DEVICE` says."""
    name = _given(given, "towers_device", "")
    return device_option(name) if name else None


def _given(given: object, option: str, otherwise: str) -> str:
    return str(given if given is not None else os.environ.get(DEFAULTS[option]) or otherwise).lower()


def towers_placement(device: str, precision: str, machine: Machine) -> tuple[str, torch.dtype]:
    """Device and type of the towers: asked for, or in fp32 on a CPU and fp16 on a CUDA card, as the originals ran."""
    if device in ("auto", "split"):
        device = "cuda" if machine.cuda else "cpu"
    if device != "cpu":
        device = machine.gpu(device).name
    return device, dtype_of(precision if precision in DTYPES else "fp16" if device.startswith("cuda") else "fp32")


def dtype_of(precision: str) -> torch.dtype:
    """"fp32" → torch.float32 and so on."""
    import torch

    return getattr(torch, DTYPES[precision])


def half_products() -> bool:
    """Whether the processor multiplies fp32 inputs by weights held in fp16 without widening them in memory first."""
    import torch

    return torch.backends.quantized.engine in ("fbgemm", "x86")  # chosen by PyTorch where FBGEMM runs: x86 with AVX2


def gibibytes(count: float) -> str:
    """Bytes for people to read, such as "13.5 GiB"."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 / 10 else f"{count / 2**20:.0f} MiB"


def _main_memory() -> tuple[int, int]:
    """(total, available) bytes of main memory, within the limit of a control group where one is set."""
    import psutil

    memory = psutil.virtual_memory()
    total, free = memory.total, memory.available
    for limit_file, used_file in (("memory.max", "memory.current"),
                                  ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes")):
        try:
            limit, used = (int(Path("/sys/fs/cgroup", name).read_text()) for name in (limit_file, used_file))
        except (OSError, ValueError):  # none, or "max"
            continue
        if limit < total:
            total, free = limit, min(free, max(limit - used, 0))
    return total, free
