"""STL, OFF, COLLADA and 3MF."""

from __future__ import annotations

import struct
import zipfile

import numpy as np
import pytest
import trimesh
from shapes import BOX_AREA, BOX_COLORS, BOX_FACES, BOX_VERTICES, png, two_colored_image

from pointllm.errors import InputError
from pointllm.inputs import read_shape


@pytest.fixture
def box() -> trimesh.Trimesh:
    return trimesh.Trimesh(BOX_VERTICES, BOX_FACES, vertex_colors=BOX_COLORS, process=False)


@pytest.mark.parametrize("kind", ["stl", "stl_ascii", "off", "dae", "3mf", "obj", "ply", "glb"])
def test_what_trimesh_writes_is_read_back(tmp_path, box, kind):
    for package in {"dae": ["collada"], "3mf": ["lxml", "networkx"]}.get(kind, []):
        pytest.importorskip(package, reason=f"trimesh writes {kind} with it; files written here are tested below")
    path = tmp_path / f"box.{kind.removesuffix('_ascii')}"
    box.export(path, file_type=kind)
    cloud = read_shape(path)
    assert cloud.metadata.faces == 12 and cloud.metadata.vertices == 8
    assert cloud.mesh.face_areas().sum() == pytest.approx(BOX_AREA, rel=1e-5)
    assert cloud.metadata.watertight is True
    assert cloud.metadata.size == pytest.approx((2, 3, 4), rel=1e-5)
    if kind in ("dae", "obj", "ply", "glb"):
        np.testing.assert_allclose(cloud.rgb[:, 2], cloud.xyz[:, 0] / 2, atol=1e-4)


def binary_stl(header: bytes, attributes) -> bytes:
    rows = np.zeros(12, [("n", "<f4", 3), ("c", "<f4", (3, 3)), ("a", "<u2")])
    rows["c"], rows["a"] = BOX_VERTICES[BOX_FACES], attributes
    return header.ljust(80, b" ") + struct.pack("<I", 12) + rows.tobytes()


def test_a_binary_stl_that_calls_itself_solid_is_binary(tmp_path):
    (tmp_path / "a.stl").write_bytes(binary_stl(b"solid facet", 0))
    assert read_shape(tmp_path / "a.stl").metadata.faces == 12


def test_face_colours_in_the_attributes_of_an_stl_are_read(tmp_path):
    (tmp_path / "viscam.stl").write_bytes(binary_stl(b"", 0x8000 | 31 << 10))  # red highest
    (tmp_path / "magics.stl").write_bytes(binary_stl(b"COLOR=\x00\xff\x00\xff", [31] * 6 + [0x8000] * 6))
    assert (read_shape(tmp_path / "viscam.stl").rgb == (1, 0, 0)).all()
    colors = np.unique(read_shape(tmp_path / "magics.stl").rgb, axis=0)
    np.testing.assert_array_equal(colors, [(0, 1, 0), (1, 0, 0)])


OFF_VERTICES = [f"{x} {y} {z}" for x, y, z in BOX_VERTICES]
OFF_FACES = [f"3 {a} {b} {c}" for a, b, c in BOX_FACES]
OFF_COLORS = [" ".join(map(str, c)) for c in BOX_COLORS]


@pytest.mark.parametrize("head, vertices, faces, colored", [
    ("OFF\n8 12 0", OFF_VERTICES, OFF_FACES, False),
    ("OFF8 12 0", OFF_VERTICES, OFF_FACES, False),  # ModelNet
    ("OFF # box\n# counts\n8 12 18", OFF_VERTICES, OFF_FACES, False),
    ("COFF\n8 12 0", [f"{v} {c} 255" for v, c in zip(OFF_VERTICES, OFF_COLORS, strict=True)], OFF_FACES, True),
    ("NOFF\n8 12 0", [f"{v} 0 0 1" for v in OFF_VERTICES], OFF_FACES, False),
    ("OFF\n8 12 0", [f"{v} {c}" for v, c in zip(OFF_VERTICES, OFF_COLORS, strict=True)], OFF_FACES, True),
    ("OFF\n8 12 0", OFF_VERTICES, [f"{f} 255 0 0" for f in OFF_FACES], True),
    ("OFF\n8 7 0", OFF_VERTICES, [*OFF_FACES[:10][2:], "4 0 1 3 2 ", *OFF_FACES[10:]][:7], None),
])
def test_dialects_of_off_are_read(tmp_path, head, vertices, faces, colored):
    (tmp_path / "a.off").write_text("\n".join([head, *vertices, *faces]) + "\n")
    cloud = read_shape(tmp_path / "a.off")
    assert cloud.metadata.vertices == 8
    if colored is not None:
        assert cloud.mesh.face_areas().sum() == pytest.approx(BOX_AREA)
        assert (cloud.rgb is not None) == colored
    if colored:
        assert cloud.rgb[:, 0].max() == 1 and cloud.rgb[:, 1].max() == 0


DAE = """<?xml version="1.0"?><COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
<asset><unit meter="1"/><up_axis>Z_UP</up_axis></asset>
<library_images><image id="img"><init_from>{image}</init_from></image></library_images>
<library_effects><effect id="fx"><profile_COMMON>
<newparam sid="surf"><surface type="2D"><init_from>img</init_from></surface></newparam>
<newparam sid="samp"><sampler2D><source>surf</source></sampler2D></newparam>
<technique sid="t"><lambert><diffuse>{diffuse}</diffuse></lambert></technique>
</profile_COMMON></effect></library_effects>
<library_materials><material id="mat"><instance_effect url="#fx"/></material></library_materials>
<library_geometries><geometry id="sq"><mesh>
<source id="p"><float_array id="pa" count="12">0 0 0 1 0 0 1 1 0 0 1 0</float_array>
<technique_common><accessor source="#pa" count="4" stride="3"/></technique_common></source>
<source id="t"><float_array id="ta" count="8">0 0 1 0 1 1 0 1</float_array>
<technique_common><accessor source="#ta" count="4" stride="2"/></technique_common></source>
<vertices id="v"><input semantic="POSITION" source="#p"/></vertices>
<polylist material="sym" count="1"><input semantic="VERTEX" source="#v" offset="0"/>
<input semantic="TEXCOORD" source="#t" offset="1" set="0"/><vcount>4</vcount><p>0 0 1 1 2 2 3 3</p></polylist>
</mesh></geometry></library_geometries>
<library_visual_scenes><visual_scene id="s">
<node><translate>5 0 0</translate><rotate>0 0 1 90</rotate><scale>2 1 1</scale>
<instance_geometry url="#sq"><bind_material><technique_common><instance_material symbol="sym" target="#mat"/>
</technique_common></bind_material></instance_geometry></node></visual_scene></library_visual_scenes>
<scene><instance_visual_scene url="#s"/></scene></COLLADA>"""


def test_collada_scenes_are_placed_coloured_and_know_their_up_axis(tmp_path):
    text = DAE.format(image="x.png", diffuse="<color>0 1 0 1</color>")
    (tmp_path / "a.dae").write_text(text)
    cloud = read_shape(tmp_path / "a.dae")
    assert cloud.metadata.up_axis == "z" and cloud.metadata.faces == 2
    assert cloud.metadata.bounds_min == pytest.approx((4, 0, 0), abs=1e-6)  # turned about z: y becomes -x
    assert cloud.metadata.bounds_max == pytest.approx((5, 2, 0), abs=1e-6)
    assert (cloud.rgb == (0, 1, 0)).all()


def test_collada_textures_are_read_from_the_files_own_folder_only(tmp_path):
    (tmp_path / "in").mkdir()
    two_colored_image().save(tmp_path / "t.png")
    diffuse = '<texture texture="samp" texcoord="UV"/>'
    (tmp_path / "a.dae").write_text(DAE.format(image="./t.png", diffuse=diffuse))
    (tmp_path / "in" / "a.dae").write_text(DAE.format(image="../t.png", diffuse=diffuse))
    cloud = read_shape(tmp_path / "a.dae")
    np.testing.assert_array_equal(cloud.rgb[:, 0] == 1, cloud.xyz[:, 1] < 1)
    assert read_shape(tmp_path / "in" / "a.dae").rgb is None


def write_3mf(path, resources, build, members=()):
    model = ('<?xml version="1.0"?><model unit="millimeter" '
             'xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02" '
             'xmlns:m="http://schemas.microsoft.com/3dmanufacturing/material/2015/02">'
             f"<resources>{resources}</resources><build>{build}</build></model>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("3D/3dmodel.model", model)
        for name, data in members:
            archive.writestr(name, data)
    return path


def object_3mf(attributes="", triangle=lambda i: ""):
    vertices = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in BOX_VERTICES)
    faces = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}" {triangle(i)}/>' for i, (a, b, c) in enumerate(BOX_FACES))
    mesh = f"<mesh><vertices>{vertices}</vertices><triangles>{faces}</triangles></mesh>"
    return f'<object id="7" type="model" {attributes}>{mesh}</object>'


def test_3mf_components_and_build_items_are_placed(tmp_path):
    resources = object_3mf() + ('<object id="8"><components><component objectid="7"/>'
                                '<component objectid="7" transform="1 0 0 0 1 0 0 0 1 10 0 0"/></components></object>')
    path = write_3mf(tmp_path / "a.3mf", resources, '<item objectid="8" transform="2 0 0 0 2 0 0 0 2 0 0 1"/>')
    cloud = read_shape(path)
    assert cloud.metadata.faces == 24 and cloud.metadata.up_axis == "z"
    assert cloud.metadata.bounds_min == (0, 0, 1) and cloud.metadata.bounds_max == (24, 6, 9)


def test_3mf_base_materials_and_colour_groups_colour_their_triangles(tmp_path):
    materials = ('<basematerials id="1"><base name="a" displaycolor="#FF0000"/></basematerials>'
                 '<m:colorgroup id="2"><m:color color="#00FF00FF"/><m:color color="#0000FF"/></m:colorgroup>')
    box = object_3mf('pid="1" pindex="0"', lambda i: 'pid="2" p1="1"' if i < 2 else "")
    cloud = read_shape(write_3mf(tmp_path / "a.3mf", materials + box, '<item objectid="7"/>'))
    blue = (cloud.rgb == (0, 0, 1)).all(axis=1)
    np.testing.assert_array_equal(blue, cloud.xyz[:, 0] == 0)
    assert (cloud.rgb[~blue] == (1, 0, 0)).all()


def test_3mf_textures_colour_their_triangles(tmp_path):
    texture = ('<m:texture2d id="3" path="/3D/Textures/t.png" contenttype="image/png"/>'
               '<m:texture2dgroup id="4" texid="3">'
               '<m:tex2coord u="0.1" v="0.1"/><m:tex2coord u="0.9" v="0.1"/></m:texture2dgroup>')
    box = object_3mf("", lambda i: f'pid="4" p1="{i % 2}" p2="{i % 2}" p3="{i % 2}"')
    members = [("3D/Textures/t.png", png(two_colored_image()))]
    cloud = read_shape(write_3mf(tmp_path / "a.3mf", texture + box, '<item objectid="7"/>', members))
    colors, counts = np.unique(cloud.rgb, axis=0, return_counts=True)
    np.testing.assert_array_equal(colors, [(0, 0, 1), (1, 0, 0)])
    assert counts.min() > 0.45 * len(cloud)


def test_a_mesh_of_no_extent_in_one_direction_is_sampled_all_the_same(tmp_path):
    (tmp_path / "line.off").write_text("OFF\n3 1 0\n0 0 0\n1 0 0\n2 0 0\n3 0 1 2\n")
    (tmp_path / "dot.off").write_text("OFF\n3 1 0\n1 1 1\n1 1 1\n1 1 1\n3 0 1 2\n")
    line = read_shape(tmp_path / "line.off").normalized()
    assert len(line) == 16384 and np.abs(line.xyz[:, 0]).max() == pytest.approx(1)
    assert (read_shape(tmp_path / "dot.off").normalized().xyz == 0).all()


def test_an_unknown_suffix_lists_the_known_ones(tmp_path):
    (tmp_path / "a.fbx").write_bytes(b"x")
    with pytest.raises(InputError, match=r"\.fbx.*\.ply .*\.glb"):
        read_shape(tmp_path / "a.fbx")
