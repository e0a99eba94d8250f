from __future__ import annotations

from characters.components import NextVisitor
from characters.core.state import SessionState
from tests.characters.components.fakes import Level

S = SessionState


def lobby() -> Level:
    level = Level()
    level.character("kiosk", (50, 0)).game_object.add(NextVisitor())
    level.manager.listen_from((0.0, 0.0), (1.0, 0.0))
    level.frame(2)
    level.session("kiosk").becomes(S.CONNECTED)
    level.session("kiosk").told.clear()
    return level


def press(level: Level) -> None:
    level.scene.input.press("n")
    level.frame()
    level.scene.input.release("n")


def test_the_next_visitor_finds_nothing_of_the_last() -> None:
    level = lobby()
    press(level)
    assert level.session("kiosk").told == ["forget"]
    level.session("kiosk").becomes(S.DISCONNECTED)
    level.frame(2)
    assert level.session("kiosk").told == ["forget", "connect"]


def test_the_key_does_nothing_while_somebody_types() -> None:
    level = lobby()
    level.scene.input.captured = "chat box"
    press(level)
    assert level.session("kiosk").told == []


def test_the_key_does_nothing_far_from_the_kiosk() -> None:
    level = lobby()
    level.character("nurse", (400, 0))
    level.manager.listen_from((400.0, 0.0), (1.0, 0.0))
    level.frame(30)
    press(level)
    assert level.session("kiosk").told == []
