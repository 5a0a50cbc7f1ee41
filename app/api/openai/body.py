"""A bound on what a request may send, checked while it comes: the declared length first, then the bytes themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from .errors import Refusal


class MaxBody:
    """ASGI middleware. limits: bytes by the beginning of the path under the mount; otherwise: for all other paths."""

    def __init__(self, app: Callable[..., Awaitable[None]], limits: Mapping[str, int], otherwise: int) -> None:
        self.app, self.limits, self.otherwise = app, limits, otherwise

    async def __call__(self, scope: MutableMapping, receive: Callable, send: Callable) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        limit = next((size for start, size in self.limits.items() if path.startswith(start)), self.otherwise)
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and int(declared) > limit:
            refusal = too_large(limit)
            await JSONResponse(refusal.body(), refusal.status, headers={"Connection": "close"})(scope, receive, send)
            return
        seen = 0

        async def counted() -> MutableMapping:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413, too_large(limit).message)
            return message

        await self.app(scope, counted, send)


def too_large(limit: int) -> Refusal:
    """413, and what to do instead."""
    return Refusal(413, f"the request is larger than the {limit / 1e6:.0f} MB that are taken; large files are sent to "
                        "/v1/files and named by their ids", None, "request_too_large")
