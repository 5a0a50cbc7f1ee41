"""Converts published files into a profile's folder, one part after the other.

For each input: recognise it, plan its parts, compare them with what is there, write, publish. What can be told from
keys and shapes is told before anything is written.
"""

from __future__ import annotations

import errno
import json
import logging
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pointllm.errors import WeightsError
from pointllm.weights.convert import profile as profiles
from pointllm.weights.convert.adapter import plan_adapter
from pointllm.weights.convert.imagebind import holds_imagebind, plan_imagebind, subtable
from pointllm.weights.convert.llama import plan_hf_llama, plan_meta_llama
from pointllm.weights.convert.part_folder import SHARD_BYTES, PartFolder, partial_folder
from pointllm.weights.convert.plan import DTYPES, Part
from pointllm.weights.convert.point import plan_point
from pointllm.weights.convert.recognise import Found, recognise
from pointllm.weights.convert.visual_cache import plan_visual_cache
from pointllm.weights.manifest import sha256_of

logger = logging.getLogger("pointllm")

_SPARE_DISK = 64 << 20
_SIDECAR_KEYS = ("constructor", "config")  # where a description of a model keeps its sizes


@dataclass(frozen=True)
class Converted:
    """What became of one part of one input.

    state: "converted", "kept" (it was there from the same file), or "skipped" (not this profile's, or from another
    file already there), with `note` saying why. size: bytes on disk. resumed: files of an interrupted run.
    """

    input: str
    part: str
    state: str
    folder: Path
    size: int
    tensors: int
    resumed: int
    seconds: float
    note: str = ""


def convert(path: Path | str, out: Path | str, *, encoder: str | None = None, dtype: str = "keep",
            sizes: Mapping | None = None, shard_bytes: int = SHARD_BYTES) -> list[Converted]:
    """Converts one published file, or a folder of them, into the profile's folder `out`.

    encoder: "i2p_mae" or "point_bert", the point encoder that the profile must have (None: either). dtype: "fp16",
    "bf16", "fp32" or "keep". sizes: what tensors don't tell (numbers of heads and groups), under the constructors'
    names; None: read from a JSON file of the same name beside the weights, if there is one.

    Raises WeightsError, in one line, for a file that is no published one, is damaged, doesn't fit the others, or can't
    be written. What was finished stays and is not done again.
    """
    if dtype not in DTYPES:
        raise WeightsError(f"unknown type {dtype!r}; known: {', '.join(DTYPES)}")
    out = Path(out).expanduser().absolute()
    results = []
    for found in recognise(Path(path)):
        given = sizes if sizes is not None else _sidecar(found.path)
        with _told(out):
            plans = list(_plans(found, encoder, DTYPES[dtype], given))
            with _alone(out):
                for plan in plans:
                    results.append(_convert_part(out, str(path), plan, encoder, dtype, shard_bytes))
                profiles.update_config(out)
    return results


def read_sizes(file: Path) -> dict:
    """Sizes from a JSON file: an object of numbers and lists of numbers, or one that holds it as `constructor` or
    `config`. WeightsError for anything else."""
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{file}: can't be read as a JSON file of sizes ({error})") from error
    if isinstance(content, dict):
        content = next((content[key] for key in _SIDECAR_KEYS if isinstance(content.get(key), dict)), content)
        content = {key: value for key, value in content.items() if not isinstance(value, str)}
    if not isinstance(content, dict) or not all(_is_size(value) for value in content.values()):
        raise WeightsError(f'{file}: not a table of sizes such as {{"vision_num_heads": 16, "groups": [512, 256, 64]}}')
    return content


def _is_size(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_size(item) for item in value)
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


def _sidecar(path: Path) -> dict:
    """The sizes in a description of the same name beside a file: NAME.json for NAME.weights.safetensors, NAME.pth."""
    described = path.with_name(path.name.split(".")[0] + ".json")
    return read_sizes(described) if path.is_file() and described.is_file() else {}


def _plans(found: Found, encoder: str | None, dtype, sizes: Mapping) -> Iterator[Part]:
    """The parts that an input gives; what keys and shapes can tell against it is told here."""
    if found.kind == "meta_llama":
        yield plan_meta_llama(found.path, found.tables, dtype)
    elif found.kind == "hf_llama":
        yield plan_hf_llama(found.path, found.tables, dtype)
    elif found.kind == "adapter":
        yield plan_adapter(found.table, dtype)
    elif found.kind == "knn_index":
        yield plan_visual_cache(found.path)
    elif found.kind == "imagebind":
        yield plan_imagebind(found.table, dtype, sizes)
    else:
        yield from _towers(found, encoder, dtype, sizes)


def _towers(found: Found, encoder: str | None, dtype, sizes: Mapping) -> Iterator[Part]:
    """The point branch of a file, and ImageBind where the file holds it too (unless another file gave it already)."""
    table = found.table
    point = plan_point(table, found.kind, dtype, sizes)
    whole = table if found.kind == "imagebind_w3d" else subtable(table, "bind.")
    both = holds_imagebind(whole)
    if both:  # planned before the point branch is written: a damaged file is refused as a whole
        imagebind = plan_imagebind(whole, dtype, {k: v for k, v in sizes.items() if k not in point.config[
            "architecture"]}, optional=True)
    if found.kind == "imagebind_w3d" and both and encoder not in (None, point.facts["encoder"]):
        logger.info("%s: its point branch (%s) is not this profile's (%s) and is left out", table.file.name,
                    point.facts["encoder"], encoder)
    else:
        yield point
    if both:
        yield imagebind


def _convert_part(out: Path, given: str, part: Part, encoder: str | None, dtype: str, shard_bytes: int) -> Converted:
    started = time.monotonic()
    first, folder = part.sources[0], out / part.place.folder
    profiles.check_belongs(out, part, encoder)
    there = next((record for place, record in profiles.records(out) if place == part.place), None)
    if part.optional and there and there["sources"][0]["name"] != first.name:
        note = f"{part.place.name} is there from {there['sources'][0]['name']}"
        return _result(given, part, "skipped", folder, started, note=note)
    logger.info("%s: reading for its checksum", first.name)
    given_files = dict.fromkeys((*part.sources, *part.copies.values()))  # a cache is both
    sources = [{"name": path.name, "size": path.stat().st_size, "sha256": sha256_of(path)} for path in given_files]
    if there and there["sources"] == sources and there["dtype"] == dtype and _same_files(folder, there):
        return _result(given, part, "kept", folder, started, there["files"])
    twin = profiles.twin_of(out, part, sources, dtype)
    if not twin:
        _need_disk(out, part)
    writer = PartFolder(out, part, sources, dtype, shard_bytes, twin)
    logger.info("%s → %s (%d MB)", first.name, folder, part.nbytes >> 20)
    files = writer.write()
    if part.place.folder == "llm":
        config = profiles.adapters_config(out, part, sources)
    elif part.place.folder == "llm/base":
        config = part.config  # transformers' own
    else:
        config = part.config | {"source": sources[0]}
    writer.publish(config)
    return _result(given, part, "converted", folder, started, [{"size": file.size} for file in files], writer.kept)


def _same_files(folder: Path, record: dict) -> bool:
    """Whether the files of a finished part are still there, at their sizes (`verify` reads them)."""
    paths = [(folder / file["name"], file["size"]) for file in record["files"]]
    return all(path.is_file() and path.stat().st_size == size for path, size in paths)


def _result(given: str, part: Part, state: str, folder: Path, started: float, files: Iterable[dict] = (),
            resumed: int = 0, note: str = "") -> Converted:
    size = sum(file["size"] for file in files)
    return Converted(given, part.place.name, state, folder, size, len(part.tensors), resumed,
                     round(time.monotonic() - started, 3), note)


def _need_disk(out: Path, part: Part) -> None:
    """WeightsError, before anything is written, where the disk is too full. An unfinished run's files count."""
    place = out
    while not place.exists():
        place = place.parent
    partial = partial_folder(out, part)
    there = sum(file.stat().st_size for file in partial.glob("*")) if partial.is_dir() else 0
    needed, free = part.nbytes + _SPARE_DISK - there, shutil.disk_usage(place).free
    if needed > free:
        raise WeightsError(f"{out}: {part.place.name} needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; make "
                           "room or name another folder with --out")


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """One conversion at a time into a folder."""
    from filelock import FileLock, Timeout

    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / ".convert.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise WeightsError(f"{out}: another conversion is at work there; wait for it") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _told(out: Path) -> Iterator[None]:
    """Errors of the file system in one line."""
    try:
        yield
    except OSError as error:
        where = error.filename or out
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WeightsError(f"{where}: no space is left; make room and run the same command again, it goes on where "
                               "it stopped") from error
        raise WeightsError(f"{where}: {error.strerror or error}; check the path and the permissions, or name another "
                           "folder with --out") from error
    except MemoryError as error:
        raise WeightsError(f"{out}: out of memory; close other programs and run the same command again") from error
