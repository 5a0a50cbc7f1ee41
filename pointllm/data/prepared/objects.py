"""One object, prepared: its file read, stood upright where its source says how, sampled, and seen from several sides.

Reads through `pointllm.inputs`, so training sees what the product sees. `key` says when the work must be done again:
it changes with the files' content, the parameters and the record's own settings, and with nothing else.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError, InputError, PointLLMError
from ...inputs import read_image, read_shape
from ...inputs.facts import shape_facts
from ...inputs.orientation import with_up
from ...inputs.point_cloud import PointCloud
from ...inputs.views import Camera, render_views, ring
from ..records import Record

VERSION = 1  # of what is made from a file; raise it when the same parameters give something else
ELEVATIONS = (20.0,)  # of the fixed cameras, in turn
ENCODINGS = {"jpeg": {"subsampling": 0}, "webp": {"method": 4}, "png": {"compress_level": 6}}
MAX_COMPANIONS = 64
REFERENCE = re.compile(rb"(?im)^\s*(?:mtllib|map_\w+|bump|disp|norm|refl)\s+(.+?)\s*$|\"uri\"\s*:\s*\"([^\"]{1,300})\"")


@dataclass(frozen=True)
class Parameters:
    """How objects are prepared.

    points: of each cloud; views: rendered of a training object, from random cameras with random light and background;
    fixed_views: of any other object, from a ring of cameras on white; pictures: kept of those that come with an object
    size: pixels along a picture's side; encoding: jpeg, webp or png; quality: 1 to 100, png has none
    """

    points: int = 8192
    views: int = 6
    fixed_views: int = 6
    pictures: int = 6
    size: int = 224
    encoding: str = "jpeg"
    quality: int = 92
    seed: int = 0

    def __post_init__(self) -> None:
        """DataError for values out of range."""
        for name, low, high in (("points", 32, 65_536), ("views", 0, 64), ("fixed_views", 0, 64), ("pictures", 0, 64),
                                ("size", 16, 1024), ("quality", 1, 100)):
            if not low <= getattr(self, name) <= high:
                raise DataError(f"{name.replace('_', ' ')}: {getattr(self, name)} is not between {low} and {high}")
        if self.encoding not in ENCODINGS:
            raise DataError(f"unknown encoding {self.encoding!r} of pictures; known: {', '.join(ENCODINGS)}")


@dataclass(frozen=True)
class Prepared:
    """xyz (P, 3) float16 in the unit sphere and rgb (P, 3) uint8, or None for an object without a file; encoded
    pictures, of which the first `rendered` are ours; facts: what `pointllm.inputs.facts` measures."""

    xyz: np.ndarray | None
    rgb: np.ndarray | None
    has_color: bool
    pictures: tuple[bytes, ...]
    rendered: int
    facts: dict


def prepare_object(record: Record, parameters: Parameters) -> Prepared:
    """Read and render an object.

    Raises:
        InputError: its file can't be read. Pictures that can't be read are left out.
    """
    xyz = rgb = None
    pictures: list[bytes] = []
    facts: dict = {}
    has_color = False
    if record.path is not None:
        cloud = read_shape(record.path, samples=parameters.points, seed=parameters.seed)
        cloud = with_up(cloud, record.up_axis or "y")
        facts = shape_facts(cloud)
        even = cloud.normalized().resampled(parameters.points, parameters.seed)
        has_color = even.rgb is not None
        xyz = even.xyz.astype(np.float16)
        rgb = np.round((even.rgb if has_color else np.full_like(even.xyz, 0.5)) * 255).astype(np.uint8)
        views = _views(cloud, record, parameters)
        pictures = [encode(picture, parameters) for picture in views]
    rendered = len(pictures)
    for path in record.images[:parameters.pictures]:
        try:
            pictures.append(encode(_square(read_image(path), parameters.size), parameters))
        except PointLLMError:
            continue
    if xyz is None and not pictures:
        raise InputError(f"{record.id}: has neither a 3D file nor a picture that can be read")
    return Prepared(xyz, rgb, has_color, tuple(pictures), rendered, facts)


def _views(cloud: PointCloud, record: Record, parameters: Parameters) -> np.ndarray:
    """(V, S, S, 3) uint8."""
    if record.split != "train":
        count = parameters.fixed_views
        return render_views(cloud, ring(count, ELEVATIONS), parameters.size) if count else _no_views(parameters)
    rng = np.random.default_rng([parameters.seed, zlib.crc32(record.id.encode())])
    start, pictures = rng.uniform(0, 360), []
    for index in range(parameters.views):
        camera = Camera(start + 360 * index / parameters.views + rng.uniform(-20, 20), rng.uniform(0, 40))
        plain = rng.random() < 0.5
        background = (1.0, 1.0, 1.0) if plain else tuple(rng.uniform(0.3, 1, 3) * rng.uniform(0.5, 1))
        pictures.append(render_views(cloud, [camera], parameters.size, background,
                                     ambient=float(rng.uniform(0.35, 0.6)))[0])
    return np.stack(pictures) if pictures else _no_views(parameters)


def _no_views(parameters: Parameters) -> np.ndarray:
    return np.zeros((0, parameters.size, parameters.size, 3), np.uint8)


def _square(image, size: int) -> np.ndarray:
    """(S, S, 3) uint8: the whole picture, on white where it isn't square."""
    from PIL import Image

    image = image.convert("RGB")
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    canvas = Image.new("RGB", (size, size), "white")
    canvas.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
    return np.asarray(canvas)


def encode(picture: np.ndarray, parameters: Parameters) -> bytes:
    """(S, S, 3) uint8 as the bytes of a picture file."""
    from PIL import Image

    stream = io.BytesIO()
    options = ENCODINGS[parameters.encoding] | ({} if parameters.encoding == "png" else {"quality": parameters.quality})
    Image.fromarray(picture).save(stream, parameters.encoding.upper(), **options)
    return stream.getvalue()


def decode(data: bytes) -> np.ndarray:
    """(S, S, 3) uint8 from the bytes of a picture file."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def key(record: Record, parameters: Parameters, content: str) -> str:
    """What the prepared object depends on, as 32 hexadecimal digits; `content` is that of its files."""
    about = {"version": VERSION, "content": content, "up": record.up_axis, "parameters": asdict(parameters),
             "train": record.split == "train", "id": record.id if record.split == "train" else None}
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:32]


def files_of(record: Record) -> list[Path]:
    """The object's file, the files that it refers to (materials, textures, buffers), and its pictures."""
    files: list[Path] = []
    queue = [record.path] if record.path is not None else []
    while queue and len(files) < MAX_COMPANIONS:
        path = queue.pop(0)
        if path in files:
            continue
        files.append(path)
        if path.suffix.lower() in (".obj", ".gltf", ".mtl") and path.is_file():
            for found in REFERENCE.finditer(path.read_bytes()):
                name = (found[1] or found[2]).decode("utf-8", "replace").split(" -")[-1].strip()
                other = path.parent / name.replace("\\", "/")
                if not name.startswith("data:") and "\0" not in name and other.is_file():
                    queue.append(other)
    return [*files, *record.images]


def content_hash(files: list[Path]) -> str:
    """32 hexadecimal digits over what is in the files; a file that can't be read counts as absent."""
    total = hashlib.sha256()
    for path in files:
        try:
            with path.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError:
            total.update(b"absent")
    return total.hexdigest()[:32]
