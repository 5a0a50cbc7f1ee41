"""PLY in all its dialects."""

from __future__ import annotations

import numpy as np
import pytest
from shapes import BOX_AREA, BOX_COLORS, BOX_FACES, BOX_VERTICES, cloud_points

from pointllm.inputs import read_shape

LAYOUTS = ("ascii", "binary_little_endian", "binary_big_endian")


def write_ply(path, layout, columns, faces=None, index_type="int", line_end="\n", face_colors=None):
    """columns: name → (PLY type, values (N,)); faces: list of index lists."""
    order = ">" if layout == "binary_big_endian" else "<"
    kinds = {"uchar": "u1", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4", "double": "f8"}
    count = len(next(iter(columns.values()))[1])
    header = ["ply", f"format {layout} 1.0", "comment written by a test", f"element vertex {count}"]
    header += [f"property {kind} {name}" for name, (kind, _) in columns.items()]
    if faces is not None:
        header += [f"element face {len(faces)}", f"property list uchar {index_type} vertex_indices"]
        if face_colors is not None:
            header += [f"property uchar {c}" for c in ("red", "green", "blue")]
    body = b""
    if layout == "ascii":
        lines = [" ".join(str(values[i]) for _, values in columns.values()) for i in range(count)]
        for i, face in enumerate(faces or []):
            lines.append(" ".join(map(str, [len(face), *face, *([] if face_colors is None else face_colors[i])])))
        body = (line_end.join(lines) + line_end).encode()
    else:
        rows = np.zeros(count, [(n, order + kinds[k]) for n, (k, _) in columns.items()])
        for name, (_, values) in columns.items():
            rows[name] = values
        body = rows.tobytes()
        for i, face in enumerate(faces or []):
            body += bytes([len(face)]) + np.array(face, order + kinds[index_type]).tobytes()
            body += b"" if face_colors is None else bytes(face_colors[i])
    path.write_bytes((line_end.join(header) + line_end + "end_header" + line_end).encode() + body)
    return path


def xyz_columns(points, kind="float"):
    return {axis: (kind, points[:, i]) for i, axis in enumerate("xyz")}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_points_with_colours_and_normals_are_read_in_order(tmp_path, layout):
    points, colors = cloud_points()
    columns = xyz_columns(points) | {f"n{a}": ("float", points[:, 0]) for a in "xyz"}
    columns |= {name: ("uchar", colors[:, i]) for i, name in enumerate(("red", "green", "blue"))}
    cloud = read_shape(write_ply(tmp_path / "a.ply", layout, columns))
    np.testing.assert_allclose(cloud.xyz, points, atol=1e-6)
    np.testing.assert_allclose(cloud.rgb, colors / 255, atol=1e-6)
    assert cloud.mesh is None
    assert (cloud.metadata.points, cloud.metadata.vertices, cloud.metadata.faces) == (200, 200, 0)
    assert cloud.metadata.has_color and cloud.metadata.format == "ply"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_polygons_of_mixed_sizes_are_cut_into_triangles(tmp_path, layout):
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7, 3)]
    cloud = read_shape(write_ply(tmp_path / "a.ply", layout, xyz_columns(BOX_VERTICES, "double"), sides, "uint"))
    assert cloud.metadata.faces == 12
    assert cloud.mesh.face_areas().sum() == pytest.approx(BOX_AREA)
    assert cloud.metadata.watertight is True
    assert cloud.metadata.bounds_max == (2.0, 3.0, 4.0)
    assert cloud.rgb is None and not cloud.metadata.has_color


@pytest.mark.parametrize("layout", LAYOUTS)
def test_colours_of_vertices_are_interpolated_over_faces(tmp_path, layout):
    colors = {n: ("uchar", BOX_COLORS[:, i]) for i, n in enumerate(("red", "green", "blue"))}
    columns = xyz_columns(BOX_VERTICES) | colors
    cloud = read_shape(write_ply(tmp_path / "a.ply", layout, columns, BOX_FACES.tolist()))
    np.testing.assert_allclose(cloud.rgb[:, 2], cloud.xyz[:, 0] / 2, atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_colours_of_faces_are_kept(tmp_path, layout):
    colors = [(255, 0, 0) if i < 6 else (0, 255, 0) for i in range(12)]
    path = write_ply(tmp_path / "a.ply", layout, xyz_columns(BOX_VERTICES), BOX_FACES.tolist(), face_colors=colors)
    cloud = read_shape(path)
    assert set(map(tuple, np.unique(cloud.rgb, axis=0).tolist())) == {(1, 0, 0), (0, 1, 0)}


@pytest.mark.parametrize("names", [("r", "g", "b"), ("diffuse_red", "diffuse_green", "diffuse_blue")])
@pytest.mark.parametrize("kind", ["uchar", "float", "ushort"])
def test_colours_under_other_names_and_types_mean_the_same(tmp_path, names, kind):
    points, colors = cloud_points()
    colors[0] = 255
    values = {"uchar": colors, "float": colors / 255, "ushort": colors.astype(int) * 257}[kind]
    columns = xyz_columns(points) | {n: (kind, values[:, i]) for i, n in enumerate(names)}
    cloud = read_shape(write_ply(tmp_path / "a.ply", "ascii" if kind == "uchar" else "binary_little_endian", columns))
    np.testing.assert_allclose(cloud.rgb, colors / 255, atol=1e-5)


def test_windows_line_ends_and_upper_case_suffixes_are_read(tmp_path):
    points, _ = cloud_points()
    path = write_ply(tmp_path / "A.PLY", "ascii", xyz_columns(points), line_end="\r\n")
    np.testing.assert_allclose(read_shape(path).xyz, points, atol=1e-6)


def test_far_away_doubles_keep_their_detail(tmp_path):
    points, _ = cloud_points()
    far = points + np.array([4_512_345.25, 5_400_000.5, 120.0])
    cloud = read_shape(write_ply(tmp_path / "a.ply", "binary_little_endian", xyz_columns(far, "double")))
    np.testing.assert_allclose(cloud.xyz.astype(np.float64) + cloud.metadata.offset, far, atol=1e-5)
    assert cloud.metadata.bounds_min == pytest.approx(tuple(far.min(axis=0)), abs=1e-9)


def test_triangle_strips_are_unrolled(tmp_path):
    path = tmp_path / "a.ply"
    path.write_text("ply\nformat ascii 1.0\nelement vertex 5\n" + "".join(f"property float {a}\n" for a in "xyz")
                    + "element tristrips 1\nproperty list int int vertex_indices\nend_header\n"
                    "0 0 0\n1 0 0\n0 1 0\n1 1 0\n5 5 5\n8 0 1 2 3 -1 0 1 2\n")
    cloud = read_shape(path)
    assert cloud.metadata.faces == 3
    assert cloud.mesh.face_areas().sum() == pytest.approx(1.5)


def test_large_ascii_files_take_the_fast_way_to_the_same_points(tmp_path, monkeypatch):
    from pointllm.inputs.formats import numbers

    points, colors = cloud_points(3000)
    columns = xyz_columns(points) | {n: ("uchar", colors[:, i]) for i, n in enumerate(("red", "green", "blue"))}
    path = write_ply(tmp_path / "a.ply", "ascii", columns, [[0, 1, 2], [0, 1, 2, 3]])
    plain = read_shape(path)
    monkeypatch.setattr(numbers, "LARGE_TEXT", 1000)
    monkeypatch.setattr(numbers, "CHUNK", 5000)
    fast = read_shape(path)
    np.testing.assert_array_equal(fast.mesh.vertices, plain.mesh.vertices)
    np.testing.assert_array_equal(fast.mesh.faces, plain.mesh.faces)
    np.testing.assert_array_equal(fast.rgb, plain.rgb)


def test_a_few_bad_vertices_are_dropped_and_counted(tmp_path):
    points, _ = cloud_points(400)
    points[7, 1] = np.nan
    points[9, 2] = np.inf
    cloud = read_shape(write_ply(tmp_path / "a.ply", "ascii", xyz_columns(points)))
    assert len(cloud) == 398 and cloud.metadata.dropped == 2 and cloud.metadata.points == 400
    assert np.isfinite(cloud.xyz).all()
