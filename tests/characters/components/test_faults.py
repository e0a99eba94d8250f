from __future__ import annotations

import pytest

from characters.components import Faults, Task
from tests.characters.components.fakes import FakeRuntime, FakeService, Level


class Stricken:
    """Two characters, a service, and what can break them."""

    def __init__(self) -> None:
        self.level = Level()
        self.level.character("nurse")
        self.level.character("patient")
        self.level.frame()
        self.service = FakeService()
        self.faults = Faults(self.level.runtime, self.service)  # type: ignore[arg-type]  # a fake

    def told(self, key: str) -> list[str]:
        return self.level.session(key).told[1:]


def test_a_fault_concerns_the_one_that_is_named() -> None:
    it = Stricken()
    it.faults.cut("nurse")
    it.faults.black_hole("nurse")
    it.faults.heal("nurse")
    assert it.told("nurse") == ["cut", "black hole True", "black hole False"]
    assert it.told("patient") == []


def test_without_a_name_it_concerns_all() -> None:
    it = Stricken()
    it.faults.cut()
    assert it.told("nurse") == it.told("patient") == ["cut"]


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(LookupError, match="nurse, patient"):
        Stricken().faults.cut("nrse")


def test_the_service_is_killed_and_started() -> None:
    it = Stricken()
    it.faults.kill_service().wait(5)
    assert not it.faults.is_service_running
    it.faults.start_service().wait(5)
    assert it.faults.is_service_running


def test_a_remote_service_is_not_ours_to_kill() -> None:
    faults = Faults(FakeRuntime())  # type: ignore[arg-type]  # a fake
    assert not faults.has_service
    with pytest.raises(LookupError, match="remote"):
        faults.kill_service()


def test_a_task_keeps_its_error_for_who_looks() -> None:
    def fail() -> None:
        raise OSError("no")

    task = Task(fail, "failing")
    task.wait(5)
    assert task.is_done
    assert isinstance(task.error, OSError)
