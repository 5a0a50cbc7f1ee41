"""What evaluations keep, so that a second run takes seconds: vectors in .npz files, answers in a .jsonl file.

Both only grow, a piece at a time, and whole pieces only: a run that is stopped goes on where it was. A piece that is
damaged is passed over, and what it held is made anew. Keys say which weights and which input a value came from.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError

logger = logging.getLogger("pointllm")

PIECE = 64  # vectors a file


def key_of(*parts: object) -> str:
    """A short key for what the parts say together."""
    return hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=16).hexdigest()


def file_key(path: Path) -> str:
    """Which file, in which state: its path, size and time of change. A file that isn't there has a key too."""
    try:
        status = os.stat(path)
    except OSError:
        return key_of(path)
    return key_of(os.path.realpath(path), status.st_size, status.st_mtime_ns)


class VectorStore:
    """key → array of one shape, float32, in numbered .npz files of a folder."""

    def __init__(self, folder: Path, shape: Sequence[int]) -> None:
        """folder: made when the first vectors are kept. shape: of each array, such as (witnesses, D)."""
        self.folder, self.shape = Path(folder), tuple(shape)
        self._held: dict[str, np.ndarray] = {}
        self._fresh: dict[str, np.ndarray] = {}
        for file in sorted(self.folder.glob("*.npz")):
            self._read(file)

    def __contains__(self, key: str) -> bool:
        return key in self._held

    def __getitem__(self, key: str) -> np.ndarray:
        return self._held[key]

    def put(self, key: str, vector: np.ndarray) -> None:
        """Keep one; it is written with the next piece, or by `flush`."""
        self._held[key] = self._fresh[key] = np.asarray(vector, np.float32).reshape(self.shape)
        if len(self._fresh) >= PIECE:
            self.flush()

    def flush(self) -> None:
        """Write what isn't yet written."""
        if not self._fresh:
            return
        make_folder(self.folder)
        keys, vectors = list(self._fresh), np.stack(list(self._fresh.values()))
        target = self.folder / f"{key_of(*keys)[:12]}.npz"
        partial = target.with_suffix(f".{os.getpid()}.part")
        try:
            with partial.open("wb") as stream:
                np.savez(stream, keys=np.array(keys), vectors=vectors)
            partial.replace(target)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise InputError(f"{target}: can't be written ({error.strerror}); make room, or choose another "
                             "--out") from error
        self._fresh = {}

    def _read(self, file: Path) -> None:
        try:
            with np.load(file, allow_pickle=False) as arrays:
                keys, vectors = arrays["keys"].tolist(), arrays["vectors"]
            if vectors.shape != (len(keys), *self.shape):
                raise ValueError(f"holds {vectors.shape}, expected {(len(keys), *self.shape)}")
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            logger.warning("%s: damaged (%s); its vectors are computed anew", file, error)
            return
        self._held.update(zip(keys, vectors, strict=True))


class AnswerStore:
    """key → answer, one JSON object a line; each answer is on the disk before the next question is asked."""

    def __init__(self, file: Path) -> None:
        self.file = Path(file)
        self._held: dict[str, str] = {}
        if self.file.is_file():
            for line in self.file.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    row = json.loads(line)
                    self._held[row["key"]] = str(row["answer"])
                except (ValueError, KeyError, TypeError):
                    continue  # the last line of a run that was killed while it wrote

    def __contains__(self, key: str) -> bool:
        return key in self._held

    def __getitem__(self, key: str) -> str:
        return self._held[key]

    def put(self, key: str, answer: str, about: Mapping[str, object]) -> None:
        """Keep an answer; `about` is written beside it for readers."""
        self._held[key] = answer
        make_folder(self.file.parent)
        with self.file.open("a+b") as stream:
            # A line that a kill cut short is ended first, or this answer would be lost with it.
            if stream.tell() and (stream.seek(-1, os.SEEK_END), stream.read(1))[1] != b"\n":
                stream.write(b"\n")
            stream.write(json.dumps({"key": key, "answer": answer, **about}, ensure_ascii=False).encode() + b"\n")


def make_folder(folder: Path) -> Path:
    """The folder, made where it isn't there; InputError where it can't be."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: can't be made ({error.strerror}); choose another --out") from error
    return Path(folder)
