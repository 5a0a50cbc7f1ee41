"""Choosing anew what is held out of a data folder, in place or as a second folder that refers to the first one's files.

How objects are chosen is `splits`' business.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..errors import DataError
from . import splits
from .files import write_rows
from .folder import DataFolder
from .records import AUDIO, LABELS, OBJECTS, data_folder


def resplit(folder: str | Path, *, hold_out: Sequence[str] | None = None, val_share: float | None = None,
            seed: int = 0, everything: bool = False, out: str | Path | None = None) -> dict:
    """Give every object a split, by whole sources or by share of each label.

    out: where the new folder goes; `objects.jsonl` of this one is replaced without it (atomically)

    Returns counts: "folder", "train", "val", "labels_val", "labels_untaught" (in val, not in train).

    Raises:
        DataError: neither or both ways given; a source that isn't there; `out` is a data folder already.
    """
    if (hold_out is None) == (val_share is None):
        raise DataError("give either sources to hold out or a share")
    source = DataFolder(data_folder(folder))
    rows = list(source.objects.values())
    chosen = (splits.by_source(rows, hold_out, everything) if hold_out is not None
              else splits.by_share(rows, val_share, seed))
    rows = [{**row, "split": chosen[row["id"]]} for row in rows]
    target = Path(out) if out is not None else source.path
    if target.resolve() != source.path.resolve():
        if (target / OBJECTS).exists():
            raise DataError(f"{target}: holds {OBJECTS} already; choose another --out")
        rows = [_absolute(row, source.path) for row in rows]
        _copy_rest(source, target)
    write_rows(target / OBJECTS, rows)
    counts = Counter(row["split"] for row in rows)
    return {"folder": str(target), "train": counts["train"], "val": counts["val"],
            "labels_val": len({row["label"] for row in rows if row["split"] == "val"}),
            "labels_untaught": len(splits.untaught(rows))}


def _absolute(row: dict, folder: Path) -> dict:
    row = dict(row)
    if row.get("path"):
        row["path"] = str((folder / row["path"]).absolute())
    if row.get("images"):
        row["images"] = [str((folder / image).absolute()) for image in row["images"]]
    return row


def _copy_rest(source: DataFolder, target: Path) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
        if (source.path / LABELS).is_file():
            shutil.copy(source.path / LABELS, target / LABELS)
    except OSError as error:
        raise DataError(f"{target}: can't be written ({error.strerror}); choose another --out") from error
    if source.sounds:
        write_rows(target / AUDIO, [_absolute(row, source.path) for row in source.sounds.values()])
