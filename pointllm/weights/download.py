"""Brings one file over HTTP: atomic, resumed after an interruption, checked by size and sha256.

The bytes go to `NAME.part` beside the target and are renamed only once they are right, so a file under its final
name is always whole. Where size or sha256 are not known beforehand, what the server says of the file is held to:
its length, the version that a continued download must still be, and the sha256 that a model hub gives. Which file
and from where is the caller's business.
"""

from __future__ import annotations

import json
import logging
import re
import time
from pathlib import Path

from ..errors import WeightsError
from . import manifest

logger = logging.getLogger("pointllm")

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
REPORT_SECONDS = 5.0
LINKED_DIGEST = "x-linked-etag"  # the Hugging Face hub names the sha256 of large files so


def download(url: str, target: Path, expected: manifest.File) -> Path:
    """Fetches `url` to `target` unless it is there already, and returns `target`.

    A `.part` file of an earlier try is continued where the server allows it (HTTP 206) and begun again where not.
    Raises `WeightsError` when the server can't be reached within 5 s, answers with an error, stops sending, or
    sends something of another size or sha256 (which is deleted, so that the next try starts afresh).
    """
    if target.exists():
        manifest.check(target, expected)
        return target
    part, notes = target.with_name(target.name + ".part"), target.with_name(target.name + ".part.json")
    try:
        if expected.size is not None and part.exists() and part.stat().st_size > expected.size:
            part.unlink()
        if not (expected.size is not None and part.exists() and part.stat().st_size == expected.size):
            _transfer(url, part, notes, expected)
        digest = expected.sha256 or _read_notes(notes).get("sha256")
        try:
            manifest.check(part, manifest.File(expected.name, expected.size, digest))
        except WeightsError as error:
            part.unlink()
            notes.unlink(missing_ok=True)
            raise WeightsError(f"{url}: what was received is not the expected file ({error})") from error
        part.replace(target)
        notes.unlink(missing_ok=True)
    except OSError as error:
        raise WeightsError(f"{url}: {error}") from error
    return target


def _transfer(url: str, part: Path, notes: Path, expected: manifest.File) -> None:
    """Appends what is missing to `part`; `notes` remembers what the server says of the file."""
    import httpx  # a fifth of a second that commands without a download need not wait

    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if not expected.sha256 and (version := _read_notes(notes).get("version")):
            headers["If-Range"] = version  # another version is sent from its start
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    try:
        with httpx.stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
            if response.status_code == 416 and have and _total(response, have) == have:
                return  # everything had arrived
            if response.status_code == 416:
                part.unlink()
                raise WeightsError(f"{url}: the file has changed since the download began; run the command again")
            if response.status_code not in (200, 206):
                raise WeightsError(f"{url}: the server answered {response.status_code}")
            if response.status_code == 200:
                have = 0  # the server ignored the range and sends the file from its start
            total = expected.size or _total(response, have)
            part.parent.mkdir(parents=True, exist_ok=True)
            if not expected.sha256:
                _write_notes(notes, response)
            reported = time.monotonic()
            with part.open("ab" if have else "wb") as stream:
                for piece in response.iter_bytes(1 << 18):
                    stream.write(piece)
                    have += len(piece)
                    if total and have > total:
                        raise WeightsError(f"{url}: longer than the expected {total} bytes")
                    if time.monotonic() - reported > REPORT_SECONDS:
                        reported = time.monotonic()
                        of = f" of {total >> 20}" if total else ""
                        logger.info("%s: %d%s MB", expected.name, have >> 20, of)
            if expected.size is None and total and have < total:
                raise WeightsError(f"{url}: ended after {have} of {total} bytes; run the command again, it goes on")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise WeightsError(f"{url}: {error or type(error).__name__}") from error


def _total(response, have: int) -> int | None:
    """The length of the whole file, if the server tells."""
    if found := re.search(r"/(\d+)\s*$", response.headers.get("content-range", "")):
        return int(found[1])
    length = response.headers.get("content-length", "")
    return int(length) + have if length.isascii() and length.isdigit() else None


def _write_notes(notes: Path, response) -> None:
    """Version and sha256 of the file, where the server or one that redirected to it tells them."""
    version = response.headers.get("etag", "")
    said = {"version": version} if version and not version.startswith("W/") else {}
    for answer in (*response.history, response):
        digest = answer.headers.get(LINKED_DIGEST, "").strip('"')
        if re.fullmatch("[0-9a-f]{64}", digest):
            said["sha256"] = digest
    notes.write_text(json.dumps(said), encoding="utf-8")


def _read_notes(notes: Path) -> dict:
    try:
        said = json.loads(notes.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
