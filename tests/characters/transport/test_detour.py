from __future__ import annotations

import pytest

from characters.core.weather import Weather
from characters.transport.detour import Detour
from tests.characters.runtime.virtual_time import VirtualLoop

HOLE = Weather(is_black_hole=True)
LATE = Weather(delay_seconds=0.4)


class Road:
    """A detour on virtual time, and when each frame came out of it."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.began = self.loop.time()
        self.out: list[tuple[str, float]] = []
        self.detour = Detour[str](self.loop.time, self.take, len)

    def take(self, frame: str) -> None:
        self.out.append((frame, round(self.loop.time() - self.began, 3)))

    def do(self, *orders: Weather | str | float) -> None:
        """Change the weather, send a frame, or wait so many seconds."""
        for order in orders:
            if isinstance(order, float):
                self.loop.run_for(order)
            else:
                self.loop.run(_one(self.detour, order))


async def _one(detour: Detour[str], order: Weather | str) -> None:
    if isinstance(order, Weather):
        detour.set_weather(order)
    else:
        detour.put(order)


def test_nobody_takes_it_in_calm_weather() -> None:
    road = Road()
    assert not road.detour.is_taken
    road.do(LATE)
    assert road.detour.is_taken
    road.do(Weather.CALM)
    assert not road.detour.is_taken


def test_frames_come_out_late_and_in_order() -> None:
    road = Road()
    road.do(LATE, "a", 0.1, "b", 1.0)
    assert road.out == [("a", 0.4), ("b", 0.5)]


def test_a_slow_road_lets_out_one_after_the_other() -> None:
    road = Road()
    road.do(Weather(bytes_per_second=10), "12345", "12345", 2.0)
    assert [when for _, when in road.out] == pytest.approx([0.5, 1.0])


def test_a_black_hole_keeps_everything_until_it_is_healed() -> None:
    road = Road()
    road.do(HOLE, "a", "b", 60.0)
    assert road.out == []
    road.do(Weather.CALM)
    assert [frame for frame, _ in road.out] == ["a", "b"]
    assert not road.detour.is_taken


def test_what_waits_follows_a_change_of_the_weather() -> None:
    road = Road()
    road.do(Weather(delay_seconds=30.0), "a", 1.0, Weather(delay_seconds=2.0), 2.0)
    assert road.out == [("a", 2.0)]


def test_it_is_taken_until_the_last_that_waited_is_out() -> None:
    road = Road()
    road.do(LATE, "a")
    assert len(road.detour) == 1
    road.detour.clear()
    road.do(1.0, Weather.CALM)
    assert (road.out, road.detour.is_taken) == ([], False)


def test_of_too_many_of_a_kind_the_oldest_go() -> None:
    road = Road()
    road.do(HOLE, "a", "b", "c")
    road.detour.thin(str, 2)
    road.do(Weather.CALM)
    assert [frame for frame, _ in road.out] == ["b", "c"]
