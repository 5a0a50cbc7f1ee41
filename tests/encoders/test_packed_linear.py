"""Packed maps equal plain ones and never outlive the weights they were made of."""

import copy
import io

import pytest
import torch
from torch.nn import functional as F

from pointllm.encoders.packed_linear import FastLinear
from pointllm.encoders.registry import build_encoder

ROWS = torch.randn(5, 7, 12, generator=torch.Generator().manual_seed(0))
SMALL = {"groups": [16, 8], "group_sizes": [8, 4], "dims": [12, 24], "depths": [1, 1], "radii": [0.5, 0.0], "heads": 2,
         "point_widths": [8, 16, 24]}  # fmt: skip


def layer(activation="none", bias=True):
    torch.manual_seed(1)
    return FastLinear(12, 20, bias, activation).eval()


def plain(linear):
    act = {"none": lambda x: x, "relu": F.relu, "gelu": F.gelu}[linear.activation]
    return act(F.linear(ROWS, linear.weight, linear.bias))


def used(linear):
    with torch.inference_mode():
        return linear(ROWS)


def check(linear):
    torch.testing.assert_close(used(linear), plain(linear).detach(), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("activation", ["none", "relu", "gelu"])
@pytest.mark.parametrize("bias", [True, False])
def test_the_packed_map_is_the_plain_one(activation, bias):
    check(layer(activation, bias))


def test_its_keys_are_those_of_a_linear_layer():
    assert list(layer().state_dict()) == list(torch.nn.Linear(12, 20).state_dict())


def test_new_weights_are_seen_however_they_come():
    linear = layer()
    check(linear)
    linear.load_state_dict({key: value + 1 for key, value in linear.state_dict().items()})
    check(linear)
    with torch.no_grad():
        linear.weight.mul_(2)
        linear.bias.zero_()
    check(linear)
    linear.weight = torch.nn.Parameter(torch.randn(20, 12))
    check(linear)
    linear.load_state_dict({key: value * 3 for key, value in linear.state_dict().items()}, assign=True)
    check(linear)


def test_a_training_step_between_two_evaluations_is_seen():
    linear = layer()
    optimizer = torch.optim.AdamW(linear.parameters(), lr=0.1, fused=True)  # leaves no trace in a tensor's version
    for mode in (True, False):  # also where norms are frozen and the model is trained in evaluation mode
        before = used(linear)
        linear.train(mode)
        linear(ROWS).square().sum().backward()
        optimizer.step()
        linear.eval()
        assert not torch.allclose(used(linear), before)
        check(linear)


def test_double_and_half_precision_go_the_plain_way():
    linear = layer()
    check(linear)
    with torch.inference_mode():
        exact = linear.double()(ROWS.double())
    torch.testing.assert_close(exact.float(), plain(linear.float()).detach(), atol=1e-6, rtol=1e-5)
    check(linear)


def test_a_layer_made_in_inference_mode_works_and_sees_loaded_weights():
    with torch.inference_mode():
        linear = FastLinear(12, 20).eval()
        first = linear(ROWS)
        linear.load_state_dict({key: value + 1 for key, value in linear.state_dict().items()})
        assert not torch.allclose(linear(ROWS), first)
        torch.testing.assert_close(linear(ROWS), F.linear(ROWS, linear.weight, linear.bias), atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_an_encoder_that_was_used_can_be_copied_saved_and_changed():
    model = build_encoder("i2p_mae", SMALL).eval()
    points = torch.rand(2, 64, 3, generator=torch.Generator().manual_seed(2))
    before = model(points)
    twin = copy.deepcopy(model)
    assert torch.equal(twin(points), before)
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False)(points), before)
    for value in twin.state_dict().values():  # as the average of a training run is kept up
        if value.is_floating_point():
            value.lerp_(torch.ones_like(value), 0.5)
    fresh = build_encoder("i2p_mae", SMALL).eval()
    fresh.load_state_dict(twin.state_dict())
    torch.testing.assert_close(twin(points), fresh(points))
    assert torch.equal(model(points), before)
