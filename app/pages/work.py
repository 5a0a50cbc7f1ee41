"""Long jobs over the joint space: in a thread of their own, their model calls one by one in line with everybody's.

A job runs library code with a `Tower` in place of the joint space. Every call that needs the model waits its turn in
the engine's embedding thread, so that jobs of several people and the chat's uploads take turns, file by file; and
while an answer is being written a job holds back, since both share the processor.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from ..engine import Engine, Status

Result = TypeVar("Result")

JOBS_AT_ONCE = 4
SENTENCES_AT_ONCE = 64  # about 0.2 s of one core: nobody's picture waits longer behind a list of labels
POLL_SECONDS = 0.25
HOLD_SECONDS = 1.0  # at most this long a call waits for the answer that is being written


class Stopped(BaseException):
    """The person who wanted the job doesn't any more.

    Like `Changed` no Exception: library code that goes on with the next file where one fails must not go on here.
    """


class Changed(BaseException):
    """Another profile was loaded meanwhile: vectors of both can't be compared."""


@dataclass
class Job:
    """What a person waits for. stopped: set by whoever wants it to end. status: what is being done."""

    stopped: bool = False
    status: Status = field(default_factory=lambda: Status("pages_working", {}))

    def say(self, key: str, **values: object) -> None:
        """What is being done now, by a key of the language files."""
        self.status = Status(key, values)


@dataclass(frozen=True)
class Finished(Generic[Result]):
    """What a job gave."""

    result: Result


class Tower:
    """The joint space as the library's tasks use it (see `pointllm.bind.PointBind`), for one job.

    Every call raises `Stopped` once the job is, and `Changed` when another profile was loaded since the first.
    """

    def __init__(self, engine: Engine, job: Job) -> None:
        self.engine, self.job = engine, job
        self.profile = engine.profile
        self._first: weakref.ref | None = None
        self.dim, self.temperature = self.call(lambda bind: (bind.dim, bind.temperature))

    def call(self, task: Callable[[object], Result]) -> Result:
        """What `task(bind)` gives with the loaded joint space; keep it short, others wait."""
        until = time.monotonic() + HOLD_SECONDS
        while self.engine.answering and time.monotonic() < until and not self.job.stopped:
            time.sleep(POLL_SECONDS / 5)
        if self.job.stopped:
            raise Stopped

        def same(bind: object) -> Result:
            if self._first is None:
                self._first = weakref.ref(bind)
            if self._first() is not bind:
                raise Changed
            return task(bind)

        return self.engine.with_space(same)

    def embed_file(self, path: str | Path, witness: str | None = None):
        """As `PointBind.embed_file`."""
        self.job.say("pages_looking", name=Path(path).name)
        return self.call(lambda bind: bind.embed_file(path, witness))

    def embed_input(self, given, witness: str | None = None) -> np.ndarray:
        """As `PointBind.embed_input`."""
        self.job.say("pages_looking", name=Path(given.path).name)
        return self.call(lambda bind: bind.embed_input(given, witness))

    def embed_text(self, sentences: Sequence[str]) -> np.ndarray:
        """As `PointBind.embed_text`; a long list in pieces, between which others have their turn."""
        sentences, rows = list(sentences), []
        for start in range(0, len(sentences), SENTENCES_AT_ONCE):
            some = sentences[start:start + SENTENCES_AT_ONCE]
            if len(sentences) > SENTENCES_AT_ONCE:
                self.job.say("pages_reading_words", share=100 * start // len(sentences))
            rows.append(self.call(lambda bind, some=some: bind.embed_text(some)))
        return np.concatenate(rows) if rows else np.zeros((0, self.dim), np.float32)


class Worker:
    """Runs the jobs of all pages."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._threads = ThreadPoolExecutor(JOBS_AT_ONCE, thread_name_prefix="page")

    def run(self, job: Job, task: Callable[[Tower], Result]) -> Iterator[Status | Finished[Result]]:
        """What is being done, four times a second, and at last the result. Raises what the job raises.

        Closing this iterator stops the job at its next call.
        """
        try:
            while not self.engine.wait(POLL_SECONDS):
                if job.stopped:
                    raise Stopped
                yield Status("pages_loading", {})
            future = self._threads.submit(lambda: task(Tower(self.engine, job)))
            while True:
                try:
                    result = future.result(POLL_SECONDS)
                except NotYet:
                    if future.done():
                        raise  # the job's own
                    if job.stopped:
                        raise Stopped from None
                    yield job.status
                else:
                    yield Finished(result)
                    return
        finally:
            job.stopped = True
