"""What a level tells a character by a Trigger: in a place, after a time, on a key, or by hand."""

from __future__ import annotations

from typing import Any

import pytest

from characters.components.player import Player, Trigger
from characters.protocol.messages import ContextUpdate, TriggerMessage
from characters.session.conversation import SessionState
from engine.objects.scene import Scene
from tests.characters.components.fakes import Level

BELL = TriggerMessage("bell")


def nurse(**fields: Any) -> tuple[Level, Trigger, list[Any]]:
    """Return a level with a connected character and its trigger, and what that has sent."""
    level = Level()
    character = level.character("nurse")
    trigger = character.game_object.add(Trigger(**({"event": "bell"} | fields)))
    level.frame()
    session = level.session("nurse")
    session.becomes(SessionState.CONNECTED)
    return level, trigger, session.sent


def wait(scene: Scene, seconds: float) -> None:
    for _ in range(round(seconds * 10)):
        scene.update(0.1)


def test_by_hand_it_tells_context_and_trigger_in_order() -> None:
    level, trigger, sent = nurse(message="It rang.", context="The bell is broken.")
    wait(level.scene, 1.0)
    assert sent == []
    trigger.fire()
    level.frame()
    known = ContextUpdate(text="The bell is broken.", run_llm="false")
    assert sent == [known, TriggerMessage("bell", "It rang.")]


@pytest.mark.parametrize(("repeats", "times"), [(False, 1), (True, 3)])
def test_a_time_passes(repeats: bool, times: int) -> None:
    level, _, sent = nurse(after_seconds=1.0, repeats=repeats)
    wait(level.scene, 0.5)
    assert sent == []
    wait(level.scene, 3.0)
    assert sent == [BELL] * times


@pytest.mark.parametrize(("repeats", "times"), [(False, 1), (True, 2)])
def test_the_player_comes_into_an_area(repeats: bool, times: int) -> None:
    level, trigger, sent = nurse(area=(50.0, 50.0), repeats=repeats)
    player = level.scene.create("You", position=(900.0, 900.0)).add(Player())
    wait(level.scene, 0.5)
    assert sent == []
    for _ in range(2):
        player.transform.position = trigger.transform.position
        wait(level.scene, 0.5)
        player.transform.position = (900.0, 900.0)
        wait(level.scene, 0.5)
    assert sent == [BELL] * times


@pytest.mark.parametrize(("repeats", "times"), [(False, 1), (True, 2)])
def test_a_key_is_pressed(repeats: bool, times: int) -> None:
    level, _, sent = nurse(key="b", repeats=repeats)
    level.scene.input.captured = "chat box"  # what is typed presses nothing
    level.scene.input.press("b")
    level.frame()
    level.scene.input.release("b")
    level.scene.input.captured = None
    assert sent == []
    for _ in range(2):
        level.scene.input.press("b")
        level.frame()
        level.scene.input.release("b")
        level.frame()
    assert sent == [BELL] * times


def test_what_happens_before_it_is_connected_waits() -> None:
    level, trigger, sent = nurse()
    level.session("nurse").becomes(SessionState.RECONNECTING)
    trigger.fire()
    wait(level.scene, 0.3)
    assert sent == []
    level.session("nurse").becomes(SessionState.CONNECTED)
    level.frame()
    assert sent == [BELL]


def test_a_trigger_that_says_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="event, message or context"):
        Trigger()
