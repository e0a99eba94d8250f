"""Whom a node lets in, by how late its loop is."""

from __future__ import annotations

from collections import deque

import pytest

from characters.service.admission import Admission, AdmissionLimits, Load, goodbyes

LIMITS = AdmissionLimits(max_lag=0.02, joins_per_second=10, at_once=3, patience=0.5)


def test_a_service_of_ones_own_lets_everybody_in_however_late_it_is() -> None:
    admission = Admission(AdmissionLimits())
    assert {admission.wait(0.0, Load(lag=9.0)) for _ in range(1000)} == {0.0}


def test_a_few_come_in_at_once_and_the_next_wait_for_their_turn() -> None:
    admission = Admission(LIMITS)
    waits = [admission.wait(100.0, Load(lag=0.0)) for _ in range(5)]
    assert waits == pytest.approx([0.0, 0.0, 0.0, 0.1, 0.2])


def test_who_would_wait_too_long_is_sent_away() -> None:
    admission = Admission(LIMITS)
    waits = [admission.wait(100.0, Load(lag=0.0)) for _ in range(20)]
    inside = [wait for wait in waits if not admission.is_away(wait)]
    assert len(inside) == 3 + 5  # at once, and what the patience allows
    assert min(waits[len(inside) :]) >= LIMITS.shortest


def test_who_are_sent_away_together_come_back_one_after_another() -> None:
    admission = Admission(LIMITS)
    away = [admission.wait(100.0, Load(lag=1.0)) for _ in range(50)]
    assert away == sorted(away)
    assert away[-1] - away[0] == pytest.approx(49 / LIMITS.joins_per_second)


def test_nobody_is_sent_away_for_longer_than_the_longest() -> None:
    admission = Admission(LIMITS)
    assert max(admission.wait(100.0, Load(lag=1.0)) for _ in range(5000)) <= LIMITS.longest


def admitted(lag: float = 0.0, busy: float = 0.0) -> int:
    """Return how many come in within ten seconds."""
    admission, begin = Admission(LIMITS), 100.0
    times = (begin + step / 50 for step in range(500))
    return sum(not admission.is_away(admission.wait(now, Load(lag, busy))) for now in times)


def test_the_later_the_loop_the_fewer_come_in_and_none_at_the_limit() -> None:
    assert 95 <= admitted(0.0) <= 110
    assert 45 <= admitted(0.01) <= 60
    assert admitted(0.02) == admitted(0.5) == 0


def test_the_busier_the_loop_the_fewer_come_in_and_none_at_the_limit() -> None:
    assert admitted(busy=0.35) == admitted(busy=0.0)
    assert 45 <= admitted(busy=0.525) <= 60
    assert admitted(busy=0.7) == admitted(busy=1.0) == 0


@pytest.mark.parametrize("cost", [0.0002, 0.0025, 0.01], ids=["silent", "speaking", "dear"])
def test_a_crowd_at_the_door_fills_a_node_and_goes_not_beyond(cost: float) -> None:
    """The loop's work is known only a second later, as a mean over that second."""
    admission, joined, inside = Admission(AdmissionLimits(max_lag=0.005)), 0.015, 0
    works: deque[float] = deque(maxlen=20)
    most = AdmissionLimits().most_busy / cost
    for step in range(20 * 240):  # four minutes, twenty times a second
        now, load = 100.0 + step / 20, Load(busy=sum(works) / max(1, len(works)))
        came = sum(not admission.is_away(admission.wait(now, load)) for _ in range(5))
        inside += came
        works.append(inside * cost + came * 20 * joined)
        assert inside <= 1.05 * most
    assert inside >= 0.85 * most


def test_a_loop_that_is_on_time_again_lets_in_again() -> None:
    admission = Admission(LIMITS)
    assert admission.is_away(admission.wait(100.0, Load(lag=0.5)))
    assert admission.wait(101.0, Load(lag=0.0)) == 0.0


def test_goodbyes_are_spread_evenly_and_begin_at_once() -> None:
    assert goodbyes(4, 10.0) == (0.0, 2.5, 5.0, 7.5)
    assert goodbyes(3, 0.0) == (0.0, 0.0, 0.0)
    assert goodbyes(0, 10.0) == ()
