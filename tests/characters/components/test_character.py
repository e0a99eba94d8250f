from __future__ import annotations

import logging

import pytest

from characters.client.config import SessionConfig
from characters.components.character import Character, ConnectMode, LevelPolicy
from characters.protocol.messages import RespondMode
from characters.session.conversation import SessionState
from characters.session.policy import Persist, ReconnectPolicy
from engine.objects.scene import Scene
from tests.characters.components.fakes import Level

S = SessionState


def test_a_character_opens_its_session_with_its_own_policy_and_connects() -> None:
    level = Level()
    policy = ReconnectPolicy(max_reconnect_attempts=5)
    level.character("nurse", reconnect_policy=policy)
    level.frame()
    assert level.session("nurse").config.policy == policy
    assert level.session("nurse").commands == ["connect"]


def test_a_character_that_answers_when_asked_says_so_and_is_asked() -> None:
    level = Level()
    nurse = level.character("nurse", respond_mode=RespondMode.MANUAL)
    level.frame()
    nurse.respond("the storm")
    assert level.session("nurse").config.respond_mode is RespondMode.MANUAL
    assert level.session("nurse").commands[-1] == "respond the storm"


def test_a_manual_character_waits_to_be_told() -> None:
    level = Level()
    level.character("nurse", connect=ConnectMode.MANUAL)
    level.frame()
    assert level.session("nurse").commands == []


def test_words_mean_in_code_what_they_mean_in_a_scene_file() -> None:
    level = Level()
    level.character("nurse", connect="manual", persist="until_disconnect")
    level.character("porter", reconnect_policy="patient", level_policy="drop")
    level.frame()
    assert level.session("nurse").commands == []
    assert level.session("nurse").config.persist is Persist.UNTIL_DISCONNECT
    assert level.session("porter").config.policy == ReconnectPolicy.PATIENT
    with pytest.raises(
        ValueError, match=r"Character\.connect must be one of on_start, .*on_start\?"
    ):
        Character("bea", connect="on_strat")  # type: ignore[arg-type]  # the point of it


@pytest.mark.parametrize(("is_stored", "told"), [(True, ["connect"]), (False, [])])
def test_when_resumable_connects_only_to_go_on_with_a_talk(
    is_stored: bool, told: list[str]
) -> None:
    level = Level()
    stored = level.runtime.open_session(SessionConfig("nurse"))
    stored.has_stored_session = is_stored
    level.character("nurse", connect=ConnectMode.WHEN_RESUMABLE)
    level.frame()
    assert stored.commands == told


def test_the_session_key_makes_a_clone() -> None:
    level = Level()
    level.character("nurse")
    level.scene.create("Twin").add(Character("nurse", session_key="nurse-2"))
    level.frame()
    assert set(level.runtime.sessions) == {"nurse", "nurse-2"}


def test_two_characters_with_one_id_are_an_error_that_names_both(
    caplog: pytest.LogCaptureFixture,
) -> None:
    level = Level()
    level.scene.create("Anna").add(Character("nurse"))
    level.scene.create("Berta").add(Character("nurse"))
    with caplog.at_level(logging.ERROR):
        level.frame()
    assert "'Anna'" in caplog.text
    assert "'Berta'" in caplog.text


def test_without_a_manager_the_error_says_what_to_add(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene("Empty")
    scene.add(Character("nurse"), "Nurse")
    with caplog.at_level(logging.ERROR):
        scene.update(0.01)
    assert "CharacterManager" in caplog.text


def test_what_happens_to_the_session_is_heard_at_the_character() -> None:
    level = Level()
    nurse = level.character("nurse")
    heard: list[object] = []
    nurse.events.subscribe(heard.append)
    level.frame()
    change = level.session("nurse").becomes(S.CONNECTED)
    assert heard == [change]
    assert nurse.is_connected


def leave(policy: LevelPolicy) -> list[str]:
    level = Level()
    level.character("nurse", level_policy=policy)
    level.frame()
    level.session("nurse").commands.clear()
    level.scene.close()
    return level.session("nurse").commands


def test_carry_leaves_the_session_open_when_the_level_is_left() -> None:
    assert leave(LevelPolicy.CARRY) == []


def test_suspend_closes_it_and_forgets_nothing() -> None:
    assert leave(LevelPolicy.SUSPEND) == ["suspend"]


def test_drop_closes_and_forgets_it() -> None:
    assert leave(LevelPolicy.DROP) == ["disconnect", "clear"]


def test_a_carried_session_is_taken_over_as_it_is() -> None:
    first = Level()
    first.character("nurse")
    first.frame()
    first.session("nurse").becomes(S.CONNECTED)
    second = Level(first.runtime)
    nurse = second.character("nurse")
    first.scene.close()
    second.frame()
    assert nurse.session is level_session(first)
    assert second.session("nurse").commands == ["connect"]


def test_who_was_suspended_a_frame_ago_connects_in_the_next_level() -> None:
    first = Level()
    first.character("nurse", level_policy=LevelPolicy.SUSPEND)
    first.frame()
    first.session("nurse").becomes(S.CONNECTED)
    second = Level(first.runtime)
    second.character("nurse")
    first.scene.close()
    second.frame()  # the network thread has not had its turn: the view says CONNECTED still
    assert second.session("nurse").commands == ["connect", "suspend", "connect"]


def level_session(level: Level) -> object:
    return level.session("nurse")


def test_a_character_that_left_hears_nothing_more() -> None:
    level = Level()
    nurse = level.character("nurse")
    heard: list[object] = []
    nurse.events.subscribe(heard.append)
    level.frame()
    level.scene.close()
    level.session("nurse").becomes(S.CONNECTED)
    assert heard == []


def validated(nurse: Character) -> None:
    """As after an edit of the level's file."""
    nurse.on_validate()


def test_a_policy_that_was_edited_takes_effect_on_the_session_as_it_is() -> None:
    level = Level()
    nurse = level.character("nurse")
    level.frame()
    nurse.reconnect_policy = ReconnectPolicy(max_reconnect_attempts=9)
    validated(nurse)
    assert level.session("nurse").policy.max_reconnect_attempts == 9
    assert level.session("nurse").commands == ["connect"]


def test_an_id_that_was_edited_is_another_session() -> None:
    level = Level()
    nurse = level.character("nurse")
    level.frame()
    nurse.character_id = "doctor"
    validated(nurse)
    assert level.session("nurse").commands == ["connect", "suspend"]
    assert level.session("doctor").commands == ["connect"]
    assert level.manager.characters == (nurse,)


def test_who_is_removed_from_a_level_that_goes_on_leaves() -> None:
    level = Level()
    nurse = level.character("nurse")
    level.frame()
    nurse.game_object.destroy()
    level.frame()
    assert level.session("nurse").commands == ["connect", "suspend"]


def test_a_successor_with_the_same_id_keeps_the_session() -> None:
    level = Level()
    nurse = level.character("nurse")
    level.frame()
    nurse.game_object.destroy()
    level.character("nurse")
    level.frame(2)
    assert not {"disconnect", "suspend"} & set(level.session("nurse").commands)
