"""A room's connection to its client, without a room and without a socket."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import WSMessage, WSMsgType

from characters.agents.agent import let_others_go_on
from characters.protocol.audio_frames import pack_microphone
from characters.protocol.codec import MessageError
from characters.protocol.link import ReplayError
from characters.protocol.messages import BotLlmText, BotTurnCompleted, ClientMessage
from characters.service.registry import Room, ServiceSession
from characters.service.room_connection import (
    MAX_WAITING_TEXT,
    REPEATS,
    ClientSocket,
    ConnectionHandler,
    FairLoop,
    Pace,
    RoomConnection,
)
from tests.characters.client.virtual_time import VirtualLoop

ROOM = Room("room", ServiceSession("s", "nurse", None, 0.0), 60.0, "fresh", None, 0.0)


class Events:
    """Notes what a connection reports."""

    def __init__(self) -> None:
        self.reports: list[str] = []

    def connected(self) -> None:
        self.reports.append("connected")

    def disconnected(self, *, for_good: bool) -> None:
        self.reports.append("left for good" if for_good else "lost")

    def take(self, message: ClientMessage) -> None:
        self.reports.append(message.TYPE)

    def reject(self, problem: MessageError) -> None:
        self.reports.append(problem.kind)

    def hear(self, pcm: bytes, timestamp: float) -> None:
        self.reports.append("audio")

    def answers_received(self) -> None:
        self.reports.append("answered")

    def end(self, reason: str) -> None:
        self.reports.append(reason)


class Socket:
    """A WebSocket that only writes."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed = False

    async def send_str(self, text: str) -> None:
        self.sent.append(text)

    async def close(self) -> None:
        self.closed = True


def make() -> tuple[RoomConnection, Events]:
    events = Events()
    return RoomConnection(ROOM, events), events


def client() -> tuple[ClientSocket, Socket]:
    socket: Any = Socket()
    return ClientSocket(socket, None), socket


class FullSocket:
    """A WebSocket in which everything that a client sends has come already."""

    def __init__(
        self,
        frames: int,
        data: bytes | str = '{"type":"interrupt-bot"}',
        kind: WSMsgType = WSMsgType.TEXT,
    ) -> None:
        self._frames = iter([WSMessage(kind, data, None)] * frames)

    async def receive(self, within: float, pace: object) -> WSMessage:
        return next(self._frames, WSMessage(WSMsgType.CLOSE, None, None))


def handler_of(
    connection: RoomConnection, socket: Any, now: Callable[[], float] = float
) -> ConnectionHandler:
    return ConnectionHandler(
        connection,
        socket,
        "live",
        alive=int,
        now=now,
        loop=FairLoop(),
        hello_within=1.0,
        silent_client=1.0,
    )


def test_a_client_whose_frames_have_all_come_lets_the_others_take_turns() -> None:
    async def run() -> int:
        events = Events()
        connection = RoomConnection(replace(ROOM, live_id="live"), events)
        handler = handler_of(connection, FullSocket(100))
        reading, turns = asyncio.create_task(handler._read()), 0
        while not reading.done():
            await asyncio.sleep(0)
            turns += 1
        assert len(events.reports) == 100
        return turns

    assert asyncio.run(run()) >= 100


class Pinging:
    """A WebSocket whose client sends pings and pongs only, all at once."""

    def __init__(self, count: int) -> None:
        kinds = (WSMsgType.PING, WSMsgType.PONG)
        self._frames = (WSMessage(kind, b"x", None) for _ in range(count) for kind in kinds)
        self.pongs: list[bytes] = []

    async def receive(self) -> WSMessage:
        return next(self._frames, WSMessage(WSMsgType.CLOSE, None, None))

    async def pong(self, data: bytes) -> None:
        self.pongs.append(data)


def test_pings_of_a_socket_are_answered_and_read_at_the_pace_of_frames() -> None:
    async def play() -> tuple[int, int, int]:
        socket: Any = Pinging(50)
        paced, turns = list[WSMsgType](), 0

        def pace(frame: WSMessage) -> float:
            paced.append(frame.type)
            return 0.0

        reading = asyncio.create_task(ClientSocket(socket, None).receive(30.0, pace))
        while not reading.done():
            await asyncio.sleep(0)
            turns += 1
        assert reading.result().type is WSMsgType.CLOSE
        return len(socket.pongs), len(paced), turns

    pongs, paced, turns = asyncio.run(play())
    assert (pongs, paced) == (50, 100)
    assert turns >= 100


def test_what_is_repeated_is_encoded_as_it_is_written() -> None:
    async def play() -> list[str]:
        socket, written = client()
        frame = {"type": "x", "seq": 1}
        socket.repeat(frame)
        frame["seq"] = 2
        socket.drop_voice()
        socket.send({"type": "y"})
        socket.close()
        await socket.run()
        return written.sent

    assert asyncio.run(play()) == ['{"type":"x","seq":2}', '{"type":"y"}']


class Greeting(Socket):
    """The socket of a client that says hello."""

    async def receive(self, within: float, pace: object) -> WSMessage:
        return WSMessage(WSMsgType.TEXT, '{"label":"troupe","type":"hello","received":0}', None)

    def send_link(self, frame: object) -> None:
        """Send nothing."""

    def repeat(self, frame: object) -> None:
        self.sent.append("again")


def test_a_client_that_comes_back_again_and_again_waits_for_what_is_repeated() -> None:
    loop = VirtualLoop()

    async def play() -> tuple[list[float], int]:
        connection = RoomConnection(replace(ROOM, live_id="live"), Events())
        for number in range(1000):
            connection.send(BotLlmText(str(number)))
        socket, times = Greeting(), list[float]()
        for _ in range(8):
            assert await handler_of(connection, socket, loop.time)._greet()
            times.append(loop.time())
        return times, len(socket.sent)

    times, repeated = loop.run(play())
    assert times[3] == times[0], "whoever has a bad line waits for nothing"
    assert times[7] - times[0] == pytest.approx((8_000 - REPEATS[1]) / REPEATS[0])
    assert repeated == 8_000


def test_few_frames_of_much_text_that_a_client_does_not_read_cost_it_the_connection() -> None:
    socket, _ = client()
    for _ in range(3):
        socket.send_text("x" * (MAX_WAITING_TEXT // 2))
        if socket._is_ended:
            break
    assert socket._is_ended and not socket._queue


def test_while_much_is_written_the_others_take_turns() -> None:
    async def play() -> int:
        socket, written = client()
        for _ in range(160):
            socket.send({"type": "x"})
        socket.close()
        writing, turns = asyncio.create_task(socket.run()), 0
        while not writing.done():
            await asyncio.sleep(0)
            turns += 1
        assert len(written.sent) == 160
        return turns

    assert asyncio.run(play()) >= 10


def test_an_answer_was_received_when_the_end_of_its_turn_is_confirmed() -> None:
    connection, events = make()
    for message in (BotLlmText("Good"), BotTurnCompleted(message_id="m1"), BotTurnCompleted()):
        connection.send(message)
    connection.acknowledged(1)
    assert (connection.take_answered(), events.reports) == ((), [])
    connection.acknowledged(2)
    assert events.reports == ["answered"]
    assert connection.take_answered() == ("m1",)
    assert connection.take_answered() == ()


def test_what_is_not_worth_repeating_is_not_kept_for_later() -> None:
    connection, _ = make()
    connection.send_if_connected(BotLlmText("x"))
    assert len(connection.channel.unconfirmed) == 0
    connection.send(BotLlmText("x"))
    assert len(connection.channel.unconfirmed) == 1


def test_a_client_that_confirms_nothing_ends_the_room() -> None:
    connection, events = make()
    for _ in range(1025):
        connection.send(BotLlmText("x"))
    assert events.reports == ["overflow"]


def test_who_comes_back_is_welcomed_and_gets_what_it_missed() -> None:
    async def play() -> list[str]:
        connection, events = make()
        first, _ = client()
        connection.enter(first, 0)
        connection.send(BotLlmText("one"))
        connection.leave(first, for_good=False)
        connection.send(BotLlmText("two"))
        second, socket = client()
        connection.enter(second, 1)
        second.close()
        await second.run()
        assert events.reports == ["connected", "lost", "connected"]
        return socket.sent

    welcome, *missed = asyncio.run(play())
    assert '"resumed":"rejoined"' in welcome and '"replayed":1' in welcome
    assert len(missed) == 1 and "two" in missed[0]


def test_the_end_of_a_connection_that_was_replaced_is_ignored() -> None:
    connection, events = make()
    old, new = client()[0], client()[0]
    connection.enter(old, 0)
    connection.enter(new, 0)
    connection.leave(old, for_good=True)
    assert (connection.socket, events.reports) == (new, ["connected", "connected"])


class AtOnce(ThreadPoolExecutor):
    """Does what is asked before it returns, so all of it comes back in one pass of the loop."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*args, **kwargs))
        return done


async def read_large(loop: FairLoop) -> None:
    loop._beside = AtOnce()
    await loop.read(len, "x" * 60_000)


async def with_another(loop: FairLoop) -> None:
    await let_others_go_on()  # as an agent does between two pieces of an answer


@pytest.mark.parametrize("wait", [FairLoop.turn, read_large, with_another])
def test_between_two_turns_of_the_loop_everything_else_is_served(
    wait: Callable[[FairLoop], Awaitable[None]],
) -> None:
    async def play() -> list[str]:
        loop, order = FairLoop(), list[str]()

        async def work(name: str) -> None:
            await wait(loop)
            order.append(name)

        async def serve_others() -> None:
            while "c" not in order:
                order.append("other")
                await asyncio.sleep(0)

        others = asyncio.create_task(serve_others())
        await asyncio.gather(work("a"), work("b"), work("c"), others)
        loop.close()
        return order

    order = asyncio.run(play())
    names = "".join(name[0] for name in order)
    assert names.replace("o", "") == "abc"
    # What comes in meanwhile is read, taken, answered and written before the next piece.
    between = re.split("[abc]", names)[1:-1]
    assert min(map(len, between)) >= 4


def test_what_is_large_is_read_beside_the_loop() -> None:
    async def play() -> list[str]:
        loop = FairLoop()

        def where(text: str) -> str:
            return threading.current_thread().name

        threads = [await loop.read(where, "x" * size) for size in (2_000, 60_000)]
        loop.close()
        return threads

    assert asyncio.run(play()) == [threading.current_thread().name, "large_0"]


def test_a_large_frame_of_a_client_that_was_replaced_meanwhile_is_not_taken() -> None:
    async def run() -> list[str]:
        events, room = Events(), replace(ROOM, live_id="live")
        text = json.dumps({"type": "user_text_message", "data": {"text": "x" * 3_000}})
        handler = handler_of(RoomConnection(room, events), FullSocket(1, text))
        reading = asyncio.create_task(handler._read())
        await asyncio.sleep(0)
        room.live_id = "another"
        await reading
        return events.reports

    assert asyncio.run(run()) == []


def test_a_client_is_read_at_its_pace_after_a_burst() -> None:
    pace = Pace(per_second=100.0, burst=50.0)
    assert [pace.take(1, 10.0) for _ in range(50)] == [0.0] * 50
    assert pace.take(1, 10.0) == pytest.approx(0.01)
    assert pace.take(20, 10.0) == pytest.approx(0.21)
    assert pace.take(1, 11.0) == 0.0


@pytest.mark.parametrize(
    ("kind", "data", "frames", "seconds"),
    [
        (WSMsgType.BINARY, pack_microphone(1, 0.0, bytes(8_192)), 100, 18.0),  # of audio: 26
        (WSMsgType.TEXT, '{"type":"interrupt-bot"}', 3_500, 5.0),
        (WSMsgType.TEXT, json.dumps({"type": "x" * 1_900}), 2_000, 7.0),
    ],
    ids=["audio", "many frames", "large frames"],
)
def test_what_a_client_sends_faster_than_anybody_talks_is_read_at_that_pace(
    kind: WSMsgType, data: bytes | str, frames: int, seconds: float
) -> None:
    events, loop = Events(), VirtualLoop()
    connection = RoomConnection(replace(ROOM, live_id="live"), events)
    handler = handler_of(connection, FullSocket(frames, data, kind), loop.time)
    began = loop.time()
    loop.run(handler._read())
    assert seconds < loop.time() - began < 1.3 * seconds
    assert len(events.reports) == frames  # nothing of it is lost
    loop.finish()


def test_many_bytes_that_nobody_confirms_end_the_room_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    connection, events = make()
    for _ in range(40):
        connection.send(BotLlmText("x" * 60_000))
    assert events.reports == ["overflow"]
    assert caplog.text.count("confirms nothing") == 1
    assert sum(len(frame["data"]["text"]) for frame in connection.channel.unconfirmed) < 1 << 20


def test_what_was_confirmed_cannot_be_repeated() -> None:
    connection, _ = make()
    connection.send(BotLlmText("x"))
    connection.send(BotLlmText("y"))
    connection.acknowledged(2)
    with pytest.raises(ReplayError):
        connection.enter(client()[0], 1)
    assert connection.socket is None
