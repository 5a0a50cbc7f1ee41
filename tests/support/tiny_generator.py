"""A shape generator with random weights that draws something, in a profile's folder: everything real but small."""

import json
from dataclasses import asdict

import torch
from safetensors.torch import save_file

from pointllm.tasks.generation.grids import Grids
from pointllm.tasks.generation.networks import ShapeModel, Sizes, to_blocks

SAMPLER = {"steps": 3, "guidance": 2.0, "resolution": 16, "level": 0.0, "views": 2}


def tiny_sizes(dim=384):
    """Sizes of two blocks a side."""
    return Sizes(dim=dim, grids=Grids(size=16, color_size=8, thickness=0.07), latent=6, block=8, distance_rank=4,
                 color_rank=3, decoder_width=16, decoder_blocks=1, flow_width=16, flow_blocks=2)


def tiny_model(dim=384, seed=0):
    """A model whose shapes are balls, dented by its random weights and by what is asked for."""
    torch.manual_seed(seed)
    model = ShapeModel(tiny_sizes(dim))
    sizes = model.sizes
    with torch.no_grad():
        for layer in model.flow.layers:  # which begin as doing nothing
            torch.nn.init.normal_(layer.outer.weight, std=0.3)
        # The first pattern of every block is a part of a ball; the decoder's bias asks for it.
        along = Grids.centres(16)
        ball = torch.from_numpy(3 - 5 * (along**2).sum(-1))[None, ..., None]
        blocks = to_blocks(ball, sizes.block)[0]
        shares, patterns = torch.linalg.qr(blocks.T)  # (block³, 8) · (8, 8)
        model.decoder.distance_basis.weight.copy_(shares[:, : sizes.distance_rank])
        model.decoder.distance_basis.bias.zero_()
        bias = model.decoder.leave.bias.view(sizes.blocks**3, -1)
        bias[:, : sizes.distance_rank] = patterns[: sizes.distance_rank].T
        model.decoder.leave.weight.mul_(3)
    return model.eval()


def write_generator(profile, dim=384, seed=0, **sampler):
    """`generator/` in a profile's folder."""
    model = tiny_model(dim, seed)
    folder = profile / "generator"
    folder.mkdir(parents=True)
    save_file(model.state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(asdict(model.sizes) | {"sampler": SAMPLER | sampler}))
    return folder
