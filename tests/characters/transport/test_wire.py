from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgpack
import pytest

from characters.protocol.codec import encode_server
from characters.protocol.failures import failure
from characters.protocol.link import (
    Ack,
    Bye,
    Ping,
    Pong,
    SequencedChannel,
    Welcome,
    decode_link,
    encode_link,
)
from characters.protocol.messages import (
    BotLlmText,
    BotReady,
    ServerMessage,
    UnknownMessage,
    UserTextMessage,
)
from characters.protocol.network_conditions import NetworkConditions
from characters.transport.base import MAX_INCOMING, AudioFrame, TransportError
from characters.transport.wire import MAX_AUDIO, WireConnection
from tests.characters.client.virtual_time import VirtualLoop

HOLE = NetworkConditions(is_black_hole=True)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Line:
    """A connection and the far end of its line, by hand."""

    def __init__(self, welcome: Welcome | None = None, limit: int = 1024) -> None:
        self.clock = Clock()
        self.link = SequencedChannel("room", limit)
        self.wire = WireConnection(self.link, self.clock)
        self.wire.enter(welcome or Welcome(0))

    def arrives(self, message: ServerMessage, seq: int) -> None:
        self.wire.frame_received(json.dumps(encode_server(message) | {"seq": seq}))

    def link_arrives(self, frame: Any) -> None:
        self.wire.frame_received(json.dumps(encode_link(frame)))

    async def written(self) -> list[Any]:
        frames: list[Any] = []
        while self.wire._outgoing:
            item = await self.wire.outgoing()
            assert item is not None
            frames.append(msgpack.unpackb(item) if isinstance(item, bytes) else json.loads(item))
        return frames

    async def lost(self) -> str:
        with pytest.raises(TransportError) as caught:
            async with asyncio.timeout(1):
                while True:
                    await self.wire.receive()
        return caught.value.failure.code


def run(play: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(5):
            await play()

    asyncio.run(bounded())


def test_messages_are_numbered_in_the_order_of_sending() -> None:
    async def play() -> None:
        line = Line()
        for text in ("a", "b"):
            line.wire.send(UserTextMessage(text))
        assert [(f["seq"], f["data"]["text"]) for f in await line.written()] == [(1, "a"), (2, "b")]

    run(play)


def test_a_duplicate_is_dropped_and_a_gap_ends_the_connection() -> None:
    async def play() -> None:
        line = Line()
        for seq in (1, 1, 2, 4):
            line.arrives(BotLlmText(str(seq)), seq)
        received = [await line.wire.receive(), await line.wire.receive()]
        assert received == [BotLlmText("1"), BotLlmText("2")]
        assert await line.lost() == "transport.protocol"
        assert line.link.inbox.received == 2

    run(play)


def test_what_arrives_after_the_end_is_not_taken_for_received() -> None:
    async def play() -> None:
        line = Line()
        line.wire.lost(failure("transport.signal_disconnected"))
        line.arrives(BotLlmText("late"), 1)
        assert line.link.inbox.received == 0
        assert await line.lost() == "transport.signal_disconnected"

    run(play)


def test_what_was_never_read_is_asked_for_again() -> None:
    async def play() -> None:
        line = Line()
        for seq in (1, 2):
            line.arrives(BotLlmText(str(seq)), seq)
        assert await line.wire.receive() == BotLlmText("1")
        line.link_arrives(Ping(9.0))
        confirmed = [decode_link(frame) for frame in await line.written()]
        assert Ack(1) in confirmed and line.link.inbox.received == 1

    run(play)


def test_nothing_is_delivered_after_a_message_that_breaks_the_protocol() -> None:
    async def play() -> None:
        line = Line()
        line.wire.frame_received('{"type": "bot-llm-text", "data": {"text": 5}, "seq": 1}')
        line.arrives(BotLlmText("after"), 2)
        assert await line.lost() == "transport.protocol"
        assert line.link.inbox.received == 1

    run(play)


def test_the_first_reason_for_an_end_stands() -> None:
    async def play() -> None:
        line = Line()
        line.wire.lost(failure("transport.protocol"))
        line.wire.lost(failure("session.ended"))
        assert await line.lost() == "transport.protocol"

    run(play)


def test_a_ready_of_an_earlier_connection_is_not_delivered_again() -> None:
    async def play() -> None:
        line = Line(Welcome(0, replayed=2))
        line.arrives(BotReady(), 1)
        line.arrives(BotLlmText("missed"), 2)
        line.arrives(BotReady(), 3)
        assert await line.wire.receive() == BotLlmText("missed")
        assert await line.wire.receive() == BotReady()

    run(play)


@pytest.mark.parametrize(
    "frame",
    [
        "{",
        "[]",
        "{}",
        '{"type": "bot-llm-text", "data": {"text": "no number"}}',
        '{"type": "bot-llm-text", "data": {"text": 5}, "seq": 1}',
        '{"label": "troupe", "type": "ack", "received": 99}',
        '{"label": "troupe", "type": "dance"}',
        b"\xc1",
        msgpack.packb([9, 1, 0.0, b"", 16000]),
    ],
)
def test_a_service_that_breaks_the_protocol_is_left(frame: str | bytes) -> None:
    async def play() -> None:
        line = Line()
        line.wire.frame_received(frame)
        assert await line.lost() == "transport.protocol"

    run(play)


def test_a_type_from_the_future_is_delivered_as_unknown() -> None:
    async def play() -> None:
        line = Line()
        line.wire.frame_received('{"type": "bot-dances", "data": {}, "seq": 1}')
        assert await line.wire.receive() == UnknownMessage("bot-dances")

    run(play)


def test_voice_is_delivered_between_messages() -> None:
    async def play() -> None:
        line = Line()
        line.wire.frame_received(msgpack.packb([2, 7, 0.5, b"\0\0", 22050]))
        assert await line.wire.receive() == AudioFrame(7, 0.5, b"\0\0", 22050)

    run(play)


def test_microphone_audio_drops_the_oldest_and_keeps_the_messages() -> None:
    async def play() -> None:
        line = Line()
        line.wire.send(UserTextMessage("kept"))
        for number in range(MAX_AUDIO + 10):
            line.wire.send_audio(b"\0\0", float(number))
        message, *audio = await line.written()
        assert message["data"]["text"] == "kept"
        assert [frame[2] for frame in audio] == [float(n) for n in range(10, MAX_AUDIO + 10)]

    run(play)


def test_a_message_sent_into_a_lost_line_waits_for_the_rejoin() -> None:
    async def play() -> None:
        line = Line()
        line.wire.lost(failure("transport.signal_disconnected"))
        line.wire.send(UserTextMessage("later"))
        again = WireConnection(line.link, line.clock)
        again.enter(Welcome(received=0))
        frame = json.loads(str(await again.outgoing()))
        assert (frame["seq"], frame["data"]["text"]) == (1, "later")

    run(play)


def test_a_pong_tells_the_round_trip_and_a_ping_is_answered() -> None:
    async def play() -> None:
        line = Line()
        line.clock.now = 5.0
        line.wire.ping()
        line.clock.now = 5.2
        line.link_arrives(Pong(5.0))
        assert line.wire.round_trip_seconds == pytest.approx(0.2)
        assert line.wire.last_received == 5.2
        line.link_arrives(Ping(9.0))
        answers = [decode_link(frame) for frame in await line.written()]
        assert answers == [Ping(5.0), Pong(9.0)]

    run(play)


def test_a_confirmation_frees_the_outbox() -> None:
    async def play() -> None:
        line = Line(limit=1)
        line.wire.send(UserTextMessage("a"))
        with pytest.raises(TransportError, match="takes"):
            line.wire.send(UserTextMessage("b"))
        line.link_arrives(Ack(1))
        line.wire.send(UserTextMessage("b"))

    run(play)


def test_a_goodbye_is_the_last_thing_received() -> None:
    async def play() -> None:
        line = Line()
        line.link_arrives(Bye("drain", 2.0))
        line.arrives(BotLlmText("too late"), 1)
        assert await line.wire.receive() == Bye("drain", 2.0)
        assert await line.lost() == "session.ended"

    run(play)


def test_a_game_that_takes_nothing_is_bounded() -> None:
    async def play() -> None:
        line = Line()
        for seq in range(1, MAX_INCOMING + 10):
            line.arrives(BotLlmText("x"), seq)
        assert line.wire.is_lost
        assert len(line.wire._incoming) == MAX_INCOMING
        assert await line.lost() == "transport.overflow"

    run(play)


def test_a_welcome_that_can_not_be_met_means_that_the_room_is_gone() -> None:
    line = Line()
    with pytest.raises(TransportError) as caught:
        WireConnection(line.link, line.clock).enter(Welcome(received=5))
    assert caught.value.failure.code == "connection.room_gone"


def test_what_a_line_swallows_goes_on_its_way_once_it_is_healed() -> None:
    async def play() -> None:
        line = Line()
        line.wire.set_weather(HOLE)
        line.wire.send(UserTextMessage("a"))
        line.arrives(BotLlmText("b"), 1)
        next_out = asyncio.create_task(line.wire.outgoing())
        next_in = asyncio.create_task(line.wire.receive())
        await asyncio.wait((next_out, next_in), timeout=0.02)
        assert not next_out.done() and not next_in.done()
        line.wire.set_weather(NetworkConditions.CALM)
        assert "user_text_message" in str(await next_out)
        assert await next_in == BotLlmText("b")

    run(play)


def test_a_swallowed_frame_is_no_sign_of_life_and_does_not_count_as_received() -> None:
    line = asyncio.run(swallowing())
    line.clock.now = 5.0
    line.arrives(BotReady(), 1)
    assert line.wire.last_received == 0.0 and line.link.inbox.received == 0


async def swallowing() -> Line:
    line = Line()
    line.wire.set_weather(HOLE)
    return line


def test_a_line_that_swallows_too_much_is_given_up() -> None:
    line = asyncio.run(swallowing())
    for seq in range(MAX_INCOMING + 1):
        line.arrives(BotLlmText("a"), seq + 1)
    assert line.wire.is_lost


def test_a_late_line_is_late_both_ways_and_the_round_trip_knows_it() -> None:
    loop = VirtualLoop()
    link = SequencedChannel("room")
    wire = WireConnection(link, loop.time)

    async def play() -> float | None:
        wire.enter(Welcome(0))
        wire.set_weather(NetworkConditions(delay_seconds=0.4))
        wire.ping()
        ping = decode_link(json.loads(str(await wire.outgoing())))
        assert isinstance(ping, Ping)
        wire.frame_received(json.dumps(encode_link(Pong(ping.t))))
        await asyncio.sleep(0.5)
        return wire.round_trip_seconds

    assert loop.run(play()) == pytest.approx(0.8, abs=0.01)


def test_a_slow_line_drops_the_oldest_of_too_much_audio() -> None:
    loop = VirtualLoop()
    wire = WireConnection(SequencedChannel("room"), loop.time)

    async def play() -> list[int]:
        wire.enter(Welcome(0))
        wire.set_weather(NetworkConditions(bytes_per_second=16_000))
        for _ in range(MAX_AUDIO + 20):
            wire.send_audio(bytes(640), 0.0)
        await asyncio.sleep(MAX_AUDIO * 0.04 + 0.1)  # what was dropped takes no time
        frames = [await wire.outgoing() for _ in range(len(wire._outgoing))]
        return [msgpack.unpackb(frame)[1] for frame in frames if isinstance(frame, bytes)]

    assert loop.run(play()) == list(range(21, MAX_AUDIO + 21))


def test_a_goodbye_waits_for_what_is_on_its_way() -> None:
    loop = VirtualLoop()
    wire = WireConnection(SequencedChannel("room"), loop.time)

    async def play() -> float:
        wire.enter(Welcome(0))
        wire.set_weather(NetworkConditions(delay_seconds=0.4))
        wire.queue_bye()
        began, carrier = loop.time(), asyncio.create_task(carry(wire))
        await wire.flushed()
        carrier.cancel()
        return loop.time() - began

    assert loop.run(play()) == pytest.approx(0.4, abs=0.01)


async def carry(wire: WireConnection) -> None:
    while await wire.outgoing() is not None:
        pass
