from __future__ import annotations

import math

import pytest

from characters.core.weather import Lane, Weather


def arrivals(weather: Weather, *frames: tuple[float, int]) -> list[float]:
    """Return when each (entered at, size) is through."""
    lane, found = Lane(), []
    for entered_at, size in frames:
        due = lane.due(entered_at, size, weather)
        lane.passed(due, weather)
        found.append(due)
    return found


def test_calm_weather_takes_no_time() -> None:
    assert arrivals(Weather.CALM, (0.0, 10_000), (1.0, 5)) == [0.0, 1.0]
    assert Weather().is_calm


def test_latency_is_the_same_for_all_and_does_not_add_up() -> None:
    late = Weather(delay_seconds=0.4)
    assert arrivals(late, (0.0, 100), (0.02, 100), (0.04, 100)) == pytest.approx([0.4, 0.42, 0.44])


def test_a_slow_link_sends_one_frame_after_the_other() -> None:
    slow = Weather(bytes_per_second=1000)
    assert arrivals(slow, (0.0, 500), (0.0, 500), (3.0, 500)) == pytest.approx([0.5, 1.0, 3.5])


def test_slow_and_late_come_together() -> None:
    both = Weather(delay_seconds=0.2, bytes_per_second=1000)
    assert arrivals(both, (0.0, 500), (0.0, 500)) == pytest.approx([0.7, 1.2])


def test_nothing_comes_out_of_a_black_hole() -> None:
    assert Lane().due(0.0, 1, Weather(is_black_hole=True)) == math.inf


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_what_no_line_can_have_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="delay_seconds"):
        Weather(delay_seconds=value)
    with pytest.raises(ValueError, match="bytes_per_second"):
        Weather(bytes_per_second=value)
