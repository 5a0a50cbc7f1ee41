"""The model behind the page: loaded in the background, files looked at as soon as they arrive, one answer at a time.

The only part of the app that imports the library, and it does so in its own threads, so that the page is served before
PyTorch is. Uploads are read, measured and embedded while the person still types; a question then finds them ready.
"""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from .looking import Look, look_at
from .settings import READS_AT_ONCE
from .turns import Turns
from .zero_gpu import borrow_gpu, cards_are_lent

logger = logging.getLogger("pointllm.app")

REMEMBERED_FILES = 256
POLL_SECONDS = 0.1
Result = TypeVar("Result")


@dataclass(frozen=True)
class Options:
    """What a person may set for an answer; the model's own defaults where None.

    text: sentences to look at like the files; weights: of the files and sentences, one each, in that order; witness:
    how 3D files are seen.
    """

    cache: object = True  # or a `pointllm.llm.visual_cache.CacheOptions`
    seed: int = 0
    max_tokens: int = 256
    temperature: float | None = None
    top_p: float | None = None
    text: tuple[str, ...] = ()
    weights: tuple[float, ...] | None = None
    witness: str | None = None


@dataclass(frozen=True)
class Status:
    """What is being done while no word has come: a key of the language files and the values it needs."""

    key: str
    values: dict[str, object]


class Engine:
    """One per process. `start()` returns at once; everything else waits for the model where it needs it."""

    def __init__(self, profile: str, warm_up: Sequence[Sequence[str]] = ()) -> None:
        """warm_up: lists of files to answer one word about after loading, so that nobody's first answer is slower."""
        self.profile = profile
        self._warm_up = warm_up
        self.answering = 0  # answers being written now: 0 or 1
        self.turns = Turns()
        self._write = borrow_gpu(self._stream)
        self._model = None
        self.failure: Exception | None = None  # why loading ended without a model
        self._started = time.monotonic()
        self._ready = threading.Event()
        self._lock = threading.RLock()  # a file that is read at once is passed on to the embedder under it
        self._looks: OrderedDict[str, Future[Look]] = OrderedDict()
        self._embeddings: OrderedDict[str, Future[None]] = OrderedDict()
        self._readers = ThreadPoolExecutor(READS_AT_ONCE, thread_name_prefix="look")
        self._embedder = ThreadPoolExecutor(1, thread_name_prefix="embed")

    def start(self) -> None:
        """Begin to load the model, in a thread of its own."""
        self._started = time.monotonic()
        self._loader = threading.Thread(target=self._load, name="load", daemon=True)
        self._loader.start()

    def switch(self, profile: str) -> None:
        """Begin to load another profile; the one in use is freed first. Called while no answer is being written.

        What was embedded belongs to the old joint space and is forgotten. Waits for a load that is under way.
        """
        if profile == self.profile and self.failure is None:
            return
        self._loader.join()
        with self.turns.one() as turn:  # programs may be answered beside the page's queue
            turn.wait()
            self._embedder.submit(self._release).result()  # behind the embeddings that are being computed
        with self._lock:
            self._embeddings.clear()
        self.profile, self.failure = profile, None
        self.start()

    def _release(self) -> None:
        self._ready.clear()
        self._model = None
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()

    @property
    def profile_name(self) -> str:
        """The profile as strangers may see it: of a folder its own name alone."""
        return Path(self.profile).name

    @property
    def ready(self) -> bool:
        """Whether loading has ended, well or not."""
        return self._ready.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until loading has ended; False when it has not within `timeout` seconds."""
        return self._ready.wait(timeout)

    def _load(self) -> None:
        try:
            from pointllm import PointLLM

            self._model = PointLLM.from_pretrained(self.profile)
            self._run_once()
            logger.info("profile %s is ready after %.1f s", self.profile, time.monotonic() - self._started)
        except Exception as error:  # shown in the chat: the page stays up and says what is missing
            logger.exception("profile %s could not be loaded", self.profile)
            self.failure = error
        finally:
            self._ready.set()

    def _run_once(self) -> None:
        for paths in () if cards_are_lent() else self._warm_up:
            try:
                for _ in self._model.stream(paths, "Hello", max_tokens=1):
                    pass
            except Exception:  # a tower without weights, say: whoever needs it is told so, others are served
                logger.exception("warming up with %s failed", [Path(path).name for path in paths])

    def look(self, path: str) -> Future[Look]:
        """Read, measure and preview a file, once per path; its embedding follows by itself."""
        with self._lock:
            future = self._looks.get(path)
            if future is None or (future.done() and future.exception() is not None):
                future = self._looks[path] = self._readers.submit(look_at, path)
                future.add_done_callback(lambda done: None if done.exception() else self._embed(path))
                _trim(self._looks)
            self._looks.move_to_end(path)
            return future

    def seen(self, path: str) -> bool:
        """Whether a file is known, and was read without fault."""
        with self._lock:
            future = self._looks.get(path)
        return future is not None and future.done() and future.exception() is None

    def _embed(self, path: str) -> Future[None]:
        """Embed a file, once per path; the library keeps the result by the file's content."""
        with self._lock:
            future = self._embeddings.get(path)
            if future is None or (future.done() and future.exception() is not None):
                future = self._embeddings[path] = self._embedder.submit(self._embed_now, path)
                _trim(self._embeddings)
            self._embeddings.move_to_end(path)
            return future

    def _embed_now(self, path: str) -> None:
        self._ready.wait()
        model = self._model
        if model is not None:
            model.bind.embed([path])

    def with_space(self, job: Callable[[object], Result]) -> Result:
        """What `job(bind)` gives with the loaded PointBind, in the thread that embeds; waits for loading.

        Raises what `job` raises, and the library's WeightsError when loading failed.
        """
        return self.with_model(lambda model: job(model.bind))

    def with_model(self, job: Callable[[object], Result]) -> Result:
        """As `with_space`, with the loaded PointLLM."""
        def run() -> Result:
            self._ready.wait()
            if self.failure is not None:
                raise self.failure
            return job(self._model)

        return self._embedder.submit(run).result()

    def read(self, path: str, stopped: Callable[[], bool] = lambda: False, embed: bool = False) -> Iterator[Status]:
        """Say what is being done until a file is read, and embedded if asked. Raises the library's InputError."""
        status = Status("status_reading", {"name": Path(path).name})
        for step in (self.look, self._embed) if embed else (self.look,):
            future = step(path)
            yield from self._until(future.done, stopped, lambda: status)
            if stopped():
                return
            future.result()

    def answer(self, paths: Sequence[str], question: str, history: Sequence[dict[str, str]], options: Options,
               stopped: Callable[[], bool] = lambda: False, usage: object = None) -> Iterator[str | Status]:
        """The pieces of an answer, and before them what is being done. Ends within a token of `stopped()` or close().

        usage: a `pointllm.llm.model.Usage` that counts tokens.
        Raises the library's errors for files that can't be used, and its WeightsError when loading failed.
        """
        yield from self._until(self._ready.is_set, stopped,
                               lambda: Status("status_loading", {"seconds": round(time.monotonic() - self._started)}))
        if self.failure is not None:
            raise self.failure
        for path in paths:
            yield from self.read(path, stopped, embed=True)
        if stopped():
            return
        with self.turns.one() as turn:
            yield from self._until(turn.has_come, stopped, lambda: Status("status_waiting", {}))
            if stopped():
                return
            yield Status("status_thinking", {})
            stream = self._write(list(paths), question, list(history), options, usage)
            self.answering += 1
            try:
                for piece in stream:
                    if stopped():
                        return
                    yield piece
            finally:
                stream.close()
                self.answering -= 1

    def _stream(self, paths: list[str], question: str, history: list, options: Options, usage: object) -> Iterator[str]:
        yield from self._model.stream(paths, question, history=history, cache=options.cache, seed=options.seed,
                                      max_tokens=options.max_tokens, temperature=options.temperature,
                                      top_p=options.top_p, text=options.text, weights=options.weights,
                                      witness=options.witness, usage=usage)

    @staticmethod
    def _until(done: Callable[[], bool], stopped: Callable[[], bool],
               status: Callable[[], Status]) -> Iterator[Status]:
        """Say `status` again and again until `done` or `stopped`; never holds its thread for long."""
        while not done() and not stopped():
            yield status()
            time.sleep(POLL_SECONDS)


def _trim(kept: OrderedDict[str, Future]) -> None:
    while len(kept) > REMEMBERED_FILES:
        kept.popitem(last=False)
