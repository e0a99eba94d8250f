from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from characters.protocol.codec import MessageError
from characters.protocol.link import (
    LINK_LABEL,
    Ack,
    Arrival,
    Bye,
    FrameQueue,
    Hello,
    LinkFrame,
    OutboxFullError,
    Ping,
    Pong,
    ReplayError,
    SequencedChannel,
    Welcome,
    decode_link,
    encode_link,
)

FRAMES: list[LinkFrame] = [
    Hello(3),
    Welcome(1, 2, 5, "rejoined", 3.5),
    Welcome(0),
    Welcome(0, retry_over=10.0),
    Ping(1.5),
    Pong(1.5),
    Ack(9),
    Bye("drain", 2.0),
    Bye("disconnect"),
]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_a_link_frame_survives_the_wire(frame: LinkFrame) -> None:
    raw = encode_link(frame)
    assert raw["label"] == LINK_LABEL
    assert decode_link(raw) == frame


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"type": "dance"},
        {"type": ["ack"]},
        {"type": "ack"},
        {"type": "ack", "received": -1},
        {"type": "ack", "received": 2**60},
        {"type": "ack", "received": True},
        {"type": "ping", "t": "now"},
        {"type": "bye"},
    ],
)
def test_a_malformed_link_frame_is_a_validation_error(raw: dict[str, Any]) -> None:
    with pytest.raises(MessageError) as caught:
        decode_link({"label": "troupe", **raw})
    assert caught.value.kind == "validation-error"


@pytest.mark.parametrize("seq", [None, 0, -1, 1.5, "1", True, 2**60])
def test_a_message_without_a_usable_number_is_refused(seq: object) -> None:
    with pytest.raises(MessageError):
        SequencedChannel("r").accept({"seq": seq})


def talk(channel: SequencedChannel, count: int) -> list[dict[str, Any]]:
    return [channel.number({"n": number}) for number in range(count)]


def test_a_rejoin_repeats_exactly_what_was_missed() -> None:
    service, client = SequencedChannel("r"), SequencedChannel("r")
    client.enter(Welcome(0))
    for frame in talk(service, 5)[:3]:
        client.accept(frame)
    assert [frame["seq"] for frame in service.missed(client.received)] == [4, 5]


def test_a_newcomer_gets_what_nobody_confirmed() -> None:
    service = SequencedChannel("r")
    talk(service, 5)
    service.acknowledged(3)
    assert [frame["seq"] for frame in service.missed(0)] == [4, 5]


def test_a_newcomer_goes_on_with_the_numbers_of_the_room() -> None:
    client = SequencedChannel("r")
    client.enter(Welcome(received=7, next_seq=4))
    assert client.number({})["seq"] == 8
    assert client.accept({"seq": 4}) is Arrival.DELIVER


def test_what_was_queued_before_entering_is_numbered_by_the_room() -> None:
    client = SequencedChannel("r")
    client.number({"text": "early"})
    assert client.enter(Welcome(received=7)) == ({"text": "early", "seq": 8},)


def test_a_welcome_that_confirms_too_much_is_refused() -> None:
    client = SequencedChannel("r")
    client.enter(Welcome(0))
    with pytest.raises(ReplayError):
        client.enter(Welcome(received=3))


def test_confirmations_are_due_after_a_few_messages_or_on_demand() -> None:
    channel = SequencedChannel("r")
    channel.accept({"seq": 1})
    assert channel.ack() is None
    assert channel.ack(now=True) == Ack(1)
    assert channel.ack(now=True) is None
    for seq in range(2, 10):
        channel.accept({"seq": seq})
    assert channel.ack() == Ack(9)


@given(
    st.dictionaries(
        st.sampled_from(["type", "received", "t", "reason", "x"]),
        st.none() | st.text("ab", max_size=4) | st.integers() | st.floats(),
    )
)
def test_no_dictionary_at_all_breaks_the_decoder(raw: dict[str, Any]) -> None:
    try:
        decode_link(raw)
    except MessageError as problem:
        assert problem.kind == "validation-error"


def filled(count: int, limit: int = 100) -> SequencedChannel:
    """Return a channel on which so many messages were sent."""
    channel = SequencedChannel("r", limit)
    talk(channel, count)
    return channel


def numbers(frames: Iterable[Mapping[str, Any]]) -> list[int]:
    return [frame["seq"] for frame in frames]


def test_numbers_begin_at_one_and_have_no_gaps() -> None:
    assert talk(SequencedChannel("r"), 2) == [{"n": 0, "seq": 1}, {"n": 1, "seq": 2}]


def test_what_is_confirmed_is_forgotten() -> None:
    channel = filled(5)
    channel.acknowledged(3)
    assert numbers(channel.unconfirmed) == [4, 5]


def test_an_old_confirmation_takes_nothing_back() -> None:
    channel = filled(5)
    channel.acknowledged(4)
    channel.acknowledged(2)
    assert channel.confirmed == 4


def test_a_replay_from_what_the_peer_has_repeats_the_rest() -> None:
    assert numbers(filled(3).missed(1)) == [2, 3]


def test_a_replay_of_what_is_forgotten_is_an_error() -> None:
    channel = filled(5)
    channel.acknowledged(3)
    with pytest.raises(ReplayError):
        channel.missed(2)


@pytest.mark.parametrize("ask", ["confirm", "replay"])
def test_a_number_that_was_never_sent_is_an_error(ask: str) -> None:
    channel = filled(2)
    with pytest.raises(ReplayError):
        channel.acknowledged(3) if ask == "confirm" else channel.missed(3)
    assert (channel.confirmed, numbers(channel.unconfirmed)) == (0, [1, 2])


def test_overflow_is_an_error_and_keeps_the_message_out() -> None:
    channel = filled(3, limit=3)
    with pytest.raises(OutboxFullError):
        channel.number({"n": "one too many"})
    assert (channel.sent, len(channel.unconfirmed)) == (3, 3)


def test_confirming_makes_room_again() -> None:
    channel = filled(3, limit=3)
    channel.acknowledged(1)
    assert channel.number({"n": "fits"})["seq"] == 4


def test_messages_are_delivered_once_and_in_order() -> None:
    channel = SequencedChannel("r")
    seen = [channel.accept({"seq": seq}) for seq in (1, 1, 3, 2, 2, 3)]
    deliver, duplicate, gap = Arrival.DELIVER, Arrival.DUPLICATE, Arrival.GAP
    assert seen == [deliver, duplicate, gap, deliver, duplicate, deliver]
    assert channel.received == 3


@given(st.lists(st.integers(1, 8), max_size=60))
def test_whatever_arrives_a_gapless_count_is_let_through(arrivals: list[int]) -> None:
    channel = SequencedChannel("r")
    delivered = [seq for seq in arrivals if channel.accept({"seq": seq}) is Arrival.DELIVER]
    assert delivered == list(range(1, len(delivered) + 1))


@given(st.lists(st.sampled_from(["send", "drop", "deliver", "rejoin"]), max_size=80))
def test_over_any_losses_every_message_arrives_once_and_in_order(happenings: list[str]) -> None:
    near, far = SequencedChannel("r", 1000), SequencedChannel("r")
    on_the_way: list[dict[str, Any]] = []
    got: list[int] = []
    for happens in [*happenings, "rejoin"]:
        if happens == "send":
            on_the_way.append(near.number({"n": near.sent + 1}))
        elif happens == "drop":
            on_the_way.clear()
        elif happens == "rejoin":
            on_the_way = list(near.missed(far.received))
        if happens in ("deliver", "rejoin"):
            got += [it["n"] for it in on_the_way if far.accept(it) is Arrival.DELIVER]
            on_the_way.clear()
    assert got == list(range(1, near.sent + 1))


def test_a_queue_drops_the_oldest_audio_and_keeps_every_message_in_order() -> None:
    queue = FrameQueue(most_audio=2)
    for frame in (b"1", "a", b"2", b"3", "b"):
        queue.put(frame)
    assert [queue.pop() for _ in range(len(queue))] == ["a", b"2", b"3", "b"]


def test_audio_that_was_taken_makes_room_for_more() -> None:
    queue = FrameQueue(most_audio=1)
    for frame in (b"1", b"2"):
        queue.put(frame)
        assert queue.pop() == frame


def test_dropping_the_audio_leaves_the_messages() -> None:
    queue = FrameQueue(most_audio=2)
    for frame in (b"1", "a", b"2"):
        queue.put(frame)
    queue.drop_audio()
    assert len(queue) == 1
    for frame in (b"3", b"4", b"5"):
        queue.put(frame)
    assert [queue.pop() for _ in range(len(queue))] == ["a", b"4", b"5"]
