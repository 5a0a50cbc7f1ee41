"""What is computed once for every object and kept: shards of arrays in a cache folder.

A shard holds some objects and is named by a hash of who they are and how they were made, so an interrupted run goes
on where it was, new objects cost only themselves, and nothing stale is ever read. Objects that fail are reported,
left out, and tried again the next time.
"""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..data.records import Record
from ..errors import DataError, PointLLMError

logger = logging.getLogger("pointllm")
SHARD = 64  # objects a file

Arrays = dict[str, np.ndarray]


def cached(folder: Path, kind: str, made_by: str, records: Sequence[Record],
           compute: Callable[[Record], Arrays]) -> dict[str, Arrays]:
    """id → arrays of every record that `compute` could do.

    kind: begins the files' names; made_by: whatever else the arrays depend on (settings, weights).
    Raises DataError when not a single object could be used.
    """
    from tqdm import tqdm

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Arrays] = {}
    bar = tqdm(total=len(records), desc=kind, unit="object", disable=None, dynamic_ncols=True)
    for start in range(0, len(records), SHARD):
        part = records[start : start + SHARD]
        path = folder / f"{kind}-{_identity(part, made_by)}.npz"
        shard = _read(path)
        missing = [record for record in part if record.id not in shard]
        for record in missing:
            try:
                shard[record.id] = compute(record)
            except PointLLMError as error:
                logger.warning("left out %s: %s", record.id, error)
        if any(record.id in shard for record in missing):
            _write(path, shard)
        found |= shard
        bar.update(len(part))
    bar.close()
    if records and not found:
        raise DataError(f"none of {len(records)} objects could be used for {kind}; see the reasons above")
    return found


def _identity(records: Sequence[Record], made_by: str) -> str:
    digest = hashlib.blake2b(made_by.encode(), digest_size=12)
    for record in records:
        stamp = ()
        for path in (record.path, *record.images):
            if path is not None and path.is_file():
                stat = path.stat()
                stamp += (path.name, stat.st_size, stat.st_mtime_ns)
        digest.update(repr((record.id, record.split, stamp)).encode())
    return digest.hexdigest()


def _read(path: Path) -> dict[str, Arrays]:
    shard: dict[str, Arrays] = {}
    if not path.is_file():
        return shard
    try:
        with np.load(path, allow_pickle=False) as arrays:
            ids = arrays["ids"].tolist()
            for key in arrays.files:
                if key != "ids":
                    number, name = key.split(":", 1)
                    shard.setdefault(ids[int(number)], {})[name] = arrays[key]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        logger.warning("%s can't be read (%s); made anew", path.name, type(error).__name__)
        return {}
    return shard


def _write(path: Path, shard: dict[str, Arrays]) -> None:
    flat = {f"{number}:{name}": array for number, arrays in enumerate(shard.values()) for name, array in arrays.items()}
    partial = path.with_suffix(f".{os.getpid()}.partial.npz")
    np.savez(partial, ids=np.array(list(shard)), **flat)
    os.replace(partial, path)
