"""Random changes of clouds: they change what they should and keep what a cloud must keep."""

import torch

from pointllm.training.augment import (
    Augmentation,
    drop_points,
    fitted,
    keep_points,
    mix_clouds,
    recolor,
    rotation,
    transform,
    visible,
)

STILL = {"lying": 0, "tilt": 0, "stretch": 1.0, "jitter": 0, "sparse": 0, "partial": 0, "occluded": 0, "hue": 0,
         "gain": 0, "mix": 0}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def clouds(batch=6, number=128):
    return torch.randn(batch, number, 3, generator=generator()), torch.rand(batch, number, 3, generator=generator(1))


def test_rotations_are_rotations_and_yaw_keeps_heights():
    for axis in range(3):
        turn = rotation(axis, torch.tensor([0.3, -2.0]))
        torch.testing.assert_close(turn @ turn.transpose(1, 2), torch.eye(3).expand(2, 3, 3))
        torch.testing.assert_close(torch.linalg.det(turn), torch.ones(2))
    xyz, _ = clouds(2)
    torch.testing.assert_close((xyz @ rotation(1, torch.tensor([0.3, -2.0])))[..., 1], xyz[..., 1])


def test_a_lying_cloud_has_its_height_in_the_ground_plane_in_any_direction():
    xyz, _ = clouds(64)
    xyz[..., 1] = xyz[..., 1].abs() * 5  # a heavy foot at the origin, a long way up
    how = Augmentation(**{**STILL, "lying": 1})
    lying = transform(xyz, how, generator())
    spread = lying.var(1)
    assert (spread[:, 1] < spread.amax(1)).all()
    top = lying[torch.arange(64), xyz[..., 1].argmax(1)]
    assert (top[:, 0] > 0.3).any() and (top[:, 0] < -0.3).any()
    assert (top[:, 2] > 0.3).any() and (top[:, 2] < -0.3).any()


def test_dropped_points_are_replaced_by_others_of_the_cloud():
    xyz, rgb = clouds(2)
    keep = torch.zeros(2, 128, dtype=torch.bool)
    keep[0, 5:9] = True
    kept, colors = keep_points(keep, xyz, rgb)
    assert kept.shape == xyz.shape
    assert torch.equal(kept[0].unique(dim=0), xyz[0, 5:9].unique(dim=0))
    assert torch.equal(kept[0, :4], xyz[0, 5:9]) and torch.equal(colors[0, :4], rgb[0, 5:9])
    assert torch.equal(kept[1], xyz[1, :1].expand(128, 3))  # nothing was to be kept


def test_a_partial_cloud_ends_at_a_plane():
    xyz, rgb = clouds()
    part, _ = drop_points(xyz, rgb, Augmentation(**{**STILL, "partial": 1.0}), generator())
    left = [len(cloud.unique(dim=0)) for cloud in part]
    assert all(64 <= count <= 116 for count in left)


def test_a_sparse_cloud_keeps_at_least_the_least_share_roughly():
    xyz, rgb = clouds(batch=50)
    part, _ = drop_points(xyz, rgb, Augmentation(**{**STILL, "sparse": 1.0, "sparse_least": 0.1}), generator())
    left = [len(cloud.unique(dim=0)) for cloud in part]
    assert min(left) < 40 and max(left) > 90


def test_a_cloud_seen_from_one_side_lacks_the_other():
    sphere = torch.nn.functional.normalize(torch.randn(20, 2000, 3, generator=generator()), dim=-1)
    seen = visible(sphere, generator(4))
    share = seen.float().mean(1)
    assert (share > 0.4).all() and (share < 0.75).all()
    for cloud, keep in zip(sphere, seen, strict=True):
        middle = torch.nn.functional.normalize(cloud[keep].mean(0), dim=0)  # the side that the camera is on
        towards = cloud @ middle
        assert keep[towards > 0.5].float().mean() > 0.95 and keep[towards < -0.5].float().mean() < 0.25
    part, _ = drop_points(sphere, sphere, Augmentation(**{**STILL, "occluded": 1.0}), generator())
    assert all(len(cloud.unique(dim=0)) < 1500 for cloud in part)


def test_a_fitted_cloud_touches_the_unit_sphere_around_its_mean():
    xyz = fitted(clouds()[0] * 7 + 3)
    torch.testing.assert_close(xyz.mean(1), torch.zeros(6, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(xyz.norm(dim=-1).amax(1), torch.ones(6))


def test_colours_stay_colours():
    rgb = recolor(clouds()[1], Augmentation(hue=1.0, gain=0.9), generator())
    assert rgb.min() >= 0 and rgb.max() <= 1


def test_hue_leaves_grey_alone():
    grey = torch.full((4, 10, 3), 0.5)
    out = recolor(grey, Augmentation(hue=1.0, hue_degrees=180, gain=0.0), generator())
    assert (out.amax(-1) - out.amin(-1)).mean() < 0.06  # noise only


def test_mixed_clouds_hold_points_of_both_by_their_share():
    xyz = torch.randn(8, 100, 3, generator=generator())
    rgb = torch.arange(8.0).view(8, 1, 1).expand(8, 100, 3)  # says whose point it is
    _, colors, partner, share = mix_clouds(xyz, rgb, Augmentation(mix=1.0), generator())
    for row in range(8):
        if partner[row] != row:
            own = (colors[row, :, 0] == row).float().mean()
            assert abs(own - share[row]) < 0.011
            assert set(colors[row, :, 0].tolist()) <= {row, partner[row].item()}


def test_without_mixing_nothing_changes():
    xyz, rgb = clouds()
    mixed, colors, _, share = mix_clouds(xyz, rgb, Augmentation(mix=0.0), generator())
    assert torch.equal(mixed, xyz) and torch.equal(colors, rgb) and share.eq(1).all()


def test_the_same_seed_makes_the_same_changes():
    xyz, _ = clouds()
    assert torch.equal(transform(xyz, Augmentation(), generator(3)), transform(xyz, Augmentation(), generator(3)))
