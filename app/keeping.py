"""Keeps uploads for a day, so that a conversation goes on after its page was reloaded or the server started anew.

Each input has a folder of its own with a name that cannot be guessed. A browser that comes back names the folder and
the file (a ticket); who does not know a folder's name gets nothing, and no other path is ever opened for a browser.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

KEEP_SECONDS = 24 * 3600
KEY = re.compile(r"[A-Za-z0-9_-]{32}")
FORBIDDEN = re.compile(r"[/\\\x00-\x1f]")


@cache
def folder() -> Path:
    """Where uploads are kept: in the user's cache folder, readable by nobody else."""
    from pointllm.weights.paths import cache_dir

    place = cache_dir() / "uploads"
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o700)
    return place


def keep(path: str, companions: Sequence[str] = ()) -> str:
    """Link a file, and those that it refers to, into a folder of their own; the path there.

    Copies where linking isn't possible. Raises FileNotFoundError when the file is gone already.
    """
    sweep()
    home = folder() / secrets.token_urlsafe(24)
    home.mkdir(mode=0o700)
    for source in (path, *companions):
        target = home / Path(source).name
        if target.exists():
            continue
        try:
            os.link(source, target)
        except FileNotFoundError:
            shutil.rmtree(home, ignore_errors=True)
            raise
        except OSError:  # another file system
            shutil.copyfile(source, target)
    return str(home / Path(path).name)


def ticket(path: str) -> dict[str, str]:
    """What a browser keeps of a kept file, to name it again: its folder's name as a key, and its own name."""
    place = Path(path)
    return {"key": place.parent.name, "name": place.name}


def redeem(ticket: object) -> str | None:
    """The path that a ticket names, whether or not a file is left there; None for what is no ticket."""
    if not isinstance(ticket, dict):
        return None
    key, name = ticket.get("key"), ticket.get("name")
    if not (isinstance(key, str) and KEY.fullmatch(key) and isinstance(name, str)):
        return None
    if not name or len(name) > 255 or name in (".", "..") or FORBIDDEN.search(name):
        return None
    home = folder() / key
    if home.is_dir() and not home.is_symlink():
        os.utime(home)  # a day from its last use
    return str(home / name)


def sweep(older_than: float = KEEP_SECONDS) -> None:
    """Delete what was not used for `older_than` seconds."""
    limit = time.time() - older_than
    for entry in folder().iterdir():
        try:
            if entry.stat().st_mtime < limit:
                shutil.rmtree(entry, ignore_errors=True)
        except OSError:
            continue  # another process swept it
