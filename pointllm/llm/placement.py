"""Where a language model and its towers go, and in which precision: what was asked for, or what fits.

Decides from `Needs` (bytes a profile takes) and a `Machine` (what there is), without touching a device: `loading`
carries it out. What doesn't fit is refused with the choices that do, each with its figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pointllm.devices import (
    QUANTISED,
    Machine,
    device_option,
    dtype_of,
    gibibytes,
    offload_option,
    precision_option,
    towers_option,
    towers_placement,
)
from pointllm.errors import InputError
from pointllm.llm.memory import CARD_ALLOWANCE, MAIN_ALLOWANCE, Needs

SMALL = 1 / 8  # share of a device's memory below which a model stays in fp32 when nothing is asked for
SAFE = 0.95  # share of what is free now that is counted on


@dataclass(frozen=True)
class Request:
    """What the user asked for; "auto" leaves it open. towers_device None: beside the language model where it fits."""

    device: str = "auto"
    precision: str = "auto"
    towers_device: str | None = None
    offload: str = "none"

    @classmethod
    def of(cls, device: str | torch.device | None = None, precision: str | None = None,
           towers_device: str | None = None, offload: str | None = None) -> Request:
        """Checked; what is None comes from the environment or is left open. InputError for unknown values."""
        return cls(device_option(device), precision_option(precision), towers_option(towers_device),
                   offload_option(offload))


@dataclass(frozen=True)
class Plan:
    """A decision. device: where computing starts; max_memory: bytes by device (`accelerate`'s keys: card numbers,
    "cpu", "mps") where layers are divided, else None; offload: "none", "cpu" or "disk"; needed: bytes."""

    device: str
    precision: str
    towers_device: str
    towers_dtype: torch.dtype
    max_memory: dict[int | str, int] | None = None
    offload: str = "none"
    needed: int = 0

    @property
    def dtype(self) -> torch.dtype:
        """What weights of the language model are kept in, and what it computes in where `half_weights` doesn't do it in
        fp32; fp16 around 8-bit weights, as their kernels want it."""
        return dtype_of({"int8": "fp16", "int4": "bf16"}.get(self.precision, self.precision))

    def summary(self) -> str:
        """For the log."""
        spread = "" if self.max_memory is None else " and others" if self.offload == "none" else \
            f" with offload to {self.offload}"
        towers = str(self.towers_dtype).removeprefix("torch.")
        return (f"language model in {self.precision} on {self.device}{spread} ({gibibytes(self.needed)}), "
                f"towers in {towers} on {self.towers_device}")


def place(request: Request, needs: Needs, machine: Machine, name: str = "this profile") -> Plan:
    """The plan for `request`. InputError where it can't be met: one line with the choices that fit and their sizes."""
    device = request.device
    if request.precision in QUANTISED:
        _check_quantised(request, machine)
        device = "cuda" if device == "auto" else device
    if device == "split" and not machine.cuda:
        raise InputError("device 'split' divides a model over CUDA cards, and this machine has none; give --device cpu")
    if device == "auto":
        return _automatic(request, needs, machine, name)
    if device == "cpu":
        return _on_cpu(request, needs, machine, name)
    if device == "split":
        return _divided(request, machine.cuda, needs, machine, name)
    gpu = machine.gpu(device)
    if request.offload != "none":
        return _divided(request, (gpu,), needs, machine, name)
    precision = precision_on(gpu.name, gpu.total, gpu.bf16, request.precision, needs)
    needed = needs.language_model(precision) + CARD_ALLOWANCE
    if needed > gpu.free * SAFE:
        raise _refusal(name, needed, precision, gpu.name, gpu.free, needs, machine)
    return _finish(request, needs, machine, gpu.name, precision, needed)


def precision_on(device: str, total: int, bf16: bool, asked: str, needs: Needs) -> str:
    """The precision asked for; left open, small models stay in fp32 and others take 16 bits."""
    if asked != "auto":
        return asked
    if needs.language_model("fp32") <= total * SMALL:
        return "fp32"
    return "bf16" if device == "cpu" or bf16 else "fp16"


def choices(needs: Needs, machine: Machine) -> list[str]:
    """Every way to run a profile here that fits, as options of the command line with the memory it takes."""
    found = []
    for gpu in machine.gpus:
        for precision in ("fp32", "bf16" if gpu.bf16 else "fp16", *QUANTISED):
            if precision in QUANTISED and (not machine.bitsandbytes or gpu not in machine.cuda):
                continue
            size = needs.language_model(precision) + CARD_ALLOWANCE
            if size <= gpu.free * SAFE:
                found.append(f"--device {gpu.name} --precision {precision} ({gibibytes(size)})")
    cards = sum(gpu.free * SAFE - CARD_ALLOWANCE for gpu in machine.cuda)
    half = "bf16" if all(gpu.bf16 for gpu in machine.cuda) else "fp16"
    size = needs.language_model(half)
    if len(machine.cuda) > 1 and size <= cards:
        found.append(f"--device split --precision {half} ({gibibytes(size)} over {len(machine.cuda)} cards)")
    room = machine.free * SAFE - MAIN_ALLOWANCE
    for gpu in machine.cuda:
        on_card = gpu.free * SAFE - CARD_ALLOWANCE
        if 2 * needs.layer(half) < on_card < size and size - on_card <= room:
            found.append(f"--device {gpu.name} --precision {half} --offload cpu ({gibibytes(on_card)} on the card, "
                         f"{gibibytes(size - on_card)} beside it; slow)")
    for precision in ("fp32", *(("fp16",) if machine.half else ()), "bf16"):
        size = needs.language_model(precision) + (needs.beside_half() if precision == "fp16" else 0)
        if size <= room:
            found.append(f"--device cpu --precision {precision} ({gibibytes(size + MAIN_ALLOWANCE)})")
    if needs.language_model("bf16") > room:
        found.append(f"--device cpu --precision bf16 --offload disk ({gibibytes(max(room, 0))} of memory; very slow)")
    return found


def _check_quantised(request: Request, machine: Machine) -> None:
    if not machine.cuda or request.device in ("cpu", "mps"):
        raise InputError(f"precision {request.precision} needs a CUDA card; on this device give --precision bf16")
    if not machine.bitsandbytes:
        raise InputError(f"precision {request.precision} needs the package bitsandbytes; run: pip install bitsandbytes")
    if request.offload != "none":
        raise InputError(f"precision {request.precision} can't be offloaded; give --precision bf16 or --offload none")


def _automatic(request: Request, needs: Needs, machine: Machine, name: str) -> Plan:
    """The quickest place that fits without giving up precision: a card, several cards, a card with offload, the CPU."""
    if not machine.gpus:
        return _on_cpu(request, needs, machine, name)
    for gpu in sorted(machine.gpus, key=lambda gpu: -gpu.free):
        precision = precision_on(gpu.name, gpu.total, gpu.bf16, request.precision, needs)
        needed = needs.language_model(precision) + CARD_ALLOWANCE
        if request.offload == "none" and needed <= gpu.free * SAFE:
            return _finish(request, needs, machine, gpu.name, precision, needed)
    if machine.cuda:
        for offload in dict.fromkeys((request.offload, "cpu")):
            try:
                return _divided(Request("split", request.precision, request.towers_device, offload), machine.cuda,
                                needs, machine, name)
            except InputError:
                continue
    return _on_cpu(request, needs, machine, name)


def _on_cpu(request: Request, needs: Needs, machine: Machine, name: str) -> Plan:
    """Weights are held in fp16 where the processor can: the quickest, with fp32's answers (docs/performance.md)."""
    held_in_half = machine.half and request.precision in ("auto", "fp16") and request.offload != "disk"
    precision = "fp16" if held_in_half else precision_on("cpu", machine.total, True, request.precision, needs)
    needed = needs.language_model(precision) + MAIN_ALLOWANCE + (needs.beside_half() if held_in_half else 0)
    room = int(machine.free * SAFE)
    if request.offload == "disk":
        memory = {"cpu": max(room - MAIN_ALLOWANCE, 0)}
        return _finish(request, needs, machine, "cpu", precision, min(needed, room), memory, "disk")
    if needed > room:
        raise _refusal(name, needed, precision, "cpu", machine.free, needs, machine)
    return _finish(request, needs, machine, "cpu", precision, needed)


def _divided(request: Request, gpus: tuple, needs: Needs, machine: Machine, name: str) -> Plan:
    """Layers over several cards, the main memory and the disk, as far as they are wanted."""
    if not gpus[0].name.startswith("cuda"):
        raise InputError(f"--offload works with CUDA cards and with --device cpu, not with {gpus[0].name}")
    bf16 = all(gpu.bf16 for gpu in gpus)
    precision = precision_on(gpus[0].name, sum(gpu.total for gpu in gpus), bf16, request.precision, needs)
    towers_here = request.towers_device not in (None, "auto", "cpu")
    memory: dict[int | str, int] = {}
    for gpu in gpus:
        taken = CARD_ALLOWANCE + (needs.towers(2) if towers_here and not memory else 0)
        memory[int(gpu.name.split(":")[1])] = max(int(gpu.free * SAFE) - taken, 0)
    if request.offload != "none":
        memory["cpu"] = max(int(machine.free * SAFE) - MAIN_ALLOWANCE, 0)
    needed = needs.language_model(precision)
    least = min(memory[key] for key in memory if key != "cpu")
    if needed > sum(memory.values()) and request.offload != "disk" or least < 2 * needs.layer(precision):
        where = " and ".join(["+".join(gpu.name for gpu in gpus), *(["memory"] if "cpu" in memory else [])])
        raise _refusal(name, needed, precision, where, sum(memory.values()), needs, machine)
    return _finish(request, needs, machine, gpus[0].name, precision, needed, memory, request.offload)


def _finish(request: Request, needs: Needs, machine: Machine, device: str, precision: str, needed: int,
            memory: dict | None = None, offload: str = "none") -> Plan:
    """The towers join the language model on its card where both fit; else they stay on the CPU."""
    asked = request.towers_device
    if asked in (None, "auto"):
        fits = device != "cpu" and memory is None and \
            needed + needs.towers(2) <= machine.gpu(device).free * SAFE
        asked = device if fits else "cpu"
    towers, dtype = towers_placement(asked, request.precision, machine)
    return Plan(device, precision, towers, dtype, memory, offload, needed)


def _refusal(name: str, needed: int, precision: str, where: str, free: int, needs: Needs,
             machine: Machine) -> InputError:
    fitting = choices(needs, machine)
    advice = f"what fits here: {'; '.join(fitting)}" if fitting else "nothing fits here: close other programs"
    return InputError(f"{name} takes {gibibytes(needed)} in {precision}, and {where} has {gibibytes(free)} free; "
                      f"{advice}")
