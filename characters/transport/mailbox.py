"""What arrived and was not read yet, and how the connection ended: the same on every transport."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

from characters.core.failure import Failure, failure
from characters.transport.protocol import TransportError

__all__ = ["Mailbox"]

MAX_INCOMING = 4096

T = TypeVar("T")


class Mailbox(Generic[T]):
    """The reading end of a connection; bounded, and closed once by `lost`."""

    def __init__(self) -> None:
        self._incoming: deque[T] = deque()
        self._failure: Failure | None = None
        self._readable = asyncio.Event()

    @property
    def is_lost(self) -> bool:
        """Whether the line is gone."""
        return self._failure is not None

    async def take(self) -> T:
        """Wait for what comes next. Raises TransportError once the line is gone."""
        while not self._incoming:
            if self._failure is not None:
                raise TransportError(self._failure)
            self._readable.clear()
            await self._readable.wait()
        return self._incoming.popleft()

    def arrived(self, item: T) -> None:
        """Add what arrived; too much of it unread ends the connection."""
        if len(self._incoming) >= MAX_INCOMING:
            self.lost(failure("transport.overflow", "the game does not take what arrives"))
            return
        self._incoming.append(item)
        self._readable.set()

    def lost(self, why: Failure) -> None:
        """End the connection, once; what arrived before can still be received."""
        if self._failure is None:
            self._failure = why
            self._readable.set()
