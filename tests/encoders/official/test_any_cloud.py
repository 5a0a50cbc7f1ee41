"""What the official demo does not survive: double precision in every format, any scale, bare meshes; and what it must
not do: unpickle an upload. Through a tiny profile of the official shape."""

import pickle
import struct

import numpy as np
import pytest
import torch
from tiny_official import write_official

from pointllm import PointBind
from pointllm.errors import InputError


@pytest.fixture(scope="module")
def bind(tmp_path_factory):
    return PointBind.from_pretrained(str(write_official(tmp_path_factory.mktemp("p") / "p", llm=False)), device="cpu")


@pytest.fixture(scope="module")
def points():
    """(3000, 3) float64 of no symmetry."""
    rng = np.random.default_rng(5)
    body = rng.normal(size=(2000, 3)) * [1.0, 0.4, 0.2]
    arm = rng.normal(size=(1000, 3)) * [0.1, 0.1, 0.8] + [1.5, 0.3, 0.5]
    return np.concatenate([body, arm])


def ply(path, xyz):
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(xyz)}\n"
    head += "".join(f"property double {axis}\n" for axis in "xyz") + "end_header\n"
    path.write_bytes(head.encode() + xyz.astype("<f8").tobytes())


def pcd(path, xyz):
    head = ("# .PCD v0.7\nVERSION 0.7\nFIELDS x y z\nSIZE 8 8 8\nTYPE F F F\nCOUNT 1 1 1\n"
            f"WIDTH {len(xyz)}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {len(xyz)}\nDATA binary\n")
    path.write_bytes(head.encode() + xyz.astype("<f8").tobytes())


def lines(path, xyz, start="", first=""):
    path.write_text(first + "".join(f"{start}{x!r} {y!r} {z!r}\n" for x, y, z in xyz.tolist()))


WRITERS = {
    ".ply": ply, ".pcd": pcd, ".xyz": lines,
    ".pts": lambda path, xyz: lines(path, xyz, first=f"{len(xyz)}\n"),
    ".obj": lambda path, xyz: lines(path, xyz, start="v "),
    ".npy": lambda path, xyz: np.save(path, xyz),
    ".pt": lambda path, xyz: torch.save(torch.from_numpy(xyz), path),
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_double_precision_is_read_and_embedded_alike_in_every_format(bind, points, tmp_path, suffix):
    path, plain = tmp_path / f"cloud{suffix}", tmp_path / "plain.xyz"
    WRITERS[suffix](path, points)
    lines(plain, points)
    np.testing.assert_allclose(bind.embed([path]), bind.embed([plain]), atol=1e-4)


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("factor", [1000.0, 1e-3])
def test_the_scale_of_a_cloud_does_not_matter(bind, points, tmp_path, suffix, factor):
    small, large = tmp_path / f"small{suffix}", tmp_path / f"large{suffix}"
    WRITERS[suffix](small, points)
    WRITERS[suffix](large, points * factor)
    np.testing.assert_allclose(bind.embed([large]), bind.embed([small]), atol=1e-4)


def test_a_cloud_far_from_the_origin_is_embedded_alike(bind, points, tmp_path):
    lines(tmp_path / "near.xyz", points)
    lines(tmp_path / "far.xyz", points + [4.5e5, 5.4e6, 120.0])
    vectors = bind.embed([tmp_path / "near.xyz", tmp_path / "far.xyz"])
    assert vectors[0] @ vectors[1] > 0.999


def test_a_mesh_of_few_vertices_is_sampled_over_its_surface(bind, tmp_path):
    path = tmp_path / "tetrahedron.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 2 0\nv 0 0 3\nf 1 2 3\nf 1 2 4\nf 1 3 4\nf 2 3 4\n")
    assert np.linalg.norm(bind.embed([path])[0]) == pytest.approx(1, abs=1e-5)
    lines(tmp_path / "vertices.xyz", np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3.0]]))
    with pytest.raises(InputError, match="4 points and no faces"):
        bind.embed([tmp_path / "vertices.xyz"])


def test_the_scale_of_a_mesh_does_not_matter(bind, samples, tmp_path):
    vertices = (samples / "sofa.off").read_text().split("\n")
    count = int(vertices[1].split()[0])
    scaled = [" ".join(repr(float(v) * 1000) for v in line.split()) if 2 <= row < 2 + count else line
              for row, line in enumerate(vertices)]
    (tmp_path / "large.off").write_text("\n".join(scaled))
    vectors = bind.embed([samples / "sofa.off", tmp_path / "large.off"])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-4)


class Trap:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("kind", ["npy", "npz", "pt", "pt-legacy", "raw-pt"])
def test_nothing_in_an_upload_is_ever_unpickled(bind, tmp_path, kind):
    sprung = tmp_path / "sprung"
    path = tmp_path / f"cloud.{kind.split('-')[0] if kind != 'raw-pt' else 'pt'}"
    if kind == "npy":
        np.save(path, np.array([Trap(sprung)], dtype=object), allow_pickle=True)
    elif kind == "npz":
        np.savez(path, points=np.array([Trap(sprung)], dtype=object))
    elif kind == "raw-pt":
        path.write_bytes(pickle.dumps(Trap(sprung)))
    else:
        torch.save({"points": torch.zeros(100, 3), "more": Trap(sprung)}, path,
                   _use_new_zipfile_serialization=kind == "pt")
    with pytest.raises(InputError):
        bind.embed([path])
    assert not sprung.exists()


def test_a_header_that_promises_too_much_is_refused(bind, tmp_path):
    path = tmp_path / "huge.npy"
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000, 3), }"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n")
    with pytest.raises(InputError, match="huge.npy"):
        bind.embed([path])
