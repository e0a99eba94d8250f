from __future__ import annotations

import pytest

from characters.audio.sources import FaultInjector, SilentSource
from characters.components.faults import Faults, Task
from characters.protocol.network_conditions import NetworkConditions
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

    def commands(self, key: str) -> list[str]:
        return self.level.session(key).commands[1:]


def test_a_fault_concerns_the_one_that_is_named() -> None:
    it = Stricken()
    it.faults.cut("nurse")
    it.faults.black_hole("nurse")
    it.faults.heal("nurse")
    assert it.commands("nurse") == ["cut", "weather black hole", "weather calm"]
    assert it.commands("patient") == []


def test_latency_and_a_slow_link_go_together_until_the_line_is_healed() -> None:
    it = Stricken()
    it.faults.latency("nurse", 0.25)
    it.faults.slow_link("nurse", 8000)
    assert it.commands("nurse")[-1] == "weather 0.25 s late, 8 KB/s"
    assert it.faults.network_conditions("nurse") == NetworkConditions(0.25, 8000)
    it.faults.heal()
    assert it.faults.network_conditions() == NetworkConditions.CALM


def test_lines_that_differ_have_no_weather_in_common() -> None:
    it = Stricken()
    it.faults.latency("nurse")
    assert it.faults.network_conditions() is None


def test_a_latency_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="delay_seconds"):
        Stricken().faults.latency("nurse", -1.0)


def test_the_microphone_is_unplugged_and_plugged_in_again() -> None:
    faults = Faults(FakeRuntime(), None, FaultInjector(SilentSource))  # type: ignore[arg-type]  # a fake
    faults.unplug_microphone()
    assert faults.is_microphone_unplugged
    faults.plug_in_microphone()
    assert not faults.is_microphone_unplugged


def test_without_a_microphone_there_is_nothing_to_unplug() -> None:
    it = Stricken()
    assert not it.faults.has_microphone
    with pytest.raises(LookupError, match="no microphone"):
        it.faults.unplug_microphone()


def test_without_a_name_it_concerns_all() -> None:
    it = Stricken()
    it.faults.cut()
    assert it.commands("nurse") == it.commands("patient") == ["cut"]


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
