"""A line that swallows everything, on demand: the half-open link of the fault panel."""

from __future__ import annotations

import asyncio

from characters.core.link import RoomLink
from characters.transport import Connection, ConnectRequest, RoomGrant, Transport

__all__ = ["BlackHole"]


class BlackHole:
    """While open, nothing goes out and nothing comes in; nobody is told, as with a real one.

    It swallows frames and not messages: what it had when the line was given up neither went out
    nor arrived, so a rejoin repeats it.
    """

    def __init__(self) -> None:
        self._clear = asyncio.Event()
        self._clear.set()
        self._connection: Connection | None = None

    @property
    def is_open(self) -> bool:
        """Whether the line swallows."""
        return not self._clear.is_set()

    def set_open(self, is_open: bool) -> None:
        """Open the hole, or heal the line."""
        if is_open:
            self._clear.clear()
        else:
            self._clear.set()
        if self._connection is not None:
            self._connection.swallow(is_open)

    async def connect(self, transport: Transport, request: ConnectRequest) -> RoomGrant:
        """Ask through the hole."""
        await self._clear.wait()
        grant = await transport.connect(request)
        await self._clear.wait()
        return grant

    async def join(self, transport: Transport, grant: RoomGrant, link: RoomLink) -> Connection:
        """Enter through the hole."""
        await self._clear.wait()
        self._connection = connection = await transport.join(grant, link)
        connection.swallow(self.is_open)
        return connection
