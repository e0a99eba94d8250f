from __future__ import annotations

from characters.core.session_events import Timer
from characters.runtime.timers import Timers
from tests.characters.runtime.virtual_time import VirtualLoop


def test_a_timer_fires_once_and_a_new_start_counts_alone() -> None:
    loop, fired = VirtualLoop(), list[tuple[Timer, float]]()
    timers = Timers(loop.time, lambda timer, due: fired.append((timer, due)))
    now = loop.time()
    loop.call_soon(timers.start, Timer.RETRY, now + 1.0)
    loop.call_soon(timers.start, Timer.RETRY, now + 2.0)
    loop.run_for(3.0)
    assert fired == [(Timer.RETRY, now + 2.0)]
    assert not timers
    loop.close()


def test_what_was_cancelled_or_cleared_does_not_fire() -> None:
    loop, fired = VirtualLoop(), list[tuple[Timer, float]]()
    timers = Timers(loop.time, lambda timer, due: fired.append((timer, due)))
    for timer in (Timer.RETRY, Timer.READY):
        loop.call_soon(timers.start, timer, loop.time() + 1.0)
    loop.call_soon(timers.cancel, Timer.RETRY)
    loop.call_soon(timers.clear)
    loop.run_for(2.0)
    assert fired == []
    loop.close()
