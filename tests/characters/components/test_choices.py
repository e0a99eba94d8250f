from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from characters.components.choices import player_id
from characters.protocol.turn_settings import (
    ListeningMode,
    PushToTalkOptions,
    SmartTurn,
    TurnSettings,
    VoiceActivityOptions,
)
from engine.app.application import Application
from engine.core.clock import ManualClock
from engine.prefs.prefs import PlayerPrefs
from tests.characters.components.fakes import FakeRuntime, Level

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
    assert level.runtime.voice_input.turns == TurnSettings(HANDS_FREE, pre_roll_seconds=2.0)


def test_what_the_service_detects_by_reaches_the_session() -> None:
    smart, voice = SmartTurn(stop_secs=2.0), VoiceActivityOptions(confidence=0.5)
    config = started(smart_turn=smart, voice_activity=voice).session("ada").config
    assert (config.smart_turn, config.voice_activity) == (smart, voice)


def test_a_choice_takes_effect_at_once_and_stands_above_the_level() -> None:
    level = started(headphones=False)
    level.manager.choices.set_headphones(True)
    level.manager.choices.set_toggle(True)
    level.manager.choices.set_mode("hands_free")
    turns = level.runtime.voice_input.turns
    assert (turns.mode, turns.headphones, turns.push_to_talk.toggle) == (HANDS_FREE, True, True)


def test_choices_are_kept_over_restarts_and_leave_the_rest_to_the_level(
    prefs: PlayerPrefs,
) -> None:
    choices = started(prefs).manager.choices
    choices.set_mode(HANDS_FREE)
    choices.set_toggle(True)
    choices.set_headphones(True)
    later = started(
        prefs, push_to_talk=PushToTalkOptions(release_tail_ms=0)
    ).runtime.voice_input.turns
    assert (later.mode, later.headphones) == (HANDS_FREE, True)
    assert later.push_to_talk == PushToTalkOptions(release_tail_ms=0, toggle=True)


def test_devices_are_chosen_now_and_after_a_restart(prefs: PlayerPrefs) -> None:
    choices = started(prefs).manager.choices
    choices.set_microphone("Headset")
    choices.set_speaker("Monitor")
    later = started(prefs)
    assert later.runtime.voice_input.device == "Headset"
    assert later.runtime.voice.device == "Monitor"
    later.manager.choices.set_microphone(None)
    assert later.runtime.voice_input.device is None


def test_a_mute_is_kept_over_restarts_without_a_player_figure(prefs: PlayerPrefs) -> None:
    started(prefs).manager.choices.set_muted(True)
    assert started(prefs).runtime.voice_input.muted


def test_the_volume_of_one_character_is_kept_and_survives_its_mute(prefs: PlayerPrefs) -> None:
    level = started(prefs)
    level.manager.choices.set_volume("ada", 0.4)
    level.manager.choices.set_silenced("ada", True)
    assert level.runtime.voice.volumes == {"ada": 0.0}
    later = started(prefs)
    assert later.runtime.voice.volumes == {"ada": 0.0}
    later.manager.choices.set_silenced("ada", False)
    assert later.runtime.voice.volumes == {"ada": 0.4}


def test_the_volume_of_everything_is_kept_and_music_follows_it(prefs: PlayerPrefs) -> None:
    with Application("Test", headless=True, clock=ManualClock()) as application:
        level = Level(prefs=prefs)
        level.scene.provide(application)
        level.manager.choices.set_master_volume(0.3)
        assert (level.runtime.voice.master, application.volume) == (0.3, 0.3)
        level.manager.choices.set_all_silenced(True)
        assert (level.runtime.voice.master, application.volume) == (0.0, 0.0)
    later = started(prefs)
    assert later.runtime.voice.master == 0.0
    later.manager.choices.set_all_silenced(False)
    assert later.runtime.voice.master == 0.3


@pytest.mark.parametrize(("wanted", "heard"), [(2.0, 1.0), (-1.0, 0.0)])
def test_a_volume_is_brought_into_its_bounds(wanted: float, heard: float) -> None:
    choices = started().manager.choices
    choices.set_volume("ada", wanted)
    assert choices.volume("ada") == heard


def test_what_no_version_of_ours_wrote_counts_as_not_chosen(prefs: PlayerPrefs) -> None:
    prefs.set_string("player.mode", "shouting")
    prefs.set_string("player.headphones", "yes")
    turns = started(prefs).runtime.voice_input.turns
    assert (turns.mode, turns.headphones) == (ListeningMode.PUSH_TO_TALK, False)


def test_an_edit_of_the_level_takes_effect_below_what_the_player_chose(prefs: PlayerPrefs) -> None:
    level = started(prefs)
    level.manager.choices.set_mode(HANDS_FREE)
    level.manager.turns = TurnSettings(ListeningMode.PUSH_TO_TALK, pre_roll_seconds=1.0)
    level.manager.on_validate()
    assert level.runtime.voice_input.turns == TurnSettings(HANDS_FREE, pre_roll_seconds=1.0)


def test_the_next_level_has_its_own_settings() -> None:
    runtime = FakeRuntime()
    for mode in (HANDS_FREE, ListeningMode.PUSH_TO_TALK):
        level = Level(runtime)
        level.manager.turns = TurnSettings(mode)
        level.frame(2)
        assert runtime.voice_input.turns.mode is mode


def test_the_microphone_closes_with_the_focus_of_the_window() -> None:
    level = started()
    level.scene.input.has_focus = False
    level.frame()
    assert not level.runtime.voice_input.focused
    level.scene.input.has_focus = True
    level.frame()
    assert level.runtime.voice_input.focused


def test_a_player_has_one_id_for_ever(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        first = player_id(prefs)
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        assert player_id(prefs) == first
