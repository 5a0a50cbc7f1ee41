"""Brings one file over HTTP: atomic, resumed after an interruption, checked by size and sha256.

The bytes go to `NAME.part` beside the target and are renamed only once they are right, so a file under its final
name is always whole. Which file and from where is the caller's business.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from ..errors import WeightsError
from . import manifest

logger = logging.getLogger("pointllm")

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
REPORT_SECONDS = 5.0


def download(url: str, target: Path, expected: manifest.File) -> Path:
    """Fetches `url` to `target` unless it is there already, and returns `target`.

    A `.part` file of an earlier try is continued where the server allows it (HTTP 206) and begun again where not.
    Raises `WeightsError` when the server can't be reached within 5 s, answers with an error, stops sending, or
    sends something of another size or sha256 (which is deleted, so that the next try starts afresh).
    """
    if target.exists():
        manifest.check(target, expected)
        return target
    part = target.with_name(target.name + ".part")
    if part.exists() and part.stat().st_size > expected.size:
        part.unlink()
    if not (part.exists() and part.stat().st_size == expected.size):
        _transfer(url, part, expected)
    try:
        manifest.check(part, expected)
    except WeightsError as error:
        part.unlink()
        raise WeightsError(f"{url}: what was received is not the expected file ({error})") from error
    part.replace(target)
    return target


def _transfer(url: str, part: Path, expected: manifest.File) -> None:
    """Appends what is missing to `part`."""
    import httpx  # a fifth of a second that commands without a download need not wait

    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    try:
        with httpx.stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
            if response.status_code not in (200, 206):
                raise WeightsError(f"{url}: the server answered {response.status_code}")
            if response.status_code == 200:
                have = 0  # the server ignored the range and sends the file from its start
            reported = time.monotonic()
            part.parent.mkdir(parents=True, exist_ok=True)
            with part.open("ab" if have else "wb") as stream:
                for piece in response.iter_bytes(1 << 18):
                    stream.write(piece)
                    have += len(piece)
                    if have > expected.size:
                        raise WeightsError(f"{url}: longer than the expected {expected.size} bytes")
                    if time.monotonic() - reported > REPORT_SECONDS:
                        reported = time.monotonic()
                        logger.info("%s: %d of %d MB", expected.name, have >> 20, expected.size >> 20)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise WeightsError(f"{url}: {error or type(error).__name__}") from error
