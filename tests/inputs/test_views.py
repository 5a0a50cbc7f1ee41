"""Views of shapes: what is drawn, from where, and in which colours."""

import numpy as np
import pytest
import trimesh
from PIL import Image

from pointllm.inputs import PointCloud, read_shape
from pointllm.inputs.orientation import UP_AXES, rotated, with_up
from pointllm.inputs.views import Camera, render_views, ring

SIZE = 64


@pytest.fixture(scope="module")
def tower(tmp_path_factory) -> PointCloud:
    """A tall red box with a green cap, y up."""
    body = trimesh.creation.box((1, 4, 1))
    body.visual.vertex_colors = [200, 20, 20, 255]
    cap = trimesh.creation.box((1, 0.5, 1))
    cap.apply_translation((0, 2.25, 0))
    cap.visual.vertex_colors = [20, 200, 20, 255]
    path = tmp_path_factory.mktemp("shapes") / "tower.ply"
    trimesh.util.concatenate([body, cap]).export(path)
    return read_shape(path)


def bare(cloud: PointCloud) -> PointCloud:
    return PointCloud(cloud.xyz, cloud.rgb, cloud.metadata, None)


def drawn(pictures: np.ndarray) -> np.ndarray:
    return (pictures < 250).any(-1)


@pytest.mark.parametrize("kind", ["mesh", "cloud"])
def test_a_view_shows_the_shape_upright_in_its_colours(tower, kind):
    picture = render_views(tower if kind == "mesh" else bare(tower), [Camera(0, 0)], SIZE)[0]
    rows, columns = np.nonzero(drawn(picture))
    assert np.ptp(rows) > 3 * np.ptp(columns)
    top = picture[rows.min() + 1, SIZE // 2].astype(int)
    middle = picture[SIZE // 2, SIZE // 2].astype(int)
    assert top[1] > top[0] + 50  # green above
    assert middle[0] > middle[1] + 50  # red below


def test_points_and_surface_give_like_outlines(tower):
    cameras = ring(3)
    surface, points = drawn(render_views(tower, cameras, SIZE)), drawn(render_views(bare(tower), cameras, SIZE))
    assert (surface & points).sum() / (surface | points).sum() > 0.8


def test_views_do_not_depend_on_scale_and_place(tower):
    moved = PointCloud(tower.xyz * 1000 + 5000, tower.rgb, tower.metadata, None)
    cameras = [Camera(40, 20)]
    same = render_views(bare(tower), cameras, SIZE) == render_views(moved, cameras, SIZE)
    assert same.mean() > 0.97


def test_colours_can_be_left_out(tower):
    picture = render_views(tower, [Camera(0, 0)], SIZE, use_colors=False)[0]
    inside = picture[drawn(picture)]
    assert np.ptp(inside.astype(int), axis=1).max() <= 1  # grays


def test_the_background_is_the_one_asked_for(tower):
    picture = render_views(tower, [Camera(0, 0)], SIZE, background=(0, 0, 1))[0]
    assert tuple(picture[0, 0]) == (0, 0, 255)


@pytest.mark.parametrize("points", [np.zeros((40, 3)), np.linspace(0, 1, 40)[:, None] * [1, 0, 0]])
def test_shapes_without_extent_are_drawn_without_failing(tower, points):
    cloud = PointCloud(points.astype(np.float32), None, tower.metadata, None)
    assert drawn(render_views(cloud, ring(2), SIZE)).any()


def test_turning_moves_points_and_surface_alike(tower):
    lying = rotated(tower, UP_AXES["z"].T)
    assert np.ptp(lying.xyz, axis=0).argmax() == 2
    assert np.ptp(lying.mesh.vertices, axis=0).argmax() == 2
    upright = with_up(lying, "z")
    np.testing.assert_allclose(upright.xyz, tower.xyz, atol=1e-5)
    np.testing.assert_allclose(upright.mesh.vertices, tower.mesh.vertices, atol=1e-5)


def test_what_is_behind_the_holes_of_a_texture_is_seen_through_them(tmp_path):
    leaf = np.zeros((2, 2, 4), np.uint8)
    leaf[:, 0] = (0, 200, 0, 255)  # the left half is a leaf, the right half is a hole
    look = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.fromarray(leaf), alphaMode="MASK",
                                               doubleSided=True)
    card = trimesh.Trimesh([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], [[0, 1, 2], [0, 2, 3]], process=False,
                           visual=trimesh.visual.TextureVisuals([[0, 0], [1, 0], [1, 1], [0, 1]], material=look))
    behind = trimesh.creation.box((0.4, 0.4, 0.1), trimesh.transformations.translation_matrix((0.5, 0, -1)))
    behind.visual = trimesh.visual.TextureVisuals(
        material=trimesh.visual.material.PBRMaterial(baseColorFactor=[200, 0, 0, 255]))
    path = tmp_path / "card.glb"
    trimesh.Scene([card, behind]).export(path)
    for use_colors in (True, False):
        picture = render_views(read_shape(path), [Camera(0, 0)], SIZE, use_colors=use_colors)[0].astype(int)
        left, right = drawn(picture)[:, : SIZE // 2].mean(), drawn(picture)[:, SIZE // 2 :].mean()
        assert left > 0.2 and 0 < right < left / 3  # of the right half the box alone
    picture = render_views(read_shape(path), [Camera(0, 0)], SIZE)[0].astype(int)
    red, green = (picture[..., on] > picture[..., off] + 60 for on, off in ((0, 1), (1, 0)))
    assert green[:, : SIZE // 2].any() and not green[:, SIZE // 2 + 1 :].any()
    assert red[:, SIZE // 2 :].any() and not red[:, : SIZE // 2 - 1].any()
