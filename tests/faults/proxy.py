"""A TCP proxy that breaks the network on purpose, in the event loop of the test.

    async with Proxy("127.0.0.1", port) as proxy:
        proxy.faults = Faults(delay=0.2, slice_bytes=7)
        ...
        proxy.black_hole()

`Faults` hold for every connection, present and future, until they are replaced.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from random import Random
from types import TracebackType

__all__ = ["Direction", "Faults", "Proxy", "Watch"]

CHUNK = 16 * 1024


class Direction(Enum):
    """Which way bytes go."""

    TO_SERVER = "to server"
    TO_CLIENT = "to client"


@dataclass(frozen=True, slots=True)
class Faults:
    """Weather of the line; times in seconds, the default is a fine day.

    `delay` and up to `jitter` more are waited before a chunk goes on, in order; `slice_bytes`
    cuts chunks; `bytes_per_second` throttles each direction; `black_hole` lets nothing through
    and closes nothing; `refuse` resets new connections.
    """

    delay: float = 0.0
    jitter: float = 0.0
    slice_bytes: int = 0
    bytes_per_second: float = 0.0
    black_hole: bool = False
    refuse: bool = False


Watch = Callable[[Direction, bytes, int], bool]
"""Sees each chunk with its number in that direction, from 1; True resets the connection."""


class Proxy:
    """Listens on a free loopback port and passes everything on to host:port."""

    def __init__(self, host: str, port: int, *, seed: int = 0) -> None:
        self._target = (host, port)
        self._chance = Random(seed)
        self._faults = Faults()
        self._clear = asyncio.Event()
        self._clear.set()
        self._pipes: set[_Pipe] = set()
        self._is_over = asyncio.Event()
        self._server: asyncio.Server | None = None
        self.watch: Watch | None = None
        self.lost: Callable[[bytes], bool] | None = None
        """By what its client has sent first, whether a connection leads nowhere until all heals."""
        self._healed = asyncio.Event()
        self.accepted = 0
        self.port = 0

    @property
    def url(self) -> str:
        """Where a client connects."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def live(self) -> int:
        """How many connections are open."""
        return len(self._pipes)

    @property
    def faults(self) -> Faults:
        """The weather."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        if faults.black_hole:
            self._clear.clear()
        else:
            self._clear.set()

    # --- orders ----------------------------------------------------------------------------

    def retarget(self, host: str, port: int) -> None:
        """Send new connections elsewhere."""
        self._target = (host, port)

    def reset(self) -> None:
        """Break every connection on both sides, without a goodbye."""
        for pipe in tuple(self._pipes):
            pipe.reset()

    def half_close(self, direction: Direction) -> None:
        """End one direction of every connection; the other goes on."""
        for pipe in self._pipes:
            pipe.half_close(direction)

    def black_hole(self) -> None:
        """Let nothing through from now on; connections stay open."""
        self.faults = Faults(black_hole=True)

    def strand(self) -> None:
        """Let the present connections dangle for good, both ends in good faith; new ones pass."""
        for pipe in self._pipes:
            pipe.is_stranded = True

    def heal(self) -> None:
        """Be a perfect line again; what a black hole held back goes on, as TCP would resend it."""
        self.watch = self.lost = None
        self._healed.set()
        self._healed = asyncio.Event()
        self.faults = Faults()

    # --- life ------------------------------------------------------------------------------

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self._is_over.set()
        self.heal()
        self.reset()
        while self._pipes:
            await asyncio.wait([pipe.task for pipe in self._pipes])

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._faults.refuse:
            _reset(writer)
            return
        # A black hole answers the handshake (the kernel does), and nothing after it.
        await self._clear.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target, limit=CHUNK)
        except OSError:
            _reset(writer)
            return
        pipe = _Pipe(self, (reader, writer), (far_reader, far_writer))
        self._pipes.add(pipe)
        try:
            await pipe.task
        finally:
            self._pipes.discard(pipe)

    async def over(self) -> None:
        """Wait for the end of the proxy."""
        await self._is_over.wait()

    async def unless_lost(self, opening: bytes) -> None:
        """Go on, or when all has healed: TCP sends again what had no way."""
        while self.lost is not None and self.lost(opening):
            await self._healed.wait()

    async def pass_on(
        self, direction: Direction, data: bytes, count: int, writer: asyncio.StreamWriter
    ) -> bool:
        """Let one chunk through the weather; False when the connection is to be reset."""
        if self.watch is not None and self.watch(direction, data, count):
            return False
        faults = self._faults
        size = faults.slice_bytes or len(data)
        await asyncio.sleep(faults.delay + faults.jitter * self._chance.random())
        for start in range(0, len(data), size):
            await self._clear.wait()
            part = data[start : start + size]
            writer.write(part)
            await writer.drain()
            if faults.bytes_per_second:
                await asyncio.sleep(len(part) / faults.bytes_per_second)
            elif faults.slice_bytes:
                await asyncio.sleep(0)
        return True


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Pipe:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, near: Stream, far: Stream) -> None:
        self._proxy = proxy
        self._writers = {Direction.TO_CLIENT: near[1], Direction.TO_SERVER: far[1]}
        self.is_stranded = False
        self._opening = b""
        self.task = asyncio.create_task(self._run(near[0], far[0]))

    async def _run(self, near: asyncio.StreamReader, far: asyncio.StreamReader) -> None:
        tasks = (
            asyncio.create_task(self._carry(Direction.TO_SERVER, near)),
            asyncio.create_task(self._carry(Direction.TO_CLIENT, far)),
        )
        try:
            await asyncio.gather(*tasks)
        except (ConnectionError, asyncio.IncompleteReadError):
            await self._unless_stranded()
            self.reset()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for writer in self._writers.values():
                writer.close()

    async def _carry(self, direction: Direction, reader: asyncio.StreamReader) -> None:
        count = 0
        while data := await reader.read(CHUNK):
            count += 1
            if direction is Direction.TO_SERVER:
                self._opening = self._opening or data
            await self._proxy.unless_lost(self._opening)
            await self._unless_stranded()
            if not await self._proxy.pass_on(direction, data, count, self._writers[direction]):
                raise ConnectionResetError
        await self._proxy._clear.wait()
        await self._unless_stranded()
        self.half_close(direction)

    async def _unless_stranded(self) -> None:
        """Go on, or if the pipe leads nowhere wait for the end: neither end hears of the other."""
        if self.is_stranded:
            await self._proxy.over()

    def half_close(self, direction: Direction) -> None:
        writer = self._writers[direction]
        with suppress(OSError):
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()

    def reset(self) -> None:
        for writer in self._writers.values():
            _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the peer sees a reset: no lingering turns the close into one."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
