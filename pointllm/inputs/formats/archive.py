"""Zip archives from strangers: what they claim to unpack to is checked before anything is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ...errors import InputError

MAX_MEMBERS = 10_000
MAX_UNPACKED = 2_000_000_000
MAX_RATIO = 200  # real geometry shrinks 2 to 20 times, bombs a thousand times
SMALL = 30_000_000  # bytes that may unpack at any ratio


def check_archive(path: Path, kind: str) -> None:
    """InputError where `path` is no zip archive or unpacks to suspiciously much."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name}: not a {kind}, or cut off; export it again") from error
    unpacked = sum(m.file_size for m in members)
    if len(members) > MAX_MEMBERS or unpacked > MAX_UNPACKED or (
            unpacked > SMALL and unpacked > MAX_RATIO * path.stat().st_size):
        raise InputError(f"{path.name}: {len(members):,} packed files would unpack to {unpacked:,} bytes; "
                         "this looks like a zip bomb and is not opened")
