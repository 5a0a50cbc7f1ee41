"""Writes an answer for /v1/chat/completions: whole, or as server-sent events; ends when the client has gone."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import AsyncIterator, Iterator

import anyio
from fastapi import Request

from ...engine import Engine, Status
from .conversation import Asked
from .errors import refusal_of

BEAT_SECONDS = 5.0  # a comment is sent at least so often while no word comes, so that no proxy gives up
END = object()


class Answer:
    """One answer: its pieces as they are written, cut at the stop texts, and what it cost."""

    def __init__(self, engine: Engine, asked: Asked) -> None:
        from pointllm.llm.model import Usage

        self.asked, self.usage, self._words = asked, Usage(), 0
        self.id, self.created = f"chatcmpl-{secrets.token_hex(12)}", int(time.time())
        self.model = engine.profile_name
        self.finish = "stop"
        self._stop = threading.Event()
        self._engine = engine

    async def pieces(self) -> AsyncIterator[str]:
        """Pieces of the answer; empty ones, a few a second, while there is none. Closing it ends the work."""
        # Made here and not before: an answer that is never begun leaves nothing behind.
        source = self._engine.answer(self.asked.paths, self.asked.question, self.asked.history, self.asked.options,
                                     self._stop.is_set, self.usage)
        cut = _cut(source, self.asked.stops)
        try:
            while (piece := await anyio.to_thread.run_sync(next, cut, END)) is not END:
                if isinstance(piece, Status):
                    yield ""
                elif piece:
                    self._words += 1
                    yield piece
            if self.completion_tokens >= self.asked.options.max_tokens:
                self.finish = "length"
        finally:
            self._stop.set()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(cut.close)

    @property
    def completion_tokens(self) -> int:
        """Tokens of the answer; where another process wrote it, the pieces that came."""
        return len(self.usage.moments) or self._words

    def counted(self) -> dict:
        """The usage of OpenAI's answers."""
        prompt, completion = self.usage.prompt_tokens, self.completion_tokens
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}

    async def whole(self, request: Request) -> dict | None:
        """The whole answer as OpenAI's object; None where the client has gone."""
        text = []
        pieces = self.pieces()
        try:
            async for piece in pieces:
                text.append(piece)
                if await request.is_disconnected():
                    return None
        finally:
            await pieces.aclose()
        choice = {"index": 0, "message": {"role": "assistant", "content": "".join(text), "refusal": None},
                  "logprobs": None, "finish_reason": self.finish}
        return {**self._head("chat.completion"), "choices": [choice], "usage": self.counted()}

    async def events(self, include_usage: bool) -> AsyncIterator[str]:
        """The answer as server-sent events, "[DONE]" last."""
        pieces = self.pieces()
        try:
            yield self._event({"role": "assistant", "content": "", "refusal": None})
            beat = time.monotonic()
            async for piece in pieces:
                now = time.monotonic()
                if piece:
                    yield self._event({"content": piece})
                elif now - beat < BEAT_SECONDS:
                    continue
                else:
                    yield ": waiting\n\n"
                beat = now
            yield self._event({}, self.finish)
            if include_usage:
                yield _line({**self._head("chat.completion.chunk"), "choices": [], "usage": self.counted()})
        except Exception as error:
            yield _line(refusal_of(error, self.asked.paths).body())
        finally:
            await pieces.aclose()
        yield "data: [DONE]\n\n"

    def _event(self, delta: dict, finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _line({**self._head("chat.completion.chunk"), "choices": [choice]})

    def _head(self, kind: str) -> dict:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def _line(value: dict) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _cut(source: Iterator[str | Status], stops: list[str]) -> Iterator[str | Status]:
    """The pieces up to the first of the stop texts; as many letters as could begin one are held back."""
    held = ""
    longest = max(map(len, stops), default=1) - 1
    try:
        for piece in source:
            if isinstance(piece, Status):
                yield piece
                continue
            held += piece
            ends = [place for place in (held.find(stop) for stop in stops) if place >= 0]
            if ends:
                yield held[:min(ends)]
                return
            ready = max(0, len(held) - longest)
            yield held[:ready]
            held = held[ready:]
        yield held
    finally:
        source.close()
