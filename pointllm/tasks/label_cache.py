"""Vectors of labels kept on disk, so that a list of names is embedded once and not at every call.

One SQLite file for each text tower and set of templates, in the cache folder. Several processes may use it at once; a
damaged file is thrown away and begun anew, a vector with a wrong checksum is not used, and where the disk is full or
read-only all goes on without. The oldest vectors and files make room for new ones.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from ..weights.paths import cache_dir

logger = logging.getLogger("pointllm")

MOST_LABELS = 30_000  # a file: 46 MB at 384 dimensions
MOST_FILES = 8
WAIT_SECONDS = 5.0  # for another process to finish writing
_AT_ONCE = 500  # names a query: SQLite bounds the number of parameters


class LabelCache:
    """Label → vector (D,) float32 for one text tower and one set of templates."""

    def __init__(self, tower: str, templates: Sequence[str], folder: Path | None = None,
                 most: int = MOST_LABELS) -> None:
        """tower: its fingerprint. folder: where the files lie (None: `labels` in the cache folder)."""
        key = hashlib.blake2b("\0".join([tower, *templates]).encode(), digest_size=12).hexdigest()
        self.file = (folder or cache_dir() / "labels") / f"{key}.sqlite"
        self.most = most

    def get(self, names: Sequence[str], dim: int) -> dict[str, np.ndarray]:
        """What is known of `names`; nothing where the file can't be read."""
        found: dict[str, np.ndarray] = {}
        if not self.file.is_file():
            return found
        with self._quietly(), closing(self._open()) as database:
            for start in range(0, len(names), _AT_ONCE):
                some = names[start:start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                for name, check, data in database.execute(
                    f"SELECT name, check_sum, vector FROM labels WHERE name IN ({marks})", some
                ):
                    if len(data) == 4 * dim and zlib.crc32(data) == check:
                        found[name] = np.frombuffer(data, np.float32)
        return found

    def put(self, vectors: Mapping[str, np.ndarray]) -> None:
        """Keep vectors (D,) by name."""
        rows = []
        for name, vector in vectors.items():
            data = np.ascontiguousarray(vector, np.float32).tobytes()
            rows.append((name, zlib.crc32(data), data, time.time()))
        with self._quietly():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._make_room()
            with closing(self._open()) as database, database:
                database.executemany("INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?)", rows)
                database.execute(
                    "DELETE FROM labels WHERE rowid IN"
                    " (SELECT rowid FROM labels ORDER BY rowid DESC LIMIT -1 OFFSET ?)",
                    (self.most,),
                )

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.file, timeout=WAIT_SECONDS)
        try:
            database.execute(
                "CREATE TABLE IF NOT EXISTS labels (name TEXT UNIQUE, check_sum INTEGER, vector BLOB, written REAL)"
            )
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """A cache may fail, its user may not: the file is removed where it is damaged, else left alone."""
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:  # locked for long, read-only, disk full
            logger.debug("label cache %s not used: %s", self.file, error)
        except sqlite3.DatabaseError as error:
            logger.info("the cache of label vectors was damaged (%s) and is begun anew", error)
            for file in (self.file, self.file.with_name(self.file.name + "-journal")):
                try:
                    file.unlink(missing_ok=True)
                except OSError:
                    pass

    def _make_room(self) -> None:
        """Before a new file is begun, the ones that were written to longest ago go."""
        if self.file.exists():
            return
        others = sorted(self.file.parent.glob("*.sqlite"), key=lambda file: file.stat().st_mtime)
        for file in others[: max(0, len(others) - MOST_FILES + 1)]:
            file.unlink(missing_ok=True)
