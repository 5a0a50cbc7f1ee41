"""Building an index and keeping it up to date: only new and changed files are embedded.

What is done is committed every few files, so that a run that is stopped or killed loses little, and the next one goes
on. A file with known content under another name or date keeps its vector.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError, PointLLMError, WeightsError
from .scan import Found, changes, content_of, files_under
from .store import FILE, Entry, Identity, Store, is_index
from .thumbnails import clear_unused

if TYPE_CHECKING:
    from ...bind import PointBind

logger = logging.getLogger("pointllm")

COMMIT_FILES = 16
COMMIT_SECONDS = 5.0
LOCK = ".lock"
# What these look like also depends on files beside them (materials, buffers): equal content isn't enough.
WITH_COMPANIONS = (".obj", ".gltf", ".dae")


@dataclass
class Report:
    """What a run did. errors: (path relative to the folder, one line) of files that can't be read."""

    added: int = 0
    changed: int = 0
    renamed: int = 0
    removed: int = 0
    unchanged: int = 0
    errors: list[tuple[str, str]] = field(default_factory=list)
    entries: int = 0
    seconds: float = 0.0


def build_index(
    bind: Callable[[], PointBind],
    identity: Identity,
    root: str | Path,
    out: str | Path,
    *,
    thumbnails: bool = True,
    rebuild: bool = False,
    failed: Callable[[str, str], None] = lambda path, line: None,
) -> Report:
    """Make the index `out` say what lies in the folder `root`; returns what was done.

    bind: gives the joint space, called when the first file has to be embedded. identity: what its vectors are.
    rebuild: begin anew. failed: called with path and reason for each file that can't be read; the others go on.
    Raises InputError where the folder or the index can't be used, or another process is writing it.
    """
    from filelock import FileLock, Timeout

    start, root, out = time.monotonic(), Path(root).absolute(), Path(out)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; name a folder of files to index")
    _check_target(out)
    try:
        with FileLock(out / LOCK, timeout=0), _opened(out, identity, root, rebuild) as store:
            work = _Build(store, bind, identity, root, thumbnails, failed)
            report = work.run()
    except Timeout as error:
        raise InputError(f"{out}: another process is writing this index; wait until it has finished") from error
    except (OSError, sqlite3.OperationalError) as error:  # read-only, or the disk is full
        raise InputError(f"{out}: the index can't be written ({error}); check the disk and its permissions") from error
    report.seconds = time.monotonic() - start
    return report


def _check_target(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; --out names a folder for the index")
    if out.is_dir() and not is_index(out) and any(child.name != LOCK for child in out.iterdir()):
        raise InputError(f"{out}: holds other files and no index; choose a new or empty folder for --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: an index can't be written there ({error.strerror}); choose another --out") from error


def _opened(out: Path, identity: Identity, root: Path, rebuild: bool) -> Store:
    """The index at `out`, new or old, for the files under `root`."""
    if rebuild:
        for file in out.glob(f"{FILE}*"):
            file.unlink()
    if not is_index(out):
        return Store.create(out, identity, root)
    store = Store.open(out)
    try:
        store.require(identity)
        before = store.root()
        if before != root and before.is_dir() and before.resolve() != root.resolve() and len(store):
            raise InputError(f"{out}: holds an index of {before}; choose another --out, or add --rebuild to replace it")
        store.move(root)
    except BaseException:
        store.close()
        raise
    return store


class _Build:
    """One run over a folder."""

    def __init__(self, store: Store, bind: Callable[[], PointBind], identity: Identity, root: Path, thumbnails: bool,
                 failed: Callable[[str, str], None]) -> None:
        self.store, self.bind, self.identity, self.root = store, bind, identity, root
        self.thumbnails, self.failed = thumbnails, failed
        self.report = Report()
        self.pending: list[tuple[Entry, np.ndarray]] = []
        self.touched: dict[str, int] = {}
        self.renamed_from: set[str] = set()
        self.last_commit = time.monotonic()

    def run(self) -> Report:
        known = self.store.entries()
        work = changes(files_under(self.root), known)
        self.report.unchanged = work.unchanged
        by_content = {entry.content: entry for entry in known.values()}
        gone = set(work.gone)
        self.store.set(complete=0)
        try:
            for number, file in enumerate(work.look_at, start=1):
                try:
                    self._do(file, known.get(file.path), by_content, gone)
                except WeightsError:
                    raise
                except (Exception, MemoryError) as error:
                    self._fail(file, error)
                    if file.path in known:
                        gone.add(file.path)  # what is stored is no longer what lies there
                if len(self.pending) + len(self.touched) >= COMMIT_FILES or self._due():
                    self._commit()
                if number % 50 == 0:
                    logger.info("%d of %d files", number, len(work.look_at))
        finally:
            self._commit()
        self.store.commit(gone=sorted(gone))
        self.report.removed += len(work.gone) - self.report.renamed
        used = {entry.thumbnail for entry in self.store.entries().values()}
        clear_unused(self.store.folder, used)
        self.report.entries = len(self.store)
        self.store.set(complete=1)
        return self.report

    def _do(self, file: Found, before: Entry | None, by_content: dict[str, Entry], gone: set[str]) -> None:
        if any("\ud800" <= letter <= "\udfff" for letter in file.path):
            raise InputError(f"{file.path!r}: the name is not valid Unicode; rename the file")
        path = self.root / file.path
        alone = path.suffix.lower() not in WITH_COMPANIONS
        content = content_of(path)
        if before and before.content == content and alone:
            self.touched[file.path] = file.modified
            self.report.unchanged += 1
            return
        twin = by_content.get(content) if alone else None
        if twin and Path(twin.path).suffix.lower() == path.suffix.lower():
            vector = self.store.vector(twin.path)
            entry = Entry(file.path, twin.modality, file.size, file.modified, content, twin.thumbnail)
            if twin.path in gone and twin.path not in self.renamed_from:
                self.renamed_from.add(twin.path)
                self.report.renamed += 1
            else:
                self.report.added += 1
        else:
            entry, vector = self._embedded(file, path, content)
            if before:
                self.report.changed += 1
            else:
                self.report.added += 1
        self.pending.append((entry, vector))

    def _embedded(self, file: Found, path: Path, content: str) -> tuple[Entry, np.ndarray]:
        from ...inputs import read_input
        from .thumbnails import write_thumbnail

        item = read_input(path)
        vector = self.bind().embed_input(item, witness=self.identity.witness or None)
        picture = write_thumbnail(item, self.store.folder, content) if self.thumbnails else ""
        return Entry(file.path, item.modality, file.size, file.modified, content, picture), vector

    def _fail(self, file: Found, error: BaseException) -> None:
        line = str(error) if isinstance(error, PointLLMError) else f"unexpected {type(error).__name__}: {error}"
        if isinstance(error, OSError):
            line = f"{file.path}: can't be read ({error.strerror})"
        line = " ".join(line.split())
        self.report.errors.append((file.path, line))
        self.failed(str(self.root / file.path), line)

    def _due(self) -> bool:
        return bool(self.pending) and time.monotonic() - self.last_commit > COMMIT_SECONDS

    def _commit(self) -> None:
        if self.pending or self.touched:
            self.store.commit(self.pending, touched=self.touched)
        self.pending, self.touched = [], {}
        self.last_commit = time.monotonic()
