"""From the files that a browser sent to the inputs of a question: companions are put beside what names them.

Browsers send every file into a folder of its own, so that an `.obj` would not find its `.mtl`, nor a `.gltf` its
buffers. Also the one place that turns an error into a line for users, with the file's own name and no server path.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from .language import text

logger = logging.getLogger("pointllm.app")

# Only the first part of an .mtl or .gltf is searched for the names of other files.
COMPANION_BYTES = 16 * 2**20
KEEP_SECONDS = 24 * 3600
MTL_MAP = re.compile(r"^\s*(?:map_\w+|bump|disp|decal|norm|refl)\s+(.+)$", re.IGNORECASE | re.MULTILINE)
OBJ_MTL = re.compile(r"^\s*mtllib\s+(.+)$", re.IGNORECASE | re.MULTILINE)


@cache
def scratch() -> Path:
    """This process's folder for previews and for files put side by side; emptied when the process ends."""
    # The object is kept by the cache: its folder lives as long as the process.
    return Path(_scratch_folder().name)


@cache
def _scratch_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="pointllm-")


def sweep(older_than: float = KEEP_SECONDS) -> None:
    """Delete what lies in `scratch()` for longer than `older_than` seconds; a server may run for months."""
    limit = time.time() - older_than
    for entry in scratch().iterdir():
        if entry.stat().st_mtime < limit:
            shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)


def arrange(paths: Iterable[str]) -> list[str]:
    """The paths to ask about, in order, without the files that another one refers to.

    Where an `.obj` or `.gltf` names other uploads (materials, textures, buffers), all of them are linked into one
    folder named by their content's paths, and the path inside that folder is given instead.
    """
    return [_side_by_side(path, companions) if companions else path for path, companions in groups(paths)]


def groups(paths: Iterable[str]) -> list[tuple[str, list[str]]]:
    """The paths to ask about, in order, each with those of the other paths that it refers to."""
    paths = list(dict.fromkeys(paths))
    by_name = {Path(path).name.lower(): path for path in paths}
    companions: dict[str, list[str]] = {}
    for path in paths:
        wanted = _names_in(path, by_name)
        if wanted:
            companions[path] = [by_name[name] for name in wanted if by_name[name] != path]
    taken = {companion for group in companions.values() for companion in group}
    return [(path, companions.get(path, [])) for path in paths if path not in taken]


def _names_in(path: str, known: dict[str, str]) -> list[str]:
    """Lower-case names among `known` that the file refers to, directly or through its materials."""
    suffix = Path(path).suffix.lower()
    if suffix == ".obj":
        libraries = [name for name in _references(path, OBJ_MTL) if name in known]
        # Exporters rename files and forget the mtllib line; an .mtl of the same stem is meant nevertheless.
        same_stem = Path(path).with_suffix(".mtl").name.lower()
        if same_stem in known and same_stem not in libraries:
            libraries.append(same_stem)
        maps = [name for library in libraries for name in _references(known[library], MTL_MAP)]
        found = libraries + maps
    elif suffix == ".gltf":
        found = _gltf_uris(path)
    else:
        return []
    return [name for name in dict.fromkeys(found) if name in known]


def _references(path: str, pattern: re.Pattern[str]) -> list[str]:
    """Lower-case base names of the files that lines matching `pattern` name."""
    try:
        with open(path, "rb") as file:
            content = file.read(COMPANION_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    # Options may stand before a map's name ("-s 1 1 1 wood.png"): the whole line and its last word are both tried.
    names = []
    for match in pattern.findall(content):
        line = match.strip().strip('"').replace("\\", "/")
        names += [Path(line).name.lower(), Path(line.split()[-1]).name.lower()]
    return names


def _gltf_uris(path: str) -> list[str]:
    """Lower-case base names of the buffers and images of a `.gltf`."""
    try:
        with open(path, "rb") as file:
            document = json.loads(file.read(COMPANION_BYTES))
        entries = [*document.get("buffers", []), *document.get("images", [])]
        uris = [entry["uri"] for entry in entries if isinstance(entry.get("uri"), str)]
    except (OSError, ValueError, AttributeError, TypeError):
        return []  # the reader of 3D files says what is wrong with it
    return [Path(unquote(uri)).name.lower() for uri in uris if not uri.startswith("data:")]


def _side_by_side(path: str, companions: list[str]) -> str:
    """Link `path` and its companions into one folder; the path of the first inside it."""
    group = sorted([path, *companions])
    folder = scratch() / hashlib.sha256("\n".join(group).encode()).hexdigest()[:24]
    folder.mkdir(exist_ok=True)
    for source in group:
        target = folder / Path(source).name
        if target.exists():
            continue
        try:
            os.link(source, target)
        except OSError:  # another file system
            shutil.copyfile(source, target)
    return str(folder / Path(path).name)


def explain(error: BaseException, paths: Iterable[str], language: str) -> str:
    """One line for users. The library's errors speak for themselves; others are logged whole and told briefly."""
    from pointllm.errors import PointLLMError

    paths = list(paths)
    name = Path(paths[0]).name if paths else text(language, "title")
    if isinstance(error, MemoryError):
        return text(language, "error_memory", name=name)
    if isinstance(error, FileNotFoundError):
        return text(language, "error_lost_file", name=name)
    if not isinstance(error, PointLLMError):
        logger.error("an answer failed", exc_info=error)
        return text(language, "error_inside", kind=type(error).__name__)
    line = " ".join(str(error).split())
    for path in paths:
        line = line.replace(path, Path(path).name).replace(f"{Path(path).parent}{os.sep}", "")
    return line or text(language, "error_cannot_use", name=name)
