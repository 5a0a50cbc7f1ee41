"""What weights a vector came from: a short hash of a profile's files, so that vectors of two profiles never meet.

Settings that only say how similarities are read (`temperature`, thresholds, offsets) don't count: a profile that is
calibrated anew keeps its vectors.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from ..profiles import read_config, resolve
from . import calibration

WEIGHTS = (".safetensors", ".pt", ".pth", ".bin", ".json", ".index")
# Of the language model and the generator, and reports beside weights: none changes an embedding.
OTHER_FOLDERS = ("llm", "generator", Path(calibration.FILE).parent.name)
OTHER_FILES = ("results.json",)
READING = ("temperature", calibration.SETTING)  # settings that say how similarities are read
WHOLE = 64 << 20  # bytes; of larger files pieces are hashed, so that gigabytes cost no seconds
PIECES = 64


def fingerprint(profile: str, part: str = "") -> str:
    """24 hexadecimal digits for the joint space of `profile`, or for one of its towers (`part`, a folder's name).

    Where the profile has no folder `part`, all of it counts. WeightsError when there is no such profile.
    """
    folder = resolve(profile)
    files = tuple(
        (str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(_files(folder, part))
    )
    return _hash(str(folder), files)


def _files(folder: Path, part: str) -> list[Path]:
    start = folder / part if part and (folder / part).is_dir() else folder
    return [
        path
        for path in start.rglob("*")
        if path.suffix in WEIGHTS
        and path.name not in OTHER_FILES
        and path.relative_to(folder).parts[0] not in OTHER_FOLDERS
        and path.is_file()
    ]


@lru_cache(maxsize=32)
def _hash(folder: str, files: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.blake2b(digest_size=12)
    for name, size, _ in files:
        path = Path(name)
        if path == Path(folder) / "config.json":
            config = {key: value for key, value in read_config(path.parent).items() if key not in READING}
            digest.update(json.dumps(config, sort_keys=True).encode())
        else:
            digest.update(f"{path.relative_to(folder).as_posix()} {size}\n".encode())
            _update(digest, path, size)
    return digest.hexdigest()


def _update(digest: hashlib.blake2b, path: Path, size: int) -> None:
    """The file's content; of a large one evenly spread pieces, which any training changes."""
    with path.open("rb") as stream:
        if size <= WHOLE:
            while piece := stream.read(1 << 20):
                digest.update(piece)
            return
        for index in range(PIECES):
            stream.seek(index * (size - (1 << 20)) // (PIECES - 1))
            digest.update(stream.read(1 << 20))
