from __future__ import annotations

import json
from typing import Any

import msgpack
import pytest

from characters.protocol.audio_frames import AudioFrame
from characters.protocol.codec import encode_server
from characters.protocol.failures import failure
from characters.protocol.link import (
    Ack,
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
    BotLlmText,
    BotReady,
    ServerMessage,
    UnknownMessage,
    UserTextMessage,
)
from characters.transport.base import Incoming, TransportError
from characters.transport.wire import MAX_INCOMING, WireProtocol


class Line:
    """A protocol and the far end of its line, by hand."""

    def __init__(self, welcome: Welcome | None = None, limit: int = 1024) -> None:
        self.channel = SequencedChannel("room", limit)
        self.wire = WireProtocol(self.channel, 0.0)
        self.wire.enter(welcome or Welcome(0))

    def arrives(self, message: ServerMessage | LinkFrame, seq: int = 0, now: float = 0.0) -> None:
        frame = encode_server(message) if isinstance(message, ServerMessage) else None
        raw = encode_link(message) if frame is None else frame | {"seq": seq}  # type: ignore[arg-type]
        self.wire.receive(json.dumps(raw), now)

    def written(self) -> list[Any]:
        return [json.loads(frame) for frame in self.wire.data_to_send()]

    def read(self) -> list[Incoming]:
        return list(iter(self.wire.next_event, None))

    @property
    def code(self) -> str | None:
        return None if self.wire.failure is None else self.wire.failure.code


def test_messages_are_numbered_in_the_order_of_sending() -> None:
    line = Line()
    for text in ("a", "b"):
        line.wire.send(UserTextMessage(text))
    assert [(f["seq"], f["data"]["text"]) for f in line.written()] == [(1, "a"), (2, "b")]
    assert line.written() == []


def test_a_duplicate_is_dropped_and_a_gap_ends_the_connection() -> None:
    line = Line()
    for seq in (1, 1, 2, 4):
        line.arrives(BotLlmText(str(seq)), seq)
    assert line.read() == [BotLlmText("1"), BotLlmText("2")]
    assert line.code == "transport.protocol"
    assert line.channel.received == 2


def test_what_arrives_after_the_end_is_not_taken_for_received() -> None:
    line = Line()
    line.wire.end(failure("transport.signal_disconnected"))
    line.arrives(BotLlmText("late"), 1)
    assert line.read() == [] and line.channel.received == 0
    assert line.code == "transport.signal_disconnected"


def test_what_was_never_read_is_asked_for_again() -> None:
    line = Line()
    for seq in (1, 2):
        line.arrives(BotLlmText(str(seq)), seq)
    assert line.wire.next_event() == BotLlmText("1")
    line.arrives(Ping(9.0))
    confirmed = [decode_link(frame) for frame in line.written()]
    assert Ack(1) in confirmed and line.channel.received == 1


def test_nothing_is_delivered_after_a_message_that_breaks_the_protocol() -> None:
    line = Line()
    line.wire.receive('{"type": "bot-llm-text", "data": {"text": 5}, "seq": 1}', 0.0)
    line.arrives(BotLlmText("after"), 2)
    assert line.read() == []
    assert line.code == "transport.protocol" and line.channel.received == 1


def test_the_first_reason_for_an_end_stands() -> None:
    line = Line()
    line.wire.end(failure("transport.protocol"))
    line.wire.end(failure("session.ended"))
    assert line.code == "transport.protocol"


def test_a_ready_of_an_earlier_connection_is_not_delivered_again() -> None:
    line = Line(Welcome(0, replayed=2))
    line.arrives(BotReady(), 1)
    line.arrives(BotLlmText("missed"), 2)
    line.arrives(BotReady(), 3)
    assert line.read() == [BotLlmText("missed"), BotReady()]


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
    line = Line()
    line.wire.receive(frame, 0.0)
    assert line.read() == []
    assert line.code == "transport.protocol"


def test_a_type_from_the_future_is_delivered_as_unknown() -> None:
    line = Line()
    line.wire.receive('{"type": "bot-dances", "data": {}, "seq": 1}', 0.0)
    assert line.read() == [UnknownMessage("bot-dances")]


def test_voice_is_delivered_between_messages() -> None:
    line = Line()
    line.arrives(BotLlmText("a"), 1)
    line.wire.receive(msgpack.packb([2, 7, 0.5, b"\0\0", 22050]), 0.0)
    assert line.read() == [BotLlmText("a"), AudioFrame(7, 0.5, b"\0\0", 22050)]


def test_microphone_audio_is_counted_and_stops_with_the_connection() -> None:
    line = Line()
    for timestamp in (0.0, 0.02):
        line.wire.send_audio(b"\0\0", timestamp)
    frames = [msgpack.unpackb(frame) for frame in line.wire.data_to_send()]
    assert frames == [[1, 1, 0.0, b"\0\0"], [1, 2, 0.02, b"\0\0"]]
    line.wire.end(failure("transport.signal_disconnected"))
    line.wire.send_audio(b"\0\0", 0.04)
    assert line.wire.data_to_send() == []


def test_a_message_sent_into_a_lost_line_waits_for_the_rejoin() -> None:
    line = Line()
    line.wire.end(failure("transport.signal_disconnected"))
    line.wire.send(UserTextMessage("later"))
    assert line.written() == []
    again = WireProtocol(line.channel, 0.0)
    again.enter(Welcome(received=0))
    (frame,) = (json.loads(frame) for frame in again.data_to_send())
    assert (frame["seq"], frame["data"]["text"]) == (1, "later")


def test_a_pong_tells_the_round_trip_and_a_ping_is_answered() -> None:
    line = Line()
    line.wire.send_link(Ping(5.0))
    line.arrives(Pong(5.0), now=5.2)
    assert line.wire.round_trip_seconds == pytest.approx(0.2)
    assert line.wire.last_received == 5.2
    line.arrives(Ping(9.0))
    assert [decode_link(frame) for frame in line.written()] == [Ping(5.0), Pong(9.0)]


def test_a_confirmation_frees_the_channel() -> None:
    line = Line(limit=1)
    line.wire.send(UserTextMessage("a"))
    with pytest.raises(TransportError, match="takes"):
        line.wire.send(UserTextMessage("b"))
    line.arrives(Ack(1))
    line.wire.send(UserTextMessage("b"))


def test_a_goodbye_is_the_last_thing_received() -> None:
    line = Line()
    line.arrives(Bye("drain", 2.0))
    line.arrives(BotLlmText("too late"), 1)
    assert line.read() == [Bye("drain", 2.0)]
    assert line.code == "session.ended"


def test_a_game_that_takes_nothing_is_bounded() -> None:
    line = Line()
    for seq in range(1, MAX_INCOMING + 10):
        line.arrives(BotLlmText("x"), seq)
    assert line.code == "transport.overflow"
    assert len(line.read()) == MAX_INCOMING


def test_a_welcome_that_can_not_be_met_means_that_the_room_is_gone() -> None:
    line = Line()
    with pytest.raises(TransportError) as caught:
        WireProtocol(line.channel, 0.0).enter(Welcome(received=5))
    assert caught.value.failure.code == "connection.room_gone"
