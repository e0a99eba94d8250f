from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from characters.client.config import SessionConfig
from characters.components.character import Character, ConnectMode, LevelPolicy, player_id
from characters.protocol.messages import RespondMode
from characters.protocol.turn_settings import (
    ListeningMode,
    PushToTalkOptions,
    SmartTurn,
    TurnSettings,
    VoiceActivityOptions,
)
from characters.session.conversation import SessionState
from characters.session.policy import ReconnectPolicy
from engine.objects.scene import Scene
from engine.prefs.prefs import PlayerPrefs
from tests.characters.components.fakes import FakeRuntime, Level

S = SessionState


def test_a_character_opens_its_session_with_its_own_policy_and_connects() -> None:
    level = Level()
    policy = ReconnectPolicy(max_reconnect_attempts=5)
    level.character("nurse", reconnect_policy=policy)
    level.frame()
    assert level.session("nurse").config.policy == policy
    assert level.session("nurse").told == ["connect"]


def test_a_character_that_answers_when_asked_says_so_and_is_asked() -> None:
    level = Level()
    nurse = level.character("nurse", respond_mode=RespondMode.MANUAL)
    level.frame()
    nurse.respond("the storm")
    assert level.session("nurse").config.respond_mode is RespondMode.MANUAL
    assert level.session("nurse").told[-1] == "respond the storm"


def test_a_manual_character_waits_to_be_told() -> None:
    level = Level()
    level.character("nurse", connect=ConnectMode.MANUAL)
    level.frame()
    assert level.session("nurse").told == []


@pytest.mark.parametrize(("is_stored", "told"), [(True, ["connect"]), (False, [])])
def test_when_resumable_connects_only_to_go_on_with_a_talk(
    is_stored: bool, told: list[str]
) -> None:
    level = Level()
    stored = level.runtime.open_session(SessionConfig("nurse"))
    stored.has_stored_session = is_stored
    level.character("nurse", connect=ConnectMode.WHEN_RESUMABLE)
    level.frame()
    assert stored.told == told


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
    level.session("nurse").told.clear()
    level.scene.close()
    return level.session("nurse").told


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
    assert second.session("nurse").told == ["connect"]


def test_who_was_suspended_a_frame_ago_connects_in_the_next_level() -> None:
    first = Level()
    first.character("nurse", level_policy=LevelPolicy.SUSPEND)
    first.frame()
    first.session("nurse").becomes(S.CONNECTED)
    second = Level(first.runtime)
    second.character("nurse")
    first.scene.close()
    second.frame()  # the network thread has not had its turn: the view says CONNECTED still
    assert second.session("nurse").told == ["connect", "suspend", "connect"]


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
    assert level.session("nurse").told == ["connect"]


def test_an_id_that_was_edited_is_another_session() -> None:
    level = Level()
    nurse = level.character("nurse")
    level.frame()
    nurse.character_id = "doctor"
    validated(nurse)
    assert level.session("nurse").told == ["connect", "suspend"]
    assert level.session("doctor").told == ["connect"]
    assert level.manager.characters == (nurse,)


def test_who_is_removed_from_a_level_that_goes_on_leaves() -> None:
    level = Level()
    nurse = level.character("nurse")
    level.frame()
    nurse.game_object.destroy()
    level.frame()
    assert level.session("nurse").told == ["connect", "suspend"]


def test_a_successor_with_the_same_id_keeps_the_session() -> None:
    level = Level()
    nurse = level.character("nurse")
    level.frame()
    nurse.game_object.destroy()
    level.character("nurse")
    level.frame(2)
    assert not {"disconnect", "suspend"} & set(level.session("nurse").told)


HANDS_FREE = ListeningMode.HANDS_FREE


@pytest.fixture
def prefs(tmp_path: Path) -> Iterator[PlayerPrefs]:
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        yield prefs


def started(prefs: PlayerPrefs | None = None, **turns: Any) -> Level:
    """Return a level in which Ada stands, after its first frames."""
    level = Level(prefs=prefs)
    level.manager.turns = TurnSettings(**turns)
    level.character("ada")
    level.frame(2)
    return level


def test_a_levels_settings_reach_the_ears_before_anybody_speaks() -> None:
    level = started(mode=HANDS_FREE, pre_roll_seconds=2.0)
    assert level.runtime.ears.turns == TurnSettings(HANDS_FREE, pre_roll_seconds=2.0)


def test_what_the_service_detects_by_reaches_the_session() -> None:
    smart, voice = SmartTurn(stop_secs=2.0), VoiceActivityOptions(confidence=0.5)
    config = started(smart_turn=smart, voice_activity=voice).session("ada").config
    assert (config.smart_turn, config.voice_activity) == (smart, voice)


def test_a_choice_takes_effect_at_once_and_stands_above_the_level() -> None:
    level = started(headphones=False)
    level.manager.choices.set_headphones(True)
    level.manager.choices.set_toggle(True)
    level.manager.choices.set_mode("hands_free")
    turns = level.runtime.ears.turns
    assert (turns.mode, turns.headphones, turns.push_to_talk.toggle) == (HANDS_FREE, True, True)


def test_choices_are_kept_over_restarts_and_leave_the_rest_to_the_level(
    prefs: PlayerPrefs,
) -> None:
    choices = started(prefs).manager.choices
    choices.set_mode(HANDS_FREE)
    choices.set_toggle(True)
    choices.set_headphones(True)
    later = started(prefs, push_to_talk=PushToTalkOptions(release_tail_ms=0)).runtime.ears.turns
    assert (later.mode, later.headphones) == (HANDS_FREE, True)
    assert later.push_to_talk == PushToTalkOptions(release_tail_ms=0, toggle=True)


def test_devices_are_chosen_now_and_after_a_restart(prefs: PlayerPrefs) -> None:
    choices = started(prefs).manager.choices
    choices.set_microphone("Headset")
    choices.set_speaker("Monitor")
    later = started(prefs)
    assert later.runtime.ears.device == "Headset"
    assert later.runtime.voice.device == "Monitor"
    later.manager.choices.set_microphone(None)
    assert later.runtime.ears.device is None


def test_a_mute_is_kept_over_restarts_without_a_player_figure(prefs: PlayerPrefs) -> None:
    started(prefs).manager.choices.set_muted(True)
    assert started(prefs).runtime.ears.muted


def test_the_volume_of_one_character_is_kept_and_survives_its_mute(prefs: PlayerPrefs) -> None:
    level = started(prefs)
    level.manager.choices.set_volume("ada", 0.4)
    level.manager.choices.set_silenced("ada", True)
    assert level.runtime.voice.volumes == {"ada": 0.0}
    later = started(prefs)
    assert later.runtime.voice.volumes == {"ada": 0.0}
    later.manager.choices.set_silenced("ada", False)
    assert later.runtime.voice.volumes == {"ada": 0.4}


@pytest.mark.parametrize(("wanted", "heard"), [(2.0, 1.0), (-1.0, 0.0)])
def test_a_volume_is_brought_into_its_bounds(wanted: float, heard: float) -> None:
    choices = started().manager.choices
    choices.set_volume("ada", wanted)
    assert choices.volume("ada") == heard


def test_what_no_version_of_ours_wrote_counts_as_not_chosen(prefs: PlayerPrefs) -> None:
    prefs.set_string("player.mode", "shouting")
    prefs.set_string("player.headphones", "yes")
    turns = started(prefs).runtime.ears.turns
    assert (turns.mode, turns.headphones) == (ListeningMode.PUSH_TO_TALK, False)


def test_an_edit_of_the_level_takes_effect_below_what_the_player_chose(prefs: PlayerPrefs) -> None:
    level = started(prefs)
    level.manager.choices.set_mode(HANDS_FREE)
    level.manager.turns = TurnSettings(ListeningMode.PUSH_TO_TALK, pre_roll_seconds=1.0)
    level.manager.on_validate()
    assert level.runtime.ears.turns == TurnSettings(HANDS_FREE, pre_roll_seconds=1.0)


def test_the_next_level_has_its_own_settings() -> None:
    runtime = FakeRuntime()
    for mode in (HANDS_FREE, ListeningMode.PUSH_TO_TALK):
        level = Level(runtime)
        level.manager.turns = TurnSettings(mode)
        level.frame(2)
        assert runtime.ears.turns.mode is mode


def test_the_microphone_closes_with_the_focus_of_the_window() -> None:
    level = started()
    level.scene.input.has_focus = False
    level.frame()
    assert not level.runtime.ears.focused
    level.scene.input.has_focus = True
    level.frame()
    assert level.runtime.ears.focused


def test_a_player_has_one_id_for_ever(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        first = player_id(prefs)
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        assert player_id(prefs) == first
