"""Makes a data folder of labelled shapes from three free games: objects of another origin, to measure with.

    pip install trimesh
    python scripts/game_objects.py --data ../shared/data --out runs/games
    pointllm eval zero-shot --data runs/games --split test --out reports/games

UFO: Alien Invasion, FlightGear and 0 A.D. draw ordinary things in their own styles, and nothing of theirs is in the
packs that the weights were trained on. `game_objects.json` says which model shows which label; every one was looked at.
The packages (2.4 GB) come from Debian by `apt-get download`, or lie in --packages already. They are under the GPL and
CC-BY-SA: what is written here is for measuring, and none of it is shipped or trained on.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

SIDE = 512  # pixels of a texture at most
LISTED = Path(__file__).with_name("game_objects.json")
LICENSES = {"ufoai": "GPL-2.0-or-later", "flightgear": "GPL-2.0-or-later", "0ad": "CC-BY-SA-3.0"}
PACKAGES = ("ufoai-data", "flightgear-data-models", "flightgear-data-base", "0ad-data")
Y_UP = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0.0]])  # turns what has z up
MAPS = re.compile(r"_(nm|sm|gm|n|s|norm|spec)$")  # pictures that aren't colours: normals, gloss, glow


@dataclass
class Part:
    """Triangles of one look. corners: (3 F, 3) float, three in a row a triangle; uv: (3 F, 2), v up, or None."""

    corners: np.ndarray
    uv: np.ndarray | None
    image: Image.Image | None = None
    color: tuple[float, float, float] = (0.6, 0.6, 0.6)


def mesh_of(part: Part) -> trimesh.Trimesh:
    if part.image is not None and part.uv is not None:
        cut = {"alphaMode": "MASK", "alphaCutoff": 0.5} if part.image.mode == "RGBA" else {}
        look = PBRMaterial(baseColorTexture=part.image, metallicFactor=0, roughnessFactor=1, doubleSided=True, **cut)
        visual = TextureVisuals(uv=part.uv, material=look)
    else:
        color = [int(255 * min(max(value, 0), 1)) for value in part.color]
        visual = TextureVisuals(material=PBRMaterial(baseColorFactor=[*color, 255], metallicFactor=0,
                                                     roughnessFactor=1, doubleSided=True))
    return trimesh.Trimesh(part.corners, np.arange(len(part.corners)).reshape(-1, 3), visual=visual, process=False)


def picture(source: Path | bytes | None) -> Image.Image | None:
    """A texture, small enough; None where there is none or Pillow can't read it."""
    if source is None:
        return None
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            image = image.convert("RGBA" if image.mode not in ("RGB", "L") else "RGB")
    except (OSError, NotImplementedError):
        return None
    image.thumbnail((SIDE, SIDE))
    return image


def beside(folder: Path, name: str) -> Path | None:
    """The picture of that name in a folder, whatever its case and its suffix."""
    stem = Path(name.replace("\\", "/")).stem.lower()
    found = [file for file in sorted(folder.iterdir()) if file.stem.lower() == stem
             and file.suffix.lower() in (".png", ".jpg", ".jpeg", ".tga", ".rgb")]
    return found[0] if found else None


def read_md2(file: Path) -> list[Part]:
    """First frame of a Quake II model. The skin is the picture that it names, or that is named as it is."""
    data = file.read_bytes()
    head = struct.unpack_from("<17i", data)
    width, height, skins, vertices, coordinates, triangles = head[2], head[3], head[5], head[6], head[7], head[8]
    at_skins, at_coordinates, at_triangles, at_frames = head[11:15]
    scale, shift = np.frombuffer(data, "<f4", 6, at_frames).reshape(2, 3)
    points = np.frombuffer(data, np.uint8, vertices * 4, at_frames + 40).reshape(-1, 4)[:, :3] * scale + shift
    uv = np.frombuffer(data, "<i2", coordinates * 2, at_coordinates).reshape(-1, 2) / [width, height]
    corners = np.frombuffer(data, "<u2", triangles * 6, at_triangles).reshape(-1, 6).astype(int)
    corners = np.concatenate([corners[:, 2::-1], corners[:, :2:-1]], 1)  # the other way round
    name = data[at_skins : at_skins + 64].split(b"\0")[0].decode(errors="ignore") if skins else ""
    skin = (beside(file.parent, name.lstrip(".")) if name else None) or beside(file.parent, file.stem)
    if skin is None:
        others = [other for other in sorted(file.parent.iterdir())
                  if other.suffix.lower() in (".png", ".jpg", ".tga") and not MAPS.search(other.stem)]
        skin = others[0] if others else None
    uv = uv[corners[:, 3:].ravel()]
    return [Part(points[corners[:, :3].ravel()], np.stack([uv[:, 0], 1 - uv[:, 1]], 1), picture(skin))]


def read_ac3d(file: Path) -> list[Part]:
    """A model of AC3D: text, with objects inside objects."""
    lines = iter(file.read_text(encoding="utf-8", errors="ignore").splitlines())
    colors: list[tuple[float, float, float]] = []
    found: dict[tuple[str, int], list] = {}

    def read_object(turn: np.ndarray, shift: np.ndarray) -> None:
        texture, points = "", np.zeros((0, 3))
        for line in lines:
            words = shlex.split(line) if '"' in line else line.split()
            key = words[0] if words else ""
            if key == "loc":
                shift = shift + turn @ np.array(words[1:4], float)
            elif key == "rot":
                turn = turn @ np.array(words[1:10], float).reshape(3, 3).T
            elif key == "texture":
                texture = words[1]
            elif key == "data":
                next(lines)
            elif key == "numvert":
                points = np.array([next(lines).split()[:3] for _ in range(int(words[1]))], float).reshape(-1, 3)
                points = points @ turn.T + shift
            elif key == "SURF":
                read_surface(int(words[1], 16) & 15, texture, points)
            elif key == "kids":
                for _ in range(int(words[1])):
                    if next(lines, None) is None:  # some files promise more than they hold
                        return
                    read_object(turn, shift)
                return

    def read_surface(kind: int, texture: str, points: np.ndarray) -> None:
        material = 0
        for line in lines:
            words = line.split()
            if words[0] == "mat":
                material = int(words[1])
            elif words[0] == "refs":
                corners = [next(lines).split() for _ in range(int(words[1]))]
                if kind == 0:  # a polygon, not a line
                    faces = [corner for at in range(1, len(corners) - 1)
                             for corner in (corners[0], corners[at], corners[at + 1])]
                    found.setdefault((texture, material), []).extend(
                        (*points[int(corner[0])], float(corner[1]), float(corner[2])) for corner in faces)
                return

    for line in lines:
        if line.startswith("MATERIAL"):
            said = re.search(r"rgb (\S+) (\S+) (\S+)", line)
            colors.append(tuple(map(float, said.groups())) if said else (0.6, 0.6, 0.6))
        elif line.startswith("OBJECT"):
            read_object(np.eye(3), np.zeros(3))
    parts = []
    for (texture, material), rows in found.items():
        rows = np.array(rows)
        image = beside(file.parent, texture) if texture else None
        parts.append(Part(rows[:, :3], rows[:, 3:], picture(image), colors[material] if colors else (0.6,) * 3))
    return parts


def read_pmd(data: bytes, image: Image.Image | None) -> list[Part]:
    """A mesh of 0 A.D. as its releases hold it (`.pmd`), at rest."""
    version, _, vertices = struct.unpack_from("<III", data, 4)
    at, sets = 16, 1
    if version >= 4:
        sets, at = struct.unpack_from("<I", data, at)[0], at + 4
    stride = 24 + 8 * sets + 20  # position, normal, texture coordinates, four bones and their weights
    rows = np.frombuffer(data, np.uint8, vertices * stride, at).reshape(vertices, stride)
    points, uv = rows[:, :12].copy().view("<f4"), rows[:, 24:32].copy().view("<f4")
    at += vertices * stride
    faces = np.frombuffer(data, "<u2", struct.unpack_from("<I", data, at)[0] * 3, at + 4).reshape(-1, 3)
    corners = faces[:, ::-1].ravel().astype(int)
    return [Part(points[corners] * [1, 1, -1], uv[corners], image)]


def read_actor(archive: zipfile.ZipFile, name: str) -> list[Part]:
    """The first mesh and the first colours that an actor of 0 A.D. lists."""
    actor = archive.read(f"art/actors/{name}.xml").decode("utf-8-sig")
    mesh = re.search(r"<mesh>([^<]+)</mesh>", actor).group(1)
    textures = re.findall(r'<texture file="([^"]+)" name="baseTex"', actor)
    files = {f"art/textures/skins/{texture}.cached.dds" for texture in textures} & set(archive.namelist())
    image = picture(archive.read(min(files, key=lambda file: textures.index(file[19:-11])))) if files else None
    if image is not None and image.mode == "RGBA" and "trans" not in actor.replace("no_trans", ""):
        # What shows through is the player's colour; here it is gray.
        gray = Image.new("RGBA", image.size, (130, 130, 130, 255))
        image = Image.alpha_composite(gray, image).convert("RGB")
    return read_pmd(archive.read(f"art/meshes/{mesh}.cached.pmd"), image)


def unpacked(packages: Path | None, scratch: Path) -> Path:
    """A folder with what the packages hold. SystemExit where apt or dpkg can't bring it."""
    if packages is not None:
        return packages
    for package in PACKAGES:
        _run(["apt-get", "download", package], scratch)
        _run(["dpkg", "-x", str(next(scratch.glob(f"{package}_*.deb"))), str(scratch / "root")], scratch)
    return scratch / "root"


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit(f"{command[0]} is missing; run this on Debian or Ubuntu, or give the unpacked --packages")
    if done.returncode:
        sys.exit(f"{' '.join(command[:3])} failed ({done.stderr.strip()[:150]}); is the network up?")


def readers(root: Path, scratch: Path) -> dict[str, Callable[[str], list[Part]]]:
    """How each game's models are read, by the names that `game_objects.json` has. They come with y up."""

    def found(pattern: str) -> Path:
        files = sorted(root.rglob(pattern))
        return files[0] if files else sys.exit(f"{root}: holds no {pattern}; give a folder with all of "
                                               f"{', '.join(PACKAGES)} unpacked")

    ufo = scratch / "ufoai"
    with zipfile.ZipFile(found("0models.pk3")) as archive:
        archive.extractall(ufo)
    scenery = {}
    for file in sorted(root.rglob("*.ac")):
        _, models, name = file.as_posix().rpartition("/Models/")
        if models:
            scenery.setdefault(name.removesuffix(".ac"), file)
    actors = zipfile.ZipFile(found("public.zip"))

    def from_ufo(name: str) -> list[Part]:
        file = ufo / "models" / f"{name}.md2"
        if not file.is_file():
            mesh = trimesh.load(file.with_suffix(".obj"), force="mesh", process=False)
            return [Part(mesh.triangles.reshape(-1, 3), np.asarray(mesh.visual.uv)[mesh.faces.ravel()],
                         picture(beside(file.parent, file.stem)))]
        parts = read_md2(file)
        for part in parts:
            part.corners = part.corners @ Y_UP.T
        return parts

    return {"ufoai": from_ufo, "flightgear": lambda name: read_ac3d(scenery[name]),
            "0ad": lambda name: read_actor(actors, name)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="data folder whose labels.json names the labels")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--packages", type=Path, help=f"folder with {', '.join(PACKAGES)} unpacked; fetched without it")
    options = parser.parse_args()
    try:
        labels = json.loads((options.data / "labels.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"{options.data}: has no labels.json that can be read ({type(error).__name__}); give a data folder")
    (options.out / "objects").mkdir(parents=True, exist_ok=True)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        read = readers(unpacked(options.packages, Path(scratch)), Path(scratch))
        for game, by_label in json.loads(LISTED.read_text(encoding="utf-8")).items():
            for label, names in by_label.items():
                for name in names if label in labels else ():
                    identity = f"{game}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}"
                    scene = trimesh.Scene([mesh_of(part) for part in read[game](name)])
                    (options.out / "objects" / f"{identity}.glb").write_bytes(scene.export(file_type="glb"))
                    rows.append({"id": identity, "source": game, "path": f"objects/{identity}.glb", "label": label,
                                 "category": labels[label].get("category"), "split": "test",
                                 "license": LICENSES[game]})
            print(f"{game}: {sum(row['source'] == game for row in rows)} shapes, {LICENSES[game]}")
    (options.out / "objects.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (options.out / "labels.json").write_text(json.dumps(labels, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{len(rows)} shapes of {len({row['label'] for row in rows})} labels in {options.out}")


if __name__ == "__main__":
    main()
