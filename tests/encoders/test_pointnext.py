"""PointNeXt: the published size, its arithmetic against the plain form, and that it learns."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pointllm.encoders.compact.point_tower import build_branch
from pointllm.encoders.grouping import gather_points
from pointllm.encoders.point_head import PointBranch
from pointllm.encoders.pointnext import InvertedResidual, SetAbstraction, Stage
from pointllm.encoders.registry import build_encoder

SMALL = {"width": 8, "strides": [2, 2], "blocks": [0, 1], "members": 6, "radius": 0.4}


def encoder(**settings):
    torch.manual_seed(0)
    model = build_encoder("pointnext", {**SMALL, **settings})
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):  # so that folding has something to fold
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return model.eval()


def clouds(channels=3, number=64, batch=2):
    return torch.rand(batch, number, channels, generator=torch.Generator().manual_seed(1)) - 0.5


def plain_map(layer, x):
    """Linear, BatchNorm and activation as they are written. x: (…, C)."""
    x = layer.norm(layer.linear(x).flatten(0, -2)).unflatten(0, x.shape[:-1])
    return F.relu(x) if layer.activation == "relu" else x


def members(xyz, features, index, center, radius):
    relative = (gather_points(xyz, index) - center[:, :, None]) / radius
    return torch.cat([relative, gather_points(features, index)], -1)


def test_the_default_is_as_large_as_the_published_one():
    model = build_encoder("pointnext")
    classifier = 512 * 512 + 2 * 512 + 512 * 256 + 2 * 256 + 256 * 40 + 40  # two hidden layers with norms, 40 classes
    count = sum(value.numel() for value in model.parameters())
    assert count == 968_480
    assert round((count + classifier) / 1e6, 3) == 1.374  # its configuration file states 1.374 M for ModelNet40
    assert model.feature_dim == 512


@pytest.mark.parametrize("mode", ["training", "evaluation"])
def test_rearranged_blocks_equal_the_plain_form(mode):
    model = encoder()
    xyz, features = clouds(), torch.randn(2, 64, 8)
    stage = model.group(xyz)[0]
    stage = Stage(*stage[:3], stage.member_index % 32)
    wanted, got = encoder(), model
    for each in (wanted, got):
        each.train(mode == "training")
    block: SetAbstraction = wanted.abstractions[0]
    hidden = members(xyz, features, stage.member_index, stage.center, block.radius)
    for layer in block.maps:
        hidden = plain_map(layer, hidden)
    pooled = F.relu(hidden.amax(2) + F.linear(gather_points(features, stage.center_index), block.skip.weight,
                                              block.skip.bias))
    with torch.set_grad_enabled(mode == "training"):
        torch.testing.assert_close(got.abstractions[0](xyz, features, stage), pooled, rtol=1e-4, atol=1e-5)
    for one, other in zip(got.abstractions[0].buffers(), block.buffers(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    residual: InvertedResidual = wanted.residuals[1][0]
    wide = torch.randn(2, 32, 32)
    hidden = plain_map(residual.neighbors, members(stage.center, wide, stage.own_index, stage.center, residual.radius))
    expected = F.relu(wide + plain_map(residual.narrow, plain_map(residual.wide, hidden.amax(2))))
    torch.testing.assert_close(got.residuals[1][0](stage, wide), expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_evaluation_repeats_exactly_and_a_batch_gives_what_its_clouds_give():
    model, points = encoder(), clouds()
    expected = model(points)
    assert expected.shape == (2, 32)
    assert torch.equal(model(points), expected)
    assert torch.equal(model(points.double()), expected)
    assert torch.equal(model(points, levels=model.group(points)), expected)
    torch.testing.assert_close(expected, torch.cat([model(points[:1]), model(points[1:])]), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_colours_count_only_where_an_object_has_them():
    model, points = encoder(in_channels=6), clouds(6)
    coloured, plain = model(points), model(points[..., :3])
    assert not torch.allclose(coloured, plain)
    mixed = model(points, has_color=torch.tensor([True, False]))
    torch.testing.assert_close(mixed, torch.stack([coloured[0], plain[1]]))


@torch.no_grad()
def test_clouds_smaller_than_the_strides_still_have_a_feature():
    assert encoder()(clouds(number=1)).isfinite().all()


def test_every_parameter_learns():
    model = encoder(in_channels=6).train()
    model(clouds(6), has_color=torch.tensor([True, False])).square().sum().backward()
    assert [name for name, value in model.named_parameters() if value.grad is None] == []


def test_a_branch_with_it_learns_to_tell_shapes_apart():
    config = {"encoder": "pointnext", "architecture": {**SMALL, "in_channels": 6}, "projection_dim": 16, "dim": 8}
    torch.manual_seed(0)
    branch: PointBranch = build_branch(config).train()
    flat, round_ = clouds(6, batch=8), clouds(6, batch=8)
    flat[..., 2] *= 0.1
    round_[..., :3] = 0.5 * F.normalize(round_[..., :3], dim=-1)
    points, labels = torch.cat([flat, round_]), torch.arange(2).repeat_interleave(8)
    anchors = torch.eye(8)[:2]
    optimizer = torch.optim.AdamW(branch.parameters(), lr=3e-3)
    losses = []
    for _ in range(15):
        loss = F.cross_entropy(10 * branch(points, has_color=torch.ones(16, dtype=torch.bool)) @ anchors.T, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="one entry a stage"):
        build_encoder("pointnext", {"strides": [2]})
    with pytest.raises(ValueError, match="strides at least 2"):
        build_encoder("pointnext", {"strides": [1], "blocks": [0]})
