"""The check that every reader makes first: is this an ordinary, readable file with something in it?"""

from __future__ import annotations

import stat
from pathlib import Path

from ..errors import InputError

MAX_FILE_BYTES = 4_000_000_000


def check_file(path: Path) -> None:
    """InputError where `path` is not a readable file with something in it, or too large."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path}: no such file; check the path") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be opened ({error}); check the path and its permissions") from error
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{path}: is a folder; name the files in it")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path}: is not an ordinary file; copy it to one")
    if status.st_size == 0:
        raise InputError(f"{path.name}: the file is empty; export or upload it again")
    if status.st_size > MAX_FILE_BYTES:
        raise InputError(f"{path.name}: {status.st_size / 1e9:.1f} GB, more than the {MAX_FILE_BYTES / 1e9:.0f} GB "
                         "accepted; reduce it first")
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); check its permissions") from error
