"""The hierarchical encoder: published names, inputs of every kind, and its fast arithmetic against the plain one."""

import pytest
import torch
from torch import nn

from pointllm.encoders.point_blocks import MiniPointNet
from pointllm.encoders.registry import build_encoder

SMALL = {"groups": [32, 16, 8], "group_sizes": [8, 6, 4], "dims": [12, 24, 36], "depths": [1, 2, 1],
         "heads": 3, "point_widths": [8, 16, 24]}  # fmt: skip


def encoder(**settings):
    torch.manual_seed(0)
    model = build_encoder("i2p_mae", {**SMALL, **settings})
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):  # so that folding has something to fold
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return model.eval()


def clouds(channels=3):
    return torch.rand(2, 100, channels, generator=torch.Generator().manual_seed(1)) - 0.5


def plain_pointnet(net, groups):
    """The mini-PointNet as the papers write it. groups: (B, G, K, C)."""
    batch, number, size, channels = groups.shape
    feature = net.first_conv(groups.reshape(-1, size, channels).transpose(1, 2))
    everyone = feature.amax(2, keepdim=True).expand(-1, -1, size)
    return net.second_conv(torch.cat([everyone, feature], 1)).amax(2).view(batch, number, -1)


@torch.no_grad()
def test_the_default_layout_is_the_published_one():
    state = build_encoder("i2p_mae").state_dict()
    assert len(state) == 233 and not any(key.startswith("colors") for key in state)
    assert state["h_encoder.token_embed.0.second_conv.0.weight"].shape == (512, 512, 1)
    assert state["h_encoder.encoder_blocks.2.blocks.4.attn.qkv.weight"].shape == (1152, 384)


@pytest.mark.parametrize("level", [0, 1])
@torch.no_grad()
def test_rearranged_pointnets_equal_the_plain_form(level):
    net: MiniPointNet = encoder().h_encoder.token_embed[level]
    if level == 0:
        groups = torch.randn(2, 300, 8, 3)  # enough rows for several chunks
        torch.testing.assert_close(net(groups), plain_pointnet(net, groups), rtol=1e-4, atol=1e-5)
    else:
        tokens, index = torch.randn(2, 32, 12), torch.randint(0, 32, (2, 16, 6))
        groups = torch.stack([cloud[members] for cloud, members in zip(tokens, index, strict=True)])
        torch.testing.assert_close(net.merge(tokens, index), plain_pointnet(net, groups), rtol=1e-4, atol=1e-5)


def test_training_statistics_of_the_first_level_are_those_of_the_plain_form():
    fast, plain = encoder().h_encoder.token_embed[0].train(), encoder().h_encoder.token_embed[0].train()
    groups = torch.randn(2, 16, 8, 3)
    torch.testing.assert_close(fast(groups), plain_pointnet(plain, groups), rtol=1e-4, atol=1e-5)
    for got, expected in zip(fast.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_batch_gives_what_its_clouds_give_one_by_one():
    model, points = encoder(), clouds()
    torch.testing.assert_close(model(points), torch.cat([model(points[:1]), model(points[1:])]), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_double_precision_and_grouping_ahead_change_nothing():
    model, points = encoder(), clouds()
    expected = model(points)
    assert torch.equal(model(points.double()), expected)
    assert torch.equal(model(points, levels=model.group(points)), expected)


@torch.no_grad()
def test_colours_count_only_where_an_object_has_them():
    model, points = encoder(in_channels=6), clouds(6)
    coloured, plain = model(points), model(points[..., :3])
    assert not torch.allclose(coloured, plain)
    mixed = model(points, has_color=torch.tensor([True, False]))
    torch.testing.assert_close(mixed, torch.stack([coloured[0], plain[1]]))


def test_every_parameter_learns():
    model = encoder(in_channels=6, drop_path=0.0).train()
    model(clouds(6), has_color=torch.tensor([True, False])).square().sum().backward()
    assert [name for name, value in model.named_parameters() if value.grad is None] == []


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match="i2p_mae, point_bert"):
        build_encoder("pointnet")
    with pytest.raises(ValueError, match="no setting width.*groups"):
        build_encoder("i2p_mae", {"width": 3})
    with pytest.raises(ValueError, match="one entry a level"):
        build_encoder("i2p_mae", {"dims": [12, 24]})
