"""The generator's networks: both flows go to latents and back under a condition, and refinement adds detail."""

from dataclasses import replace

import pytest
import torch
from tiny_generator import tiny_sizes

from pointllm.tasks.generation.coupling import Coupling, CouplingFlow, halves
from pointllm.tasks.generation.networks import FLOWS, Refinement, ShapeDecoder, flow_of, from_blocks, to_blocks
from pointllm.training.generator_config import FlowSection
from pointllm.training.generator_model import Flow


def awake(module, std=0.3):
    """Random weights everywhere: much begins as doing nothing."""
    torch.manual_seed(0)
    for value in module.parameters():
        torch.nn.init.normal_(value, std=std)
    return module.eval()


def unit(count, dim=8):
    return torch.nn.functional.normalize(torch.randn(count, dim), dim=-1)


def test_blocks_are_put_together_as_they_were_taken_apart():
    grid = torch.randn(2, 8, 8, 8, 3)
    assert torch.equal(from_blocks(to_blocks(grid, 4), 4, 3), grid)


# --- flows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FLOWS)
def test_a_flow_with_guidance_one_is_the_conditional_one_and_zero_ignores_the_condition(kind):
    flow = awake(flow_of(replace(tiny_sizes(8), flow_kind=kind)))
    embedding, noise = unit(3), torch.randn(3, 6)
    assert torch.allclose(flow.sample(embedding, noise, 1.0, 4), flow.sample(embedding, noise, 1.0001, 4), atol=1e-2)
    assert torch.allclose(flow.sample(embedding, noise, 0.0, 4), flow.sample(-embedding, noise, 0.0, 4), atol=1e-5)
    assert not torch.allclose(flow.sample(embedding, noise, 1.0, 4), flow.sample(-embedding, noise, 1.0, 4))


@pytest.mark.parametrize("length", [2, 5, 6, 192])
def test_layers_of_coupling_part_the_coordinates_and_change_all_of_them_in_turn(length):
    changed = torch.zeros(length, dtype=torch.bool)
    for number in range(8):
        kept, others = halves(number, length)
        assert len(kept) and len(others) and sorted([*kept.tolist(), *others.tolist()]) == list(range(length))
        changed[others] = True
    assert changed.all()
    assert not torch.equal(halves(0, 192)[0], halves(2, 192)[0])  # not always the same two halves


def test_the_coupling_flow_is_undone_exactly():
    flow = awake(CouplingFlow(8, 6, 16, 5))
    latent, embedding = torch.randn(7, 6), unit(7)
    noise, _ = flow(latent, embedding)
    assert not torch.allclose(noise, latent, atol=0.1)
    assert torch.allclose(flow.sample(embedding, noise), latent, atol=1e-4)


def test_the_coupling_flows_determinant_is_that_of_its_jacobian():
    flow = awake(CouplingFlow(8, 6, 16, 5))
    latent, embedding = torch.randn(6), unit(1)
    jacobian = torch.autograd.functional.jacobian(lambda x: flow(x[None], embedding)[0][0], latent)
    _, determinant = flow(latent[None], embedding)
    assert determinant.item() == pytest.approx(float(torch.linalg.slogdet(jacobian)[1]), abs=1e-4)


def test_a_new_coupling_layer_does_nothing_and_its_likelihood_is_the_normal_distributions():
    layer = Coupling(0, 6, 16, 8)
    x = torch.randn(3, 6)
    out, determinant = layer(x, torch.randn(3, 8))
    assert torch.equal(out, x) and torch.equal(determinant, torch.zeros(3))
    flow = CouplingFlow(8, 6, 16, 4)
    expected = -torch.distributions.Normal(0, 1).log_prob(x).mean()
    nothing = torch.zeros(3, dtype=torch.bool)
    assert float(flow.loss(x, unit(3), nothing)) == pytest.approx(float(expected), abs=1e-5)


@pytest.mark.parametrize("kind", FLOWS)
def test_either_flow_learns_what_goes_with_which_embedding(kind):
    torch.manual_seed(0)
    sizes = replace(tiny_sizes(8), flow_kind=kind, flow_width=32, flow_blocks=4)
    model = Flow(sizes, FlowSection(steps=1, optimizer={"learning_rate": 1}))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    embeddings = torch.eye(8)[:2]
    centres = torch.tensor([[1.0] * 6, [-1.0] * 6])
    for _ in range(150):
        row = torch.randint(2, (64,))
        batch = {"latent": centres[row] + 0.2 * torch.randn(64, 6), "embedding": embeddings[row],
                 "nothing": torch.rand(64) < 0.1}  # fmt: skip
        (loss,) = model(batch).values()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    drawn = model.eval().flow.sample(embeddings.repeat(32, 1), torch.randn(64, 6), 1.0, 10)
    assert list(model(batch)) == [model.flow.objective]
    assert (drawn[::2].mean(1) > 0.3).all() and (drawn[1::2].mean(1) < -0.3).all()


# --- refinement ------------------------------------------------------------------------------------------------


def test_refinement_begins_as_nothing():
    plain, refined = (ShapeDecoder(replace(tiny_sizes(), refinement_width=width)) for width in (0, 4))
    refined.load_state_dict(plain.state_dict(), strict=False)
    latent = torch.randn(2, 6)
    for one, other in zip(plain(latent), refined(latent), strict=True):
        assert torch.equal(one, other)


def test_refinement_of_a_block_sees_what_is_next_to_it_and_no_further():
    refinement = awake(Refinement(replace(tiny_sizes(), refinement_width=4)))
    shares = torch.randn(1, 8, 7)
    other = shares.clone()
    other[:, 0] += 1  # the block at the origin
    distance = (from_blocks(refinement(shares)[0] - refinement(other)[0], 8, 1)[0, ..., 0]).abs()
    along = distance.amax((1, 2)) > 1e-6
    assert along[:12].all() and not along[12:].any()  # its eight cells, and the nearest part of the next block
