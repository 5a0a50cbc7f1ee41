"""glTF and GLB: scenes, colours and the corners of the specification that exporters use."""

from __future__ import annotations

import json

import numpy as np
import pytest
import trimesh
from shapes import BOX_AREA, BOX_COLORS, BOX_FACES, BOX_VERTICES, Gltf, png, two_colored_image

from pointllm.errors import InputError
from pointllm.inputs import read_shape


def test_a_hierarchy_of_nodes_is_merged_with_its_transforms(tmp_path):
    scene = Gltf()
    scene.primitive(BOX_VERTICES, BOX_FACES)
    half = float(np.sqrt(0.5))
    scene.json["nodes"] = [
        {"children": [1, 2], "translation": [10, 0, 0]},
        {"mesh": 0, "scale": [2, 2, 2]},
        {"mesh": 0, "rotation": [0, half, 0, half]},  # a quarter turn about y: (x, y, z) → (z, y, -x)
    ]
    cloud = read_shape(scene.write(tmp_path / "a.gltf"))
    assert cloud.metadata.faces == 24 and cloud.metadata.up_axis == "y"
    assert cloud.mesh.face_areas().sum() == pytest.approx(5 * BOX_AREA)
    assert cloud.metadata.bounds_min == pytest.approx((10, 0, -2), abs=1e-5)
    assert cloud.metadata.bounds_max == pytest.approx((14, 6, 8), abs=1e-5)


def test_a_matrix_is_read_column_by_column(tmp_path):
    scene = Gltf()
    scene.primitive(BOX_VERTICES, BOX_FACES)
    matrix = np.eye(4)
    matrix[:3, 3] = 1, 2, 3
    scene.json["nodes"] = [{"mesh": 0, "matrix": matrix.T.ravel().tolist()}]
    assert read_shape(scene.write(tmp_path / "a.gltf")).metadata.bounds_min == pytest.approx((1, 2, 3))


def test_byte_colours_are_srgb_and_float_colours_linear(tmp_path):
    for dtype, expected in (("u1", 128 / 255), ("f4", 0.7354), ("u2", 0.7354)):
        scene = Gltf()
        entry = scene.primitive(BOX_VERTICES, BOX_FACES)
        value = {"u1": 128, "f4": 0.5, "u2": 32768}[dtype]
        entry["attributes"]["COLOR_0"] = scene.accessor(np.full((8, 4), value, f"<{dtype}"), normalized=dtype != "f4")
        rgb = read_shape(scene.write(tmp_path / f"{dtype}.gltf")).rgb
        np.testing.assert_allclose(rgb, expected, atol=1e-3)


def textured(tmp_path, image, material=None, inside=True):
    """A unit square in the plane z = 0 whose u is x, with `image` as its texture."""
    scene = Gltf()
    corners = np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], np.float32)
    entry = scene.primitive(corners, [(0, 1, 2), (0, 2, 3)], material=0)
    entry["attributes"]["TEXCOORD_0"] = scene.accessor(corners[:, :2].astype("<f4"))
    if inside:
        scene.json["images"] = [{"bufferView": scene.view(png(image)), "mimeType": "image/png"}]
    else:
        image.save(tmp_path / "wood grain.png")
        scene.json["images"] = [{"uri": "wood%20grain.png"}]
    scene.json["textures"] = [{"source": 0}]
    scene.json["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}} | (material or {})]
    return scene


@pytest.mark.parametrize("inside", [True, False])
def test_textures_colour_the_points(tmp_path, inside):
    scene = textured(tmp_path, two_colored_image(), inside=inside)
    cloud = read_shape(scene.write(tmp_path / "a.gltf"))
    left = cloud.xyz[:, 0] < 0.49
    assert (cloud.rgb[left] == (1, 0, 0)).all()
    assert (cloud.rgb[cloud.xyz[:, 0] > 0.51] == (0, 0, 1)).all()


def test_holes_of_cut_out_textures_get_no_points(tmp_path):
    scene = textured(tmp_path, two_colored_image((0, 255, 0, 255), (0, 0, 0, 0)), {"alphaMode": "MASK"})
    cloud = read_shape(scene.write(tmp_path / "a.gltf"))
    assert len(cloud) == 16384
    assert cloud.xyz[:, 0].max() <= 0.5
    assert (cloud.rgb == (0, 1, 0)).all()


def test_a_texture_is_multiplied_by_its_factor_in_linear_light(tmp_path):
    scene = textured(tmp_path, two_colored_image((255, 255, 255), (255, 255, 255)))
    scene.json["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] = [0.5, 1, 0, 1]
    rgb = read_shape(scene.write(tmp_path / "a.gltf")).rgb
    np.testing.assert_allclose(rgb[0], (0.7354, 1, 0), atol=1e-3)


def test_a_missing_texture_costs_only_the_colours(tmp_path, caplog):
    scene = textured(tmp_path, two_colored_image(), inside=False)
    scene.json["images"] = [{"uri": "../elsewhere.png"}]
    two_colored_image().save(tmp_path.parent / "elsewhere.png")
    cloud = read_shape(scene.write(tmp_path / "a.gltf"))
    assert (cloud.rgb == 1).all()
    assert "elsewhere.png" in caplog.text


def test_materials_without_texture_give_their_base_colour(tmp_path):
    scene = Gltf()
    scene.primitive(BOX_VERTICES, BOX_FACES, material=0)
    scene.primitive(BOX_VERTICES + 9, BOX_FACES, material=1)
    scene.json["materials"] = [{"pbrMetallicRoughness": {"baseColorFactor": [1, 0, 0, 1]}}, {}]
    cloud = read_shape(scene.write(tmp_path / "a.gltf"))
    near = cloud.xyz[:, 0] < 5
    assert (cloud.rgb[near] == (1, 0, 0)).all() and (cloud.rgb[~near] == 1).all()


def test_strips_and_fans_are_triangles(tmp_path):
    square = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)], np.float32)
    for mode, order in ((5, [0, 1, 2, 3]), (6, [0, 1, 3, 2])):
        scene = Gltf()
        entry = scene.primitive(square, mode=mode)
        entry["indices"] = scene.accessor(np.array(order, "u1"))
        cloud = read_shape(scene.write(tmp_path / f"{mode}.gltf"))
        assert cloud.metadata.faces == 2
        assert cloud.mesh.face_areas().sum() == pytest.approx(1)


def test_points_are_a_cloud_and_sparse_values_are_put_in(tmp_path):
    scene = Gltf()
    scene.primitive(np.zeros((64, 3)), mode=0)
    scene.json["accessors"][0]["sparse"] = {
        "count": 2, "indices": {"bufferView": scene.view(np.array([3, 5], "<u2").tobytes()), "componentType": 5123},
        "values": {"bufferView": scene.view(np.array([(1, 2, 3), (4, 5, 6)], "<f4").tobytes())}}
    cloud = read_shape(scene.write(tmp_path / "a.gltf"))
    assert cloud.mesh is None and cloud.metadata.points == 64
    np.testing.assert_array_equal(cloud.xyz[[3, 5]], [(1, 2, 3), (4, 5, 6)])


def test_skinned_meshes_stand_in_rest_pose(tmp_path):
    scene = Gltf()
    entry = scene.primitive(BOX_VERTICES, BOX_FACES)
    entry["attributes"]["JOINTS_0"] = scene.accessor(np.zeros((8, 4), "u1"))
    entry["attributes"]["WEIGHTS_0"] = scene.accessor(np.tile(np.array([1, 0, 0, 0], "<f4"), (8, 1)))
    scene.json["nodes"] = [{"mesh": 0, "skin": 0, "scale": [50, 50, 50]}, {"translation": [0, 7, 0]}]
    scene.json["scenes"] = [{"nodes": [0, 1]}]
    scene.json["skins"] = [{"joints": [1]}]
    cloud = read_shape(scene.write(tmp_path / "a.gltf"))
    assert cloud.metadata.bounds_max == pytest.approx((2, 10, 4))  # moved by the joint, not by the node


def test_interleaved_vertices_are_read_by_their_stride(tmp_path):
    scene = Gltf()
    rows = np.zeros(8, [("p", "<f4", 3), ("n", "<f4", 3)])
    rows["p"] = BOX_VERTICES
    entry = scene.primitive(BOX_VERTICES, BOX_FACES)
    scene.json["accessors"][entry["attributes"]["POSITION"]]["bufferView"] = scene.view(rows.tobytes(), byteStride=24)
    assert read_shape(scene.write(tmp_path / "a.gltf")).mesh.face_areas().sum() == pytest.approx(BOX_AREA)


def test_glb_written_by_trimesh_equals_the_mesh(tmp_path):
    mesh = trimesh.Trimesh(BOX_VERTICES, BOX_FACES, vertex_colors=BOX_COLORS, process=False)
    mesh.export(tmp_path / "a.glb")
    cloud = read_shape(tmp_path / "a.glb")
    assert cloud.mesh.face_areas().sum() == pytest.approx(BOX_AREA)
    np.testing.assert_allclose(cloud.rgb[:, 2], cloud.xyz[:, 0] / 2, atol=1e-5)


def test_a_gltf_with_its_buffer_beside_it_is_read(tmp_path):
    scene = Gltf()
    scene.primitive(BOX_VERTICES)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "box.bin").write_bytes(np.asarray(BOX_VERTICES[BOX_FACES.ravel()], "<f4").tobytes())
    scene.json["buffers"] = [{"byteLength": 432, "uri": "more/box.bin"}]
    scene.json["bufferViews"][0]["byteLength"] = 432
    scene.json["accessors"][0]["count"] = 36
    assert read_shape(scene.write(tmp_path / "a.gltf")).metadata.faces == 12


def test_files_of_version_one_are_refused_by_name(tmp_path):
    (tmp_path / "a.gltf").write_text(json.dumps({"asset": {"version": "1.0"}}))
    with pytest.raises(InputError, match="not glTF 2.0"):
        read_shape(tmp_path / "a.gltf")
