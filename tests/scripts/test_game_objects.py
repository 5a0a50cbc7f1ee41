"""Shapes of games as objects of another origin: their formats are read, and the list of them is whole."""

import json
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image
from script_modules import SCRIPTS, script_module

from pointllm.inputs import read_shape

CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
BOX = [(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1), (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4),
       (1, 5, 7), (1, 7, 3)]


@pytest.fixture(scope="module")
def games():
    return script_module("game_objects")


def md2(tall: int) -> bytes:
    """A box in Quake II's format, z up, `tall` units of its grid high."""
    vertices = b"".join(struct.pack("<4B", int(x * 10), int(y * 10), int(z * tall), 0) for x, y, z in CUBE)
    frame = struct.pack("<6f16s", 1, 1, 1, 0, 0, 0, b"rest") + vertices
    coordinates = struct.pack("<2h", 32, 32)
    triangles = b"".join(struct.pack("<6H", *face, 0, 0, 0) for face in BOX)
    at_coordinates = 68
    at_triangles = at_coordinates + len(coordinates)
    at_frames = at_triangles + len(triangles)
    head = struct.pack("<4s16i", b"IDP2", 8, 64, 64, len(frame), 0, len(CUBE), 1, len(BOX), 0, 1, 68, at_coordinates,
                       at_triangles, at_frames, 0, at_frames + len(frame))
    return head + coordinates + triangles + frame


AC3D = """AC3Db
MATERIAL "paint" rgb 0.8 0.1 0.1  amb 1 1 1  emis 0 0 0  spec 0 0 0  shi 0  trans 0
OBJECT world
kids 1
OBJECT group
name "moved"
loc 10 0 0
kids 1
OBJECT poly
name "square and a line"
data 5
hello
numvert 4
0 0 0
1 0 0
1 2 0
0 2 0
numsurf 2
SURF 0x10
mat 0
refs 4
0 0 0
1 1 0
2 1 1
3 0 1
SURF 0x12
mat 0
refs 2
0 0 0
2 1 1
kids 0
"""


def pmd() -> bytes:
    rows = b"".join(struct.pack("<8f4B4f", *corner, 0, 1, 0, 0.5, 0.5, 255, 255, 255, 255, 0, 0, 0, 0)
                    for corner in CUBE)
    body = struct.pack("<2I", len(CUBE), 1) + rows + struct.pack("<I", len(BOX)) + struct.pack("<36H", *sum(BOX, ()))
    return b"PSMD" + struct.pack("<2I", 4, len(body)) + body


def test_every_model_shows_one_thing_and_every_game_has_its_licence(games):
    listed = json.loads(games.LISTED.read_text(encoding="utf-8"))
    assert set(listed) == set(games.LICENSES)
    for by_label in listed.values():
        every = [name for names in by_label.values() for name in names]
        assert len(every) == len(set(every)) > 50


def test_a_model_of_ac3d_is_read_with_its_groups_moved_and_its_lines_left_out(games, tmp_path):
    (tmp_path / "square.ac").write_text(AC3D)
    (part,) = games.read_ac3d(tmp_path / "square.ac")
    assert part.corners.shape == (6, 3) and part.color == (0.8, 0.1, 0.1) and part.image is None
    assert part.corners.min(0).tolist() == [10, 0, 0] and part.corners.max(0).tolist() == [11, 2, 0]


def test_a_file_that_promises_more_objects_than_it_holds_gives_those_that_it_holds(games, tmp_path):
    (tmp_path / "square.ac").write_text(AC3D.replace("kids 1\nOBJECT group", "kids 3\nOBJECT group"))
    assert len(games.read_ac3d(tmp_path / "square.ac")) == 1


def test_a_mesh_of_0_ad_keeps_its_corners_and_faces(games):
    (part,) = games.read_pmd(pmd(), None)
    assert part.corners.shape == (36, 3)
    assert part.corners.min(0).tolist() == [0, 0, -1] and part.corners.max(0).tolist() == [1, 1, 0]


def test_packages_become_a_data_folder_of_shapes_that_stand_upright(games, tmp_path, monkeypatch):
    root, data = tmp_path / "packages", tmp_path / "data"
    (root / "games" / "Models" / "Misc").mkdir(parents=True)
    (root / "games" / "Models" / "Misc" / "square.ac").write_text(AC3D)
    with zipfile.ZipFile(root / "0models.pk3", "w") as archive:
        archive.writestr("models/post/post.md2", md2(tall=40))
    with zipfile.ZipFile(root / "public.zip", "w") as archive:
        archive.writestr("art/actors/fauna/cube.xml", "<mesh>cube.dae</mesh>")
        archive.writestr("art/meshes/cube.dae.cached.pmd", pmd())
    Image.new("RGB", (8, 8), (0, 0, 200)).save(tmp_path / "post.png")
    with zipfile.ZipFile(root / "0models.pk3", "a") as archive:
        archive.write(tmp_path / "post.png", "models/post/post.png")
    data.mkdir()
    (data / "labels.json").write_text('{"column": {"category": "building"}, "box": {}}')
    listed = {"ufoai": {"column": ["post/post"]}, "flightgear": {"box": ["Misc/square"], "unknown": ["Misc/none"]},
              "0ad": {"box": ["fauna/cube"]}}
    (tmp_path / "listed.json").write_text(json.dumps(listed))
    monkeypatch.setattr(games, "LISTED", tmp_path / "listed.json")
    monkeypatch.setattr(sys, "argv", ["game_objects.py", "--data", str(data), "--out", str(tmp_path / "out"),
                                      "--packages", str(root)])
    games.main()
    rows = [json.loads(line) for line in (tmp_path / "out" / "objects.jsonl").read_text().splitlines()]
    assert [row["label"] for row in rows] == ["column", "box", "box"] and {row["split"] for row in rows} == {"test"}
    post = read_shape(tmp_path / "out" / rows[0]["path"])
    extent = np.ptp(post.xyz, axis=0)
    assert extent[1] > 3 * extent[0] and np.allclose(post.rgb.mean(0), [0, 0, 200 / 255], atol=0.02)


def test_a_folder_without_the_packages_is_refused_in_one_line(tmp_path):
    (tmp_path / "labels.json").write_text("{}")
    (tmp_path / "packages").mkdir()
    done = subprocess.run([sys.executable, SCRIPTS / "game_objects.py", "--data", tmp_path, "--out", tmp_path / "out",
                           "--packages", tmp_path / "packages"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "0models.pk3" in done.stderr
