"""Rooms of LiveKit: the native client of the package, against a server that speaks LiveKit."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from characters.protocol.audio_frames import AudioFrame
from characters.protocol.codec import MessageError
from characters.protocol.link import Bye, SequencedChannel
from characters.protocol.messages import (
    BotLlmText,
    BotReady,
    ClientMessage,
    ConnectRequest,
    ContextUpdate,
    RoomGrant,
    ServerMessage,
    UserTextMessage,
)
from characters.protocol.network_conditions import NetworkConditions
from characters.transport.base import TransportError
from characters.transport.livekit import (
    ABSENCE_SECONDS,
    VOICE_RATE,
    LiveKitConnection,
    LiveKitRooms,
    load_sdk,
)
from engine.core.processes import run_in_time
from tests.livekit_server import LiveKitServer, Visit, livekit_server

from livekit import rtc  # isort: skip  # livekit_server skips where it is not installed

TONE = (8000 * np.sin(2 * np.pi * 500 * np.arange(320) / 16_000)).astype("<i2").tobytes()
GRANT = RoomGrant("live", "session", "", "room", "token")

Play = Callable[[LiveKitConnection, Visit], Awaitable[None]]


def echo(message: ClientMessage) -> tuple[ServerMessage, ...]:
    return (BotLlmText(message.text),) if isinstance(message, UserTextMessage) else ()


def sdk(**changes: Any) -> Callable[[], Any]:
    """Return the real package, but for what is named."""
    return lambda: SimpleNamespace(**(vars(rtc) | changes))


@asynccontextmanager
async def inside(
    server: LiveKitServer, package: Callable[[], Any] = load_sdk
) -> AsyncIterator[tuple[LiveKitConnection, Visit]]:
    rooms = LiveKitRooms(time.monotonic, package)
    grant = server.grant(ConnectRequest("patient-7f3a"))
    connection = await rooms.join(grant, SequencedChannel(grant.room_name))
    assert isinstance(await connection.receive(), BotReady)
    try:
        yield connection, server.visits[-1]
    finally:
        await rooms.close()


def in_a_room(
    play: Play,
    respond: Callable[[ClientMessage], Iterable[ServerMessage]] = echo,
    package: Callable[[], Any] = load_sdk,
) -> None:
    async def run() -> None:
        async with (
            asyncio.timeout(60),
            livekit_server(respond) as server,
            inside(server, package) as (connection, visit),
        ):
            await play(connection, visit)

    asyncio.run(run())


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110  # the native half has no event for it
        await asyncio.sleep(0.01)


async def answered(connection: LiveKitConnection, text: str) -> None:
    """Say something, and wait for the agent to say it too."""
    connection.send(UserTextMessage(text))
    while await connection.receive() != BotLlmText(text):
        pass


async def be_heard(connection: LiveKitConnection, visit: Visit) -> None:
    """Speak until the far end hears it."""
    while not visit.heard_seconds:
        connection.send_audio(TONE, 0.5)
        await asyncio.sleep(0.02)


async def loss_of(connection: LiveKitConnection) -> str:
    with pytest.raises(TransportError) as caught:
        while True:
            await connection.receive()
    return caught.value.failure.code


def test_the_microphone_is_muted_until_its_first_frame_which_is_heard_from_the_beginning() -> None:
    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        await until(lambda: visit.is_published)
        await asyncio.sleep(0.5)  # the far end agrees to the track meanwhile
        assert visit.is_muted and not visit.heard_seconds
        for _ in range(20):
            connection.send_audio(TONE, 0.5)
            await asyncio.sleep(0.02)
        await until(lambda: visit.heard_seconds > 0.25)
        assert not visit.is_muted

    in_a_room(play)


def test_a_room_that_takes_no_microphone_can_still_be_typed_in() -> None:
    class Deaf(rtc.Room):
        @property
        def local_participant(self) -> Any:
            return SimpleNamespace(
                publish_data=super().local_participant.publish_data, publish_track=refuse
            )

    async def refuse(*_: object) -> None:
        raise Exception("the native half said no")

    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        connection.send_audio(TONE, 0.5)
        await answered(connection, "hello")
        assert not connection.is_lost

    in_a_room(play, package=sdk(Room=Deaf))


def test_a_microphone_that_runs_ahead_is_not_heard_late_for_the_rest_of_the_talk() -> None:
    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        await be_heard(connection, visit)
        visit.heard_seconds = sent = 0.0
        started = time.monotonic()
        while sent < 2:  # in a tenth of the time
            connection.send_audio(TONE, sent)
            sent += 0.02
            await asyncio.sleep(0.002)
        lasted = time.monotonic() - started
        await asyncio.sleep(1.4)  # a second's queue would go on so long
        assert visit.heard_seconds < lasted + 0.4 + 0.3

    in_a_room(play)


def test_a_voice_comes_as_frames_at_our_rate_and_the_silence_after_it_does_not() -> None:
    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        visit.speak(0.5)
        frames: list[AudioFrame] = []
        with pytest.raises(TimeoutError):
            while True:
                item = await asyncio.wait_for(connection.receive(), 2)
                assert isinstance(item, AudioFrame) and item.sample_rate == VOICE_RATE
                frames.append(item)
        peaks = [np.abs(np.frombuffer(frame.pcm, "<i2").astype(int)).max() for frame in frames]
        assert max(peaks) > 4000
        # The pause after it, too; a busy machine makes more of them.
        assert sum(len(frame.pcm) for frame in frames) / 2 / VOICE_RATE < 3

    in_a_room(play)


def test_what_is_no_message_of_ours_costs_nothing() -> None:
    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        visit.push(b"\xff\xfe")
        visit.push(b"[]")
        visit.say(BotLlmText("elsewhere"), topic="chat")
        visit.name_the_room("another name")
        visit.say(BotLlmText("hello"))
        assert await connection.receive() == BotLlmText("hello")

    in_a_room(play)


@pytest.mark.parametrize(
    "letter", ["é", "漢", "\U0001f600", '"'], ids=["é", "han", "emoji", "quote"]
)
def test_a_packet_is_as_large_as_it_was_measured_in_every_script(letter: str) -> None:
    text = letter * (14_000 // max(2, len(letter.encode())))

    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        connection.send(ContextUpdate(text))
        await answered(connection, "hello")
        assert 13_000 < max(visit.packet_sizes) <= 15_000

    in_a_room(play)


def test_what_fits_into_a_packet_arrives_and_what_does_not_is_refused_where_it_is_sent() -> None:
    said: list[ClientMessage] = []

    def note(message: ClientMessage) -> tuple[ServerMessage, ...]:
        said.append(message)
        return echo(message)

    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        with pytest.raises(MessageError):
            connection.send(ContextUpdate("x" * 15 * 1024))  # what LiveKit documents as the most
        connection.send(ContextUpdate("x" * 14_500))
        await answered(connection, "hello")
        assert said[0] == ContextUpdate("x" * 14_500) and len(said) == 2

    in_a_room(play, note)


@pytest.mark.parametrize(
    ("reason", "said"), [(2, "taken-over"), (3, "drain"), (4, "killed"), (5, "killed")]
)
def test_a_server_that_ends_it_is_understood(reason: int, said: str) -> None:
    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        visit.put_out(reason)
        assert await connection.receive() == Bye(said)
        assert await loss_of(connection) == "transport.signal_disconnected"

    in_a_room(play)


@pytest.mark.slow  # LiveKit lets three seconds go by before it calls a connection mended
def test_livekit_resumes_a_lost_line_by_itself_within_the_time_of_the_heartbeat() -> None:
    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        visit.drop_signalling()
        await until(lambda: visit.resumed == 1)
        silences = []
        while connection.is_mending:
            connection.ping()
            await asyncio.sleep(0.5)
            silences.append(time.monotonic() - connection.last_received)
        assert max(silences) < 2
        await answered(connection, "still here")
        assert visit.is_inside

    in_a_room(play)


@pytest.mark.parametrize("does_arrive", [True, False])
def test_while_livekit_mends_its_line_only_what_arrives_is_a_sign_of_life(
    does_arrive: bool,
) -> None:
    class Told(rtc.Room):
        """Is told that LiveKit mends; whether anything arrives stands in the figures."""

        async def get_rtc_stats(self) -> Any:
            if does_arrive:
                return await super().get_rtc_stats()
            return SimpleNamespace(publisher_stats=(), subscriber_stats=())

    made: list[Told] = []

    def make() -> Told:
        made.append(Told())
        return made[-1]

    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        made[0].emit("reconnecting")
        before = connection.last_received
        for _ in range(10):
            connection.ping()
            await asyncio.sleep(0.05)
        assert (connection.last_received > before) is does_arrive
        assert not connection.is_lost
        made[0].emit("reconnected")
        assert connection.last_received > before

    in_a_room(play, package=sdk(Room=make))


def test_a_connection_that_livekit_makes_anew_is_no_loss() -> None:
    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        visit.ask_to_come_anew()
        await until(lambda: connection.is_mending)
        await until(lambda: not connection.is_mending)
        await asyncio.sleep(ABSENCE_SECONDS + 0.2)
        await answered(connection, "still here")

    in_a_room(play)


class Noted(rtc.Room):
    """Notes whether LiveKit was mending when the room was left; None until it is."""

    is_mending = False
    left_while_mending: bool | None = None

    def emit(self, event: Any, *values: Any) -> None:
        self.is_mending = event == "reconnecting" or (self.is_mending and event != "reconnected")
        super().emit(event, *values)

    async def disconnect(self, **reason: Any) -> None:
        self.left_while_mending = self.is_mending
        await super().disconnect(**reason)


def test_a_room_that_livekit_mends_is_left_when_it_has_done_so() -> None:
    made: list[Noted] = []

    def make() -> Noted:
        made.append(Noted())
        return made[-1]

    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        visit.ask_to_come_anew()
        await until(lambda: connection.is_mending)
        connection.abort()
        (room,) = made
        await until(lambda: room.left_while_mending is not None)
        assert not room.left_while_mending

    in_a_room(play, package=sdk(Room=make))


def test_who_leaves_while_livekit_mends_waits_for_no_end_of_it_and_the_service_is_told() -> None:
    async def run() -> None:
        room, told = Noted(), asyncio.Event()

        async def tell_left() -> None:
            told.set()

        async with asyncio.timeout(60), livekit_server() as server:
            rooms = LiveKitRooms(time.monotonic, sdk(Room=lambda: room))
            grant = server.grant(ConnectRequest("patient-7f3a"))
            connection = await rooms.join(grant, SequencedChannel(grant.room_name), tell_left)
            room.emit("reconnecting")
            await connection.close()
            assert told.is_set() and room.left_while_mending is None
            room.emit("reconnected")
            await until(lambda: room.left_while_mending is not None)
            await rooms.close()

    asyncio.run(run())


def test_an_agent_that_is_gone_for_a_moment_is_no_loss() -> None:
    class Empty(rtc.Room):
        """Finds nobody for a moment: so it is told before a connection is made anew."""

        is_empty = False

        @property
        def remote_participants(self) -> Any:
            return {} if self.is_empty else super().remote_participants

    made: list[Empty] = []

    def make() -> Empty:
        made.append(Empty())
        return made[-1]

    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        made[0].is_empty = True
        made[0].emit("participant_disconnected", None)
        await asyncio.sleep(ABSENCE_SECONDS / 5)
        made[0].is_empty = False
        await asyncio.sleep(ABSENCE_SECONDS * 1.2)
        assert ABSENCE_SECONDS >= 0.3 and not connection.is_lost

    in_a_room(play, package=sdk(Room=make))


def test_an_agent_that_leaves_is_a_loss_of_its_own() -> None:
    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        visit.agent_leaves()
        assert await loss_of(connection) == "transport.agent_left"
        await connection.left()
        await until(lambda: not visit.is_inside)

    in_a_room(play)


def test_another_player_who_leaves_costs_nothing() -> None:
    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        visit.friend_comes_and_goes()
        await answered(connection, "hello")
        await asyncio.sleep(ABSENCE_SECONDS + 0.2)
        assert not connection.is_lost

    in_a_room(play)


def test_figures_that_cannot_be_had_cost_nothing() -> None:
    class Mute(rtc.Room):
        async def get_rtc_stats(self) -> Any:
            raise Exception("the native half said no")

    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        connection.ping()
        await answered(connection, "hello")
        assert connection.round_trip_seconds is None

    in_a_room(play, package=sdk(Room=Mute))


def test_a_ping_takes_livekit_s_figure() -> None:
    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        while not connection.round_trip_seconds:
            connection.ping()
            await asyncio.sleep(0.05)
        assert 0 < connection.round_trip_seconds < 5

    in_a_room(play)


def refusal_of(url: str, refuse_with: int = 0) -> str:
    async def run() -> str:
        async with asyncio.timeout(60), livekit_server() as server:
            server.refuse_with = refuse_with
            rooms = LiveKitRooms(time.monotonic)
            grant = RoomGrant("live", "session", url or server.url, "room", "token")
            with pytest.raises(TransportError) as caught:
                await rooms.join(grant, SequencedChannel("room"))
            await rooms.close()
            return caught.value.failure.code

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("", 401, "transport.join_refused"),
        ("", 403, "transport.join_refused"),
        ("", 503, "connection.unavailable"),
        ("ws://127.0.0.1:9", 0, "connection.refused"),
        ("ws://no-such-host.invalid", 0, "connection.dns"),
        ("no url", 0, "connection.invalid_url"),
    ],
)
def test_refused_unavailable_and_unreachable_are_told_apart(
    url: str, status: int, code: str
) -> None:
    assert refusal_of(url, status) == code


@pytest.mark.parametrize("relay_only", [False, True])
def test_voices_go_through_relays_alone_where_that_is_asked_for(relay_only: bool) -> None:
    async def run() -> list[str]:
        async with asyncio.timeout(60), livekit_server() as server:
            rooms = LiveKitRooms(time.monotonic, relay_only=relay_only)
            grant = server.grant(ConnectRequest("patient-7f3a"))
            joining = asyncio.create_task(rooms.join(grant, SequencedChannel(grant.room_name)))
            await until(lambda: bool(server.visits))
            await asyncio.sleep(0.5)
            candidates = server.visits[0].candidates  # this server has no relay
            joining.cancel()
            await asyncio.wait((joining,))
            await rooms.close()
            return candidates

    assert bool(asyncio.run(run())) is not relay_only


def test_a_swallowed_line_gives_no_sign_of_life_and_heals_with_what_waited() -> None:
    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        connection.set_conditions(NetworkConditions(is_black_hole=True))
        before = connection.last_received
        connection.ping()
        visit.say(BotLlmText("hello"))
        await asyncio.sleep(0.3)
        assert connection.last_received == before
        connection.set_conditions(NetworkConditions.CALM)
        assert await connection.receive() == BotLlmText("hello")

    in_a_room(play)


def test_what_waits_at_the_end_is_still_said() -> None:
    said: list[ClientMessage] = []

    def note(message: ClientMessage) -> tuple[ServerMessage, ...]:
        said.append(message)
        return ()

    async def play(connection: LiveKitConnection, visit: Visit) -> None:
        connection.send(UserTextMessage("goodbye"))
        await connection.close()
        await until(lambda: not visit.is_inside)

    in_a_room(play, note)
    assert said == [UserTextMessage("goodbye")]


def test_a_join_that_is_given_up_leaves_the_room_once_it_got_in_after_all() -> None:
    async def run() -> None:
        async with asyncio.timeout(60), livekit_server() as server:
            server.lets_in.clear()
            rooms = LiveKitRooms(time.monotonic)
            grant = server.grant(ConnectRequest("patient-7f3a"))
            told = asyncio.Event()

            async def tell_left() -> None:
                told.set()

            channel = SequencedChannel(grant.room_name)
            joining = asyncio.create_task(rooms.join(grant, channel, tell_left))
            await until(lambda: server.asked == 1)
            joining.cancel()
            await asyncio.wait((joining,))
            server.lets_in.set()
            await told.wait()
            await until(lambda: not server.inside)
            assert len(server.visits) == 1  # it did get in
            await rooms.close()

    asyncio.run(run())


# Calls of LiveKit's threads come without end, and threads wake each other as often as can be: so
# the interpreter ends amid some of them.
LEAVING = """
import asyncio, atexit, sys, threading
from characters.transport.livekit import load_sdk

rtc = load_sdk()
from livekit.rtc._ffi_client import FfiClient
from livekit.rtc._proto.ffi_pb2 import FfiRequest

async def run():
    source, request = rtc.AudioSource(16_000, 1, queue_size_ms=200), FfiRequest()
    request.capture_audio_frame.source_handle = source._ffi_handle.handle
    frame = rtc.AudioFrame(bytes(640), 16_000, 1, 320)
    request.capture_audio_frame.buffer.CopyFrom(frame._proto_info())

    def speak():
        while not FfiClient._ffi_disposed:
            FfiClient.instance.request(request)

    threading.Thread(target=speak, daemon=True).start()
    await asyncio.sleep(0.3)
    return source, frame

kept, much = asyncio.run(run()), [[number] for number in range(1_000_000)]
atexit.register(sys.setswitchinterval, 1e-5)
"""


@pytest.mark.slow  # without the wait one of five such ends is an abort
def test_the_end_of_a_game_waits_for_calls_of_livekit_s_threads() -> None:
    for _ in range(12):
        ended = run_in_time([sys.executable, "-c", LEAVING], 60.0)
        assert ended.returncode == 0, ended.stderr.decode("utf-8", "replace")[-500:]


def test_the_wait_at_the_end_of_a_game_comes_after_livekit_s_own_end() -> None:
    script = """
import time
from characters.transport.livekit import load_sdk
time.sleep = lambda seconds: print("waits")
load_sdk(), load_sdk()
from livekit.rtc._ffi_client import FfiClient
FfiClient._dispose = lambda self: print("ends")
FfiClient.instance
"""
    ended = run_in_time([sys.executable, "-c", script], 60.0)
    assert ended.stdout.split() == [b"ends", b"waits"], ended.stderr


def test_without_the_package_the_error_says_what_to_install() -> None:
    async def run() -> None:
        rooms = LiveKitRooms(time.monotonic, lambda: load_sdk("no_such_package"))
        with pytest.raises(TransportError, match="pip install livekit"):
            await rooms.join(GRANT, SequencedChannel("room"))

    asyncio.run(run())
