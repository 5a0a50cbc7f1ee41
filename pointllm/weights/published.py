"""The published files of the official profiles: brought where a program may, explained where only a person may.

They lie in the cache under `downloads/NAME/`, with a record like that of the language model. Licences that forbid
commercial use are asked about first. `convert` turns the files into a profile; after that they may be deleted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict
from pathlib import Path

from ..errors import WeightsError
from . import manifest
from .download import download
from .language_model import RECORD, read_record
from .paths import cache_dir

Ask = Callable[[str], bool]


def folder_of(row: manifest.Row) -> Path:
    """Where the downloaded files of a row are, or would be."""
    return cache_dir() / "downloads" / row.name


def consent(rows: Iterable[manifest.Row], accepted: Collection[str], ask: Ask | None = None) -> None:
    """Raises `WeightsError` unless every non-commercial licence among the rows still to be fetched is accepted.

    accepted: names of licences, in any case. ask: puts a question to a person; None where nobody is there.
    """
    agreed = {name.casefold() for name in accepted}
    for row in rows:
        if not row.non_commercial or row.licence.casefold() in agreed or is_here(row):
            continue
        note = f" ({row.note})" if row.note else ""
        terms = f"{row.name} is under the licence {row.licence}{note}, which forbids commercial use; see {row.card}"
        if not ask or not ask(f"{terms}. Do you accept it?"):
            raise WeightsError(f"{terms}: accept it with --accept-licence {row.licence}")
        agreed.add(row.licence.casefold())


def fetch(row: manifest.Row) -> Path:
    """The folder with the files of `row`, downloaded first where they are missing.

    Raises `WeightsError` with the steps in words where a program can't get them.
    """
    source, folder = row.sources[0], folder_of(row)
    if is_here(row):
        return folder
    if source.kind == "request":
        raise WeightsError(f"{row.name}: {source.steps}: {source.url} → pointllm weights convert PATH {_option(row)}")
    files = []
    for file in source.files:
        path = download(source.url, folder / file.name, file)
        files.append(manifest.File(file.name, path.stat().st_size, file.sha256 or manifest.sha256_of(path)))
    record = {"source": source.url, "files": [asdict(file) for file in files]}
    unfinished = folder / f".{RECORD}.writing"
    unfinished.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(folder / RECORD)
    return folder


def is_here(row: manifest.Row) -> bool:
    """Whether the record of a finished download is there, with files of the recorded sizes."""
    folder = folder_of(row)
    try:
        files = read_record(folder).files
    except WeightsError:
        return False
    return all((folder / f.name).is_file() and (folder / f.name).stat().st_size == f.size for f in files)


def verify(row: manifest.Row) -> None:
    """Reads every downloaded file and raises `WeightsError` for the first that is missing or damaged."""
    folder = folder_of(row)
    if not (folder / RECORD).is_file():
        raise WeightsError(f"{row.name}: not fetched; run `pointllm weights fetch {row.name}`")
    for file in read_record(folder).files:
        if not (folder / file.name).is_file():
            raise WeightsError(f"{folder / file.name}: missing; run `pointllm weights fetch {row.name}`")
        manifest.check(folder / file.name, file)


def downloads(name: str) -> list[Path] | None:
    """The folders of what was fetched of a row or, for a profile's name, of its rows; None for another name.

    Raises `WeightsError` where nothing was fetched.
    """
    rows = [row for row in manifest.read_manifest().values() if row.published and name in (row.name, *row.profiles)]
    if not rows:
        return None
    folders = [folder_of(row) for row in rows if is_here(row)]
    if not folders:
        raise WeightsError(f"{name}: nothing of it was fetched; run `pointllm weights fetch {name}`, or name files")
    return folders


def next_step(row: manifest.Row) -> str:
    """The command that makes a profile of what was fetched."""
    return f"pointllm weights convert {row.name} {_option(row)}"


def _option(row: manifest.Row) -> str:
    """The profiles that a row is for; those outside any (the variants) belong to the one with Point-BERT."""
    return "--profile " + "|".join(row.profiles or ("official-pointbert",))
