"""Bare point clouds: PCD, tables of text, arrays, tensors, LAS."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from shapes import BOX_AREA, BOX_FACES, BOX_VERTICES, cloud_points

from pointllm.errors import InputError
from pointllm.inputs import read_shape
from pointllm.inputs.formats.pcd import lzf_decompress

POINTS, COLORS = cloud_points()


def check(cloud, colors=COLORS, points=POINTS, atol=1e-5):
    np.testing.assert_allclose(cloud.xyz, points, atol=atol)
    assert cloud.mesh is None and cloud.metadata.points == len(points)
    if colors is None:
        assert cloud.rgb is None and not cloud.metadata.has_color
    else:
        np.testing.assert_allclose(cloud.rgb, colors / 255, atol=1e-5)


def lzf_compress(data: bytes) -> bytes:
    """A plain LZF packer: literals, and copies of what came within 8 kB before."""
    out, literals, last, i = bytearray(), bytearray(), {}, 0

    def flush():
        for start in range(0, len(literals), 32):
            run = literals[start:start + 32]
            out.append(len(run) - 1)
            out.extend(run)
        literals.clear()

    while i < len(data):
        key = data[i:i + 3]
        start = last.get(key, -1)
        last[key] = i
        if start >= 0 and len(key) == 3 and i - start <= 8192:
            length = 3
            while length < 264 and i + length < len(data) and data[start + length] == data[i + length]:
                length += 1
            flush()
            offset, size = i - start - 1, length - 2
            out.append(min(size, 7) << 5 | offset >> 8)
            if size >= 7:
                out.append(size - 7)
            out.append(offset & 255)
            i += length
        else:
            literals.append(data[i])
            i += 1
    flush()
    return bytes(out)


def test_lzf_gives_back_what_was_packed_even_where_copies_overlap():
    noise = np.random.default_rng(0).bytes(3000)
    for data in (b"abcabcabcabc" * 300, b"\0" * 5000, noise, POINTS.astype("f4").tobytes()):
        assert bytes(lzf_decompress(lzf_compress(data), len(data))) == data


@pytest.mark.parametrize("data", ["ascii", "binary", "binary_compressed"])
@pytest.mark.parametrize("color", ["F", "U", None])
def test_pcd_of_every_kind_is_read(tmp_path, data, color):
    packed = (COLORS.astype(np.uint32) * [65536, 256, 1]).sum(axis=1).astype("<u4")
    fields = [("x", "F", POINTS[:, 0].astype("<f4")), ("y", "F", POINTS[:, 1].astype("<f4")),
              ("z", "F", POINTS[:, 2].astype("<f4")), ("intensity", "F", np.ones(200, "<f4"))]
    if color:
        fields.append(("rgb", color, packed.view("<f4") if color == "F" else packed))
    names, kinds, values = zip(*fields, strict=True)
    header = (f"# .PCD v.7\nVERSION .7\nFIELDS {' '.join(names)}\nSIZE {'4 ' * len(names)}\nTYPE {' '.join(kinds)}\n"
              f"COUNT {'1 ' * len(names)}\nWIDTH 200\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS 200\nDATA {data}\n")
    if data == "ascii":
        body = "".join(" ".join(repr(v.item()) for v in row) + "\n" for row in zip(*values, strict=True)).encode()
    elif data == "binary":
        body = np.rec.fromarrays(values).tobytes()
    else:
        raw = b"".join(v.tobytes() for v in values)
        body = struct.pack("<II", len(lzf_compress(raw)), len(raw)) + lzf_compress(raw)
    (tmp_path / "a.pcd").write_bytes(header.encode() + body)
    check(read_shape(tmp_path / "a.pcd"), COLORS if color else None)


def test_the_holes_of_an_organised_scan_are_dropped(tmp_path):
    lines = "".join("nan nan nan\n" if i % 2 else f"{i} {i * i % 17} 1\n" for i in range(200))
    header = "FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 20\nHEIGHT 10\nPOINTS 200\nDATA ascii\n"
    (tmp_path / "a.pcd").write_text("VERSION .7\n" + header + lines)
    cloud = read_shape(tmp_path / "a.pcd")
    assert len(cloud) == 100 and cloud.metadata.dropped == 100 and cloud.metadata.points == 200


def table(columns, separator=" ", head="", decimal="."):
    rows = np.concatenate([np.asarray(c, np.float64).reshape(200, -1) for c in columns], axis=1)
    lines = [separator.join(f"{v:.10g}".replace(".", decimal) for v in row) for row in rows]
    return head + "\n".join(lines) + "\n"


NORMALS = POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True)
TABLES = {
    "plain.xyz": (table([POINTS]), None),
    "bytes.xyz": (table([POINTS, COLORS]), COLORS),
    "shares.txt": (table([POINTS, COLORS / 255]), COLORS),
    "normals.txt": (table([POINTS, NORMALS], ","), None),  # as ModelNet
    "normals_then_colours.txt": (table([POINTS, NORMALS, COLORS]), COLORS),
    "colours_then_normals.txt": (table([POINTS, COLORS, NORMALS], "\t"), COLORS),
    "label.txt": (table([POINTS, COLORS, np.full(200, 7)]), COLORS),
    "intensity.xyz": (table([POINTS, np.full(200, -1201), COLORS]), COLORS),
    "header.csv": (table([COLORS, POINTS], ",", "R,G,B,X,Y,Z\n"), COLORS),
    "quoted.csv": (table([POINTS], ",", '"x","y","z"\n'), None),
    "named_normals.csv": (table([POINTS, np.abs(NORMALS)], ",", "x,y,z,nx,ny,nz\n"), None),
    "cloudcompare.txt": (table([POINTS, COLORS], " ", "//X Y Z R G B\n200\n"), COLORS),
    "comment.xyz": (table([POINTS], " ", "# made by a test\n# x y z in metres\n"), None),
    "semicolon.csv": (table([POINTS, COLORS], "; "), COLORS),
    "decimal_comma.csv": (table([POINTS, COLORS], ";", decimal=","), COLORS),
    "mark.csv": ("\ufeff" + table([POINTS], ", "), None),
    "count.pts": (table([POINTS], " ", "200\n"), None),
    "leica.pts": (table([POINTS, np.full(200, 100), COLORS], " ", "200\n"), COLORS),
    "bare.pts": (table([POINTS]), None),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_points_are_read_whatever_their_layout(tmp_path, name):
    text, colors = TABLES[name]
    (tmp_path / name).write_text(text, encoding="utf-8")
    check(read_shape(tmp_path / name), colors)


def test_a_single_line_of_one_colour_is_no_obstacle(tmp_path):
    """Grey clouds: all three columns alike."""
    gray = np.full((200, 3), 128)
    (tmp_path / "a.xyz").write_text(table([POINTS, gray]))
    check(read_shape(tmp_path / "a.xyz"), gray)


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2"])
def test_arrays_of_points_are_read(tmp_path, dtype):
    np.save(tmp_path / "a.npy", POINTS.astype(dtype))
    check(read_shape(tmp_path / "a.npy"), None, atol=2e-3 if dtype == "<f2" else 1e-6)


@pytest.mark.parametrize("array", [
    np.concatenate([POINTS, COLORS], axis=1), np.concatenate([POINTS, COLORS / 255], axis=1)[None],
    np.rec.fromarrays([*POINTS.T, *COLORS.T], names="x,y,z,red,green,blue")])
def test_arrays_with_colours_are_read(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    check(read_shape(tmp_path / "a.npy"))


def test_arrays_of_rows_of_coordinates_and_organised_scans_are_read(tmp_path):
    np.save(tmp_path / "a.npy", POINTS.T)
    check(read_shape(tmp_path / "a.npy"), None)
    np.save(tmp_path / "b.npy", np.resize(POINTS, (40, 50, 3)))
    assert len(read_shape(tmp_path / "b.npy")) == 2000


@pytest.mark.parametrize("names", [("points", "colors"), ("xyz", "rgb"), ("pos", "color"), ("arr_0", "arr_1")])
def test_archives_of_arrays_are_read_by_name(tmp_path, names):
    np.savez_compressed(tmp_path / "a.npz", **{names[0]: POINTS, names[1]: COLORS, "label": np.array(3)})
    check(read_shape(tmp_path / "a.npz"))


def test_an_archive_with_faces_is_a_mesh(tmp_path):
    np.savez(tmp_path / "a.npz", vertices=BOX_VERTICES, faces=BOX_FACES)
    assert read_shape(tmp_path / "a.npz").mesh.face_areas().sum() == pytest.approx(BOX_AREA)


def test_a_batch_of_clouds_is_refused_with_its_shape(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 1024, 3)))
    with pytest.raises(InputError, match="4 × 1024 × 3"):
        read_shape(tmp_path / "a.npy")


@pytest.mark.parametrize("new", [True, False])
def test_tensors_are_read_alone_and_in_dictionaries(tmp_path, new):
    import torch

    points, colors = torch.from_numpy(POINTS).float(), torch.from_numpy(COLORS)
    for i, value in enumerate([torch.cat([points, colors.float() / 255], dim=1), {"xyz": points, "rgb": colors},
                               (points, colors)]):
        torch.save(value, tmp_path / f"{i}.pt", _use_new_zipfile_serialization=new)
        check(read_shape(tmp_path / f"{i}.pt"))
    torch.save(points.double()[None], tmp_path / "b.pt", _use_new_zipfile_serialization=new)
    check(read_shape(tmp_path / "b.pt"), None)


def test_a_tensor_that_repeats_one_number_without_end_is_refused(tmp_path):
    import torch

    torch.save(torch.zeros(1).expand(2_000_000_000, 3), tmp_path / "a.pt")
    with pytest.raises(InputError, match="more than"):
        read_shape(tmp_path / "a.pt")


def test_a_network_saved_as_pt_is_refused(tmp_path):
    import torch

    torch.save(torch.nn.Linear(3, 3), tmp_path / "a.pt")
    with pytest.raises(InputError, match="never loaded"):
        read_shape(tmp_path / "a.pt")
    torch.save(torch.nn.Linear(3, 3).state_dict(), tmp_path / "b.pt")
    with pytest.raises(InputError, match="weight, bias"):
        read_shape(tmp_path / "b.pt")


@pytest.mark.parametrize("suffix", ["las", "laz"])
def test_laser_scans_are_read_in_full_precision(tmp_path, suffix):
    laspy = pytest.importorskip("laspy")
    if suffix == "laz":
        pytest.importorskip("lazrs")
    header = laspy.LasHeader(point_format=2, version="1.2")
    header.offsets, header.scales = [500_000, 4_000_000, 0], [0.0001] * 3
    las = laspy.LasData(header)
    far = POINTS + [500_000, 4_000_000, 100]
    las.x, las.y, las.z = far.T
    las.red, las.green, las.blue = COLORS.T.astype(np.uint16) * 257
    las.write(tmp_path / f"a.{suffix}")
    cloud = read_shape(tmp_path / f"a.{suffix}")
    np.testing.assert_allclose(cloud.xyz.astype(np.float64) + cloud.metadata.offset, far, atol=1e-4)
    np.testing.assert_allclose(cloud.rgb, COLORS / 255, atol=1e-4)
    assert cloud.metadata.up_axis == "z"


def test_laser_scans_without_laspy_name_the_package(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "laspy", None)
    (tmp_path / "a.las").write_bytes(b"LASF" + b"\0" * 400)
    with pytest.raises(InputError, match="laspy"):
        read_shape(tmp_path / "a.las")
