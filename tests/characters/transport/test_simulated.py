from __future__ import annotations

import math

import pytest

from characters.protocol.network_conditions import NetworkConditions
from characters.transport.simulated import DelayQueue, Lane
from tests.characters.client.virtual_time import VirtualLoop

HOLE = NetworkConditions(is_black_hole=True)
LATE = NetworkConditions(delay_seconds=0.4)


class Road:
    """A delay queue on virtual time, and when each frame came out of it."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.began = self.loop.time()
        self.out: list[tuple[str, float]] = []
        self.queue = DelayQueue[str](self.loop.time, self.take, len)

    def take(self, frame: str) -> None:
        self.out.append((frame, round(self.loop.time() - self.began, 3)))

    def do(self, *orders: NetworkConditions | str | float) -> None:
        """Change the conditions, send a frame, or wait so many seconds."""
        for order in orders:
            if isinstance(order, float):
                self.loop.run_for(order)
            else:
                self.loop.run(_one(self.queue, order))


async def _one(queue: DelayQueue[str], order: NetworkConditions | str) -> None:
    if isinstance(order, NetworkConditions):
        queue.set_conditions(order)
    else:
        queue.put(order)


def test_without_a_fault_frames_need_not_pass_through_it() -> None:
    road = Road()
    assert not road.queue.is_taken
    road.do(LATE)
    assert road.queue.is_taken
    road.do(NetworkConditions.CALM)
    assert not road.queue.is_taken


def test_frames_come_out_late_and_in_order() -> None:
    road = Road()
    road.do(LATE, "a", 0.1, "b", 1.0)
    assert road.out == [("a", 0.4), ("b", 0.5)]


def test_a_slow_road_lets_out_one_after_the_other() -> None:
    road = Road()
    road.do(NetworkConditions(bytes_per_second=10), "12345", "12345", 2.0)
    assert [when for _, when in road.out] == pytest.approx([0.5, 1.0])


def test_a_black_hole_keeps_everything_until_it_is_healed() -> None:
    road = Road()
    road.do(HOLE, "a", "b", 60.0)
    assert road.out == []
    road.do(NetworkConditions.CALM)
    assert [frame for frame, _ in road.out] == ["a", "b"]
    assert not road.queue.is_taken


def test_what_waits_follows_a_change_of_the_conditions() -> None:
    road = Road()
    road.do(
        NetworkConditions(delay_seconds=30.0), "a", 1.0, NetworkConditions(delay_seconds=2.0), 2.0
    )
    assert road.out == [("a", 2.0)]


def test_it_is_taken_until_the_last_that_waited_is_out() -> None:
    road = Road()
    road.do(LATE, "a")
    assert len(road.queue) == 1
    road.queue.clear()
    road.do(1.0, NetworkConditions.CALM)
    assert (road.out, road.queue.is_taken) == ([], False)


def test_of_too_many_of_a_kind_the_oldest_go() -> None:
    road = Road()
    road.do(HOLE, "a", "b", "c")
    road.queue.thin(str, 2)
    road.do(NetworkConditions.CALM)
    assert [frame for frame, _ in road.out] == ["b", "c"]


def arrivals(conditions: NetworkConditions, *frames: tuple[float, int]) -> list[float]:
    """Return when each (entered at, size) is through."""
    lane, found = Lane(), []
    for entered_at, size in frames:
        due = lane.due(entered_at, size, conditions)
        lane.passed(due, conditions)
        found.append(due)
    return found


def test_without_a_fault_a_frame_takes_no_time() -> None:
    assert arrivals(NetworkConditions.CALM, (0.0, 10_000), (1.0, 5)) == [0.0, 1.0]


def test_latency_is_the_same_for_all_and_does_not_add_up() -> None:
    late = NetworkConditions(delay_seconds=0.4)
    assert arrivals(late, (0.0, 100), (0.02, 100), (0.04, 100)) == pytest.approx([0.4, 0.42, 0.44])


def test_a_slow_link_sends_one_frame_after_the_other() -> None:
    slow = NetworkConditions(bytes_per_second=1000)
    assert arrivals(slow, (0.0, 500), (0.0, 500), (3.0, 500)) == pytest.approx([0.5, 1.0, 3.5])


def test_slow_and_late_come_together() -> None:
    both = NetworkConditions(delay_seconds=0.2, bytes_per_second=1000)
    assert arrivals(both, (0.0, 500), (0.0, 500)) == pytest.approx([0.7, 1.2])


def test_nothing_comes_out_of_a_black_hole() -> None:
    assert Lane().due(0.0, 1, NetworkConditions(is_black_hole=True)) == math.inf
