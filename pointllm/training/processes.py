"""What differs between one process and several: the accelerator, agreement, and states that may lie in shards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from .config import TrainerSection
from .ema import tracked
from .run_log import tracker_names


def make_accelerator(settings: TrainerSection, out: Path) -> Any:
    """accelerate's accelerator for this process; InputError where the machine can't do what is asked."""
    from accelerate import Accelerator, DistributedDataParallelKwargs
    from accelerate.state import AcceleratorState

    if settings.precision == "fp16" and (settings.device == "cpu" or not torch.cuda.is_available()):
        raise InputError("trainer.precision is fp16, which needs a GPU; choose bf16 or no")
    AcceleratorState._reset_state()  # the precision of an earlier run in this process must not stick
    handlers = [DistributedDataParallelKwargs(find_unused_parameters=settings.find_unused_parameters)]
    accelerator = Accelerator(
        cpu=settings.device == "cpu", mixed_precision=settings.precision, kwargs_handlers=handlers,
        log_with=tracker_names(settings.trackers) or None, project_dir=str(out),
    )  # fmt: skip
    if is_sharded(accelerator) and not accelerator.is_fsdp2:
        raise InputError("weights can be sharded by FSDP 2 only; set fsdp_version: 2 in accelerate's config")
    return accelerator


def agreed(accelerator: Any, wanted: bool) -> bool:
    """Whether any process wants it: all must leave a loop, or write, in the same step."""
    if accelerator.num_processes == 1:
        return wanted
    flag = torch.tensor(float(wanted), device=accelerator.device)
    return bool(accelerator.reduce(flag, reduction="sum") > 0)


def mean_over_processes(accelerator: Any, values: dict[str, list[Tensor]]) -> dict[str, float]:
    """The mean of each name's scalars over all processes; a process may lack a name."""
    own = {name: torch.stack([value.reshape(()) for value in found]).tolist() for name, found in values.items()}
    tables = [own]
    if accelerator.num_processes > 1:
        from accelerate.utils import gather_object

        tables = gather_object([own])
    names = dict.fromkeys(name for table in tables for name in table)
    everything = {name: [value for table in tables for value in table.get(name, ())] for name in names}
    return {name: sum(found) / len(found) for name, found in everything.items()}


def is_sharded(accelerator: Any) -> bool:
    """Whether each process holds only a part of the weights."""
    return accelerator.distributed_type.value == "FSDP"


def full_state(accelerator: Any, model: nn.Module, optimizer: Any) -> tuple[dict[str, Tensor], dict | None]:
    """What training changes of the model, and the optimiser's state, whole and on the CPU; call on every process."""
    if is_sharded(accelerator):
        from torch.distributed.checkpoint.state_dict import (
            StateDictOptions,
            get_model_state_dict,
            get_optimizer_state_dict,
        )

        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        names = {name for name, _ in tracked(accelerator.unwrap_model(model))}
        weights = {k: v for k, v in get_model_state_dict(model, options=options).items() if k in names}
        state = get_optimizer_state_dict(model, optimizer.optimizer, options=options) if optimizer else None
        return weights, state
    weights = {name: value.detach().cpu() for name, value in tracked(accelerator.unwrap_model(model))}
    return weights, optimizer.state_dict() if optimizer else None


def load_full_state(accelerator: Any, model: nn.Module, optimizer: Any, weights: dict[str, Tensor],
                    state: dict) -> None:
    """The reverse of `full_state`."""
    if is_sharded(accelerator):
        from torch.distributed.checkpoint.state_dict import (
            StateDictOptions,
            set_model_state_dict,
            set_optimizer_state_dict,
        )

        options = StateDictOptions(full_state_dict=True, strict=False)
        set_model_state_dict(model, weights, options=options)
        set_optimizer_state_dict(model, optimizer.optimizer, state, options=options)
        return
    with torch.no_grad():
        for name, value in tracked(accelerator.unwrap_model(model)):
            value.copy_(weights[name])
    optimizer.load_state_dict(state)


def gathered(value: Tensor) -> Tensor:
    """Rows of all processes, this process' among them; gradients flow back to where each row came from."""
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return value
    if value.dtype == torch.bool:  # not every backend sends them
        return gathered(value.to(torch.uint8)).bool()
    if value.requires_grad:
        from torch.distributed.nn.functional import all_gather

        return torch.cat(all_gather(value.contiguous()))
    parts = [torch.empty_like(value) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, value.contiguous())
    return torch.cat(parts)


def own_rows(length: int) -> slice:
    """Where this process' rows stand among the gathered ones, when each has `length`."""
    import torch.distributed as dist

    rank = dist.get_rank() if dist.is_available() and dist.is_initialized() else 0
    return slice(rank * length, (rank + 1) * length)


@contextmanager
def main_first(accelerator: Any) -> Iterator[None]:
    """The first process goes through the block before the others, which then find what it left."""
    if not accelerator.is_main_process:
        accelerator.wait_for_everyone()
    yield
    if accelerator.is_main_process:
        accelerator.wait_for_everyone()
