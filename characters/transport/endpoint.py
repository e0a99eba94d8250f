"""An endpoint as a game names it: asked over HTTP, entered by whatever its room's URL speaks."""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Callable

from characters.protocol.link import SequencedChannel
from characters.protocol.messages import ConnectRequest, RoomGrant
from characters.transport.base import Connection
from characters.transport.livekit import LiveKitRooms
from characters.transport.websocket import WebSocketTransport

__all__ = ["EndpointTransport", "speaks_troupe"]


def speaks_troupe(room_url: str) -> bool:
    """Tell a room of our own WebSocket (`ws://host/rooms/NAME`) from a LiveKit server's URL."""
    return "/rooms/" in urllib.parse.urlsplit(room_url).path


class EndpointTransport:
    """Reaches the embedded service and Convai's cloud alike; make and use it in one event loop."""

    def __init__(
        self,
        endpoint: str,
        *,
        api_key: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        livekit: LiveKitRooms | None = None,
    ) -> None:
        self._web = WebSocketTransport(endpoint, api_key=api_key, clock=clock)
        self._livekit = livekit or LiveKitRooms(clock)

    async def connect(self, request: ConnectRequest) -> RoomGrant:
        """Ask for a room. Raises TransportError."""
        return await self._web.connect(request)

    async def join(self, grant: RoomGrant, link: SequencedChannel) -> Connection:
        """Enter the granted room. Raises TransportError."""
        rooms = self._web if speaks_troupe(grant.room_url) else self._livekit
        return await rooms.join(grant, link)

    async def close(self) -> None:
        """Give back what is held."""
        await self._livekit.close()
        await self._web.close()
