from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from characters.core.heartbeat import Beat, Heartbeat


def beats(heartbeat: Heartbeat, *, until: float, heard_at: tuple[float, ...] = ()) -> list[str]:
    """Run a heartbeat on its own schedule; return what it did and when."""
    now, done = heartbeat.last_received, []
    while now <= until:
        last = max((t for t in heard_at if t <= now), default=heartbeat.last_received)
        heartbeat, beat = heartbeat.heard(last).check(now)
        if beat is not Beat.WAIT:
            done.append(f"{beat.value} {now:.2f}")
        if beat is Beat.DEAD:
            break
        now = heartbeat.next_look(now)
    return done


def test_a_silent_line_is_pinged_after_the_interval_and_dead_after_the_sum() -> None:
    assert beats(Heartbeat(1.0, 1.5, 0.0), until=9) == ["ping 1.00", "ping 2.00", "dead 2.50"]


def test_anything_that_arrives_proves_that_the_line_lives() -> None:
    heard = tuple(n / 2 for n in range(20))
    assert beats(Heartbeat(1.0, 1.5, 0.0), until=9, heard_at=heard) == []


def test_an_answered_ping_keeps_the_line_alive() -> None:
    done = beats(Heartbeat(1.0, 1.5, 0.0), until=4, heard_at=(1.1, 2.2, 3.3))
    assert [beat.split()[0] for beat in done] == ["ping", "ping", "ping"]


def test_a_line_that_answers_at_once_is_looked_at_once_in_an_interval() -> None:
    heartbeat, now = Heartbeat(1.0, 1.5, 0.0), 1.0
    for _ in range(10):
        heartbeat, beat = heartbeat.check(now)
        assert beat is Beat.PING
        again = heartbeat.next_look(now)  # before the answer is there
        heartbeat = heartbeat.heard(now + 0.002)
        now = again
    assert now == pytest.approx(11.0)


def test_a_process_that_slept_pings_before_it_calls_the_line_dead() -> None:
    heartbeat, _ = Heartbeat(1.0, 1.5, 0.0).check(0.5)
    heartbeat, beat = heartbeat.check(3600.0)
    assert beat is Beat.PING
    heartbeat, beat = heartbeat.check(3601.4)
    assert beat is not Beat.DEAD
    assert heartbeat.check(3601.6)[1] is Beat.DEAD


@given(st.floats(0.01, 60), st.floats(0.01, 60))
def test_a_dead_line_is_noticed_within_the_sum_whatever_the_times(
    interval: float, timeout: float
) -> None:
    done = beats(Heartbeat(interval, timeout, 0.0), until=(interval + timeout) * 3)
    kind, when = done[-1].split()
    assert kind == "dead"
    assert float(when) == pytest.approx(interval + timeout, abs=0.02)


@given(st.floats(0, 100), st.floats(0, 100))
def test_the_next_look_is_always_later_than_now(last: float, now: float) -> None:
    assert Heartbeat(1.0, 1.5, last).next_look(now) > now
