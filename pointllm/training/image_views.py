"""Rendered views to tune the image tower on: random cameras, lights, backgrounds, shapes and colours.

Every training object is shown as it is, without colours, as a dense and as a sparse cloud. The trunk's first blocks
are not trained, so what is kept of a view is the feature maps where the tuned tail begins.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..data.records import Record
from ..encoders.compact.image_tower import ImageTower
from ..errors import InputError
from ..evaluation.variants import colorless
from ..inputs import read_shape
from ..inputs.orientation import rotated, with_up
from ..inputs.point_cloud import PointCloud
from ..inputs.views import Camera, render_views, ring
from .image_config import PicturesSection, ViewsSection
from .shards import cached, file_key

GOLDEN = 0.381966  # of a turn between two views: any run of them is spread evenly
VERSION = 1  # of what is drawn; raise it when the same settings give other pictures


def training_views(cloud: PointCloud, settings: ViewsSection, size: int, rng: np.random.Generator) -> np.ndarray:
    """(V, size, size, 3) uint8: first meshes, then plain ones, dense clouds and sparse clouds, as many as `settings`
    says."""
    start, dense, shape = rng.uniform(0, 360), None, cloud
    pictures = []
    for index, kind in enumerate(settings.kinds):
        if kind in ("mesh", "plain"):
            if index % settings.same_shape == 0:  # a surface's search tree is costly: some views share a shape
                shape = deformed(cloud, rng, settings) if rng.random() < settings.deformed else cloud
            seen = shape
        else:
            if kind == "dense":
                dense = dense or bare(cloud, settings.dense_points, rng)
            seen = dense if kind == "dense" else bare(cloud, int(rng.choice(settings.sparse_points)), rng)
            seen = deformed(seen, rng, settings) if rng.random() < settings.deformed else seen
        pictures.append(_view(seen, kind, start + 360 * index * GOLDEN, settings, size, rng))
    return np.stack(pictures)


def _view(cloud: PointCloud, kind: str, yaw: float, settings: ViewsSection, size: int,
          rng: np.random.Generator) -> np.ndarray:
    """(size, size, 3) uint8 from near `yaw` degrees."""
    elevation = rng.uniform(-5, 45) if rng.random() < 0.8 else rng.uniform(-25, 70)
    camera = Camera(yaw + rng.uniform(-20, 20), elevation)
    background = _background(settings, rng)
    colored = kind == "mesh" or kind != "plain" and rng.random() < 0.7
    picture = render_views(cloud, [camera], size, background, colored, rng.uniform(0.35, 0.6))[0]
    if colored and rng.random() < settings.recolored:
        picture = recolored(picture, background, rng)
    return picture[:, ::-1].copy() if rng.random() < 0.5 else picture


def _background(settings: ViewsSection, rng: np.random.Generator) -> tuple[float, float, float]:
    """White, or any colour that isn't dark."""
    white = rng.random() < settings.white
    return (1.0, 1.0, 1.0) if white else tuple(rng.uniform(0.3, 1, 3) * rng.uniform(0.5, 1))


def deformed(cloud: PointCloud, rng: np.random.Generator, settings: ViewsSection) -> PointCloud:
    """Stretched along its axes and a little askew."""
    stretch = np.diag(rng.uniform(1 / settings.stretch, settings.stretch, 3))
    (one, two), (first, second) = np.radians(rng.normal(0, settings.tilt_degrees, 2)), ([1, 2], [0, 1])
    tilt = np.eye(3)
    for angle, plane in ((one, first), (two, second)):
        turn = np.eye(3)
        turn[np.ix_(plane, plane)] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        tilt = tilt @ turn
    return rotated(cloud, tilt @ stretch)


def recolored(picture: np.ndarray, background: tuple[float, ...], rng: np.random.Generator) -> np.ndarray:
    """Another hue, saturation and brightness, of the object only."""
    behind = np.round(np.asarray(background) * 255).astype(int)
    is_object = np.abs(picture.astype(int) - behind).max(-1) > 0
    hsv = np.asarray(Image.fromarray(picture).convert("HSV")).astype(np.int16)
    turn = rng.integers(-128, 128) if rng.random() < 0.5 else 0
    hsv[..., 0] = (hsv[..., 0] + turn + rng.integers(-10, 10)) % 256
    hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(0.4, 1.3), 0, 255)
    hsv[..., 2] = np.clip(hsv[..., 2] * rng.uniform(0.7, 1.2), 0, 255)
    changed = np.asarray(Image.fromarray(hsv.astype(np.uint8), "HSV").convert("RGB"))
    return np.where(is_object[..., None], changed, picture)


def bare(cloud: PointCloud, count: int, rng: np.random.Generator | int = 0) -> PointCloud:
    """So many of its points, without a surface."""
    seed = rng if isinstance(rng, int) else int(rng.integers(1 << 30))
    return replace(cloud.resampled(count, seed=seed), mesh=None)


SHOWN_AS = {"mesh": lambda cloud: cloud, "plain": colorless, "cloud8192": lambda cloud: bare(cloud, 8192),
            "cloud1024": lambda cloud: bare(cloud, 1024)}


def maps_of(record: Record, tower: ImageTower, settings: ViewsSection, seed: int) -> dict[str, np.ndarray]:
    """{"maps": (V, C, h, w) float16} of a training object's random views."""
    rng = np.random.default_rng([seed, zlib.crc32(record.id.encode())])
    cloud = with_up(read_shape(record.path), record.up_axis or "y")
    return {"maps": _maps(tower, training_views(cloud, settings, tower.view_size, rng))}


def fixed_maps_of(record: Record, tower: ImageTower, views: int,
                  elevations: tuple[float, ...]) -> dict[str, np.ndarray]:
    """{kind of `SHOWN_AS`: (V, C, h, w) float16} of a held-out object's views, from the product's cameras."""
    cloud = with_up(read_shape(record.path), record.up_axis or "y")
    cameras = ring(views, elevations)
    return {kind: _maps(tower, render_views(shown(cloud), cameras, tower.view_size))
            for kind, shown in SHOWN_AS.items()}


def picture_versions(picture: Image.Image, settings: PicturesSection, views: ViewsSection, size: int,
                     rng: np.random.Generator) -> np.ndarray:
    """(versions, size, size, 3) uint8 of a labelled picture: what is transparent shows another background each time."""
    return np.stack([_version(picture.convert("RGBA"), settings, views, size, rng) for _ in range(settings.versions)])


def _version(picture: Image.Image, settings: PicturesSection, views: ViewsSection, size: int,
             rng: np.random.Generator) -> np.ndarray:
    width, height = np.array(picture.size) / max(picture.size) * rng.uniform(0.5, 0.95) * size
    stretch = rng.uniform(1 / views.stretch, views.stretch)
    picture = picture.resize((max(8, round(width * min(1, stretch))), max(8, round(height * min(1, 1 / stretch)))))
    if rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    picture = picture.rotate(rng.normal(0, settings.turn_degrees), Image.Resampling.BICUBIC, expand=True)
    background = _background(views, rng)
    canvas = Image.new("RGB", (size, size), tuple(round(255 * value) for value in background))
    corner = [round((size - side) / 2 + rng.normal(0, 0.03) * size) for side in picture.size]
    canvas.paste(picture, corner, picture)
    pixels = np.asarray(canvas)
    if rng.random() < views.recolored:
        pixels = recolored(pixels, background, rng)
    if rng.random() < settings.gray:
        pixels = np.asarray(canvas.convert("L"))[..., None].repeat(3, -1)
    return pixels


def collect_pictures(records: list[Record], tower: ImageTower, folder: Path, made_by: str, settings: PicturesSection,
                     views: ViewsSection, seed: int) -> tuple[list[np.ndarray], list[str]]:
    """Maps (versions, C, h, w) float16 of every labelled picture that can be read, and its label; from the cache."""
    label = {str(path): record.label for record in records for path in record.images}

    def compute(name: str) -> dict[str, np.ndarray]:
        rng = np.random.default_rng([seed, zlib.crc32(Path(name).name.encode())])
        return {"maps": _maps(tower, picture_versions(opened(name), settings, views, tower.view_size, rng))}

    keys = {name: file_key(Path(name)) for name in label}
    found = cached(folder, "pictures", f"{VERSION} {made_by}", keys, compute)
    return [arrays["maps"] for arrays in found.values()], [label[name] for name in found]


def opened(path: str) -> Image.Image:
    """A picture with its transparency; InputError for what is none."""
    try:
        with Image.open(path) as picture:
            picture.load()
            return picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{Path(path).name}: can't be read as a picture ({type(error).__name__}); give another or "
                         "leave it out") from error


def collect(records: list[Record], tower: ImageTower, folder: Path, kind: str, made_by: str, compute) -> list[dict]:
    """The arrays of each record's views, from the cache where they are there; DataError where none can be made."""
    keys = {record.id: file_key(record.path) for record in records if record.path is not None}
    by_id = {record.id: record for record in records}
    return cached(folder, kind, f"{VERSION} {made_by}", keys, lambda identity: compute(by_id[identity]))


@torch.inference_mode()
def _maps(tower: ImageTower, pictures: np.ndarray) -> np.ndarray:
    return torch.cat([tower.maps(pictures[at : at + 4]) for at in range(0, len(pictures), 4)]).half().numpy()


def as_maps(array: np.ndarray) -> Tensor:
    """(…, C, h, w) float16 → float32, channels last."""
    maps = torch.from_numpy(np.ascontiguousarray(array)).float()
    return maps.contiguous(memory_format=torch.channels_last) if maps.ndim == 4 else maps
