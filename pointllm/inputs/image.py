"""Pictures: any common image file to an upright RGB image.

Scaling, cropping and normalising for a tower are the tower's; textures of shapes are `formats.geometry`'s.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np

from ..errors import InputError
from .files import check_file

logger = logging.getLogger("pointllm")
# what Pillow finds odd in a file is of no use to users, and large pictures are refused by MAX_PIXELS
warnings.filterwarnings("ignore", module=r"PIL\..*")

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")  # no format that runs other programs, such as EPS
MAX_PIXELS = 100_000_000
MAX_SIDE = 2048  # pixels kept along the longer side: far more than any tower looks at


def read_image(path: str | Path):
    """The image as `PIL.Image` in RGB, turned upright as its EXIF data say, transparency over white.

    Of an animation the first frame; a larger picture is scaled to MAX_SIDE along its longer side. InputError else.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    path = Path(path)
    check_file(path)
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(f"{path.name}: {image.width} × {image.height} pixels, more than the "
                                 f"{MAX_PIXELS // 1_000_000} million accepted; scale it down first")
            image.draft("RGB", (MAX_SIDE, MAX_SIDE))  # JPEG only: decodes at reduced size
            image.load()
            image = ImageOps.exif_transpose(image)
            image.thumbnail((MAX_SIDE, MAX_SIDE))
            return _rgb(image)
    except UnidentifiedImageError as error:
        raise InputError(f"{path.name}: not an image that can be read; save it as PNG or JPEG") from error
    except InputError:
        raise
    except Exception as error:  # Pillow raises many kinds on broken files
        logger.debug("reading %s failed", path, exc_info=True)
        raise InputError(f"{path.name}: the image is damaged or cut off ({str(error)[:80]}); save it again") from error


def _rgb(image):
    """RGB of any mode: 16-bit greys scaled to 8, transparency laid over white."""
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, np.float64)
        top = 65535.0 if values.max() > 255 else 255.0 if values.max() > 1 else 1.0
        image = Image.fromarray((np.clip(values / top, 0, 1) * 255).astype(np.uint8))
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")
