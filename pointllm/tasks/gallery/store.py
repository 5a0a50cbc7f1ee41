"""An index on disk: one folder with `index.sqlite` (what was embedded, and the vectors) and thumbnails.

SQLite commits are atomic: a process that is killed leaves the state of its last commit. Vectors are stored as the
towers gave them, with the profile and the fingerprint of the weights that made them; an index is only ever used
with the same weights.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError

FILE = "index.sqlite"
FORMAT = "1"
WAIT_SECONDS = 30.0
_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    path TEXT PRIMARY KEY, modality TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    content TEXT NOT NULL, thumbnail TEXT NOT NULL, vector BLOB NOT NULL);
"""


@dataclass(frozen=True)
class Identity:
    """What vectors came from: a profile's name, its weights' fingerprint, D, and the witness of 3D files."""

    profile: str
    weights: str
    dim: int
    witness: str = ""


@dataclass(frozen=True)
class Entry:
    """A file of the indexed folder.

    path: relative to it, with slashes. modified: ns. content: hash. thumbnail: file in the index, or "".
    """

    path: str
    modality: str
    size: int
    modified: int
    content: str
    thumbnail: str = ""


def is_index(folder: str | Path) -> bool:
    """Whether a folder is an index rather than a folder of files."""
    return (Path(folder) / FILE).is_file()


class Store:
    """The index in a folder. Make one with `create` or `open`, and close it (or use it as a context)."""

    def __init__(self, folder: Path, database: sqlite3.Connection) -> None:
        self.folder, self._database = folder, database

    @classmethod
    def create(cls, folder: str | Path, identity: Identity, root: str | Path) -> Store:
        """An empty index for the files under `root`. InputError when it can't be written there."""
        folder, root = Path(folder), Path(root)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            database = _connect(folder / FILE, "rwc")
            with _understood(folder), database:
                database.executescript(_TABLES)
        except (OSError, sqlite3.OperationalError) as error:
            raise InputError(f"{folder}: an index can't be written there ({error}); choose another folder") from error
        store = cls(folder, database)
        store.set(format=FORMAT, profile=identity.profile, weights=identity.weights, dim=identity.dim,
                  witness=identity.witness, complete=0, generation=0)
        store.move(root)
        return store

    @classmethod
    def open(cls, folder: str | Path) -> Store:
        """An index that exists. InputError when it is none, is damaged, or was written by a later version."""
        folder = Path(folder)
        if not is_index(folder):
            raise InputError(f"{folder}: no index there; make one with: pointllm index DIR --out {folder}")
        try:
            with _understood(folder):
                database = _connect(folder / FILE, "rw")
                store = cls(folder, database)
                found = store.get("format")
        except sqlite3.OperationalError as error:
            raise InputError(f"{folder}: the index can't be opened ({error}); check its permissions") from error
        if found != FORMAT:
            store.close()
            raise InputError(f"{folder}: an index of format {found or 'unknown'}, this version reads {FORMAT}; "
                             "index the folder again")
        return store

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; what was not committed is gone."""
        self._database.close()

    # --- what the index says of itself

    def get(self, key: str) -> str:
        """A value of `meta`, "" where there is none."""
        row = self._database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else ""

    def set(self, **values: object) -> None:
        """Set values of `meta`, together."""
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)",
                                       [(key, str(value)) for key, value in values.items()])

    @property
    def identity(self) -> Identity:
        """What the vectors came from."""
        return Identity(self.get("profile"), self.get("weights"), int(self.get("dim") or 0), self.get("witness"))

    def require(self, identity: Identity, *, witness: bool = True) -> None:
        """InputError unless the vectors came from these weights (and, with `witness`, this way of seeing shapes)."""
        own = self.identity
        if (own.weights, own.dim) != (identity.weights, identity.dim):
            same = own.profile == identity.profile
            raise InputError(
                f"{self.folder}: an index of " + (f"other weights of profile {own.profile!r}" if same else
                f"profile {own.profile!r}, asked for {identity.profile!r}")
                + ("; index the folder again with --rebuild" if same else "; name its --profile, or index again"))
        if witness and own.witness != identity.witness:
            raise InputError(f"{self.folder}: an index with --witness {own.witness or 'of the profile'}, asked for "
                             f"{identity.witness or 'that of the profile'}; name the same, or add --rebuild")

    def move(self, root: Path) -> None:
        """Remember where the indexed folder lies, absolutely and seen from the index."""
        root = root.absolute()
        try:
            relative = os.path.relpath(root, self.folder.absolute())
        except ValueError:  # another drive
            relative = ""
        self.set(root=root, relative_root=relative)

    def root(self) -> Path:
        """Where the files are: seen from the index if they are there (it was moved with them), else as indexed."""
        beside = self.folder.absolute() / self.get("relative_root")
        if self.get("relative_root") and beside.is_dir():
            return Path(os.path.normpath(beside))
        return Path(self.get("root"))

    # --- entries

    def entries(self) -> dict[str, Entry]:
        """All entries by path, without vectors."""
        rows = self._database.execute("SELECT path, modality, size, modified, content, thumbnail FROM entries")
        return {row[0]: Entry(*row) for row in rows}

    def vectors(self) -> Iterator[tuple[Entry, bytes]]:
        """All entries with the bytes of their vectors, by path."""
        query = "SELECT path, modality, size, modified, content, thumbnail, vector FROM entries ORDER BY path"
        for *row, vector in self._database.execute(query):
            yield Entry(*row), vector

    def counts(self) -> dict[str, int]:
        """Number of entries by modality."""
        return dict(self._database.execute("SELECT modality, count(*) FROM entries GROUP BY modality"))

    def vector(self, path: str) -> np.ndarray:
        """(D,) float32 of one entry."""
        (data,) = self._database.execute("SELECT vector FROM entries WHERE path = ?", (path,)).fetchone()
        return np.frombuffer(data, np.float32)

    def commit(self, new: Iterable[tuple[Entry, np.ndarray]] = (), gone: Iterable[str] = (),
               touched: Mapping[str, int] | None = None) -> None:
        """Add or replace entries, drop paths, and set new times of files with unchanged content: all or nothing."""
        rows = [(e.path, e.modality, e.size, e.modified, e.content, e.thumbnail,
                 np.ascontiguousarray(vector, np.float32).tobytes()) for e, vector in new]
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self._database.executemany("DELETE FROM entries WHERE path = ?", [(path,) for path in gone])
            self._database.executemany("UPDATE entries SET modified = ? WHERE path = ?",
                                       [(when, path) for path, when in (touched or {}).items()])
            self._database.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")

    def __len__(self) -> int:
        return self._database.execute("SELECT count(*) FROM entries").fetchone()[0]


def _connect(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=WAIT_SECONDS,
                           check_same_thread=False)


@contextmanager
def _understood(folder: Path) -> Iterator[None]:
    """Damage in one line. `OperationalError` (locked, read-only) is the caller's."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            raise InputError(f"{folder}: {FILE} is no index of this program; choose another folder") from error
        raise
    except sqlite3.DatabaseError as error:
        raise InputError(f"{folder}: {FILE} is damaged ({error}); delete the folder and index again") from error
