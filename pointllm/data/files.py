"""Writing files so that a kill leaves either the old file or the new one, and small helpers of names.

What a data folder's files mean is `records`' and `folder`'s business.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from ..errors import DataError


def write_atomic(path: Path, data: bytes) -> None:
    """Write beside the target, flush to disk, rename. DataError where that fails; nothing half-written stays."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise DataError(f"{path}: can't be written ({error.strerror}); check the disk and its permissions") from error


def write_rows(path: Path, rows: Iterable[dict]) -> None:
    """One JSON object a line."""
    text = "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
    write_atomic(path, text.encode())


def slug(text: str, limit: int = 96) -> str:
    """Letters, digits and underscores only, in ASCII: what may stand in an id or a file name."""
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").lower()[:limit] or "x"


def plain_name(text: str) -> str:
    """A file's or folder's name as words: `Night_Stand-02` → `night stand`; empty where only digits are left."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    text = re.sub(r"[\s_.\-]+", " ", text).strip().lower()
    return re.sub(r"(?: |(?<=[a-z]))[\d ]+$", "", text).strip() if not text.isdigit() else ""
