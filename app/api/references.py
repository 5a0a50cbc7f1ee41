"""From what a program names a file by to its path: a data URL, the id of an upload, or an address on the web.

Nothing else is opened: no path of the server, and no address unless the server was started to fetch them.
"""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from pointllm.errors import InputError

from .. import remote
from .store import Full, Store

# First bytes of files, for who names no type: [offset, bytes] → suffix.
BEGINNINGS = (
    (0, b"ply\n", ".ply"), (0, b"ply\r", ".ply"), (0, b"glTF", ".glb"), (0, b"OFF", ".off"), (0, b"COFF", ".off"),
    (0, b"solid", ".stl"), (0, b"# .PCD", ".pcd"), (0, b"VERSION", ".pcd"), (0, b"\x93NUMPY", ".npy"),
    (0, b"LASF", ".las"), (0, b"\x89PNG", ".png"), (0, b"\xff\xd8\xff", ".jpg"), (0, b"GIF8", ".gif"),
    (8, b"WEBP", ".webp"), (8, b"WAVE", ".wav"), (0, b"OggS", ".ogg"), (0, b"fLaC", ".flac"), (0, b"ID3", ".mp3"),
    (4, b"ftyp", ".mp4"), (0, b"\x1aE\xdf\xa3", ".webm"),
)
DATA_URL = re.compile(r"data:(?P<type>[^;,]*)(?P<parameters>(?:;[^;,]*)*),", re.IGNORECASE)
UPLOAD_ROUTE = "/gradio_api/file="


def path_of(reference: str, store: Store, name: str | None = None) -> str:
    """The path of the file that `reference` names; `name`: what it is to be called, with its suffix.

    Raises InputError, in one line, for anything that is no file to be had.
    """
    reference = reference.strip()
    if reference[:5].lower() == "data:":
        return _inline(reference, store, name)
    if reference.startswith("file-"):
        path = store.path(reference)
        if path is None:
            raise InputError(f"there is no file {reference[:60]} (any more); uploads are kept for a day, send it again")
        return path
    if reference[:8].lower().startswith(("http://", "https://")):
        return _from_address(reference, store, name)
    raise InputError("a file is named by a data URL (data:…;base64,…), or by the id of an upload (file-…); "
                     f"{reference[:40]!r} is neither")


def keep(content: bytes, store: Store, name: str | None = None, type: str = "") -> str:
    """The path of a file with this content; its suffix comes from the name, else the type, else the first bytes."""
    if not content:
        raise InputError(f"{name or 'a file'}: is empty; send its content")
    try:
        return store.keep(content, _named(name, type, content))
    except Full as error:
        raise InputError(f"{name or 'a file'}: {len(content) / 1e6:.0f} MB are too many, up to "
                         f"{store.max_file / 1e6:.0f} are taken") from error


def decode(text: str, name: str | None = None) -> bytes:
    """Base64 as people write it: line breaks and the address-safe alphabet are fine, padding may lack."""
    compact = "".join(text.split()).translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"{name or 'a file'}: its base64 is broken ({error}); encode the file again") from error


def _inline(url: str, store: Store, name: str | None) -> str:
    head = DATA_URL.match(url)
    if head is None:
        raise InputError("a data URL must read data:TYPE;base64,CONTENT")
    parameters = dict(part.split("=", 1) for part in head["parameters"].split(";") if "=" in part)
    name = name or unquote(parameters.get("name") or parameters.get("filename") or "") or None
    body = url[head.end():]
    content = decode(body, name) if ";base64" in head["parameters"].lower() else unquote_to_bytes(body)
    return keep(content, store, name, head["type"])


def _named(name: str | None, type: str, content: bytes) -> str:
    if name and Path(name).suffix:
        return name
    kind = type.strip().lower()
    suffix = remote.SUFFIXES.get(kind) or ("" if kind in ("", "application/octet-stream", "text/plain") else
                                    mimetypes.guess_extension(kind) or "")
    if not suffix:
        suffix = next((suffix for offset, start, suffix in BEGINNINGS if content[offset:].startswith(start)), "")
    if not suffix and kind == "text/plain":
        suffix = ".txt"
    if not suffix:
        raise InputError(f"{name or 'a file'}: its kind can't be told from type {type or 'none'!r}; give it a name "
                         "with a suffix, such as chair.ply")
    return (name or "file") + suffix


def _from_address(address: str, store: Store, name: str | None) -> str:
    """An upload of gradio by the address that gradio gave it; else a file of another host, where that is allowed."""
    place = urlsplit(address).path
    if UPLOAD_ROUTE in place:
        from gradio.utils import get_upload_folder, is_in_or_equal

        path = unquote(place.split(UPLOAD_ROUTE, 1)[1])
        if is_in_or_equal(path, get_upload_folder()) and Path(path).is_file():
            return path
        raise InputError(f"{Path(path).name}: was not uploaded here (any more); send it again")
    name = name or Path(unquote(place)).name
    content, type = remote.fetch(address, store.max_file)
    return keep(content, store, name, type)
