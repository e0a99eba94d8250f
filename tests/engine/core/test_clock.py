from __future__ import annotations

import dataclasses

import pytest

from engine.core.clock import Clock, ManualClock, SystemClock, Time


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(5.0)
    assert clock.now() == clock.now() == 5.0
    clock.advance(1.5)
    assert clock.now() == 6.5


def test_a_manual_clock_refuses_to_go_back() -> None:
    with pytest.raises(ValueError, match="cannot go back"):
        ManualClock().advance(-0.1)


def test_the_system_clock_never_goes_back() -> None:
    clock: Clock = SystemClock()
    first = clock.now()
    assert clock.now() >= first


def test_the_time_of_a_frame_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Time().frame = 3  # type: ignore[misc]  # the point of the test
