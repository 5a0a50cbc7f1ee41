"""Files that programs send outside of gradio's uploads: kept a day, in a folder that no address of the server shows.

An upload gets a random id, which whoever knows it may use; the id is all there is to protect it, so there is no list.
What comes inside a request (a data URL) is kept by its content, so that a conversation that sends a file with every
turn has it read and embedded once.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from ..settings import MAX_FILE_MEGABYTES

KEEP_SECONDS = 24 * 3600
MAX_FILE_BYTES = MAX_FILE_MEGABYTES * 10**6
MAX_ALL_BYTES = 4 * 10**9  # beyond, the files that were used longest ago go
ID = re.compile(r"file-[0-9a-f]{32}")
NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
RECORD = "about.json"


@dataclass(frozen=True)
class Stored:
    """An upload: its id, its own name, bytes, and when it came (seconds since 1970)."""

    id: str
    name: str
    size: int
    created: int
    purpose: str = "user_data"

    @property
    def expires(self) -> int:
        """When it will be gone, at the latest."""
        return self.created + KEEP_SECONDS


class Full(Exception):
    """A file is larger than the store takes."""


class Store:
    """The files, in a folder of this process that goes when it ends."""

    def __init__(self, folder: Path, max_file: int = MAX_FILE_BYTES, max_all: int = MAX_ALL_BYTES,
                 clock: Callable[[], float] = time.time) -> None:
        self.folder, self.max_file, self.max_all, self.clock = folder, max_file, max_all, clock
        self._lock = threading.Lock()

    def begin(self, name: str, purpose: str = "user_data") -> Incoming:
        """A new upload, to be written piece by piece and finished."""
        return Incoming(self, f"file-{secrets.token_hex(16)}", safe_name(name), purpose)

    def add(self, path: str) -> Stored:
        """Take over a copy of a file of our own, as if it had been uploaded."""
        incoming = self.begin(Path(path).name, "result")
        incoming.write(Path(path).read_bytes())
        return incoming.finish()

    def keep(self, content: bytes, name: str) -> str:
        """The path of a file with this content and name; the same one for the same content. `Full` when too large."""
        if len(content) > self.max_file:
            raise Full
        name = safe_name(name)
        folder = self.folder / f"content-{hashlib.sha256(content).hexdigest()}"
        path = folder / name
        if not path.is_file():
            self._make_room(len(content))
            folder.mkdir(parents=True, exist_ok=True)
            partial = folder / f".{secrets.token_hex(4)}.part"
            partial.write_bytes(content)
            partial.replace(path)
        os.utime(folder)
        return str(path)

    def about(self, id: str) -> Stored | None:
        """An upload by its id, or None: never given out, deleted, or older than a day."""
        self.sweep()
        if not ID.fullmatch(id):
            return None
        try:
            return Stored(**json.loads((self.folder / id / RECORD).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return None

    def path(self, id: str) -> str | None:
        """Where an upload lies, or None; it was used just now."""
        found = self.about(id)
        if found is None:
            return None
        os.utime(self.folder / id)
        return str(self.folder / id / "content" / found.name)

    def delete(self, id: str) -> bool:
        """Forget an upload; whether there was one."""
        if self.about(id) is None:
            return False
        shutil.rmtree(self.folder / id, ignore_errors=True)
        return True

    def sweep(self) -> None:
        """Delete what is older than a day."""
        limit = self.clock() - KEEP_SECONDS
        for entry in self._entries():
            if entry.stat().st_mtime < limit:
                shutil.rmtree(entry, ignore_errors=True)

    def _entries(self) -> list[Path]:
        return [entry for entry in self.folder.iterdir() if entry.is_dir()] if self.folder.is_dir() else []

    def _make_room(self, size: int) -> None:
        """Let the files that were used longest ago go until `size` bytes fit."""
        self.sweep()
        with self._lock:
            sizes = {entry: _size(entry) for entry in self._entries() if not entry.name.startswith(".")}
            total = sum(sizes.values()) + size
            for entry in sorted(sizes, key=lambda entry: entry.stat().st_mtime):
                if total <= self.max_all:
                    break
                shutil.rmtree(entry, ignore_errors=True)
                total -= sizes[entry]


class Incoming:
    """An upload on its way. Without `finish` nothing of it stays."""

    def __init__(self, store: Store, id: str, name: str, purpose: str) -> None:
        self._store, self._id, self._name, self._purpose = store, id, name, purpose
        self._size = 0
        self._folder = store.folder / f".{id}.part"
        (self._folder / "content").mkdir(parents=True)
        self._file = (self._folder / "content" / name).open("wb")

    def write(self, piece: bytes) -> None:
        """Some more bytes. `Full` where they are too many."""
        self._size += len(piece)
        if self._size > self._store.max_file:
            self.discard()
            raise Full
        self._file.write(piece)

    def finish(self) -> Stored:
        """All has come."""
        self._file.close()
        self._store._make_room(self._size)
        stored = Stored(self._id, self._name, self._size, int(self._store.clock()), self._purpose)
        (self._folder / RECORD).write_text(json.dumps(asdict(stored)), encoding="utf-8")
        self._folder.rename(self._store.folder / self._id)
        return stored

    def discard(self) -> None:
        """It was broken off."""
        self._file.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def safe_name(name: str) -> str:
    """A file's own name without folders, control characters and what file systems refuse; at most 120 characters."""
    name = NOT_IN_NAMES.sub("_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip().rstrip(". ")
    stem, dot, suffix = name.rpartition(".")
    if dot and len(suffix) <= 12:
        return f"{stem.lstrip('. ')[:100] or 'file'}.{suffix}"
    return name[:100] or "file"


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file.name != RECORD)


@cache
def store() -> Store:
    """The one of this process, or of all copies behind one port (`pointllm serve --replicas`)."""
    return Store(Path(os.environ.get("POINTLLM_SENT") or _folder().name))


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="pointllm-sent-")
