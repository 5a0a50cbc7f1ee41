"""A small reverse proxy before several copies of the app: an ASGI application.

A visitor's conversation lives in one copy, so whoever came stays with it: browsers by a cookie, programs by their
address. Calls that leave nothing behind (`STATELESS`) go to the copy that has least to do. Bodies are passed on as they
come, in both directions, and a caller who goes away ends the work behind.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterator, Callable, MutableMapping, Sequence
from http.cookies import CookieError, SimpleCookie

import anyio
import httpx

logger = logging.getLogger("pointllm.serving")

COOKIE = "pointllm-copy"
STATELESS = ("/v1/chat/completions", "/v1/models", "/v1/files", "/gradio_api/mcp")
# Of one connection, not of the message (RFC 9110, section 7.6.1); httpx sets its own.
HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
              b"trailer", b"transfer-encoding", b"upgrade"}
CONNECT_SECONDS = 5.0


class Balancer:
    """Passes requests on to copies at `addresses` ("http://127.0.0.1:7001", …)."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.addresses = list(addresses)
        self.busy = [0] * len(self.addresses)  # stateless calls that are being answered, by copy
        self.visitors = [0] * len(self.addresses)  # browsers that were sent there
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(None, connect=CONNECT_SECONDS), trust_env=False,
                                         limits=httpx.Limits(max_connections=None, max_keepalive_connections=64,
                                                             keepalive_expiry=2.0))  # copies close theirs after 5 s

    async def close(self) -> None:
        """Give the connections up."""
        await self._client.aclose()

    async def __call__(self, scope: MutableMapping, receive: Callable, send: Callable) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":  # gradio speaks no websocket
            await send({"type": "websocket.close", "code": 1000})
            return
        stateless = scope["path"].startswith(STATELESS)
        body_read = anyio.Event()
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                await body_read.wait()
                while (await receive())["type"] != "http.disconnect":
                    pass
                tasks.cancel_scope.cancel()

            tasks.start_soon(watch)
            await self._pass_on(scope, _body(receive, body_read), send, self._order(scope, stateless), stateless)
            tasks.cancel_scope.cancel()

    def _order(self, scope: MutableMapping, stateless: bool) -> list[int]:
        """The copies to try: the visitor's own or the least busy one first."""
        count = len(self.addresses)
        if stateless:
            return sorted(range(count), key=lambda copy: self.busy[copy])
        kept = _copy_of(scope, count)
        if kept is None and _opens_page(scope):
            kept = min(range(count), key=lambda copy: self.visitors[copy])
        if kept is None:
            host = (scope.get("client") or ("",))[0]
            kept = int.from_bytes(hashlib.blake2b(host.encode(), digest_size=4).digest(), "big") % count
        return [(kept + step) % count for step in range(count)]

    async def _pass_on(self, scope: MutableMapping, body: AsyncIterator[bytes], send: Callable, order: Sequence[int],
                       stateless: bool) -> None:
        for copy in order:
            request = self._client.build_request(
                scope["method"], self.addresses[copy] + _target(scope), headers=_headers_to(scope), content=body)
            self.busy[copy] += stateless
            try:
                answer = await self._client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue  # nothing of the body was read yet: the next copy gets the whole of it
            except ConnectionError:  # raised by `_body`
                return
            except httpx.HTTPError as error:
                logger.warning("copy %d broke off: %s", copy, type(error).__name__)
                await _refuse(send, 502, "the copy that answered has stopped; try again")
                return
            else:
                await self._give_back(scope, answer, send, copy)
                return
            finally:
                self.busy[copy] -= stateless
        await _refuse(send, 503, "the server is starting; try again in a few seconds")

    async def _give_back(self, scope: MutableMapping, answer: httpx.Response, send: Callable, copy: int) -> None:
        headers = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in HOP_BY_HOP]
        if _opens_page(scope) and _copy_of(scope, len(self.addresses)) != copy:
            self.visitors[copy] += 1
            headers.append((b"set-cookie", f"{COOKIE}={copy}; Path=/; HttpOnly; SameSite=Lax".encode()))
        try:
            await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
            async for piece in answer.aiter_raw():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except httpx.HTTPError as error:
            # In the middle of an answer: an end without the last piece is what tells the caller.
            logger.warning("copy %d broke off: %s", copy, type(error).__name__)
        finally:
            with anyio.CancelScope(shield=True):
                await answer.aclose()


def _target(scope: MutableMapping) -> str:
    """Path and query as they came, still encoded."""
    path = scope.get("raw_path") or scope["path"].encode()
    query = scope.get("query_string", b"")
    return (path.split(b"?")[0] + (b"?" + query if query else b"")).decode("latin-1")


def _headers_to(scope: MutableMapping) -> list[tuple[bytes, bytes]]:
    """The caller's headers, and who the caller is. The host stays: pages write addresses with it."""
    headers = [(name, value) for name, value in scope["headers"] if name not in HOP_BY_HOP]
    names = {name for name, _ in headers}
    if b"content-length" not in names and scope["method"] in ("GET", "HEAD", "DELETE", "OPTIONS"):
        headers.append((b"content-length", b"0"))
    if b"accept-encoding" not in names:  # else httpx would ask for what this caller may not read
        headers.append((b"accept-encoding", b"identity"))
    client = (scope.get("client") or ("unknown",))[0].encode()
    hops = [hop.strip() for name, value in headers if name == b"x-forwarded-for" for hop in value.split(b",")]
    # A proxy of this machine was believed (uvicorn does so): then the caller it told of stands there already.
    hops += [client] if hops[-1:] != [client] else []
    headers = [(name, value) for name, value in headers if name != b"x-forwarded-for"]
    return [*headers, (b"x-forwarded-for", b", ".join(hops))]


def _cookies(scope: MutableMapping) -> SimpleCookie:
    found: SimpleCookie = SimpleCookie()
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                found.load(value.decode("latin-1"))
            except CookieError:
                pass  # somebody else's
    return found


def _copy_of(scope: MutableMapping, count: int) -> int | None:
    """The copy that the caller's cookie names, or None."""
    kept = _cookies(scope).get(COOKIE)
    return int(kept.value) if kept is not None and kept.value.isdecimal() and int(kept.value) < count else None


def _opens_page(scope: MutableMapping) -> bool:
    accepts = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return scope["method"] == "GET" and b"text/html" in accepts


async def _body(receive: Callable, done: anyio.Event) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the caller has gone")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body", False):
            done.set()
            return


async def _refuse(send: Callable, status: int, line: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"5")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": line.encode()})


async def _lifespan(receive: Callable, send: Callable) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
