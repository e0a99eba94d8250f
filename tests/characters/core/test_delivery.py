from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from characters.core.delivery import Arrival, Inbox, Outbox, OutboxFullError, ReplayError

# A shared machine is slow at times; that says nothing about the code.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


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


@CALM
@given(st.lists(st.integers(1, 8), max_size=60))
def test_whatever_arrives_the_inbox_lets_a_gapless_count_through(arrivals: list[int]) -> None:
    inbox = Inbox()
    delivered = [seq for seq in arrivals if inbox.accept(seq) is Arrival.DELIVER]
    assert delivered == list(range(1, len(delivered) + 1))


@CALM
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
