"""What lies in a folder, and how it differs from what was indexed. Looks at names, sizes and times; reads no content.

Files of unknown kinds are passed over, as are hidden ones, links that lead nowhere, and indexes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import InputError
from ...inputs.reading import SUFFIXES
from .store import Entry, is_index


@dataclass(frozen=True)
class Found:
    """A file of a known kind: path relative to the root, with slashes; size in bytes; time of last change in ns."""

    path: str
    size: int
    modified: int


@dataclass
class Changes:
    """What has to be done: files to look at, entries whose files are gone, how many stayed as they were."""

    look_at: list[Found] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unchanged: int = 0


def files_under(root: Path) -> list[Found]:
    """Every file of a known kind under `root`, in order. InputError when `root` is no folder that can be read."""
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; name a folder of files to index")
    try:
        os.listdir(root)
    except OSError as error:
        raise InputError(f"{root}: can't be listed ({error.strerror}); check its permissions") from error
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(
            name for name in subfolders if not name.startswith(".") and not is_index(Path(folder) / name)
        )
        for name in names:
            if name.startswith(".") or Path(name).suffix.lower() not in SUFFIXES:
                continue
            path = Path(folder) / name
            try:
                status = path.stat()
            except OSError:
                continue
            relative = path.relative_to(root).as_posix()
            found.append(Found(relative, status.st_size, status.st_mtime_ns))
    return sorted(found, key=lambda file: file.path)


def changes(found: Iterable[Found], known: dict[str, Entry]) -> Changes:
    """Files that are new or whose size or time changed, and entries without a file."""
    result, seen = Changes(), set()
    for file in found:
        seen.add(file.path)
        entry = known.get(file.path)
        if entry and (entry.size, entry.modified) == (file.size, file.modified):
            result.unchanged += 1
        else:
            result.look_at.append(file)
    result.gone = [path for path in known if path not in seen]
    return result


def content_of(path: Path) -> str:
    """Hash of a file's content, 32 hexadecimal digits: tells a copied or renamed file from a new one."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
