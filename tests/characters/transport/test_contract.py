"""What every transport promises; each test runs on each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from characters.protocol.codec import MessageError
from characters.protocol.failures import FailureKind
from characters.protocol.link import Bye, SequencedChannel
from characters.protocol.messages import (
    BotLlmText,
    BotReady,
    ClientMessage,
    ConnectRequest,
    ContextUpdate,
    RoomGrant,
    UpdateTemplateKeys,
    UserTextMessage,
)
from characters.protocol.network_conditions import NetworkConditions
from characters.transport.base import Connection, Incoming, Transport, TransportError
from tests.characters.transport.stages import NUMBERED, STAGES, Stage, rejoining, service_stage

ASK = ConnectRequest("counter-1")
DEADLINE = 60.0

Play = Callable[[Stage], Awaitable[None]]


def perform(kind: str, play: Play) -> None:
    async def run() -> None:
        async with asyncio.timeout(60), STAGES[kind]() as stage:
            await play(stage)

    asyncio.run(run())


@pytest.fixture(params=sorted(STAGES))
def on_stage(request: pytest.FixtureRequest) -> Callable[[Play], None]:
    return lambda play: perform(request.param, play)


@pytest.fixture(params=sorted(NUMBERED))
def on_numbered(request: pytest.FixtureRequest) -> Callable[[Play], None]:
    """Where messages are numbered, so that what was missed can be repeated."""
    return lambda play: perform(request.param, play)


async def enter(
    transport: Transport, link: SequencedChannel | None = None
) -> tuple[RoomGrant, Connection]:
    grant = await transport.connect(ASK)
    connection = await transport.join(grant, link or SequencedChannel(grant.room_name))
    await ready(connection)
    return grant, connection


async def rejoin(transport: Transport, grant: RoomGrant, link: SequencedChannel) -> Connection:
    return await transport.join(await transport.connect(rejoining(ASK, grant)), link)


async def ready(connection: Connection) -> None:
    async with asyncio.timeout(DEADLINE):
        while not isinstance(await connection.receive(), BotReady):
            pass


async def texts(connection: Connection, count: int) -> str:
    said: list[str] = []
    async with asyncio.timeout(DEADLINE):
        while len(said) < count:
            message = await connection.receive()
            if isinstance(message, BotLlmText):
                said.append(message.text)
    return "".join(said).strip()


async def lost(connection: Connection) -> TransportError:
    async with asyncio.timeout(DEADLINE):
        with pytest.raises(TransportError) as caught:
            while True:
                await connection.receive()
    return caught.value


def test_a_fresh_room_says_so_and_gets_ready(on_numbered: Callable[[Play], None]) -> None:
    async def play(stage: Stage) -> None:
        _, connection = await enter(stage.transport)
        assert connection.welcome.resumed == "fresh"

    on_numbered(play)


def test_what_is_sent_is_answered_in_order(on_stage: Callable[[Play], None]) -> None:
    async def play(stage: Stage) -> None:
        _, connection = await enter(stage.transport)
        connection.send(UserTextMessage("count 12"))
        assert await texts(connection, 12) == "1 2 3 4 5 6 7 8 9 10 11 12"

    on_stage(play)


def test_a_rejoin_repeats_what_was_missed_once(on_numbered: Callable[[Play], None]) -> None:
    async def play(stage: Stage) -> None:
        grant = await stage.transport.connect(ASK)
        link = SequencedChannel(grant.room_name)
        connection = await stage.transport.join(grant, link)
        await ready(connection)
        connection.send(UserTextMessage("count 30"))
        first = await texts(connection, 9)
        stage.cut()
        connection.abort()
        heard = link.received
        again = await rejoin(stage.transport, grant, link)
        assert again.welcome.resumed == "rejoined"
        assert again.welcome.next_seq == heard + 1
        # What had arrived before the cut and was not read is repeated.
        rest = [message async for message in until_ready(again)]
        said = [m.text for m in rest if isinstance(m, BotLlmText)]
        assert (first + "".join(said)).split() == [str(n) for n in range(1, 31)]

    on_numbered(play)


async def until_ready(connection: Connection) -> AsyncIterator[Incoming]:
    """Yield what a connection brings up to ready."""
    async with asyncio.timeout(DEADLINE):
        while not isinstance(message := await connection.receive(), BotReady):
            yield message


def test_what_the_service_missed_is_sent_again_once(on_stage: Callable[[Play], None]) -> None:
    async def play(stage: Stage) -> None:
        grant = await stage.transport.connect(ASK)
        link = SequencedChannel(grant.room_name)
        connection = await stage.transport.join(grant, link)
        await ready(connection)
        connection.send(UserTextMessage("one"))
        await texts(connection, 1)
        connection.abort()
        connection.send(UserTextMessage("two"))
        again = await rejoin(stage.transport, grant, link)
        await texts(again, 1)
        assert stage.heard == ["one", "two"]

    on_stage(play)


def test_what_a_line_swallowed_before_it_was_given_up_is_sent_and_answered_on_a_rejoin(
    on_stage: Callable[[Play], None],
) -> None:
    async def play(stage: Stage) -> None:
        grant = await stage.transport.connect(ASK)
        link = SequencedChannel(grant.room_name)
        connection = await stage.transport.join(grant, link)
        await ready(connection)
        connection.send(UserTextMessage("count 2"))
        await texts(connection, 1)
        connection.set_conditions(NetworkConditions(is_black_hole=True))
        connection.send(UserTextMessage("count 3"))
        connection.abort()
        again = await rejoin(stage.transport, grant, link)
        rest = [message async for message in until_ready(again)]
        said = "".join(m.text for m in rest if isinstance(m, BotLlmText))
        assert said.strip() in ("", "2") and await texts(again, 3) == "1 2 3"

    on_stage(play)


def test_a_restarted_client_goes_on_with_the_numbers_of_its_earlier_life(
    on_numbered: Callable[[Play], None],
) -> None:
    async def play(stage: Stage) -> None:
        grant, connection = await enter(stage.transport)
        connection.send(UserTextMessage("before"))
        await texts(connection, 1)
        connection.abort()
        again = await rejoin(stage.transport, grant, SequencedChannel(grant.room_name))
        again.send(UserTextMessage("after"))
        # The first answer was never confirmed, so it comes again before the second.
        await texts(again, 2)
        assert stage.heard == ["before", "after"]

    on_numbered(play)


def test_a_lost_connection_raises_a_transient_failure(on_stage: Callable[[Play], None]) -> None:
    async def play(stage: Stage) -> None:
        _, connection = await enter(stage.transport)
        stage.cut()
        problem = await lost(connection)
        assert problem.failure.kind is FailureKind.TRANSIENT

    on_stage(play)


def test_abort_ends_a_waiting_receive(on_stage: Callable[[Play], None]) -> None:
    async def play(stage: Stage) -> None:
        _, connection = await enter(stage.transport)
        waiting = asyncio.create_task(lost(connection))
        await asyncio.sleep(0)
        connection.abort()
        connection.abort()
        assert (await waiting).failure.code == "transport.signal_disconnected"

    on_stage(play)


def test_an_unknown_room_is_gone(on_stage: Callable[[Play], None]) -> None:
    async def play(stage: Stage) -> None:
        grant = RoomGrant("s", "unknown", "", "nowhere", "t")
        with pytest.raises(TransportError) as caught:
            await rejoin(stage.transport, grant, SequencedChannel("nowhere"))
        assert caught.value.failure.kind is FailureKind.ROOM_GONE

    on_stage(play)


def test_an_unknown_session_refuses_to_resume(on_stage: Callable[[Play], None]) -> None:
    async def play(stage: Stage) -> None:
        with pytest.raises(TransportError) as caught:
            await stage.transport.connect(replace(ASK, character_session_id="unknown"))
        assert caught.value.failure.kind is FailureKind.RESUME_REFUSED

    on_stage(play)


def test_a_token_opens_one_connection(on_stage: Callable[[Play], None]) -> None:
    async def play(stage: Stage) -> None:
        grant, _ = await enter(stage.transport)
        with pytest.raises(TransportError) as caught:
            await stage.transport.join(grant, SequencedChannel(grant.room_name))
        assert caught.value.failure.code == "transport.join_refused"

    on_stage(play)


def test_a_ping_is_a_sign_of_life(on_stage: Callable[[Play], None]) -> None:
    async def play(stage: Stage) -> None:
        _, connection = await enter(stage.transport)
        before = connection.last_received
        connection.ping()
        async with asyncio.timeout(DEADLINE):
            while connection.round_trip_seconds is None:  # noqa: ASYNC110  # no event to wait for
                await asyncio.sleep(0)
        assert connection.last_received >= before
        assert 0 <= connection.round_trip_seconds < DEADLINE

    on_stage(play)


def test_a_queue_that_nobody_confirms_overflows_with_an_error(
    on_stage: Callable[[Play], None],
) -> None:
    async def play(stage: Stage) -> None:
        grant = await stage.transport.connect(ASK)
        connection = await stage.transport.join(grant, SequencedChannel(grant.room_name, limit=3))
        for _ in range(3):
            connection.send(UserTextMessage("hello"))
        with pytest.raises(TransportError) as caught:
            connection.send(UserTextMessage("one too many"))
        assert caught.value.failure.code == "transport.overflow"

    on_stage(play)


UNSENDABLE: list[ClientMessage] = [
    UpdateTemplateKeys({"a": float("nan")}),
    UpdateTemplateKeys({"a": {1}}),
    UpdateTemplateKeys({"a": {(1, 2): 3}}),
    UpdateTemplateKeys({"a": "half a character \ud83d"}),
    ContextUpdate("x" * 70_000),
    UserTextMessage("\udc00"),
]


def test_what_cannot_be_sent_is_refused_and_costs_nothing(
    on_stage: Callable[[Play], None],
) -> None:
    async def play(stage: Stage) -> None:
        _, connection = await enter(stage.transport)
        for message in UNSENDABLE:
            with pytest.raises(MessageError):
                connection.send(message)
        connection.send(UserTextMessage("count 2"))
        assert await texts(connection, 2)

    on_stage(play)


def test_close_is_idempotent_and_leaves_a_room_that_can_be_rejoined(
    on_stage: Callable[[Play], None],
) -> None:
    async def play(stage: Stage) -> None:
        grant = await stage.transport.connect(ASK)
        link = SequencedChannel(grant.room_name)
        connection = await stage.transport.join(grant, link)
        await ready(connection)
        await connection.close()
        await connection.close()
        await ready(await rejoin(stage.transport, grant, link))

    on_stage(play)


def test_a_goodbye_is_received_before_the_end() -> None:
    async def run() -> None:
        async with service_stage() as stage:
            _, connection = await enter(stage.transport)
            await stage.service.drain()
            async with asyncio.timeout(DEADLINE):
                while not isinstance(message := await connection.receive(), Bye):
                    pass
            assert message == Bye("drain", 1.0)
            await lost(connection)

    asyncio.run(run())
