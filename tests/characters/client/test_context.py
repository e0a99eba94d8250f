from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import cast

import pytest

from characters.client.config import SessionConfig
from characters.client.context import ConnectLimiter, Endpoints
from characters.protocol.failures import FailureKind
from characters.transport.base import Transport, TransportError
from tests.characters.client.virtual_time import VirtualLoop


class Crowd:
    """Connects that all want in; remembers who came in when."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.limiter = ConnectLimiter(self.loop.time, most_in_flight=4, interval_seconds=0.05)
        self.entered: list[tuple[str, float]] = []
        self.most = 0
        self.began = self.loop.time()

    def add(self, name: str, seconds: float = 0.01, priority: float = 0.0) -> asyncio.Task[None]:
        return self.loop.create_task(self._connect(name, seconds, priority))

    async def _connect(self, name: str, seconds: float, priority: float) -> None:
        async with self.limiter.slot(lambda: priority):
            self.entered.append((name, self.loop.time() - self.began))
            self.most = max(self.most, len(self.limiter.in_flight))
            await asyncio.sleep(seconds)

    @property
    def names(self) -> str:
        return "".join(name for name, _ in self.entered)


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd()
    yield crowd
    crowd.loop.finish()


def test_the_first_ones_go_at_once(crowd: Crowd) -> None:
    for name in "abcd":
        crowd.add(name)
    crowd.loop.run_for(0.0)
    assert crowd.names == "abcd"


def test_no_more_than_four_are_in_flight(crowd: Crowd) -> None:
    for name in "abcdefgh":
        crowd.add(name, seconds=0.9)
    crowd.loop.run_for(0.5)
    crowd.add("i")
    crowd.loop.run_for(10.0)
    assert crowd.most == 4 and len(crowd.entered) == 9


def test_twenty_that_drop_together_are_spread_out(crowd: Crowd) -> None:
    for number in range(20):
        crowd.add(str(number))
    crowd.loop.run_for(2.0)
    times = [t for _, t in crowd.entered]
    peak = max(sum(start <= t < start + 0.1 for t in times) for start in times)
    assert len(times) == 20 and peak <= 6
    assert times[-1] < 1.0


def test_slow_connects_do_not_hold_up_others_for_long(crowd: Crowd) -> None:
    for name in "abcd":
        crowd.add(name, seconds=60.0)
    crowd.add("e")
    crowd.loop.run_for(1.1)
    assert crowd.names == "abcde"
    crowd.loop.run_for(60.0)
    assert not crowd.limiter.in_flight


def test_equals_come_in_the_order_in_which_they_asked(crowd: Crowd) -> None:
    for name in "abcdefgh":
        crowd.add(name)
    crowd.loop.run_for(1.0)
    assert crowd.names == "abcdefgh"


def test_the_nearest_comes_first(crowd: Crowd) -> None:
    for name in "abcd":
        crowd.add(name)
    for name, distance in (("x", 9.0), ("y", 1.0), ("z", 5.0)):
        crowd.add(name, priority=distance)
    crowd.loop.run_for(1.0)
    assert crowd.names == "abcdyzx"


def test_one_that_gives_up_while_waiting_takes_no_place(crowd: Crowd) -> None:
    for name in "abcd":
        crowd.add(name, seconds=0.9)
    waiting = crowd.add("e")
    crowd.loop.run_for(0.1)
    waiting.cancel()
    crowd.add("f")
    crowd.loop.run_for(2.0)
    assert crowd.names == "abcdf"
    assert not crowd.limiter.in_flight and not crowd.limiter.waiting


def test_one_that_is_cancelled_in_the_moment_it_is_let_in_gives_its_place_back(
    crowd: Crowd,
) -> None:
    first = [crowd.add(name, seconds=0.2) for name in "abcd"]
    waiting = crowd.add("e")
    crowd.loop.run_for(0.1)
    first[0].add_done_callback(lambda _: waiting.cancel())
    crowd.loop.run_for(1.0)
    assert not crowd.limiter.in_flight


def test_one_that_is_cancelled_inside_gives_its_place_back(crowd: Crowd) -> None:
    inside = crowd.add("a", seconds=9.0)
    crowd.loop.run_for(0.1)
    inside.cancel()
    crowd.loop.run_for(0.1)
    assert not crowd.limiter.in_flight


def test_a_name_that_no_endpoint_has_is_a_mistake_of_the_game_and_not_tried_again() -> None:
    def no_such_name(name: str) -> str:
        raise LookupError(f"no endpoint {name}")

    def no_transport(url: str, key: str | None) -> Transport:
        raise AssertionError

    endpoints = Endpoints(no_transport, no_such_name)
    endpoints.thread.start()
    with pytest.raises(TransportError, match="no endpoint htp:/nonsense") as told:
        asyncio.run(endpoints.transport_for(SessionConfig("ann", endpoint="htp:/nonsense")))
    endpoints.thread.stop(1.0)
    assert told.value.failure.code == "connection.invalid_url"
    assert told.value.failure.kind is FailureKind.TERMINAL


def test_a_transport_that_keeps_nothing_is_told_as_an_endpoint_that_knows_nothing() -> None:
    endpoints = Endpoints(lambda url, key: cast(Transport, object()), str)
    asked = endpoints.ask(SessionConfig("ann", endpoint="http://x"), lambda it: it.facts("s"))
    with pytest.raises(TransportError) as told:
        asyncio.run(asked)
    assert told.value.failure.code == "connection.not_found"
