from __future__ import annotations

import pytest

from characters.components import FaultKeys, Faults
from tests.characters.components.fakes import FakeService, Level


def stricken(service: FakeService | None = None) -> Level:
    level = Level()
    level.scene.provide(Faults(level.runtime, service), Faults)  # type: ignore[arg-type]  # a fake
    level.scene.add(FaultKeys())
    level.character("nurse", (50, 0))
    level.character("patient", (500, 0))
    level.manager.listen_from((0.0, 0.0), (1.0, 0.0))
    level.frame(2)
    for key in ("nurse", "patient"):
        level.session(key).told.clear()
    return level


def press(level: Level, key: str) -> None:
    level.scene.input.press(key)
    level.frame()
    level.scene.input.release(key)


def test_f5_cuts_the_line_of_the_one_who_listens() -> None:
    level = stricken()
    press(level, "f5")
    assert level.session("nurse").told == ["cut"]
    assert level.session("patient").told == []


def test_f6_opens_a_black_hole_and_then_heals_it() -> None:
    level = stricken()
    press(level, "f6")
    press(level, "f6")
    assert level.session("nurse").told == ["weather black hole", "weather calm"]


def test_f6_opens_another_black_hole_after_the_panel_healed_the_first() -> None:
    level = stricken()
    press(level, "f6")
    level.scene.get_service(Faults).heal("nurse")
    press(level, "f6")
    assert level.session("nurse").told[-2:] == ["weather calm", "weather black hole"]


def test_f6_forgets_the_black_hole_of_a_session_that_is_gone() -> None:
    level = stricken()
    press(level, "f6")
    level.runtime.close_session("nurse")
    level.manager.talk_to(level.manager.characters[1])
    press(level, "f6")
    assert level.session("patient").told[-1:] == ["weather black hole"]


def test_f7_and_f8_kill_and_start_the_service() -> None:
    service = FakeService()
    level = stricken(service)
    press(level, "f7")
    service.settled.wait(5)
    assert not service.is_running
    service.settled.clear()
    press(level, "f8")
    service.settled.wait(5)
    assert service.is_running


@pytest.mark.parametrize("key", ["f5", "f6", "f7", "f8"])
def test_the_keys_rest_while_somebody_types(key: str) -> None:
    level = stricken(FakeService())
    level.scene.input.captured = "chat box"
    press(level, key)
    assert level.session("nurse").told == []


@pytest.mark.parametrize("key", ["f7", "f8"])
def test_a_remote_service_is_left_alone(key: str) -> None:
    errors: list[object] = []
    level = stricken()
    level.scene.on_error.subscribe(errors.append)
    press(level, key)
    assert errors == []
