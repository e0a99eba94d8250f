"""The transport of an endpoint: rooms are asked for over HTTP, and entered as their URL says."""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Callable

from characters.protocol.link import SequencedChannel
from characters.protocol.messages import RoomGrant
from characters.transport.base import Connection
from characters.transport.livekit import LiveKitRooms
from characters.transport.websocket import WebSocketTransport

__all__ = ["EndpointTransport", "speaks_troupe"]


def speaks_troupe(room_url: str) -> bool:
    """Tell a room of our own WebSocket (`ws://host/rooms/NAME`) from a LiveKit server's URL."""
    return "/rooms/" in urllib.parse.urlsplit(room_url).path


class EndpointTransport(WebSocketTransport):
    """Reaches the embedded service and Convai's cloud alike; make and use it in one event loop."""

    def __init__(
        self,
        endpoint: str,
        *,
        api_key: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        livekit: LiveKitRooms | None = None,
    ) -> None:
        super().__init__(endpoint, api_key=api_key, clock=clock)
        self._livekit = livekit or LiveKitRooms(clock)

    async def join(self, grant: RoomGrant, channel: SequencedChannel) -> Connection:
        """Enter the granted room. Raises TransportError."""
        if speaks_troupe(grant.room_url):
            return await super().join(grant, channel)
        return await self._livekit.join(grant, channel)

    async def close(self) -> None:
        """Leave every room and close the sockets."""
        await self._livekit.close()
        await super().close()
