from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from characters.protocol.codec import MessageError
from characters.protocol.link import (
    Ack,
    Arrival,
    Bye,
    Hello,
    Inbox,
    LinkFrame,
    Outbox,
    OutboxFullError,
    Ping,
    Pong,
    ReplayError,
    SequencedChannel,
    Welcome,
    decode_link,
    encode_link,
    is_link,
    sequence_of,
)

FRAMES: list[LinkFrame] = [
    Hello(3),
    Welcome(1, 2, 5, "rejoined", 3.5),
    Welcome(0),
    Ping(1.5),
    Pong(1.5),
    Ack(9),
    Bye("drain", 2.0),
    Bye("disconnect"),
]

# A shared machine is slow at times; that says nothing about the code.


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_a_link_frame_survives_the_wire(frame: LinkFrame) -> None:
    raw = encode_link(frame)
    assert is_link(raw)
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
        sequence_of({"seq": seq})


def talk(link: SequencedChannel, count: int) -> list[dict[str, Any]]:
    return [link.wrap({"n": number}) for number in range(count)]


def test_a_rejoin_repeats_exactly_what_was_missed() -> None:
    service, client = SequencedChannel("r"), SequencedChannel("r")
    client.enter(Welcome(0))
    for frame in talk(service, 5)[:3]:
        client.accept(frame)
    assert [frame["seq"] for frame in service.missed(client.inbox.received)] == [4, 5]


def test_a_newcomer_gets_what_nobody_confirmed() -> None:
    service = SequencedChannel("r")
    talk(service, 5)
    service.outbox.acknowledged(3)
    assert [frame["seq"] for frame in service.missed(0)] == [4, 5]


def test_a_newcomer_goes_on_with_the_numbers_of_the_room() -> None:
    client = SequencedChannel("r")
    client.enter(Welcome(received=7, next_seq=4))
    assert client.wrap({})["seq"] == 8
    assert client.accept({"seq": 4}) is Arrival.DELIVER


def test_what_was_queued_before_entering_is_numbered_by_the_room() -> None:
    client = SequencedChannel("r")
    client.wrap({"text": "early"})
    assert client.enter(Welcome(received=7)) == ({"text": "early", "seq": 8},)


def test_a_welcome_that_confirms_too_much_is_refused() -> None:
    client = SequencedChannel("r")
    client.enter(Welcome(0))
    with pytest.raises(ReplayError):
        client.enter(Welcome(received=3))


def test_confirmations_are_due_after_a_few_messages_or_on_demand() -> None:
    link = SequencedChannel("r")
    link.accept({"seq": 1})
    assert link.ack() is None
    assert link.ack(now=True) == Ack(1)
    assert link.ack(now=True) is None
    for seq in range(2, 10):
        link.accept({"seq": seq})
    assert link.ack() == Ack(9)


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


# A shared machine is slow at times; that says nothing about the code.


def filled(count: int, limit: int = 100) -> Outbox[str]:
    outbox: Outbox[str] = Outbox(limit)
    for number in range(1, count + 1):
        outbox.number(f"m{number}")
    return outbox


def test_numbers_begin_at_one_and_have_no_gaps() -> None:
    outbox: Outbox[str] = Outbox()
    assert [outbox.number("a"), outbox.number("b")] == [1, 2]


def test_what_is_confirmed_is_forgotten() -> None:
    outbox = filled(5)
    outbox.acknowledged(3)
    assert outbox.unacknowledged() == ((4, "m4"), (5, "m5"))


def test_an_old_confirmation_takes_nothing_back() -> None:
    outbox = filled(5)
    outbox.acknowledged(4)
    outbox.acknowledged(2)
    assert outbox.confirmed == 4


def test_a_replay_from_what_the_peer_has_repeats_the_rest() -> None:
    assert filled(3).unacknowledged(1) == ((2, "m2"), (3, "m3"))


def test_a_replay_of_what_is_forgotten_is_an_error() -> None:
    outbox = filled(5)
    outbox.acknowledged(3)
    with pytest.raises(ReplayError):
        outbox.unacknowledged(2)


@pytest.mark.parametrize("ask", ["confirm", "replay"])
def test_a_number_that_was_never_sent_is_an_error(ask: str) -> None:
    outbox = filled(2)
    with pytest.raises(ReplayError):
        outbox.acknowledged(3) if ask == "confirm" else outbox.unacknowledged(3)


def test_overflow_is_an_error_and_keeps_the_message_out() -> None:
    outbox = filled(3, limit=3)
    with pytest.raises(OutboxFullError):
        outbox.number("one too many")
    assert (outbox.sent, len(outbox)) == (3, 3)


def test_confirming_makes_room_again() -> None:
    outbox = filled(3, limit=3)
    outbox.acknowledged(1)
    assert outbox.number("fits") == 4


def test_an_inbox_delivers_once_and_in_order() -> None:
    inbox = Inbox()
    seen = [inbox.accept(seq) for seq in (1, 1, 3, 2, 2, 3)]
    deliver, duplicate, gap = Arrival.DELIVER, Arrival.DUPLICATE, Arrival.GAP
    assert seen == [deliver, duplicate, gap, deliver, duplicate, deliver]
    assert inbox.received == 3


@given(st.lists(st.integers(1, 8), max_size=60))
def test_whatever_arrives_the_inbox_lets_a_gapless_count_through(arrivals: list[int]) -> None:
    inbox = Inbox()
    delivered = [seq for seq in arrivals if inbox.accept(seq) is Arrival.DELIVER]
    assert delivered == list(range(1, len(delivered) + 1))


@given(st.lists(st.sampled_from(["send", "drop", "deliver", "rejoin"]), max_size=80))
def test_over_any_losses_every_message_arrives_once_and_in_order(weather: list[str]) -> None:
    outbox: Outbox[int] = Outbox(1000)
    inbox, line, got = Inbox(), [], list[int]()
    for happens in [*weather, "rejoin"]:
        if happens == "send":
            line.append((outbox.number(outbox.sent + 1), outbox.sent))
        elif happens == "drop":
            line.clear()
        elif happens == "rejoin":
            line = list(outbox.unacknowledged(inbox.received))
            outbox.acknowledged(inbox.received)
        if happens in ("deliver", "rejoin"):
            got += [body for seq, body in line if inbox.accept(seq) is Arrival.DELIVER]
            line.clear()
    assert got == list(range(1, outbox.sent + 1))
