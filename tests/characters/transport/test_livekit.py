from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

import numpy as np
import pytest

from characters.protocol.audio_frames import AudioFrame
from characters.protocol.link import Bye, SequencedChannel
from characters.protocol.messages import (
    BotLlmText,
    BotReady,
    ClientMessage,
    ConnectRequest,
    ServerMessage,
    UserTextMessage,
)
from characters.protocol.network_conditions import NetworkConditions
from characters.transport.base import TransportError
from characters.transport.livekit import VOICE_RATE, LiveKitConnection, LiveKitRooms, load_sdk
from tests.characters.transport.fake_livekit import FakeLiveKit, FakeRoom

FRAME = VOICE_RATE // 50
LOUD = np.full(FRAME, 3000, "<i2").tobytes()
QUIET = bytes(2 * FRAME)

Play = Callable[[LiveKitConnection, FakeRoom], Awaitable[None]]


def silent(message: ClientMessage) -> tuple[ServerMessage, ...]:
    return ()


def in_a_room(
    play: Play, respond: Callable[[ClientMessage], Iterable[ServerMessage]] = silent
) -> None:
    async def run() -> None:
        server = FakeLiveKit(respond)
        rooms = LiveKitRooms(time.monotonic, lambda: server)
        grant = server.grant(ConnectRequest("patient-7f3a"))
        async with asyncio.timeout(60):
            connection = await rooms.join(grant, SequencedChannel(grant.room_name))
            assert isinstance(await connection.receive(), BotReady)
            await play(connection, server.rooms[-1])
            await rooms.close()

    asyncio.run(run())


def test_the_microphone_is_published_with_the_first_frame_and_not_before() -> None:
    async def play(connection: LiveKitConnection, room: FakeRoom) -> None:
        await asyncio.sleep(0)
        assert room.microphone == []
        connection.send_audio(b"\1\0" * 320, 0.5)
        while not (room.microphone and room.microphone[0].heard):  # noqa: ASYNC110  # no event
            await asyncio.sleep(0)
        assert room.microphone[0].heard == [b"\1\0" * 320]
        assert room.microphone[0].queue_size_ms == 200

    in_a_room(play)


def test_a_voice_comes_as_frames_at_our_rate_and_the_silence_after_it_does_not() -> None:
    async def play(connection: LiveKitConnection, room: FakeRoom) -> None:
        room.speak(QUIET, LOUD, LOUD, *[QUIET] * 40, LOUD)
        heard = [await connection.receive() for _ in range(17)]
        frames = [item for item in heard if isinstance(item, AudioFrame)]
        assert [frame.sample_rate for frame in frames] == [VOICE_RATE] * 17
        assert [frame.pcm == LOUD for frame in frames] == [True] * 2 + [False] * 14 + [True]

    in_a_room(play)


def test_what_is_no_message_of_ours_costs_nothing() -> None:
    async def play(connection: LiveKitConnection, room: FakeRoom) -> None:
        room.push(b"\xff\xfe")
        room.push(b"[]")
        room.say(BotLlmText("elsewhere"), topic="chat")
        room.say(BotLlmText("hello"))
        assert await connection.receive() == BotLlmText("hello")

    in_a_room(play)


@pytest.mark.parametrize(
    ("reason", "said"), [(2, "taken-over"), (3, "drain"), (4, "killed"), (5, "killed")]
)
def test_a_server_that_ends_it_is_understood(reason: int, said: str) -> None:
    async def play(connection: LiveKitConnection, room: FakeRoom) -> None:
        room.cut(reason)
        assert await connection.receive() == Bye(said)

    in_a_room(play)


def test_while_livekit_mends_its_line_there_is_no_sign_of_life_and_no_loss() -> None:
    async def play(connection: LiveKitConnection, room: FakeRoom) -> None:
        room.begin_to_reconnect()
        before = connection.last_received
        connection.ping()
        assert connection.last_received == before
        assert not connection.is_lost
        room.reconnect()
        assert connection.last_received > before
        room.say(BotLlmText("hello"))
        assert await connection.receive() == BotLlmText("hello")

    in_a_room(play)


def test_an_agent_that_leaves_is_a_loss_of_its_own() -> None:
    async def play(connection: LiveKitConnection, room: FakeRoom) -> None:
        room.agent_leaves()
        with pytest.raises(TransportError) as caught:
            await connection.receive()
        assert caught.value.failure.code == "transport.agent_left"
        await connection.left()
        assert not room.isconnected()

    in_a_room(play)


def test_another_player_who_leaves_costs_nothing() -> None:
    async def play(connection: LiveKitConnection, room: FakeRoom) -> None:
        room.remote_participants["friend"] = object()
        room.agent_leaves()
        assert not connection.is_lost

    in_a_room(play)


def test_figures_that_cannot_be_had_cost_nothing() -> None:
    async def play(connection: LiveKitConnection, room: FakeRoom) -> None:
        room.has_figures = False
        connection.ping()
        room.say(BotLlmText("hello"))
        assert await connection.receive() == BotLlmText("hello")
        assert connection.round_trip_seconds is None

    in_a_room(play)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("engine: signal failure: client error: 401 Unauthorized - no", "transport.join_refused"),
        ("engine: signal failure: client error: 403 Forbidden - no", "transport.join_refused"),
        ("engine: signal failure: server error: 503 Service", "connection.unavailable"),
        ("transport connection error: IO error: Connection refused", "connection.refused"),
        ("IO error: failed to lookup address information: Name", "connection.dns"),
        ("signal failure: failed to parse the url: relative URL", "connection.invalid_url"),
        ("something new", "transport.join_refused"),
    ],
)
def test_refused_unavailable_and_unreachable_are_told_apart(said: str, code: str) -> None:
    async def run() -> None:
        server = FakeLiveKit(silent)
        server.refusal = said
        rooms = LiveKitRooms(time.monotonic, lambda: server)
        grant = server.grant(ConnectRequest("patient-7f3a"))
        with pytest.raises(TransportError) as caught:
            await rooms.join(grant, SequencedChannel(grant.room_name))
        assert caught.value.failure.code == code
        await rooms.close()

    asyncio.run(run())


def test_voices_go_through_relays_alone_where_that_is_asked_for() -> None:
    async def run(relay_only: bool) -> bool:
        server = FakeLiveKit(silent)
        rooms = LiveKitRooms(time.monotonic, lambda: server, relay_only=relay_only)
        grant = server.grant(ConnectRequest("patient-7f3a"))
        await rooms.join(grant, SequencedChannel(grant.room_name))
        await rooms.close()
        return hasattr(server.rooms[-1].options, "rtc_config")

    assert asyncio.run(run(relay_only=True)) and not asyncio.run(run(relay_only=False))


def test_a_ping_takes_livekit_s_figure_and_not_of_a_pair_that_was_never_used() -> None:
    async def play(connection: LiveKitConnection, room: FakeRoom) -> None:
        connection.ping()
        while connection.round_trip_seconds is None:  # noqa: ASYNC110  # no event to wait for
            await asyncio.sleep(0)
        assert connection.round_trip_seconds == 0.04

    in_a_room(play)


def test_a_swallowed_line_gives_no_sign_of_life_and_heals_with_what_waited() -> None:
    async def play(connection: LiveKitConnection, room: FakeRoom) -> None:
        connection.set_conditions(NetworkConditions(is_black_hole=True))
        before = connection.last_received
        connection.ping()
        room.say(BotLlmText("hello"))
        await asyncio.sleep(0)
        assert connection.last_received == before
        connection.set_conditions(NetworkConditions.CALM)
        assert await connection.receive() == BotLlmText("hello")

    in_a_room(play)


def test_what_waits_at_the_end_is_still_said() -> None:
    said: list[ClientMessage] = []

    def note(message: ClientMessage) -> tuple[ServerMessage, ...]:
        said.append(message)
        return ()

    async def play(connection: LiveKitConnection, room: FakeRoom) -> None:
        connection.send(UserTextMessage("goodbye"))
        await connection.close()

    in_a_room(play, note)
    assert said == [UserTextMessage("goodbye")]


def test_a_join_that_is_given_up_leaves_the_room_once_it_got_in_after_all() -> None:
    async def run() -> None:
        server = FakeLiveKit(silent)
        server.is_slow = True
        rooms = LiveKitRooms(time.monotonic, lambda: server)
        grant = server.grant(ConnectRequest("patient-7f3a"))
        told = asyncio.Event()

        async def tell_left() -> None:
            told.set()

        channel = SequencedChannel(grant.room_name)
        joining = asyncio.create_task(rooms.join(grant, channel, tell_left))
        while not server.rooms:  # noqa: ASYNC110  # no event
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        joining.cancel()
        await asyncio.wait((joining,))
        server.let_in.set()
        async with asyncio.timeout(60):
            await told.wait()
        assert not server.rooms[-1].isconnected()
        await rooms.close()

    asyncio.run(run())


def test_without_the_package_the_error_says_what_to_install() -> None:
    async def run() -> None:
        rooms = LiveKitRooms(time.monotonic, lambda: load_sdk("no_such_package"))
        grant = FakeLiveKit(silent).grant(ConnectRequest("patient-7f3a"))
        with pytest.raises(TransportError, match="pip install livekit"):
            await rooms.join(grant, SequencedChannel(grant.room_name))

    asyncio.run(run())
