from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from characters.service.overlap import (
    JUDGED_WITHIN,
    LONGEST_SECONDS,
    NOTICED_WITHIN,
    Overlap,
    OverlapEvent,
    OverlapOrder,
    OverlapPhase,
)

PAUSE, GO_ON, CUT = OverlapOrder.PAUSE, OverlapOrder.GO_ON, OverlapOrder.CUT


def play(*events: tuple[float, OverlapEvent]) -> list[tuple[float, OverlapOrder]]:
    """Return the orders that follow from events, and when; deadlines are looked at in between."""
    overlap, orders = Overlap(), list[tuple[float, OverlapOrder]]()
    for at, event in (*events, (math.inf, OverlapEvent.OVER)):
        while overlap.deadline <= at and overlap.deadline < math.inf:
            due = overlap.deadline
            overlap, order = overlap.after(OverlapEvent.TOO_LATE, due)
            orders += [] if order is None else [(due, order)]
        overlap, order = overlap.after(event, at)
        orders += [] if order is None else [(at, order)]
    return orders


def test_an_uh_huh_that_paused_the_character_lets_it_go_on() -> None:
    assert play(
        (1.0, OverlapEvent.PAUSE),
        (1.1, OverlapEvent.VOICE),
        (1.6, OverlapEvent.QUIET),
        (2.0, OverlapEvent.NO_LINE),
    ) == [(1.0, PAUSE), (2.0, GO_ON)]


def test_words_end_a_turn_that_was_paused() -> None:
    assert play(
        (1.0, OverlapEvent.VOICE), (1.1, OverlapEvent.PAUSE), (2.0, OverlapEvent.WORDS)
    ) == [(1.1, PAUSE), (2.0, CUT)]


def test_a_knock_that_the_service_does_not_take_for_a_voice_is_forgiven_soon() -> None:
    assert play((1.0, OverlapEvent.PAUSE)) == [(1.0, PAUSE), (1.0 + NOTICED_WITHIN, GO_ON)]


def test_what_takes_too_long_to_be_understood_is_not_waited_for() -> None:
    late = 1.6 + JUDGED_WITHIN
    assert play(
        (1.0, OverlapEvent.PAUSE),
        (1.1, OverlapEvent.VOICE),
        (1.6, OverlapEvent.QUIET),
        (late + 0.5, OverlapEvent.WORDS),
    ) == [(1.0, PAUSE), (late, GO_ON)]


def test_a_player_who_goes_on_after_a_pause_is_waited_for() -> None:
    assert play(
        (1.0, OverlapEvent.PAUSE),
        (1.1, OverlapEvent.VOICE),
        (2.0, OverlapEvent.QUIET),
        (2.5, OverlapEvent.VOICE),
        (9.0, OverlapEvent.QUIET),
        (9.5, OverlapEvent.WORDS),
    ) == [(1.0, PAUSE), (9.5, CUT)]


def test_without_a_pause_of_the_client_nothing_is_ordered() -> None:
    for event in OverlapEvent:
        if event is not OverlapEvent.PAUSE:
            assert play((1.0, OverlapEvent.VOICE), (2.0, event), (3.0, OverlapEvent.WORDS)) == []


def test_a_turn_that_ended_otherwise_is_neither_taken_up_nor_cut() -> None:
    assert play(
        (1.0, OverlapEvent.PAUSE),
        (1.1, OverlapEvent.VOICE),
        (1.2, OverlapEvent.OVER),
        (2.0, OverlapEvent.WORDS),
    ) == [(1.0, PAUSE)]


def test_a_listener_that_never_says_what_it_heard_does_not_silence_the_character() -> None:
    assert play((1.0, OverlapEvent.VOICE), (1.1, OverlapEvent.PAUSE)) == [
        (1.1, PAUSE),
        (1.1 + LONGEST_SECONDS, GO_ON),
    ]


@pytest.mark.parametrize("phase", OverlapPhase)
def test_a_deadline_is_there_exactly_while_the_character_waits(phase: OverlapPhase) -> None:
    waits = phase not in (OverlapPhase.FLOWING, OverlapPhase.OVERLAPPED)
    assert Overlap(phase).is_paused == waits


EVENTS = st.lists(st.tuples(st.floats(0.0, 3.0), st.sampled_from(OverlapEvent)), max_size=40)


@given(EVENTS)
def test_whatever_happens_each_pause_ends_once_and_only_words_cut(
    events: list[tuple[float, OverlapEvent]],
) -> None:
    overlap, now, is_paused = Overlap(), 0.0, False
    for wait, event in events:
        now += wait
        before, (overlap, order) = overlap, overlap.after(event, now)
        assert (order is PAUSE) == (event is OverlapEvent.PAUSE and not is_paused)
        assert (order is CUT) == (event is OverlapEvent.WORDS and is_paused)
        if order is GO_ON:
            assert is_paused and event in (OverlapEvent.NO_LINE, OverlapEvent.TOO_LATE)
            assert event is OverlapEvent.NO_LINE or now >= before.deadline
        if event is OverlapEvent.NO_LINE and is_paused:
            assert order is GO_ON
        is_paused = overlap.is_paused
        assert (overlap.deadline < math.inf) == is_paused
        assert not is_paused or now < overlap.deadline <= now + LONGEST_SECONDS or before is overlap


@given(EVENTS)
def test_a_player_who_falls_silent_leaves_nobody_waiting(
    events: list[tuple[float, OverlapEvent]],
) -> None:
    orders = play(*((float(at), event) for at, (_, event) in enumerate(events)))
    paused = [order for _, order in orders if order is PAUSE]
    ended = [order for _, order in orders if order is not PAUSE]
    others = sum(event is OverlapEvent.OVER for _, event in events)
    assert len(paused) - others <= len(ended) <= len(paused)
