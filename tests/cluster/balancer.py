"""A TCP load balancer: each new connection to the next node that answers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Balancer"]

LOOK_SECONDS = 0.25
ANSWER_SECONDS = 1.0
CHUNK = 64 * 1024


class Balancer:
    """Listens on a free loopback port; asks each node for /readyz again and again."""

    def __init__(self) -> None:
        self.targets: dict[str, bool] = {}  # URL -> whether it answers
        self.port = 0
        self._turn = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def add(self, url: str) -> None:
        """Send connections to a node, too, from its first good answer on."""
        self.targets[url] = False
        self._spawn(self._watch(url))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self, url: str) -> None:
        while True:
            self.targets[url] = await _is_ready(url)
            await asyncio.sleep(LOOK_SECONDS)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        far = await self._open()
        if far is None:
            writer.transport.abort()
            return
        ways = [_pass(reader, far[1]), _pass(far[0], writer)]
        done, waiting = await asyncio.wait(
            [asyncio.ensure_future(way) for way in ways], return_when=asyncio.FIRST_COMPLETED
        )
        for way in waiting:
            way.cancel()
        # As the end that is gone ended: without a goodbye, if it was killed.
        for each in (writer, far[1]):
            if any(way.result() for way in done):
                each.transport.abort()
            each.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in range(len(self.targets)):
            ready = [url for url, is_ready in self.targets.items() if is_ready]
            if not ready:
                return None
            self._turn += 1
            url = ready[self._turn % len(ready)]
            address = urlsplit(url)
            try:
                return await asyncio.open_connection(address.hostname, address.port)
            except OSError:
                self.targets[url] = False
        return None


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Pass bytes on until the end; return whether that was a reset."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    except OSError:
        return True
    return False


async def _is_ready(url: str) -> bool:
    address = urlsplit(url)
    with suppress(OSError, TimeoutError, IndexError):
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            try:
                request = (
                    f"GET /readyz HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n"
                )
                writer.write(request.encode())
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    return False
