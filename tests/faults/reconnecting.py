"""The smallest client that comes back, and a talk for it to hold through bad connections."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import urlsplit

from characters.protocol.failures import FailureKind
from characters.protocol.link import SequencedChannel
from characters.protocol.messages import (
    BotLlmText,
    BotReady,
    ConnectRequest,
    RoomGrant,
    UserTextMessage,
)
from characters.transport.base import Connection, Incoming, TransportError
from characters.transport.websocket import WebSocketTransport
from tests.characters.transport.stages import WebSocketStage
from tests.faults.proxy import Direction, Proxy, Watch

__all__ = [
    "ANSWERS",
    "ASK",
    "TALK",
    "Reconnecting",
    "once",
    "talk_through",
    "through_proxy",
    "try_to_rejoin",
]

ASK = ConnectRequest("counter", end_user_id="me", room_rejoin_ttl_seconds=60.0)
TALK = ("count 3", "count 5", "count 2")
ANSWERS = "1231234512"


class Reconnecting:
    """The smallest client that comes back: rejoin the room, else resume the session."""

    def __init__(self, transport: WebSocketTransport, through: Proxy) -> None:
        self._transport = transport
        self._proxy = through
        self._grant: RoomGrant | None = None
        self._link = SequencedChannel("")
        self._connection: Connection | None = None
        self.said: list[str] = []
        self.reconnects = -1
        self.rejoined = 0

    async def _connected(self) -> Connection:
        while self._connection is None:
            self.reconnects += 1
            try:
                self._connection = await self._enter()
            except TransportError as problem:
                if problem.failure.kind is FailureKind.ROOM_GONE and self._grant is not None:
                    self._grant = replace(self._grant, room_name="")
        return self._connection

    async def _enter(self) -> Connection:
        grant = await self._transport.connect(self._request())
        if self._grant is None or grant.room_name != self._grant.room_name:
            self._link = SequencedChannel(grant.room_name)
        self._grant = grant
        port = self._proxy.port
        room = replace(grant, room_url=f"ws://127.0.0.1:{port}{urlsplit(grant.room_url).path}")
        connection = await self._transport.join(room, self._link)
        self.rejoined += connection.welcome.resumed == "rejoined"
        return connection

    def _request(self) -> ConnectRequest:
        if self._grant is None:
            return ASK
        ask = replace(
            ASK,
            character_session_id=self._grant.character_session_id,
            live_id=self._grant.session_id,
        )
        room = self._grant.room_name
        return replace(ask, mode="join", room_name=room) if room else ask

    async def close(self) -> None:
        """Leave."""
        await self._transport.close()

    @property
    def words(self) -> str:
        """All that was said, without spaces."""
        return "".join(self.said).replace(" ", "")

    async def receive(self) -> Incoming:
        """Return what comes next, over however many connections."""
        while True:
            connection = await self._connected()
            try:
                message = await connection.receive()
            except TransportError:
                self._connection = None
                continue
            if isinstance(message, BotLlmText):
                self.said.append(message.text)
            return message

    async def hold(self, talk: tuple[str, ...]) -> None:
        """Say everything, each after the answer to the one before is complete."""
        while not isinstance(await self.receive(), BotReady):
            pass
        for text in talk:
            wanted = len(self.said) + int(text.split()[1])
            (await self._connected()).send(UserTextMessage(text))
            while len(self.said) < wanted:
                await self.receive()


async def talk_through(stage: WebSocketStage, proxy: Proxy) -> Reconnecting:
    client = Reconnecting(WebSocketTransport(proxy.url), proxy)
    try:
        async with asyncio.timeout(60):
            await client.hold(TALK)
    finally:
        await client.close()
    return client


def through_proxy(stage: WebSocketStage) -> Proxy:
    address = urlsplit(stage.url)
    return Proxy(address.hostname or "", address.port or 0)


def once(direction: Direction, chunk: int) -> Watch:
    """Reset the first connection that carries that many chunks in that direction."""
    spent = False

    def watch(way: Direction, data: bytes, count: int) -> bool:
        nonlocal spent
        hit = not spent and way is direction and count == chunk
        spent = spent or hit
        return hit

    return watch


async def try_to_rejoin(stage: WebSocketStage, ttl: float, wait: float) -> str:
    """Drop out of a room, ask for it again after so long; return "rejoined" or the refusal."""
    transport = WebSocketTransport(stage.url)
    ask = replace(ASK, room_rejoin_ttl_seconds=ttl)
    grant = await transport.connect(ask)
    connection = await transport.join(grant, SequencedChannel(grant.room_name))
    connection.abort()
    room = stage.service.registry.room(grant.room_name)
    assert room is not None
    while room.live_id is not None:  # noqa: ASYNC110  # the registry announces nothing
        await asyncio.sleep(0.001)
    await asyncio.sleep(room.left_at + wait - stage.service.now())
    again = replace(
        ask,
        mode="join",
        room_name=grant.room_name,
        character_session_id=grant.character_session_id,
    )
    try:
        await transport.connect(again)
    except TransportError as problem:
        return problem.failure.code
    finally:
        await transport.close()
    return "rejoined"
