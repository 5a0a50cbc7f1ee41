"""Preparing a data folder: what is missing or changed, in several processes, resumable at any moment.

The truth is in the shards: each is whole or absent, and says what its objects depend on (`objects.key`). The index is
written when there are new shards; until then readers see the former state. A run that was killed leaves whole shards
which the next one takes over. A file that can't be read, takes too long or brings its process down costs itself only.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait as wait_for
from pathlib import Path

from filelock import FileLock, Timeout

from ...errors import DataError, PointLLMError
from ..files import write_atomic
from ..records import Record
from .objects import Parameters, content_hash, files_of, key, prepare_object
from .shards import Shard, file_stamp, next_number, remove_remains, replace_index, shard_paths, write_shard
from .store import INDEX

logger = logging.getLogger("pointllm")

SHARD_OBJECTS = 64
INDEX_SECONDS = 30  # between two indices of a running job
PROGRESS_SECONDS = 10  # between two lines about it
STAMPS = "stamps.json"


@dataclass
class PrepareResult:
    """Counts of objects: prepared now, taken over as they were, and (id, path, reason) of those left out."""

    done: int = 0
    kept: int = 0
    failed: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """A batch of objects that becomes one shard."""

    path: Path
    records: tuple[Record, ...]
    keys: tuple[str, ...]


def prepare(records: Sequence[Record], out: str | Path, parameters: Parameters | None = None, *, workers: int = 1,
            shard_objects: int = SHARD_OBJECTS, timeout: float = 120.0) -> PrepareResult:
    """Bring the prepared data in `out` up to date with `records`.

    workers: processes; 0 prepares in this one. timeout: seconds for one object (0 for no limit).

    Raises:
        DataError: another run is at work in `out`, or it can't be written.
    """
    out, parameters = Path(out), parameters or Parameters()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{out}: can't be made a folder ({error.strerror}); choose another --out") from error
    try:
        with FileLock(out / ".lock", timeout=0):
            return _Run(records, out, parameters, workers, shard_objects, timeout).run()
    except Timeout as error:
        raise DataError(f"{out}: another run is preparing data there; wait for it or choose another --out") from error


class _Run:
    def __init__(self, records: Sequence[Record], out: Path, parameters: Parameters, workers: int, shard_objects: int,
                 timeout: float) -> None:
        self.records, self.out, self.parameters = records, out, parameters
        self.workers, self.shard_objects, self.timeout = workers, max(1, shard_objects), timeout
        self.places: dict[str, tuple[str, int]] = {}  # key → where an object of that key lies
        self.result = PrepareResult()

    def run(self) -> PrepareResult:
        remove_remains(self.out)
        self._scan(shard_paths(self.out))
        keys = self._keys()
        missing = [(record, keys[record.id]) for record in self.records if keys[record.id] not in self.places]
        self.result.kept = len(self.records) - len(missing)
        written = time.monotonic()
        for shard, done, failed in self._prepared(missing):
            self.result.done += done
            self.result.failed += failed
            if shard is not None:
                self._scan([shard])
            if time.monotonic() - written > INDEX_SECONDS:
                self._write_index(keys)
                written = time.monotonic()
        self._compact(keys)
        self._write_index(keys)
        self._remove_dead(keys)
        return self.result

    def _scan(self, paths: Iterable[Path]) -> None:
        for path in paths:
            try:
                shard = Shard(path)
            except DataError as error:
                logger.warning("%s; it is made anew", error)
                path.unlink(missing_ok=True)
                continue
            self.places.update({entry.key: (path.name, row) for row, entry in enumerate(shard.entries)})

    def _keys(self) -> dict[str, str]:
        """Key by id; files whose size and time are as they were aren't read again."""
        path = self.out / STAMPS
        try:
            known = json.loads(path.read_text()) if path.is_file() else {}
        except (OSError, ValueError):
            known = {}
        stamps, keys = {}, {}
        for record in self.records:
            files = files_of(record)
            stamp = [[str(file), *file_stamp(file)] for file in files]
            old = known.get(record.id)
            content = old[1] if old and old[0] == stamp else content_hash(files)
            stamps[record.id] = [stamp, content]
            keys[record.id] = key(record, self.parameters, content)
        if stamps != known:
            write_atomic(path, json.dumps(stamps).encode())
        return keys

    def _prepared(self, missing: list[tuple[Record, str]]) -> Iterator[tuple[Path | None, int, list]]:
        """(shard if there is one, objects in it, those left out) of each task, as it ends."""
        tasks, finished, told = self._tasks(missing), 0, time.monotonic()
        for task, (done, failed) in self._in_processes(tasks) if self.workers else self._here(tasks):
            finished += len(task.records)
            if time.monotonic() - told > PROGRESS_SECONDS:
                logger.info("%d of %d objects prepared", finished, len(missing))
                told = time.monotonic()
            yield (task.path if done else None), done, failed

    def _tasks(self, missing: list[tuple[Record, str]]) -> list[Task]:
        """Batches of one split each, numbered from where the folder ends."""
        number, tasks = next_number(self.out), []
        for split in sorted({record.split for record, _ in missing}):
            mine = [pair for pair in missing if pair[0].split == split]
            for start in range(0, len(mine), self.shard_objects):
                records, keys = zip(*mine[start:start + self.shard_objects], strict=True)
                tasks.append(Task(self.out / f"{split}-{number:06d}.safetensors", records, keys))
                number += 1
        return tasks

    def _here(self, tasks: list[Task]) -> Iterator[tuple[Task, tuple[int, list]]]:
        for task in tasks:
            yield task, run_task(task, self.parameters, self.timeout)

    def _in_processes(self, tasks: list[Task]) -> Iterator[tuple[Task, tuple[int, list]]]:
        """Every task's result; where a process dies, its tasks are done again object by object."""
        waiting, suspects = list(tasks), []
        while waiting:
            try:
                for task, result in self._through_pool(waiting, self.workers):
                    waiting.remove(task)
                    yield task, result
            except BrokenProcessPool:
                logger.warning("a process that was preparing objects died; going on with each object by itself")
                suspects, waiting = waiting, []
        for task in suspects:
            yield task, self._one_by_one(task)

    def _through_pool(self, tasks: list[Task], workers: int) -> Iterator[tuple[Task, tuple[int, list]]]:
        pool = ProcessPoolExecutor(min(workers, len(tasks)), get_context("spawn"), initializer=_follow_parent)
        try:
            queue, running = list(reversed(tasks)), {}  # tasks to come, and by future those at work
            while queue or running:
                while queue and len(running) < 2 * workers:
                    task = queue.pop()
                    running[pool.submit(run_task, task, self.parameters, self.timeout)] = task
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield running.pop(future), future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _one_by_one(self, task: Task) -> tuple[int, list]:
        """A task whose process died: first each object in a process of its own, then those that came through."""
        failed, fine = [], []
        for record, identity in zip(task.records, task.keys, strict=True):
            probe = Task(task.path.with_name(f".probe.{os.getpid()}.part"), (record,), (identity,))
            try:
                [(_, (done, errors))] = self._through_pool([probe], 1)
                failed += errors
                fine += [(record, identity)] if done else []
            except BrokenProcessPool:
                failed.append((record.id, str(record.path), "brings down the process that reads it"))
            probe.path.unlink(missing_ok=True)
        if not fine:
            return 0, failed
        records, keys = zip(*fine, strict=True)
        [(_, (done, errors))] = self._through_pool([Task(task.path, records, keys)], 1)
        return done, failed + errors

    def _current(self, keys: dict[str, str]) -> dict[str, tuple[str, int, str]]:
        return {r.id: (*self.places[keys[r.id]], keys[r.id]) for r in self.records if keys[r.id] in self.places}

    def _write_index(self, keys: dict[str, str]) -> None:
        lines: list[dict] = [{"format": 1, "parameters": asdict(self.parameters)}]
        lines += [{"id": identifier, "shard": shard, "row": row, "key": identity}
                  for identifier, (shard, row, identity) in self._current(keys).items()]
        replace_index(self.out / INDEX, lines)

    def _compact(self, keys: dict[str, str]) -> None:
        """Move what is current out of shards that are mostly outdated."""
        rows: dict[str, list[tuple[int, str, str]]] = {}
        for identifier, (shard, row, identity) in self._current(keys).items():
            rows.setdefault(shard, []).append((row, identifier, identity))
        moved: dict[str, list] = {}
        for name, members in rows.items():
            shard = Shard(self.out / name)
            if 2 * len(members) < len(shard):
                moved.setdefault(name.rpartition("-")[0], []).extend((shard, *member) for member in members)
        for split, members in moved.items():
            for start in range(0, len(members), self.shard_objects):
                batch = members[start:start + self.shard_objects]
                path = self.out / f"{split}-{next_number(self.out):06d}.safetensors"
                write_shard(path, [m[2] for m in batch], [m[3] for m in batch], [m[0].object(m[1]) for m in batch],
                            self.parameters.points)
                self._scan([path])

    def _remove_dead(self, keys: dict[str, str]) -> None:
        used = {shard for shard, _, _ in self._current(keys).values()}
        for path in shard_paths(self.out):
            if path.name not in used:
                path.unlink(missing_ok=True)


def run_task(task: Task, parameters: Parameters, timeout: float) -> tuple[int, list[tuple[str, str, str]]]:
    """Prepare the objects of a task and write its shard: how many, and (id, path, reason) of those left out."""
    ids, keys, objects, failed = [], [], [], []
    for record, identity in zip(task.records, task.keys, strict=True):
        where = str(record.path or record.id)
        try:
            with _time_limit(timeout):
                prepared = prepare_object(record, parameters)
        except PointLLMError as error:
            failed.append((record.id, where, str(error)))
        except TimeoutError:
            failed.append((record.id, where, f"takes longer than {timeout:g} seconds; raise --timeout or simplify it"))
        except MemoryError:
            failed.append((record.id, where, "needs more memory than there is; simplify it"))
        except Exception as error:  # whatever a broken file leads to: it must not cost the others
            failed.append((record.id, where, f"unexpected {type(error).__name__}: {str(error)[:160]}"))
        else:
            ids.append(record.id)
            keys.append(identity)
            objects.append(prepared)
    if objects:
        write_shard(task.path, ids, keys, objects, parameters.points)
    return len(objects), failed


def _follow_parent() -> None:
    """End this process when the one that started it ends, also by SIGKILL, so that nothing is left at work."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends the work at once and without a traceback
    parent = parent_process()

    def watch() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """TimeoutError after so many seconds, where the system has alarms and this is the main thread."""
    usable = seconds > 0 and hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()
    if not usable:
        yield
        return

    def ring(*_: object) -> None:
        raise TimeoutError

    former = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
