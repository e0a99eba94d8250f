from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.schedule import Phase


class Bench:
    """Record calls and reports."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.errors: list[str] = []
        self.phase = Phase(self.report)

    def report(self, method: Callable[[object], object], error: Exception) -> None:
        self.errors.append(str(error))

    def says(self, word: str) -> Callable[[object], object]:
        return lambda _: self.calls.append(word)

    def fails(self, _: object) -> None:
        raise RuntimeError("broken on purpose")

    def run(self) -> list[str]:
        self.calls.clear()
        self.phase.run(None)
        return list(self.calls)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_methods_run_in_the_order_of_their_keys_however_they_came(bench: Bench) -> None:
    for key in (5, 1, 9, 3):
        bench.phase.add(key, bench.says(str(key)))
    assert bench.run() == ["1", "3", "5", "9"]


def test_the_loop_goes_on_behind_a_method_that_fails(bench: Bench) -> None:
    for key, method in enumerate((bench.says("a"), bench.fails, bench.says("b"), bench.fails)):
        bench.phase.add(key, method)
    assert bench.run() == ["a", "b"]
    assert bench.errors == ["broken on purpose"] * 2


def test_a_method_that_removes_a_later_one_silences_it_at_once(bench: Bench) -> None:
    bench.phase.add(1, lambda _: bench.phase.remove(3))
    bench.phase.add(2, bench.says("stays"))
    bench.phase.add(3, bench.says("goes"))
    assert bench.run() == ["stays"]
    assert len(bench.phase) == 2


def test_who_joins_during_a_run_waits_for_the_next_one_and_nobody_runs_twice(
    bench: Bench,
) -> None:
    bench.phase.add(5, lambda _: bench.phase.add(1, bench.says("new")))
    bench.phase.add(6, bench.says("old"))
    assert bench.run() == ["old"]
    assert bench.run() == ["new", "old"]


def test_who_joins_and_leaves_during_one_run_is_gone(bench: Bench) -> None:
    def passes_by(_: object) -> None:
        bench.phase.add(9, bench.says("ghost"))
        bench.phase.remove(9)

    bench.phase.add(1, passes_by)
    bench.run()
    bench.phase.remove(1)
    assert bench.run() == []


def test_removing_what_is_not_there_does_nothing(bench: Bench) -> None:
    bench.phase.add(1, bench.says("a"))
    bench.phase.remove(7)
    bench.phase.remove(1)
    bench.phase.remove(1)
    assert len(bench.phase) == 0


def test_empty_slots_are_swept_away_and_who_returns_finds_its_order(bench: Bench) -> None:
    for key in range(200):
        bench.phase.add(key, bench.says(str(key)))
    bench.run()
    for key in range(150):
        bench.phase.remove(key)
    bench.run()
    assert len(bench.phase._methods) == 50
    bench.phase.add(7, bench.says("7"))
    assert bench.run()[:2] == ["7", "150"]


def test_who_leaves_and_returns_is_counted_once(bench: Bench) -> None:
    bench.phase.add(1, bench.says("a"))
    bench.run()
    bench.phase.remove(1)
    bench.phase.add(1, bench.says("b"))
    assert len(bench.phase) == 1
    assert bench.run() == ["b"]


def test_what_is_no_exception_but_an_order_to_stop_gets_through(bench: Bench) -> None:
    def stops(_: object) -> None:
        raise KeyboardInterrupt

    bench.phase.add(1, stops)
    with pytest.raises(KeyboardInterrupt):
        bench.run()
    bench.phase.remove(1)
    bench.phase.add(0, bench.says("usable"))
    assert bench.run() == ["usable"]
