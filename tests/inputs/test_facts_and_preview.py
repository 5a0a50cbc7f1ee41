"""Measured facts of a shape, and the small GLB that the browser shows."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from shapes import BOX_COLORS, BOX_FACES, BOX_VERTICES, Gltf, cloud_points, png, two_colored_image

from pointllm.inputs import read_shape
from pointllm.inputs.facts import COLORS, color_names, color_shares, palette, shape_facts, surface_facts
from pointllm.inputs.preview import corner_normals, thinned, write_preview


@pytest.fixture
def box(tmp_path):
    trimesh.Trimesh(BOX_VERTICES, BOX_FACES, vertex_colors=BOX_COLORS, process=False).export(tmp_path / "box.ply")
    return read_shape(tmp_path / "box.ply")


@pytest.mark.parametrize("name, rgb", [
    ("black", (10, 10, 12)), ("white", (245, 245, 240)), ("gray", (128, 128, 130)), ("red", (200, 20, 25)),
    ("orange", (250, 130, 20)), ("yellow", (250, 220, 40)), ("green", (40, 160, 60)), ("blue", (30, 70, 200)),
    ("purple", (120, 40, 180)), ("pink", (250, 150, 180)), ("brown", (110, 70, 40)), ("beige", (220, 200, 160)),
    ("cyan", (20, 200, 220))])
def test_plain_colours_have_their_plain_names(name, rgb):
    assert color_names(np.array([rgb]) / 255)[0] == name
    assert name in COLORS


def test_every_colour_has_a_name():
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 12)] * 3), axis=-1).reshape(-1, 3)
    assert set(color_names(grid)) == set(COLORS)


def test_shares_of_colours_are_shares_of_points():
    shares = color_shares(np.array([(1, 0, 0)] * 3 + [(0, 0, 1)]))
    assert shares == {"red": 0.75, "blue": 0.25}


def test_facts_of_a_mesh_are_what_was_measured(box):
    facts = shape_facts(box)
    assert facts["vertices"] == 8 and facts["faces"] == 12 and facts["watertight"] is True
    assert facts["size"] == [2, 3, 4] and facts["format"] == "ply"
    assert set(facts["colors"]) >= {"red", "blue"}
    assert "points" not in facts and "dropped" not in facts


def test_surface_and_volume_of_a_closed_mesh_are_measured_far_from_the_origin_too(box):
    assert surface_facts(box) == {"area": 52, "volume": 24}
    far = replace(box, mesh=box.mesh.moved(np.array([-3000.0, 0, 0])))
    assert surface_facts(far)["volume"] == pytest.approx(24, rel=1e-3)


def test_an_open_mesh_has_no_volume_and_a_cloud_neither_surface(tmp_path, box):
    opened = replace(box, metadata=replace(box.metadata, watertight=False))
    assert surface_facts(opened) == {"area": 52}
    np.save(tmp_path / "a.npy", cloud_points()[0])
    assert surface_facts(read_shape(tmp_path / "a.npy")) == {}


def test_the_palette_names_the_main_colours_with_their_mean(box):
    red = replace(box, rgb=np.tile(np.float32([1, 0, 0]), (len(box.xyz), 1)))
    assert palette(red) == [{"name": "red", "rgb": "#ff0000", "share": 1.0}]
    assert palette(replace(box, rgb=None)) == []


def test_facts_of_a_cloud_count_its_points(tmp_path):
    np.save(tmp_path / "a.npy", cloud_points()[0])
    facts = shape_facts(read_shape(tmp_path / "a.npy"))
    assert facts["points"] == 200 and facts["colors"] == [] and "faces" not in facts


def loaded(path):
    """The preview by our own reader and, as a second opinion on its validity, by trimesh."""
    scene = trimesh.load(path)
    cloud = read_shape(path)
    # trimesh takes the geometry of every scene of the file: points are told from surfaces by their faces.
    faces = [len(g.faces) for g in scene.geometry.values() if hasattr(g, "faces")]
    assert sum(faces) == cloud.metadata.faces
    return cloud


def extras(path):
    """What the preview says of itself to the viewer."""
    content = path.read_bytes()
    document = json.loads(content[20:20 + struct.unpack_from("<I", content, 12)[0]])
    return document["scenes"][0]["extras"]


def test_a_mesh_is_shown_centred_at_unit_size_with_its_colours(tmp_path, box):
    shown = loaded(write_preview(box, tmp_path / "p.glb"))
    assert shown.metadata.faces == 12
    np.testing.assert_allclose(shown.metadata.bounds_max, (0.25, 0.375, 0.5), atol=1e-6)
    np.testing.assert_allclose(shown.metadata.bounds_min, (-0.25, -0.375, -0.5), atol=1e-6)
    ends = shown.rgb[np.argsort(shown.xyz[:, 0])]
    np.testing.assert_allclose(ends[0], (1, 0, 0), atol=0.1)
    np.testing.assert_allclose(ends[-1], (0, 0, 1), atol=0.1)


def test_z_up_files_are_shown_upright(tmp_path, box):
    upright = replace(box, metadata=replace(box.metadata, up_axis="z"))
    shown = loaded(write_preview(upright, tmp_path / "p.glb"))
    np.testing.assert_allclose(shown.metadata.size, (0.5, 1, 0.75), atol=1e-6)


def test_points_are_shown_in_their_colours_and_a_part_of_too_many(tmp_path):
    points, colors = cloud_points(100)
    np.save(tmp_path / "a.npy", np.concatenate([points, colors], axis=1))
    cloud = read_shape(tmp_path / "a.npy")
    path = write_preview(cloud, tmp_path / "p.glb")
    shown = loaded(path)
    assert shown.metadata.points == 100 and shown.metadata.faces == 0 and extras(path)["points"] == [100, 100]
    found = np.unique(np.round(shown.rgb * 255), axis=0)
    np.testing.assert_allclose(found, np.unique(colors, axis=0), atol=1)
    path = write_preview(cloud, tmp_path / "q.glb", max_points=40)
    assert loaded(path).metadata.points == 40 and extras(path)["points"] == [40, 100]


def test_points_without_colours_are_shown_too(tmp_path):
    np.save(tmp_path / "a.npy", cloud_points(100)[0])
    path = write_preview(read_shape(tmp_path / "a.npy"), tmp_path / "p.glb")
    assert loaded(path).metadata.points == 100 and extras(path)["colored"] is False


def test_a_preview_carries_the_measures_of_the_file(tmp_path, box):
    path = write_preview(replace(box, metadata=replace(box.metadata, up_axis="z")), tmp_path / "p.glb")
    found = extras(path)
    assert found["size"] == [2, 3, 4] and found["scale"] == 4 and found["up"] == "z" and found["colored"]
    assert found["faces"] == [12, 12] and found["points"] == [len(box.xyz)] * 2


def test_textures_go_into_the_preview(tmp_path):
    scene = Gltf()
    corners = np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], np.float32)
    entry = scene.primitive(corners, [(0, 1, 2), (0, 2, 3)], material=0)
    entry["attributes"]["TEXCOORD_0"] = scene.accessor(corners[:, :2].astype("<f4"))
    scene.primitive(BOX_VERTICES + 2, BOX_FACES, material=1)
    scene.json |= {"images": [{"bufferView": scene.view(png(two_colored_image()))}], "textures": [{"source": 0}],
                   "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}},
                                 {"pbrMetallicRoughness": {"baseColorFactor": [0, 1, 0, 1]}}]}
    cloud = read_shape(scene.write(tmp_path / "a.gltf"))
    shown = loaded(write_preview(cloud, tmp_path / "p.glb"))
    assert shown.metadata.faces == 14
    assert set(color_shares(cloud.rgb)) == {"green", "red", "blue"}
    assert set(list(color_shares(shown.rgb))[:3]) == {"green", "red", "blue"}  # JPEG blurs the line between the two


def test_heavy_meshes_are_thinned_and_keep_their_form(tmp_path):
    sphere = trimesh.creation.icosphere(5)
    sphere.visual.vertex_colors = np.where(sphere.vertices[:, :1] > 0, [[255, 0, 0, 255]], [[0, 0, 255, 255]])
    sphere.export(tmp_path / "s.ply")
    mesh = read_shape(tmp_path / "s.ply").mesh
    thin = thinned(mesh, 4000)
    assert 1000 < len(thin.faces) <= 4000 < len(mesh.faces)
    assert thin.face_areas().sum() == pytest.approx(mesh.face_areas().sum(), rel=0.1)
    shown = loaded(write_preview(read_shape(tmp_path / "s.ply"), tmp_path / "p.glb", max_faces=4000))
    assert shown.metadata.faces == len(thin.faces)
    assert set(list(color_shares(shown.rgb))[:2]) == {"red", "blue"}


def test_smooth_surfaces_have_smooth_normals_and_edges_stay_sharp():
    sphere = trimesh.creation.icosphere(3)
    normals = corner_normals(sphere.vertices[sphere.faces].astype(np.float32))
    outward = sphere.vertices[sphere.faces]
    np.testing.assert_allclose((normals * outward).sum(axis=2), 1, atol=0.01)
    box = BOX_VERTICES[BOX_FACES].astype(np.float32)
    flat = np.cross(box[:, 1] - box[:, 0], box[:, 2] - box[:, 0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    np.testing.assert_allclose(corner_normals(box), np.repeat(flat[:, None], 3, axis=1), atol=1e-6)
