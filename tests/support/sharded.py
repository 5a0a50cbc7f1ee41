"""Two processes that each hold half of a tiny model's weights (FSDP 2 on CPUs): saves, loads and averages them.

    torchrun --standalone --nproc_per_node 2 sharded.py FOLDER

Prints "same" where a model that was restored takes the same next step. accelerate shards on GPUs only, so the parts of
the trainer that deal with shards are called here as it calls them.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import tiny_task
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from pointllm.training.ema import Average
from pointllm.training.processes import full_state, load_full_state


def sharded(seed, mesh):
    torch.manual_seed(seed)
    model = tiny_task.TinyModel(0.2)
    fully_shard(model, mesh=mesh)
    return model, SimpleNamespace(optimizer=torch.optim.AdamW(model.parameters(), lr=0.01))


def step(model, optimizer, task, number):
    torch.manual_seed(number)
    losses = model(task.batch(number, dist.get_rank(), 2))
    (losses["square"] + losses["absolute"][1]).backward()
    optimizer.optimizer.step()
    optimizer.optimizer.zero_grad()


def main(folder):
    dist.init_process_group("gloo")
    mesh = init_device_mesh("cpu", (2,))
    accelerator = SimpleNamespace(distributed_type=SimpleNamespace(value="FSDP"), unwrap_model=lambda model: model)
    _, task = tiny_task.make(folder)
    model, optimizer = sharded(0, mesh)
    average = Average(model, 0.9)
    for number in range(3):
        step(model, optimizer, task, number)
        average.update(model, number)
    weights, state = full_state(accelerator, model, optimizer)
    if dist.get_rank() == 0:
        torch.save({"weights": weights, "state": state}, folder / "state.pt")
    torch.save(average.state_dict(), folder / f"average-{dist.get_rank()}.pt")
    dist.barrier()
    saved = torch.load(folder / "state.pt", weights_only=True)
    other, another = sharded(1, mesh)
    load_full_state(accelerator, other, another, saved["weights"], saved["state"])
    mean = Average(other, 0.9)
    mean.load_state_dict(torch.load(folder / f"average-{dist.get_rank()}.pt", weights_only=True))
    same = all(torch.equal(value, mean.values[name]) for name, value in average.values.items())
    with mean.applied(other):  # and the weights are as before afterwards
        pass
    for pair in ((model, optimizer), (other, another)):
        step(*pair, task, 9)
    one, two = (full_state(accelerator, either, None)[0] for either in (model, other))
    if dist.get_rank() == 0:
        print("same" if same and all(torch.equal(value, two[name]) for name, value in one.items()) else "different")
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
