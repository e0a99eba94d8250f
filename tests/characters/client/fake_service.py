"""A conversation service in memory, as willing or as bad as a test wants it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from characters.protocol.failures import Failure, failure
from characters.protocol.link import Bye, SequencedChannel, Welcome
from characters.protocol.messages import (
    BotReady,
    ClientMessage,
    ConnectRequest,
    RoomGrant,
    ServerResponse,
    UserTextMessage,
)
from characters.protocol.network_conditions import NetworkConditions
from characters.transport.base import Incoming, TransportError

__all__ = [
    "FakeConnection",
    "FakeService",
]


class FakeConnection:
    """The client's end, with the service's hand inside."""

    def __init__(self, service: FakeService, grant: RoomGrant, welcome: Welcome) -> None:
        self.service = service
        self.request = service.asked[grant.session_id]
        self.ready_at: float | None = None
        self.grant = grant
        self.welcome = welcome
        self.sent: list[ClientMessage] = []
        self.audio: list[tuple[bytes, float]] = []
        self.pings = 0
        self.is_live = True
        self.was_aborted = False
        self.overflows = False
        self.is_swallowing = False
        self.round_trip_seconds: float | None = None
        self._incoming: deque[Incoming] = deque()
        self._lost: Failure | None = None
        self._readable = asyncio.Event()
        self.last_received = service.clock()

    # The service's side.

    def tell(self, *items: Incoming) -> None:
        self._incoming.extend(items)
        if any(isinstance(item, BotReady) for item in items):
            self.ready_at = self.service.clock()
        if not self.is_swallowing:
            self.last_received = self.service.clock()
            self._readable.set()

    def drop(self, code: str = "transport.signal_disconnected") -> None:
        self._lost = self._lost or failure(code)
        self._end()

    def _end(self) -> None:
        self.is_live = False
        self._readable.set()

    # The runner's side.

    def send(self, message: ClientMessage) -> None:
        if self.overflows:
            raise TransportError(failure("transport.overflow"))
        self.sent.append(message)
        if self.service.acknowledges and self.is_live:
            known = isinstance(message, UserTextMessage) and message.message_id
            extras = {"message_id": known} if known and self.service.knows_ids else None
            self.tell(ServerResponse(message.TYPE, extras=extras))

    def send_audio(self, pcm: bytes, timestamp: float) -> None:
        self.audio.append((pcm, timestamp))

    def ping(self) -> None:
        self.pings += 1
        if not self.service.is_silent and self.is_live and not self.is_swallowing:
            self.last_received = self.service.clock()
            self.round_trip_seconds = 0.001

    def set_conditions(self, conditions: NetworkConditions) -> None:
        self.is_swallowing = conditions.is_black_hole
        self._readable.set()

    async def receive(self) -> Incoming:
        while self.is_swallowing or not self._incoming:
            if self._lost is not None:
                raise TransportError(self._lost)
            self._readable.clear()
            await self._readable.wait()
        return self._incoming.popleft()

    def abort(self) -> None:
        self.was_aborted = True
        self.drop()

    async def close(self) -> None:
        await asyncio.sleep(self.service.close_seconds)
        self.drop("session.ended")

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.sent if isinstance(message, UserTextMessage)]


class FakeService:
    """Grants rooms and remembers what was asked."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.requests: list[ConnectRequest] = []
        self.asked: dict[str, ConnectRequest] = {}  # by the id of the live connection
        self.connections: list[FakeConnection] = []
        self.refusals: deque[Failure] = deque()
        self.connect_seconds = 0.01
        self.join_seconds = 0.01
        self.close_seconds = 0.01
        self.ready_seconds: float | None = 0.01
        self.is_silent = False
        self.is_down = False
        self.acknowledges = True
        self.knows_ids = True
        self.most_live = 0
        self._numbers = 0

    @property
    def live(self) -> list[FakeConnection]:
        return [connection for connection in self.connections if connection.is_live]

    @property
    def last(self) -> FakeConnection:
        return self.connections[-1]

    def refuse(self, code: str, retry_after: float | None = None) -> None:
        """Answer the next connect with a failure."""
        self.refusals.append(failure(code, retry_after=retry_after))

    def kill(self) -> None:
        """End as a process does."""
        self.is_down = True
        for connection in self.live:
            connection.drop()

    # The transport.

    async def connect(self, request: ConnectRequest) -> RoomGrant:
        self.requests.append(request)
        await asyncio.sleep(self.connect_seconds)
        if self.is_down:
            raise TransportError(failure("connection.refused"))
        if self.refusals:
            raise TransportError(self.refusals.popleft())
        self._numbers += 1
        session_id = request.character_session_id or f"id-{self._numbers}"
        room = request.room_name or f"room-{self._numbers}"
        if request.mode == "join" and request.character_session_id is None:
            session_id = self.last.grant.character_session_id
        self.asked[f"live-{self._numbers}"] = request
        return RoomGrant(f"live-{self._numbers}", session_id, "ws://fake", room, "token")

    async def join(self, grant: RoomGrant, link: SequencedChannel) -> FakeConnection:
        await asyncio.sleep(self.join_seconds)
        if self.is_down:
            raise TransportError(failure("connection.refused"))
        connection = FakeConnection(self, grant, self._welcome(grant))
        self.connections.append(connection)
        self.most_live = max(self.most_live, len(self.live))
        if self.ready_seconds is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(self.ready_seconds, connection.tell, BotReady())
        return connection

    def _welcome(self, grant: RoomGrant) -> Welcome:
        known = [item.grant for item in self.connections]
        if any(item.room_name == grant.room_name for item in known):
            return Welcome(0, resumed="rejoined")
        last = self.requests[-1]
        is_old = last.character_session_id == grant.character_session_id
        return Welcome(0, resumed="resumed" if is_old else "fresh")

    def end(self, reason: str, retry_after: float | None = None) -> None:
        """Say bye to everybody."""
        for connection in self.live:
            connection.tell(Bye(reason, retry_after))

    async def close(self) -> None:
        for connection in self.live:
            connection.abort()
