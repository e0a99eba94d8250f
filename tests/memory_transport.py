"""A transport whose far end is an object in the same process: for tests and for demonstrations.

    host = MemoryHost(lambda message: [BotLlmText("hello")])
    transport = host.transport()

The host keeps rooms and numbers as the service does, and answers every client message with what
the responder returns. Faults are switches: `cut`, `black_hole`, `heal`, `refuse`, `forget_rooms`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from characters.protocol.codec import decode_client, encode_server, parse_object
from characters.protocol.failures import Failure, failure
from characters.protocol.link import (
    LINK_LABEL,
    Ack,
    Arrival,
    Bye,
    LinkFrame,
    Ping,
    Pong,
    SequencedChannel,
    Welcome,
    decode_link,
    encode_link,
)
from characters.protocol.messages import (
    BotReady,
    ClientMessage,
    ConnectRequest,
    RoomGrant,
    ServerMessage,
)
from characters.transport.base import TransportError
from characters.transport.websocket import WireConnection

__all__ = [
    "MemoryConnection",
    "MemoryHost",
    "MemoryRoom",
    "MemoryTransport",
]


Responder = Callable[[ClientMessage], Iterable[ServerMessage]]


@dataclass(eq=False)
class MemoryRoom:
    """The far end of one room; tests look at it and speak through it."""

    name: str
    session_id: str
    is_resumed: bool = False
    tokens: set[str] = field(default_factory=set)
    received: list[ClientMessage] = field(default_factory=list)
    audio_frames: list[bytes] = field(default_factory=list)
    goodbyes: list[Bye] = field(default_factory=list)
    connection: MemoryConnection | None = None
    visits: int = 0

    def __post_init__(self) -> None:
        self.channel = SequencedChannel(self.name)

    def send(self, message: ServerMessage) -> None:
        """Say something; it is kept for a rejoin when nobody is there."""
        self.push(self.channel.number(encode_server(message)))

    def push(self, frame: dict[str, Any]) -> None:
        """Put a frame on the line as it is, however wrong."""
        if self.connection is not None:
            self.connection.deliver(json.dumps(frame))

    def link_frame(self, frame: LinkFrame) -> None:
        """Send a frame about the connection."""
        self.push(encode_link(frame))


class MemoryHost:
    """The far end of every memory transport that it hands out."""

    def __init__(
        self,
        respond: Responder = lambda message: (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._respond = respond
        self._clock = clock
        self._made = 0
        self.rooms: dict[str, MemoryRoom] = {}
        self.sessions: set[str] = set()
        self.requests: list[ConnectRequest] = []
        self.refuse: Failure | None = None
        self.is_black_hole = False

    def transport(self) -> MemoryTransport:
        """Return a transport that reaches this host."""
        return MemoryTransport(self, self._clock)

    # --- faults ----------------------------------------------------------------------------

    def cut(self) -> None:
        """Break every live connection, as a reset would."""
        for room in self.rooms.values():
            connection, room.connection = room.connection, None
            if connection is not None:
                connection.broken(failure("transport.signal_disconnected", "reset"))

    def black_hole(self) -> None:
        """Swallow every frame from now on, without a word."""
        self.is_black_hole = True

    def heal(self) -> None:
        """Let frames through again, and answer requests."""
        self.is_black_hole = False
        self.refuse = None

    def forget_rooms(self) -> None:
        """Lose every room, as a restart of the service would; sessions stay."""
        self.cut()
        self.rooms.clear()

    # --- serving ---------------------------------------------------------------------------

    def grant(self, request: ConnectRequest) -> RoomGrant:
        """Answer a request. Raises TransportError."""
        self.requests.append(request)
        if self.refuse is not None:
            raise TransportError(self.refuse)
        self._made += 1
        room = self._room_for(request)
        token = f"token-{self._made}"
        room.tokens = {token}
        return RoomGrant(
            session_id=f"live-{self._made}",
            character_session_id=room.session_id,
            room_url=f"memory://{room.name}",
            room_name=room.name,
            token=token,
            end_user_id=request.end_user_id,
        )

    def _room_for(self, request: ConnectRequest) -> MemoryRoom:
        if request.mode == "join":
            room = self.rooms.get(request.room_name or "")
            if room is None or room.session_id != request.character_session_id:
                raise TransportError(failure("connection.room_gone", "room not found"))
            return room
        session_id = request.character_session_id or f"session-{self._made}"
        if request.character_session_id is None:
            self.sessions.add(session_id)
        if session_id not in self.sessions:
            raise TransportError(failure("session.not_found", "session not found"))
        is_resumed = request.character_session_id is not None
        room = MemoryRoom(f"room-{self._made}", session_id, is_resumed)
        self.rooms[room.name] = room
        return room

    def enter(self, grant: RoomGrant, connection: MemoryConnection, received: int) -> Welcome:
        """Spend a token. Raises TransportError."""
        room = self.rooms.get(grant.room_name)
        if room is None:
            raise TransportError(failure("connection.room_gone", "room not found"))
        if grant.token not in room.tokens:
            raise TransportError(failure("transport.join_refused", "the token is spent"))
        room.tokens = set()
        room.connection = connection
        missed = room.channel.missed(received)
        resumed = "rejoined" if room.visits else "resumed" if room.is_resumed else "fresh"
        room.visits += 1
        for frame in missed:
            connection.deliver_later(json.dumps(frame))
        connection.deliver_later(json.dumps(room.channel.number(encode_server(BotReady()))))
        next_seq = room.channel.confirmed + 1
        return Welcome(room.channel.received, len(missed), next_seq, resumed)

    def take(self, room: MemoryRoom, data: str | bytes) -> None:
        """Take a frame of a client."""
        if isinstance(data, bytes):
            room.audio_frames.append(data)
            return
        raw = parse_object(data)
        if raw.get("label") == LINK_LABEL:
            self._take_link(room, decode_link(raw))
        elif room.channel.accept(raw) is Arrival.DELIVER:
            message = decode_client(raw)
            room.received.append(message)
            for answer in self._respond(message):
                room.send(answer)

    def _take_link(self, room: MemoryRoom, frame: LinkFrame) -> None:
        if isinstance(frame, Ack):
            room.channel.acknowledged(frame.received)
        elif isinstance(frame, Bye):
            room.goodbyes.append(frame)
            room.connection = None
        elif isinstance(frame, Ping):
            room.link_frame(Pong(frame.t))
            room.link_frame(Ack(room.channel.received))


class MemoryTransport:
    """Reaches a MemoryHost."""

    def __init__(self, host: MemoryHost, clock: Callable[[], float]) -> None:
        self._host = host
        self._clock = clock
        self._connections: list[MemoryConnection] = []

    async def connect(self, request: ConnectRequest) -> RoomGrant:
        """Ask for a room. Raises TransportError; waits for ever in a black hole."""
        await self._reach()
        return self._host.grant(request)

    async def join(self, grant: RoomGrant, channel: SequencedChannel) -> MemoryConnection:
        """Enter the granted room. Raises TransportError; waits for ever in a black hole."""
        await self._reach()
        connection = MemoryConnection(self._host, grant.room_name, channel, self._clock)
        connection.enter(self._host.enter(grant, connection, channel.received))
        connection.start()
        self._connections.append(connection)
        return connection

    async def close(self) -> None:
        """Abort what is live."""
        for connection in self._connections:
            connection.abort()
        self._connections = []

    async def _reach(self) -> None:
        await asyncio.sleep(0)
        if self._host.is_black_hole:
            await asyncio.Event().wait()


class MemoryConnection(WireConnection):
    """The near end; one task carries what is sent to the host."""

    def __init__(
        self,
        host: MemoryHost,
        room_name: str,
        channel: SequencedChannel,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(channel, clock)
        self._host = host
        self._room_name = room_name
        self._early: list[str] | None = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to carry frames; what came before the welcome was taken is delivered now."""
        early, self._early = self._early or [], None
        for data in early:
            self.frame_received(data)
        self._task = asyncio.create_task(self._carry())

    def deliver_later(self, data: str) -> None:
        """Take a frame of the host that comes with the welcome."""
        if self._early is not None:
            self._early.append(data)

    def deliver(self, data: str | bytes) -> None:
        """Take a frame of the host."""
        if not self._host.is_black_hole and not self.is_lost:
            self.frame_received(data)

    def broken(self, why: Failure) -> None:
        """The host cut the line."""
        self.lost(why)

    def abort(self) -> None:
        """Drop the connection at once."""
        self.lost(failure("transport.signal_disconnected", "aborted here"))
        self._leave()

    async def close(self) -> None:
        """Say bye and close."""
        if not self.is_lost:
            await self.say_goodbye()
        self.lost(failure("session.ended", "closed here"))
        self._leave()

    def _leave(self) -> None:
        if self._task is not None:
            self._task.cancel()
        room = self._host.rooms.get(self._room_name)
        if room is not None and room.connection is self and not self._host.is_black_hole:
            room.connection = None

    async def _carry(self) -> None:
        while (data := await self.outgoing()) is not None:
            room = self._host.rooms.get(self._room_name)
            if room is None or room.connection is not self:
                self.lost(failure("transport.signal_disconnected"))
            elif not self._host.is_black_hole:
                self._host.take(room, data)
