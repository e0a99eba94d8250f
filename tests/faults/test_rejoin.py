"""Connections that break anywhere in a talk: nothing lost, nothing twice (rows 1, 8, 9, 10)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from characters.core.failure import FailureKind
from characters.core.messages import BotLlmText, BotReady, ConnectRequest, UserTextMessage
from characters.service.service import Settings
from characters.transport.protocol import Connection, Incoming, RoomGrant, RoomLink, TransportError
from characters.transport.websocket import WebSocketTransport
from tests.characters.transport.stages import AT_ONCE, WebSocketStage, service_stage
from tests.faults.proxy import Direction, Faults, Proxy

ASK = ConnectRequest("counter", end_user_id="me", room_rejoin_ttl_seconds=60.0)
TALK = ("count 3", "count 5", "count 2")
ANSWERS = "1 2 3 1 2 3 4 5 1 2"


class Reconnecting:
    """The smallest client that comes back: rejoin the room, else resume the session."""

    def __init__(self, transport: WebSocketTransport, through: Proxy) -> None:
        self._transport = transport
        self._proxy = through
        self._grant: RoomGrant | None = None
        self._link = RoomLink("")
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
            self._link = RoomLink(grant.room_name)
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
        async with asyncio.timeout(20):
            await client.hold(TALK)
    finally:
        await client._transport.close()
    return client


def through_proxy(stage: WebSocketStage) -> Proxy:
    address = urlsplit(stage.url)
    return Proxy(address.hostname or "", address.port or 0)


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("chunk", range(1, 16))
def test_a_reset_at_any_point_loses_and_repeats_nothing(direction: Direction, chunk: int) -> None:
    async def run() -> None:
        async with service_stage() as stage, through_proxy(stage) as proxy:
            spent = False

            def once(way: Direction, data: bytes, count: int) -> bool:
                nonlocal spent
                hit = not spent and way is direction and count == chunk
                spent = spent or hit
                return hit

            proxy.watch = once
            client = await talk_through(stage, proxy)
            assert "".join(client.said).replace(" ", "") == ANSWERS.replace(" ", "")
            assert stage.heard == list(TALK)

    asyncio.run(run())


def test_a_reset_at_every_fifth_chunk_still_gets_through() -> None:
    async def run() -> None:
        async with service_stage() as stage, through_proxy(stage) as proxy:
            proxy.watch = lambda way, data, count: count % 5 == 0
            client = await talk_through(stage, proxy)
            assert "".join(client.said).replace(" ", "") == ANSWERS.replace(" ", "")
            assert stage.heard == list(TALK)
            assert client.reconnects > 0

    asyncio.run(run())


@pytest.mark.parametrize(
    "weather",
    [
        Faults(slice_bytes=1),
        Faults(slice_bytes=7, jitter=0.002),
        Faults(delay=0.02),
        Faults(bytes_per_second=20_000, slice_bytes=200),
    ],
    ids=["bytewise", "jitter", "slow", "throttled"],
)
def test_bad_weather_changes_nothing_that_is_said(weather: Faults) -> None:
    async def run() -> None:
        async with service_stage() as stage, through_proxy(stage) as proxy:
            proxy.faults = weather
            client = await talk_through(stage, proxy)
            assert "".join(client.said).replace(" ", "") == ANSWERS.replace(" ", "")
            assert client.reconnects == 0

    asyncio.run(run())


def test_a_drop_before_the_service_said_anything_is_rejoined() -> None:
    async def run() -> None:
        async with service_stage() as stage:
            transport = WebSocketTransport(stage.url)
            for _ in range(20):
                grant = await transport.connect(ASK)
                link = RoomLink(grant.room_name)
                (await transport.join(grant, link)).abort()
                again = replace(
                    ASK,
                    mode="join",
                    room_name=grant.room_name,
                    character_session_id=grant.character_session_id,
                    live_id=grant.session_id,
                )
                connection = await transport.join(await transport.connect(again), link)
                while not isinstance(await connection.receive(), BotReady):
                    pass
                assert connection.welcome.resumed == "rejoined"
            await transport.close()

    asyncio.run(run())


def test_the_window_to_rejoin_is_kept_to_a_tenth_of_a_second() -> None:
    async def try_after(stage: WebSocketStage, wait: float) -> str:
        transport = WebSocketTransport(stage.url)
        ask = replace(ASK, room_rejoin_ttl_seconds=0.3)
        grant = await transport.connect(ask)
        connection = await transport.join(grant, RoomLink(grant.room_name))
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

    async def run() -> None:
        async with service_stage(Settings(pace=AT_ONCE, sweep_every=10.0)) as stage:
            early = await asyncio.gather(*(try_after(stage, 0.2) for _ in range(20)))
            late = await asyncio.gather(*(try_after(stage, 0.4) for _ in range(20)))
            assert set(early) == {"rejoined"}
            assert set(late) == {"connection.room_gone"}

    asyncio.run(run())
