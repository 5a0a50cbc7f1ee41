"""Several copies of the app, each a process with its own model and its share of the cores, behind one port.

Starts them, starts one anew that has ended, and ends all when it is ended. What visitors see of it is `balancer`'s.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext

from ..errors import InputError, PointLLMError
from .balancer import Balancer

logger = logging.getLogger("pointllm.serving")

MOST = 64
HEALTHY_SECONDS = 30.0  # a copy that ran so long was sound; it is started anew at once
PATIENCE = 4  # starts that fail one after another before all is given up
STOP_SECONDS = 10.0


def serve(command: Sequence[str], environment: Mapping[str, str], count: int, host: str, port: int) -> int:
    """Run `count` copies of `command` behind host:port until a signal comes; gives the exit status.

    Each copy gets its own PORT, and as many threads as its share of the cores has. InputError where the port is taken.
    """
    if not 1 <= count <= MOST:
        raise InputError(f"--replicas {count}: give a number from 1 to {MOST}")
    listening = _listen(host, port)
    with tempfile.TemporaryDirectory(prefix="pointllm-sent-") as shared, listening:
        ports = _free_ports(count)
        threads = str(max(1, (os.cpu_count() or 1) // count))
        copies = [
            Copy(number, command, {"OMP_NUM_THREADS": threads, **environment, "PORT": str(own),
                                   "GRADIO_SERVER_NAME": "127.0.0.1", "POINTLLM_SENT": shared})
            for number, own in enumerate(ports)
        ]
        return asyncio.run(_serve(copies, [f"http://127.0.0.1:{own}" for own in ports], listening))


class Copy:
    """One process, kept alive."""

    def __init__(self, number: int, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.number, self.command, self.environment = number, command, environment
        self.process: asyncio.subprocess.Process | None = None

    async def keep(self) -> None:
        """Start it, again and again where it ends. PointLLMError when it won't start."""
        failures = 0
        while True:
            started = time.monotonic()
            self.process = await asyncio.create_subprocess_exec(*self.command, env=self.environment)
            status = await self.process.wait()
            failures = 0 if time.monotonic() - started > HEALTHY_SECONDS else failures + 1
            if failures >= PATIENCE:
                raise PointLLMError(f"copy {self.number} of the app ends at once with status {status}; see above why")
            logger.warning("copy %d of the app ended with status %d and is started anew", self.number, status)
            await asyncio.sleep(0.2 * 2**failures if failures else 0)

    async def stop(self) -> None:
        """End it; by force where it won't."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _serve(copies: Sequence[Copy], addresses: Sequence[str], listening: socket.socket) -> int:
    import uvicorn

    balancer = Balancer(addresses)
    server = uvicorn.Server(uvicorn.Config(balancer, log_level="warning", timeout_graceful_shutdown=3))
    server.capture_signals = nullcontext  # in place of uvicorn's own, which would leave the copies running
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)
    keeping = [asyncio.create_task(copy.keep()) for copy in copies]
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    host, port = listening.getsockname()[:2]
    logger.info("%d copies of the app behind http://%s:%d", len(copies), host, port)
    try:
        done, _ = await asyncio.wait([serving, *keeping], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # raises what a copy failed with
        return 0
    finally:
        server.should_exit = True
        for task in keeping:
            task.cancel()
        await asyncio.gather(*(copy.stop() for copy in copies), return_exceptions=True)
        await asyncio.gather(serving, return_exceptions=True)
        await balancer.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise InputError(f"{host}:{port} can't be listened on ({error.strerror}); choose another --host or --port") \
            from error
    return listening


def _free_ports(count: int) -> list[int]:
    """Ports that nobody uses now, all held at once so that they differ."""
    held = []
    try:
        for _ in range(count):
            one = socket.socket()
            one.bind(("127.0.0.1", 0))
            held.append(one)
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
