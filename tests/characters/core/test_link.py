from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from characters.core.codec import MessageError
from characters.core.delivery import Arrival, ReplayError
from characters.core.link import (
    Ack,
    Bye,
    Hello,
    LinkFrame,
    Ping,
    Pong,
    RoomLink,
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
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


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


def talk(link: RoomLink, count: int) -> list[dict[str, Any]]:
    return [link.wrap({"n": number}) for number in range(count)]


def test_a_rejoin_repeats_exactly_what_was_missed() -> None:
    service, client = RoomLink("r"), RoomLink("r")
    client.enter(Welcome(0))
    for frame in talk(service, 5)[:3]:
        client.accept(frame)
    assert [frame["seq"] for frame in service.missed(client.inbox.received)] == [4, 5]


def test_a_newcomer_gets_what_nobody_confirmed() -> None:
    service = RoomLink("r")
    talk(service, 5)
    service.outbox.acknowledged(3)
    assert [frame["seq"] for frame in service.missed(0)] == [4, 5]


def test_a_newcomer_goes_on_with_the_numbers_of_the_room() -> None:
    client = RoomLink("r")
    client.enter(Welcome(received=7, next_seq=4))
    assert client.wrap({})["seq"] == 8
    assert client.accept({"seq": 4}) is Arrival.DELIVER


def test_what_was_queued_before_entering_is_numbered_by_the_room() -> None:
    client = RoomLink("r")
    client.wrap({"text": "early"})
    assert client.enter(Welcome(received=7)) == ({"text": "early", "seq": 8},)


def test_a_welcome_that_confirms_too_much_is_refused() -> None:
    client = RoomLink("r")
    client.enter(Welcome(0))
    with pytest.raises(ReplayError):
        client.enter(Welcome(received=3))


def test_confirmations_are_due_after_a_few_messages_or_on_demand() -> None:
    link = RoomLink("r")
    link.accept({"seq": 1})
    assert link.ack() is None
    assert link.ack(now=True) == Ack(1)
    assert link.ack(now=True) is None
    for seq in range(2, 10):
        link.accept({"seq": seq})
    assert link.ack() == Ack(9)


@CALM
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
