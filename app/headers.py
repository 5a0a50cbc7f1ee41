"""One response header on everything: the page may load nothing from other hosts, whatever an answer contains."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping

# Gradio's page carries inline scripts and styles and builds workers and pictures from memory; Babylon compiles shaders.
POLICY = b"; ".join([
    b"default-src 'self'",
    b"script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob:",
    b"style-src 'self' 'unsafe-inline'",
    b"img-src 'self' data: blob:",
    b"media-src 'self' data: blob:",
    b"font-src 'self' data:",
    b"connect-src 'self' data: blob: ws: wss:",
    b"worker-src 'self' blob:",
    b"object-src 'none'",
    b"base-uri 'self'",
])


class OwnHostOnly:
    """ASGI middleware. Plain rather than Starlette's base class, which would buffer the streamed answers."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: MutableMapping, receive: Callable, send: Callable) -> None:
        async def send_with_policy(message: MutableMapping) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"content-security-policy", POLICY)]
            await send(message)

        await self.app(scope, receive, send_with_policy if scope["type"] == "http" else send)
