"""The routes under /v1: models, chat completions and files."""

from __future__ import annotations

import secrets

import anyio
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from ...engine import Engine
from ...settings import MAX_WAITING
from ..store import Store
from . import errors, files
from .answering import Answer
from .body import MaxBody
from .conversation import asked
from .errors import Refusal
from .schema import ChatRequest

ALIAS = "pointllm"  # whatever profile is loaded
MAX_REQUEST_BYTES = 64 * 2**20  # of all but uploads: files in it are in memory several times


def application(engine: Engine, store: Store, key: str | None = None) -> FastAPI:
    """An ASGI application to be mounted at /v1. key: what callers must send as a bearer token, if anything."""

    def allowed(request: Request) -> None:
        given = request.headers.get("authorization", "").partition(" ")[2].strip()
        if key is not None and not secrets.compare_digest(given.encode(), key.encode()):
            raise Refusal(401, "a key is needed: send the header 'Authorization: Bearer KEY' with the one that this "
                               "server was started with", None, "invalid_api_key")

    api = FastAPI(title="Point-LLM", docs_url=None, redoc_url=None, dependencies=[Depends(allowed)])
    api.add_middleware(MaxBody, limits={"/files": store.max_file + 2**20}, otherwise=MAX_REQUEST_BYTES)
    errors.install(api)
    files.add_to(api, store)

    def known(name: str) -> dict:
        if name not in (engine.profile_name, ALIAS):
            raise Refusal(404, f"there is no model {name[:80]!r}; {engine.profile_name!r} is loaded", "model",
                          "model_not_found")
        return {"id": engine.profile_name, "object": "model", "created": 0, "owned_by": "pointllm"}

    @api.get("/models")
    async def models() -> dict:
        """The profile that is loaded."""
        return {"object": "list", "data": [known(engine.profile_name)]}

    @api.get("/models/{name:path}")
    async def model(name: str) -> dict:
        """It alone."""
        return known(name)

    @api.post("/chat/completions")
    async def chat(body: ChatRequest, request: Request) -> Response:
        """Answer the last message of a conversation."""
        known(body.model or ALIAS)
        if engine.ready and engine.failure is not None:
            raise errors.refusal_of(engine.failure)
        if len(engine.turns) >= MAX_WAITING:
            raise Refusal(429, "too many are waiting for answers; try again in a while", None, "rate_limit_exceeded")
        question = await anyio.to_thread.run_sync(asked, body, store)
        await _read(engine, question.paths)
        answer = Answer(engine, question)
        if body.stream:
            usage = body.stream_options is not None and body.stream_options.include_usage
            return StreamingResponse(answer.events(usage), media_type="text/event-stream",
                                     headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        try:
            whole = await answer.whole(request)
        except Exception as error:
            raise errors.refusal_of(error, question.paths) from error
        return Response(status_code=499) if whole is None else JSONResponse(whole)

    return api


async def _read(engine: Engine, paths: list[str]) -> None:
    """Have the files read, so that one that can't be used is refused with a status before an answer begins."""
    for path in paths:
        future = engine.look(path)
        while not future.done():
            await anyio.sleep(0.02)
        if (error := future.exception()) is not None:
            raise errors.refusal_of(error, [path]) from error
