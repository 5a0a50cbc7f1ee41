"""Grids of distances become closed, clean, coloured meshes."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from pointllm.errors import PointLLMError
from pointllm.inputs.mesh import is_watertight
from pointllm.tasks.generation.grids import Grids
from pointllm.tasks.generation.surface import cleaned, extract, fine

PLACES = Grids.centres(24)
WHITE = np.ones((24, 24, 24, 3), np.float32)


def ball(centre=(0, 0, 0), radius=0.5):
    return np.linalg.norm(PLACES - np.array(centre, np.float32), axis=-1) - np.float32(radius)


def volume(mesh):
    a, b, c = (mesh.vertices[mesh.faces[:, i]].astype(np.float64) for i in range(3))
    return np.einsum("fi,fi->", a, np.cross(b, c)) / 6


def test_a_ball_becomes_a_closed_surface_of_its_size_that_faces_outwards():
    mesh = extract(ball((0.1, -0.2, 0.2)), WHITE)
    assert is_watertight(mesh)
    assert np.allclose(np.linalg.norm(mesh.vertices - (0.1, -0.2, 0.2), axis=1), 0.5, atol=0.02)
    assert volume(mesh) == pytest.approx(4 / 3 * np.pi * 0.5**3, rel=0.05)
    assert (mesh.vertex_colors == 255).all()


def test_whatever_the_distances_are_the_surface_is_closed():
    rng = np.random.default_rng(0)
    for seed in range(3):
        noise = gaussian_filter(rng.normal(size=(24, 24, 24)), 1 + 0.3 * seed) * 3
        mesh = extract((noise + seed * 0.05).astype(np.float32), WHITE)
        assert is_watertight(mesh) and volume(mesh) > 0
        assert np.abs(mesh.vertices).max() < 1


def test_a_shape_that_fills_the_grid_is_closed_at_its_border():
    assert is_watertight(extract(np.full((24, 24, 24), -0.1, np.float32), WHITE))


def test_specks_go_and_parts_stay_and_hollows_are_filled():
    two = np.minimum(ball((-0.5, 0, 0), 0.35), ball((0.5, 0, 0), 0.3))
    speck = np.minimum(two, ball((0, 0.8, 0), 0.06))
    hollow = np.maximum(speck, -ball((-0.5, 0, 0), 0.2))
    assert ((cleaned(hollow) < 0) == (two < 0)).all()


def test_colours_are_those_of_the_place():
    colors = np.where(PLACES[..., :1] < 0, [1.0, 0, 0], [0, 0, 1.0])
    mesh = extract(ball(), colors.astype(np.float32))
    left = mesh.vertices[:, 0] < -0.1
    assert (mesh.vertex_colors[left] == (255, 0, 0)).all()
    assert (mesh.vertex_colors[mesh.vertices[:, 0] > 0.1] == (0, 0, 255)).all()


def test_an_empty_grid_is_an_error_in_one_line():
    with pytest.raises(PointLLMError, match="empty shape; try another seed"):
        extract(np.ones((24, 24, 24), np.float32), WHITE)


def test_a_finer_grid_keeps_places():
    along = Grids.centres(8)[..., 0]
    assert np.allclose(fine(along, 16)[4:-4, 4:-4, 4:-4], Grids.centres(16)[4:-4, 4:-4, 4:-4, 0], atol=1e-2)
    assert fine(along, 8) is along
