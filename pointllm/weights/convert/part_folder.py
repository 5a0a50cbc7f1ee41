"""One part on its way into a profile: an unfinished folder with a journal, then a few renames.

    FOLDER/.STEM.partial/           files as they get finished, and journal.json
    FOLDER/STEM.conversion.json     the record: sources, files with size and sha256, facts
    FOLDER/config.json              last of all; without it the part doesn't exist for any reader

An interrupted conversion leaves the unfinished folder only. The next one keeps every file whose sha256 is in the
journal, if sources and options are the same, and throws the folder away if not.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from pointllm.weights.convert.plan import Part
from pointllm.weights.convert.stream import Written, copy_file, split, write_file
from pointllm.weights.manifest import sha256_of
from pointllm.weights.profile_parts import record_path

logger = logging.getLogger("pointllm")

FORMAT = 1
JOURNAL = "journal.json"
SHARD_BYTES = 1 << 30


def partial_folder(profile: Path, part: Part) -> Path:
    """Where the files of a part are while it is unfinished."""
    return profile / part.place.folder / f".{part.place.stem}.partial"


class PartFolder:
    """Writes one part into `profile`; `sources` are [{"name", "size", "sha256"}] of the files that it came from."""

    def __init__(self, profile: Path, part: Part, sources: list[dict], dtype: str, shard_bytes: int = SHARD_BYTES,
                 twin: Path | None = None):
        """`twin`: a profile that has the same part from the same sources; its files are shared by hard links."""
        self.part, self.sources, self.dtype = part, sources, dtype
        self._twin = twin / part.place.folder if twin else None
        self.folder = profile / part.place.folder
        self.record = record_path(profile, part.place)
        self.partial = partial_folder(profile, part)
        self.groups = split(part.tensors, shard_bytes if part.sharded else max(1, part.nbytes))
        self.kept = 0  # finished files of an earlier run that were not written again
        self._identity = {
            "format": FORMAT, "sources": sources, "dtype": dtype, "config": _plain(part.config),
            "plan": [[[t.name, list(t.shape), str(t.dtype)] for t in group] for group in self.groups],
        }
        self._files: dict[str, Written] = {}

    def write(self) -> list[Written]:
        """Writes what isn't written yet, and gives all files of the part."""
        self._begin()
        total = len(self.groups)
        names = []
        for number, group in enumerate(self.groups, 1):
            name = f"{self.part.place.stem}.safetensors"
            if total > 1:
                name = f"{self.part.place.stem}-{number:05d}-of-{total:05d}.safetensors"
            names.append(name)
            self._once(name, lambda path, group=group: write_file(path, group))
        if total > 1:
            places = {t.name: name for name, group in zip(names, self.groups, strict=True) for t in group}
            index = {"metadata": {"total_size": sum(t.nbytes for t in self.part.tensors)}, "weight_map": places}
            self._once(f"{self.part.place.stem}.safetensors.index.json", lambda path: _write_text(path, index))
        for name, source in self.part.copies.items():
            self._once(name, lambda path, source=source: copy_file(source, path))
        for name, content in self.part.texts.items():
            self._once(name, lambda path, content=content: _write_text(path, content))
        return list(self._files.values())

    def publish(self, config: dict | None) -> None:
        """Moves the files to their places and writes the record, then `config` (None: none yet) as config.json.

        While that goes on the folder has no config.json (where the part has one of its own): a reader sees the old
        part, none, or the new one.
        """
        stale = {file["name"] for file in _read(self.record, {}).get("files", [])} - self._files.keys()
        if self.part.config is not None:
            (self.folder / "config.json").unlink(missing_ok=True)
        self.record.unlink(missing_ok=True)
        sync(self.folder)
        for name in stale:
            if Path(name).name == name:
                (self.folder / name).unlink(missing_ok=True)
        for name in self._files:
            if (self.partial / name).exists():  # else moved by a run that was interrupted here
                os.replace(self.partial / name, self.folder / name)
        record = {
            "format": FORMAT, "sources": self.sources, "dtype": self.dtype, "licence": self.part.place.licence,
            "facts": self.part.facts, "files": [asdict(file) for file in self._files.values()],
        }
        # the adapters' config is put together from two parts, so each keeps its share
        write_json(self.record, record | {"config": self.part.config})
        if config is not None:
            write_json(self.folder / "config.json", config)
        shutil.rmtree(self.partial)

    def _begin(self) -> None:
        """Takes over the unfinished folder of an earlier run with the same sources, or begins a new one."""
        journal = _read(self.partial / JOURNAL, {})
        if journal.get("identity") != json.loads(json.dumps(self._identity)):
            if self.partial.exists():
                logger.info("%s: begun with other files or options; beginning again", self.partial)
                shutil.rmtree(self.partial)
            journal = {}
        self.partial.mkdir(parents=True, exist_ok=True)
        try:
            self._known = {file["name"]: Written(**file) for file in journal.get("files", [])}
        except (TypeError, KeyError, AttributeError):
            self._known = {}

    def _shared(self, name: str) -> Written | None:
        """The twin's file under another name, if it is there, whole, and on the same disk."""
        if not self._twin:
            return None
        record = _read(self._twin / self.record.name, {})
        for file in record.get("files", []):
            theirs = self._twin / name
            if file["name"] == name and theirs.is_file() and sha256_of(theirs) == file["sha256"]:
                (self.partial / name).unlink(missing_ok=True)
                try:
                    os.link(theirs, self.partial / name)
                except OSError:
                    return None
                return Written(**file)
        return None

    def _once(self, name: str, write) -> None:
        """Lets `write` make a file, unless the journal has it and it is still what the journal says."""
        known = self._known.get(name)
        for place in (self.partial / name, self.folder / name) if known else ():
            if place.is_file() and place.stat().st_size == known.size and sha256_of(place) == known.sha256:
                self._files[name] = known
                self.kept += 1
                return
        self._files[name] = self._shared(name) or write(self.partial / name)
        sync(self.partial)
        files = [asdict(file) for file in self._files.values()]
        write_json(self.partial / JOURNAL, {"identity": self._identity, "files": files})


def write_json(path: Path, content: dict) -> None:
    """A JSON file that appears whole or not at all."""
    unfinished = path.with_name(f".{path.name}.writing")
    with unfinished.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(unfinished, path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Makes the names in a folder durable, where the system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _write_text(path: Path, content: dict) -> Written:
    write_json(path, content)
    return Written(path.name, path.stat().st_size, sha256_of(path))


def _plain(config: dict | None) -> object:
    return json.loads(json.dumps(config))


def _read(path: Path, otherwise: dict) -> dict:
    """A JSON object, or `otherwise` where there is none to read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return otherwise
    return content if isinstance(content, dict) else otherwise
