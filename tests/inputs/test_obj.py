"""Wavefront OBJ as different programs write it."""

from __future__ import annotations

import numpy as np
import pytest
from shapes import BOX_AREA, BOX_COLORS, BOX_FACES, BOX_VERTICES, cloud_points, two_colored_image

from pointllm.inputs import read_shape

VERTICES = "".join(f"v {x} {y} {z}\n" for x, y, z in BOX_VERTICES)
SIDES = [(1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4)]
SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"


def write(tmp_path, text, name="a.obj"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


@pytest.mark.parametrize("corner", ["{0}", "{0}/1", "{0}//1", "{0}/1/1"])
def test_polygons_with_every_kind_of_corner_are_read(tmp_path, corner):
    faces = "".join("f " + " ".join(corner.format(i) for i in side) + "\n" for side in SIDES)
    cloud = read_shape(write(tmp_path, VERTICES + "vt 0 0\nvn 0 0 1\n" + faces))
    assert cloud.metadata.faces == 12 and cloud.metadata.vertices == 8
    assert cloud.mesh.face_areas().sum() == pytest.approx(BOX_AREA)
    assert cloud.metadata.watertight is True and cloud.rgb is None


def test_corners_of_mixed_kinds_on_one_line_are_read(tmp_path):
    cloud = read_shape(write(tmp_path, SQUARE + "vn 0 0 1\nf 1/1/1 2//1 3/3\nf 1 3/3 4//1\n"))
    assert cloud.mesh.face_areas().sum() == pytest.approx(1)


def test_negative_indices_count_from_the_line_they_stand_on(tmp_path):
    text = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\nv 5 0 0\nv 9 0 0\nv 5 4 0\nf -3 -2 -1\n"
    cloud = read_shape(write(tmp_path, text))
    np.testing.assert_array_equal(cloud.mesh.faces, [(0, 1, 2), (3, 4, 5)])


def test_continued_lines_comments_and_windows_ends_are_read(tmp_path):
    text = "# made by hand\r\nv 0 0 0 # corner\r\nv 1 0 0\r\nv 0 1 0\r\ng side\r\ns off\r\nf 1 2 \\\r\n3\r\n"
    (tmp_path / "a.obj").write_bytes(text.encode())
    assert read_shape(tmp_path / "a.obj").mesh.face_areas().sum() == pytest.approx(0.5)


def test_vertices_only_are_a_cloud_with_their_colours(tmp_path):
    points, colors = cloud_points()
    rows = np.concatenate([points, np.round(colors / 255, 6)], axis=1)
    cloud = read_shape(write(tmp_path, "".join("v " + " ".join(map(str, row)) + "\n" for row in rows)))
    assert cloud.mesh is None and cloud.metadata.points == 200
    np.testing.assert_allclose(cloud.xyz, points, atol=1e-6)
    np.testing.assert_allclose(cloud.rgb, colors / 255, atol=1e-5)


def test_vertex_colours_are_interpolated(tmp_path):
    vertices = "".join(f"v {x} {y} {z} {r / 255} {g / 255} {b / 255}\n"
                       for (x, y, z), (r, g, b) in zip(BOX_VERTICES, BOX_COLORS, strict=True))
    cloud = read_shape(write(tmp_path, vertices + "".join(f"f {a} {b} {c}\n" for a, b, c in BOX_FACES + 1)))
    np.testing.assert_allclose(cloud.rgb[:, 2], cloud.xyz[:, 0] / 2, atol=1e-5)


def test_materials_and_textures_colour_their_own_faces(tmp_path):
    two_colored_image().save(tmp_path / "my wood.png")
    write(tmp_path, "newmtl wood\nKd 0 0 0\nmap_Kd -s 1 1 1 my wood.png\nnewmtl leaf\nKd 0 1 0\n", "my lib.mtl")
    text = "mtllib my lib.mtl\n" + SQUARE + "usemtl leaf\nf 1 2 3\nusemtl wood\nf 1/1 3/3 4/4\nusemtl leaf\nf 1 2 4\n"
    cloud = read_shape(write(tmp_path, text))
    colors = {tuple(c) for c in np.round(cloud.rgb).astype(int).tolist()}
    assert colors == {(0, 1, 0), (1, 0, 0), (0, 0, 1)}
    wood = np.flatnonzero(cloud.rgb[:, 1] == 0)
    np.testing.assert_array_equal(cloud.rgb[wood, 0] == 1, cloud.xyz[wood, 0] < 0.5)
    assert cloud.metadata.vertices == 4


def test_texture_rows_run_upwards(tmp_path):
    two_colored_image().rotate(90, expand=True).save(tmp_path / "t.png")  # blue above red
    write(tmp_path, "newmtl m\nmap_Kd t.png\n", "m.mtl")
    cloud = read_shape(write(tmp_path, "mtllib m.mtl\nusemtl m\n" + SQUARE + "f 1/1 2/2 3/3 4/4\n"))
    assert (cloud.rgb[cloud.xyz[:, 1] > 0.52] == (0, 0, 1)).all()
    assert (cloud.rgb[cloud.xyz[:, 1] < 0.48] == (1, 0, 0)).all()


def test_a_missing_material_file_costs_only_the_colours(tmp_path, caplog):
    cloud = read_shape(write(tmp_path, "mtllib gone.mtl\nusemtl m\n" + SQUARE + "f 1 2 3\n"))
    assert cloud.rgb is None and "gone.mtl" in caplog.text


@pytest.mark.parametrize("reference", ["../outside/o.mtl", "{folder}/outside/o.mtl", "http://127.0.0.1:9/o.mtl"])
def test_material_files_outside_the_folder_are_never_read(tmp_path, reference):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "o.mtl").write_text("newmtl m\nKd 1 0 0\n")
    (tmp_path / "inside").mkdir()
    text = f"mtllib {reference.format(folder=tmp_path)}\nusemtl m\n" + SQUARE + "f 1 2 3\n"
    assert read_shape(write(tmp_path / "inside", text)).rgb is None


def test_textures_outside_the_folder_are_never_read(tmp_path):
    two_colored_image().save(tmp_path / "secret.png")
    (tmp_path / "inside").mkdir()
    for reference in ("../secret.png", str(tmp_path / "secret.png")):
        write(tmp_path / "inside", f"newmtl m\nmap_Kd {reference}\n", "m.mtl")
        text = "mtllib m.mtl\nusemtl m\n" + SQUARE + "f 1/1 2/2 3/3\n"
        assert read_shape(write(tmp_path / "inside", text)).rgb is None


def test_a_texture_named_by_someones_own_path_is_found_beside_the_file(tmp_path):
    two_colored_image((0, 255, 0), (0, 255, 0)).save(tmp_path / "wood.png")
    write(tmp_path, "newmtl m\nmap_Kd C:\\Users\\ann\\textures\\wood.png\n", "m.mtl")
    cloud = read_shape(write(tmp_path, "mtllib m.mtl\nusemtl m\n" + SQUARE + "f 1/1 2/2 3/3\n"))
    assert (cloud.rgb == (0, 1, 0)).all()
