"""What is computed once and kept: arrays by key, in shards of a cache folder.

A key says what an entry was made from, `made_by` how; both are hashed into what is looked up, so nothing stale is ever
read and new objects cost only themselves. An interrupted run goes on where it was. What fails is reported, left out,
and tried again the next time.
"""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from ..errors import DataError, PointLLMError

logger = logging.getLogger("pointllm")
SHARD = 64  # entries a file, as long as none is interrupted

Arrays = dict[str, np.ndarray]


def cached(folder: Path, kind: str, made_by: str, keys: Mapping[str, str],
           compute: Callable[[str], Arrays]) -> dict[str, Arrays]:
    """id → arrays of every id whose entry is there or that `compute(id)` could make.

    kind: begins the files' names; made_by: what else the arrays depend on (settings, weights); keys: id → key.
    Raises DataError when not a single one could be made.
    """
    from tqdm import tqdm

    start = f"{kind}-{hashlib.blake2b(made_by.encode(), digest_size=8).hexdigest()}"
    held: dict[str, Arrays] = {}
    wanted = set(keys.values())
    for path in sorted(Path(folder).glob(f"{start}-*.npz")):
        held |= _read(path, wanted)
    missing = [identity for identity, key in keys.items() if key not in held]
    fresh: dict[str, Arrays] = {}
    for identity in tqdm(missing, desc=kind, unit="object", disable=None if missing else True, dynamic_ncols=True):
        try:
            fresh[keys[identity]] = compute(identity)
        except PointLLMError as error:
            logger.warning("left out %s: %s", identity, error)
        if len(fresh) == SHARD:
            _write(Path(folder), start, fresh)
            held |= fresh
            fresh = {}
    if fresh:
        _write(Path(folder), start, fresh)
        held |= fresh
    found = {identity: held[key] for identity, key in keys.items() if key in held}
    if keys and not found:
        raise DataError(f"none of {len(keys)} could be used for {kind}; see the reasons above")
    return found


def file_key(path: Path) -> str:
    """A key for a file that is used as it is: its whereabouts, size and time."""
    try:
        stat = os.stat(path)
    except OSError:
        return str(path)
    return f"{path} {stat.st_size} {stat.st_mtime_ns}"


def _read(path: Path, wanted: set[str]) -> dict[str, Arrays]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            keys = arrays["keys"].tolist()
            entries: dict[str, Arrays] = {}
            for member in arrays.files:
                number, colon, name = member.partition(":")
                if colon and keys[int(number)] in wanted:
                    entries.setdefault(keys[int(number)], {})[name] = arrays[member]
            return entries
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as error:
        logger.warning("%s can't be read (%s); what it held is made anew", path.name, type(error).__name__)
        return {}


def _write(folder: Path, start: str, entries: dict[str, Arrays]) -> None:
    """A new shard, whole or not there."""
    folder.mkdir(parents=True, exist_ok=True)
    flat = {f"{number}:{name}": array for number, arrays in enumerate(entries.values())
            for name, array in arrays.items()}
    named = hashlib.blake2b("\n".join(entries).encode(), digest_size=8).hexdigest()
    partial = folder / f".{start}-{named}.{os.getpid()}.part"
    with partial.open("wb") as stream:
        np.savez(stream, keys=np.array(list(entries)), **flat)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(partial, folder / f"{start}-{named}.npz")
