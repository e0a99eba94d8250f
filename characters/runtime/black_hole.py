"""A line that swallows everything, on demand: the half-open link of the fault panel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from characters.core.link import RoomLink
from characters.core.messages import ClientMessage
from characters.transport import (
    Connection,
    ConnectRequest,
    Incoming,
    RoomGrant,
    Transport,
    Welcome,
)

__all__ = ["BlackHole"]


class BlackHole:
    """While open, nothing goes out and nothing comes in; nobody is told, as with a real one.

    What is sent meanwhile waits, as in a socket's buffer, and goes out if the line is healed
    before somebody gave it up.
    """

    def __init__(self) -> None:
        self._clear = asyncio.Event()
        self._clear.set()
        self._held: list[Callable[[], None]] = []

    @property
    def is_open(self) -> bool:
        """Whether the line swallows."""
        return not self._clear.is_set()

    def set_open(self, is_open: bool) -> None:
        """Open the hole, or heal the line."""
        if is_open:
            self._clear.clear()
            return
        self._clear.set()
        held, self._held = self._held, []
        for action in held:
            action()

    async def passed(self) -> None:
        """Wait until the line is clear."""
        await self._clear.wait()

    def hold(self, action: Callable[[], None]) -> None:
        """Do something now, or once the line is clear."""
        if self.is_open:
            self._held.append(action)
        else:
            action()

    def forget(self) -> None:
        """Drop what waits: its connection is gone."""
        self._held.clear()

    async def connect(self, transport: Transport, request: ConnectRequest) -> RoomGrant:
        """Ask through the hole."""
        await self.passed()
        grant = await transport.connect(request)
        await self.passed()
        return grant

    async def join(self, transport: Transport, grant: RoomGrant, link: RoomLink) -> Connection:
        """Enter through the hole."""
        await self.passed()
        return _Swallowing(await transport.join(grant, link), self)


class _Swallowing:
    """A connection whose frames pass the hole."""

    def __init__(self, inner: Connection, hole: BlackHole) -> None:
        self._inner = inner
        self._hole = hole
        self._last_received = inner.last_received

    @property
    def welcome(self) -> Welcome:
        return self._inner.welcome

    @property
    def last_received(self) -> float:
        if not self._hole.is_open:
            self._last_received = self._inner.last_received
        return self._last_received

    @property
    def round_trip_seconds(self) -> float | None:
        return self._inner.round_trip_seconds

    def send(self, message: ClientMessage) -> None:
        self._hole.hold(lambda: self._inner.send(message))

    def send_audio(self, pcm: bytes, timestamp: float) -> None:
        if not self._hole.is_open:
            self._inner.send_audio(pcm, timestamp)

    def ping(self) -> None:
        self._hole.hold(self._inner.ping)

    async def receive(self) -> Incoming:
        item = await self._inner.receive()
        await self._hole.passed()
        return item

    def abort(self) -> None:
        self._hole.forget()
        self._inner.abort()

    async def close(self) -> None:
        await self._hole.passed()
        await self._inner.close()
