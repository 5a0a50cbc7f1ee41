"""Files that must each be refused with one clear line: broken, lying, oversized, or made to do harm."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

FILES: dict[str, Callable[[Path], None]] = {}


def hostile(name: str) -> Callable:
    """Registers a function that writes the hostile file `name`."""

    def register(write: Callable[[Path], None]) -> Callable[[Path], None]:
        FILES[name] = write
        return write

    return register


def write_all(folder: Path) -> dict[str, Path]:
    """Every hostile file, each in a folder of its own; name → path."""
    (folder / "secret.bin").write_bytes(np.arange(3000, dtype="<f4").tobytes())  # what the curious try to reach
    paths = {}
    for name, write in FILES.items():
        path = folder / name.replace(".", "_") / name
        path.parent.mkdir()
        write(path)
        paths[name] = path
    return paths


def ply(vertices: str, count: int, *, faces: int = 0, layout: str = "ascii", kind: str = "float") -> bytes:
    header = f"ply\nformat {layout} 1.0\nelement vertex {count}\n" + "".join(f"property {kind} {a}\n" for a in "xyz")
    header += f"element face {faces}\nproperty list uchar int vertex_indices\nend_header\n"
    return (header + vertices).encode()


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('the pickle ran')",))


for _suffix in (".ply", ".glb", ".gltf", ".obj", ".stl", ".off", ".dae", ".3mf", ".pcd", ".xyz", ".pts", ".npy", ".npz",
                ".pt", ".las", ".png", ".wav", ".mp4"):
    hostile(f"empty{_suffix}")(lambda path: path.write_bytes(b""))
    hostile(f"noise{_suffix}")(lambda path: path.write_bytes(np.random.default_rng(0).bytes(4000)))
    hostile(f"prose{_suffix}")(lambda path: path.write_text("Dear reader, this is a letter and not a shape.\n" * 40))
    hostile(f"folder{_suffix}")(lambda path: path.mkdir())

hostile("unknown.xyzzy")(lambda path: path.write_text("0 0 0\n" * 100))
hostile("no_suffix")(lambda path: path.write_text("0 0 0\n" * 100))
hostile("missing.ply")(lambda path: None)

# shapes with nothing to look at
hostile("no_faces.ply")(lambda path: path.write_bytes(ply("0 0 0\n1 0 0\n0 1 0\n", 3)))
hostile("no_faces.obj")(lambda path: path.write_text("o thing\nv 0 0 0\nv 1 0 0\nv 0 1 0\n"))
hostile("no_faces.off")(lambda path: path.write_text("OFF\n3 0 0\n0 0 0\n1 0 0\n0 1 0\n"))
hostile("no_faces.stl")(lambda path: path.write_text("solid thing\nendsolid thing\n"))
hostile("no_faces_binary.stl")(lambda path: path.write_bytes(b"\0" * 84))
hostile("no_mesh.glb")(lambda path: path.write_bytes(glb({"asset": {"version": "2.0"}})))
hostile("one_point.ply")(lambda path: path.write_bytes(ply("1 2 3\n", 1)))
hostile("one_point.xyz")(lambda path: path.write_text("1 2 3\n"))
hostile("one_point.npy")(lambda path: np.save(path, np.zeros((1, 3))))
hostile("flat_array.npy")(lambda path: np.save(path, np.zeros(300)))
hostile("words.npy")(lambda path: np.save(path, np.array([["a", "b", "c"]] * 40)))
hostile("scalar.npy")(lambda path: np.save(path, np.float64(3)))

# coordinates that are no numbers
hostile("nan.ply")(lambda path: path.write_bytes(ply("nan nan nan\n" * 64, 64)))
hostile("infinite.ply")(lambda path: path.write_bytes(ply("0 0 inf\n1 0 -inf\n" * 32, 64)))
hostile("half_nan.ply")(lambda path: path.write_bytes(ply("0 0 0\nnan 0 1\n" * 32, 64)))
hostile("nan.xyz")(lambda path: path.write_text("nan nan nan\n" * 64))
hostile("nan.obj")(lambda path: path.write_text("v nan nan nan\n" * 3 + "f 1 2 3\n"))
hostile("nan.npy")(lambda path: np.save(path, np.full((64, 3), np.nan)))
hostile("huge.npy")(lambda path: np.save(path, np.full((64, 3), 1e300)))
hostile("nan.stl")(lambda path: path.write_bytes(stl(np.full((4, 3, 3), np.nan, np.float32))))

# claims that the file does not hold
hostile("claim.ply")(lambda path: path.write_bytes(ply("\0" * 600, 178_956_971, layout="binary_little_endian")))
hostile("claim_room.ply")(lambda path: path.write_bytes(ply("\0" * 600, 9_000_000, layout="binary_little_endian")))
hostile("claim_ascii.ply")(lambda path: path.write_bytes(ply("0 0 0\n" * 50, 20_000_000)))
hostile("claim_faces.ply")(lambda path: path.write_bytes(ply("0 0 0\n" * 50, 50, faces=2_000_000_000)))
hostile("claim_negative.ply")(lambda path: path.write_bytes(ply("0 0 0\n" * 50, -5)))
hostile("claim_word.ply")(lambda path: path.write_bytes(ply("0 0 0\n", 1).replace(b"vertex 1", b"vertex many")))
hostile("no_end.ply")(lambda path: path.write_bytes(ply("", 5).split(b"end_header")[0]))
hostile("face_index.ply")(lambda path: path.write_bytes(ply("0 0 0\n1 0 0\n0 1 0\n3 0 1 99\n", 3, faces=1)))
hostile("face_index.obj")(lambda path: path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 99\n"))
hostile("face_index.off")(lambda path: path.write_text("OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 99\n"))
hostile("claim.stl")(lambda path: path.write_bytes(b"\0" * 80 + struct.pack("<I", 42_949_672) + b"\0" * 400))
hostile("cut.stl")(lambda path: path.write_bytes(stl(np.ones((9, 3, 3), np.float32))[:-60]))
hostile("claim.off")(lambda path: path.write_text("OFF\n178956971 178956971 0\n0 0 0\n"))
hostile("claim_room.off")(lambda path: path.write_text("OFF\n9000000 3 0\n0 0 0\n"))
hostile("claim.pts")(lambda path: path.write_text("2000000000\n" + "0 0 0\n" * 50))
hostile("cut.pts")(lambda path: path.write_text("500\n" + "0 0 0\n" * 50))
hostile("ragged.xyz")(lambda path: path.write_text("0 0 0\n" * 40 + "1 2\n"))
hostile("words.csv")(lambda path: path.write_text("name,colour,price\nchair,red,10\nlamp,blue,20\n"))


def glb(document: dict, binary: bytes = b"") -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def gltf(*, count: int = 3, uri: str | None = None, length: int = 36, **accessor: object) -> dict:
    """A document of one triangle whose numbers can be made to lie."""
    buffer = {"byteLength": length} | ({"uri": uri} if uri else {})
    return {
        "asset": {"version": "2.0"}, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": count, "type": "VEC3", **accessor}],
        "bufferViews": [{"buffer": 0, "byteLength": length}], "buffers": [buffer],
    }


def stl(corners: np.ndarray) -> bytes:
    rows = np.zeros(len(corners), [("n", "<f4", 3), ("c", "<f4", (3, 3)), ("a", "<u2")])
    rows["c"] = corners
    return b"\0" * 80 + struct.pack("<I", len(corners)) + rows.tobytes()


hostile("claim_count.glb")(lambda path: path.write_bytes(glb(gltf(count=2_000_000_000), b"\0" * 36)))
hostile("claim_room.glb")(lambda path: path.write_bytes(glb(gltf(count=9_000_000), b"\0" * 36)))
hostile("claim_view.glb")(lambda path: path.write_bytes(glb(gltf(count=150_000_000, length=1_800_000_000), b"\0" * 36)))
hostile("claim_chunk.glb")(lambda path: path.write_bytes(struct.pack("<4sIII4s", b"glTF", 2, 2**31, 2**31, b"JSON")))
hostile("claim_stride.glb")(lambda path: path.write_bytes(glb(gltf() | {"bufferViews": [
    {"buffer": 0, "byteLength": 36, "byteStride": 2_000_000_000}]}, b"\0" * 36)))
hostile("negative.glb")(lambda path: path.write_bytes(glb(gltf(byteOffset=-40), b"\0" * 36)))
hostile("bad_index.glb")(lambda path: path.write_bytes(glb(gltf() | {"nodes": [{"mesh": 7}]}, b"\0" * 36)))
hostile("deep.gltf")(lambda path: path.write_text('{"a":' * 100_000 + "1" + "}" * 100_000))
hostile("zero_storage.gltf")(lambda path: path.write_text(json.dumps(
    gltf() | {"accessors": [{"componentType": 5126, "count": 100_000_000, "type": "VEC3"}]})))
hostile("draco.gltf")(lambda path: path.write_text(json.dumps(
    gltf() | {"extensionsRequired": ["KHR_draco_mesh_compression"]})))
hostile("outside.gltf")(lambda path: path.write_text(json.dumps(gltf(uri="../secret.bin"))))
hostile("absolute.gltf")(lambda path: path.write_text(json.dumps(gltf(uri=str(path.parent.parent / "secret.bin")))))
hostile("encoded.gltf")(lambda path: path.write_text(json.dumps(gltf(uri="%2e%2e/secret.bin"))))
hostile("address.gltf")(lambda path: path.write_text(json.dumps(gltf(uri="http://127.0.0.1:9/secret.bin"))))
hostile("file_address.gltf")(lambda path: path.write_text(json.dumps(gltf(uri=f"file://{path.parent.parent}/secret.bin"))))


@hostile("link.gltf")
def _link(path: Path) -> None:
    (path.parent / "link.bin").symlink_to(path.parent.parent / "secret.bin")
    path.write_text(json.dumps(gltf(uri="link.bin")))


PCD = "VERSION .7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH {n}\nHEIGHT 1\nPOINTS {n}\nDATA {data}\n"
hostile("claim.pcd")(lambda path: path.write_bytes(PCD.format(n=178_956_971, data="binary").encode() + b"\0" * 600))
hostile("claim_room.pcd")(lambda path: path.write_bytes(PCD.format(n=9_000_000, data="binary").encode() + b"\0" * 600))
hostile("claim_ascii.pcd")(lambda path: path.write_bytes(PCD.format(n=9_000_000, data="ascii").encode() + b"0 0 0\n"))
hostile("claim_compressed.pcd")(lambda path: path.write_bytes(
    PCD.format(n=9_000_000, data="binary_compressed").encode() + struct.pack("<II", 100, 108_000_000) + b"\0" * 100))
hostile("broken_compressed.pcd")(lambda path: path.write_bytes(
    PCD.format(n=64, data="binary_compressed").encode() + struct.pack("<II", 100, 768) + b"\xff" * 100))
hostile("all_nan.pcd")(lambda path: path.write_bytes(PCD.format(n=64, data="ascii").encode() + b"nan nan nan\n" * 64))

def las(*, records: int = 0, points: int = 0, start: int = 227, kind: int = 0) -> bytes:
    """A LAS 1.2 header whose numbers can be made to lie."""
    counts = struct.pack("<HIIBHI", 227, start, records, kind, 20, points)
    return (b"LASF" + b"\0" * 20 + b"\1\2").ljust(94, b"\0") + counts + b"\0" * (227 - 94 - len(counts)) + b"\0" * 400


hostile("claim_points.las")(lambda path: path.write_bytes(las(points=20_000_000)))
hostile("claim_records.las")(lambda path: path.write_bytes(las(records=2**32 - 1)))
hostile("claim_start.las")(lambda path: path.write_bytes(las(start=2**31)))
hostile("claim_points.laz")(lambda path: path.write_bytes(las(points=2**32 - 1, kind=128)))
hostile("broken.laz")(lambda path: path.write_bytes(las(points=100, kind=128)))

# numbers that hide programs or bombs
hostile("bomb.pt")(lambda path: path.write_bytes(pickle.dumps(Bomb())))
hostile("bomb_old.pt")(lambda path: path.write_bytes(pickle.dumps(Bomb(), protocol=0)))
hostile("bomb.npy")(lambda path: np.save(path, np.array([Bomb()], object), allow_pickle=True))
hostile("bomb.npz")(lambda path: np.savez(path, points=np.array([Bomb()], object)))


@hostile("bomb_zip.pt")
def _bomb_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bomb/data.pkl", pickle.dumps(Bomb(), protocol=2))
        archive.writestr("bomb/version", "3\n")


@hostile("claim.npy")
def _claim_npy(path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (90_000_000, 3)})
    path.write_bytes(header.getvalue() + b"\0" * 240)


@hostile("claim.npz")
def _claim_npz(path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (90_000_000, 3)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("points.npy", header.getvalue() + b"\0" * 240)


def _zip_bomb(path: Path, member: str) -> None:
    """60 MB of zeros in 60 kB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(member, "w") as file:
        for _ in range(60):
            file.write(b"\0" * 1_000_000)


hostile("zip_bomb.3mf")(lambda path: _zip_bomb(path, "3D/3dmodel.model"))
hostile("zip_bomb.npz")(lambda path: _zip_bomb(path, "points.npy"))
hostile("zip_bomb.pt")(lambda path: _zip_bomb(path, "archive/data.pkl"))

LAUGHS = ('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9)) + "]>")
SECRET = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY j SYSTEM "../secret.bin">]>'
hostile("laughs.dae")(lambda path: path.write_text(LAUGHS + "<COLLADA>&j;</COLLADA>"))
hostile("entity.dae")(lambda path: path.write_text(SECRET + "<COLLADA>&j;</COLLADA>"))
hostile("deep.dae")(lambda path: path.write_text("<COLLADA>" + "<node>" * 100_000))
hostile("entity_wide.dae")(lambda path: path.write_bytes((SECRET + "<COLLADA>&j;</COLLADA>").encode("utf-16")))


def threemf(path: Path, model: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("3D/3dmodel.model", model)


hostile("laughs.3mf")(lambda path: threemf(path, LAUGHS + "<model>&j;</model>"))
hostile("loop.3mf")(lambda path: threemf(path, '<model><resources><object id="1"><components><component objectid="1"/>'
                                         '<component objectid="1"/></components></object></resources>'
                                         '<build><item objectid="1"/></build></model>'))
hostile("empty_zip.3mf")(lambda path: zipfile.ZipFile(path, "w").close())
hostile("empty_zip.npz")(lambda path: zipfile.ZipFile(path, "w").close())

# a picture of 2.5 gigapixels in a few bytes; a playlist that names another file, called a video
_HEAD = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
hostile("pixels.png")(lambda path: path.write_bytes(
    b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 13, b"IHDR") + _HEAD + struct.pack(">I", zlib.crc32(b"IHDR" + _HEAD))
    + struct.pack(">I4sI", 0, b"IDAT", zlib.crc32(b"IDAT"))))
hostile("cut.png")(lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 13, b"IHDR") + _HEAD[:5]))
hostile("playlist.mp4")(lambda path: path.write_text(
    f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{path.parent.parent}/secret.bin\n#EXT-X-ENDLIST\n"))
hostile("concat.mp4")(lambda path: path.write_text(f"ffconcat version 1.0\nfile '{path.parent.parent}/secret.bin'\n"))
hostile("claim.wav")(lambda path: path.write_bytes(
    b"RIFF" + struct.pack("<I", 2**31) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    + b"data" + struct.pack("<I", 2**31)))
