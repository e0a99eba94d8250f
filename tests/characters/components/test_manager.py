from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from characters.client.service_process import ServiceProcess
from characters.components.character import ConnectMode
from characters.components.manager import MOST_NAMED, CharacterManager
from characters.session.conversation import DialogueState, SessionState
from characters.session.policy import IdlePolicy, ReconnectPolicy
from characters.speech.settings import SpeechSettings
from tests.characters.components.fakes import Level

AHEAD = (1.0, 0.0)


def clinic() -> Level:
    level = Level()
    level.character("nurse", (100, 0))
    level.character("patient", (-100, 0))
    level.character("porter", (900, 0))
    level.frame()
    return level


def look(level: Level, facing: tuple[float, float], seconds: float = 0.5) -> None:
    for _ in range(30):
        level.manager.listen_from((0.0, 0.0), facing)
        level.frame(1, seconds / 30)


def test_the_one_whom_the_player_faces_hears() -> None:
    level = clinic()
    look(level, AHEAD)
    assert level.runtime.voice_input.target == "nurse"


def test_each_character_is_told_who_else_is_in_the_level_as_they_come_and_go() -> None:
    level = clinic()
    assert level.session("nurse").config.others == ("Patient", "Porter")
    level.character("doctor", (0, 50))
    level.frame(2)
    assert level.session("nurse").config.others == ("Patient", "Porter", "Doctor")
    level.manager.characters[1].game_object.destroy()
    level.frame(2)
    assert level.session("nurse").config.others == ("Porter", "Doctor")


def test_of_a_crowd_nobody_is_named() -> None:
    level = Level()
    for number in range(MOST_NAMED + 1):
        level.character(f"guest-{number}", (number, 0))
    level.frame(2)
    assert len(level.session("guest-0").config.others) == MOST_NAMED
    level.character("guest", (0, 1))
    level.frame(2)
    assert level.session("guest-0").config.others == ()


def test_nobody_hears_a_player_who_is_far_from_all() -> None:
    level = clinic()
    level.manager.listen_from((480.0, 500.0), AHEAD)
    level.frame()
    assert level.manager.target is None


def test_who_is_chosen_by_hand_stays() -> None:
    level = clinic()
    patient = level.manager.characters[1]
    level.manager.talk_to(patient)
    look(level, AHEAD)
    assert level.manager.target is patient


def test_walking_away_ends_a_choice_by_hand() -> None:
    level = clinic()
    level.manager.talk_to(level.manager.characters[1])
    look(level, AHEAD)
    level.manager.listen_from((900.0, 40.0), AHEAD)
    assert not level.manager.is_target_by_hand


def test_the_next_target_goes_around_those_in_reach() -> None:
    level = clinic()
    look(level, AHEAD)
    seen = []
    for _ in range(3):
        level.manager.target_next()
        assert level.manager.target is not None
        seen.append(level.manager.target.key)
    assert seen == ["patient", "nurse", "patient"]


def test_a_sentence_in_progress_pins_its_target() -> None:
    level = clinic()
    look(level, AHEAD)
    nurse = level.session("nurse")
    nurse.view = replace(nurse.view, dialogue=DialogueState.LISTENING)
    look(level, (-1.0, 0.0), seconds=1.0)
    assert level.manager.target is not None
    assert level.manager.target.key == "nurse"


def test_voices_come_from_their_side_and_fade_with_distance() -> None:
    level = clinic()
    level.session("porter").becomes(SessionState.CONNECTED)
    look(level, AHEAD)
    places = level.runtime.voice.places
    assert places["nurse"][1] > 0 > places["patient"][1]
    assert places["nurse"][0] > places["porter"][0] == 0.0


def test_who_talks_where_nobody_hears_it_is_silent_without_ever_having_been_near() -> None:
    level = clinic()
    level.character("singer", (5000, 0))
    level.frame()
    level.session("singer").becomes(SessionState.CONNECTED)
    look(level, AHEAD)
    assert level.runtime.voice.places["singer"][0] == 0.0


@pytest.mark.parametrize(
    ("settings", "full", "silent"),
    [({}, 16.0, 800.0), ({"full_volume_units": 5.0, "silent_units": 10.0}, 80.0, 160.0)],
)
def test_a_voice_is_full_within_its_one_unit_and_silent_beyond_fifty_or_as_is_set(
    settings: dict[str, float], full: float, silent: float
) -> None:
    level = Level()
    for name, value in settings.items():
        setattr(level.manager, name, value)
    for key, distance in (("near", full), ("between", (full + silent) / 2), ("far", silent)):
        level.character(key, (distance, 0.0))
    level.frame()
    for key in ("near", "between", "far"):
        level.session(key).becomes(SessionState.CONNECTED)
    level.manager.listen_from((0.0, 0.0), AHEAD)
    level.frame(2)
    places = level.runtime.voice.places
    assert [places[key][0] for key in ("near", "between", "far")] == pytest.approx([1.0, 0.25, 0.0])


SLEEPY = ReconnectPolicy(idle=IdlePolicy.HIBERNATE, hibernate_after_seconds=2.0)


def ward_of_sleepers() -> Level:
    level = Level()
    level.character("nurse", (100, 0), reconnect_policy=SLEEPY)
    level.character("porter", (900, 0), reconnect_policy=SLEEPY)
    level.frame()
    for key in ("nurse", "porter"):
        level.session(key).commands.clear()
    return level


def test_a_sleeping_character_wakes_when_the_player_comes_near() -> None:
    level = ward_of_sleepers()
    for key in ("nurse", "porter"):
        session = level.session(key)
        session.view = replace(session.view, is_hibernating=True)
    look(level, AHEAD, seconds=0.1)
    assert "wake" in level.session("nurse").commands
    assert level.session("porter").commands == []


def test_a_player_who_stays_near_keeps_a_character_awake() -> None:
    level = ward_of_sleepers()
    look(level, AHEAD, seconds=2.0)
    assert 3 <= level.session("nurse").commands.count("attended") <= 5
    assert level.session("porter").commands == []


def test_all_who_are_kept_awake_are_told_in_the_same_few_frames() -> None:
    level = ward_of_sleepers()
    level.frame(18)
    patient = ReconnectPolicy(idle=IdlePolicy.HIBERNATE, hibernate_after_seconds=60.0)
    level.character("visitor", (110, 0), reconnect_policy=patient)
    look(level, AHEAD, seconds=2.0)
    told = [level.session(key).commands.count("attended") for key in ("nurse", "visitor")]
    assert told[1] in (told[0], told[0] + 1)


def test_a_policy_that_gets_shorter_keeps_awake_more_often() -> None:
    level = Level()
    long = ReconnectPolicy(idle=IdlePolicy.HIBERNATE, hibernate_after_seconds=600.0)
    nurse = level.character("nurse", (100, 0), reconnect_policy=long)
    look(level, AHEAD, seconds=0.1)
    nurse.reconnect_policy = SLEEPY
    look(level, AHEAD, seconds=2.0)
    assert level.session("nurse").commands.count("attended") >= 4


def crowd(count: int, spacing: float) -> Level:
    """People in a row who connect when the player comes near."""
    level = Level()
    for number in range(count):
        place = (number * spacing, 0.0)
        level.character(f"extra {number}", place, connect=ConnectMode.ON_APPROACH)
    level.frame()
    return level


def stand_at(level: Level, x: float, frames: int = 20) -> list[str]:
    """Let the player stand there for some frames; return who was told to connect by then."""
    for _ in range(frames):
        level.manager.listen_from((x, 0.0), AHEAD)
        level.frame()
    return [key for key, session in level.runtime.sessions.items() if "connect" in session.commands]


def test_of_a_crowd_only_those_whom_the_player_approaches_connect() -> None:
    level = crowd(200, spacing=200.0)
    assert stand_at(level, 0.0) == ["extra 0", "extra 1"]
    assert stand_at(level, 39_800.0) == ["extra 0", "extra 1", "extra 198", "extra 199"]


def test_who_was_disconnected_by_hand_stays_so_until_the_player_comes_again() -> None:
    level = crowd(1, spacing=0.0)
    stand_at(level, 0.0)
    stand_at(level, 100.0)
    assert level.session("extra 0").commands == ["connect"]
    stand_at(level, 5_000.0)
    stand_at(level, 0.0)
    assert level.session("extra 0").commands == ["connect", "connect"]


def test_who_is_out_of_sight_costs_no_look_in_each_frame() -> None:
    level = crowd(200, spacing=200.0)
    stand_at(level, 0.0)
    assert len(level.manager.nearby) == 6
    assert level.session("extra 150").distance == 0.0


def test_of_a_crowd_in_the_picture_only_those_beside_the_player_count_as_near() -> None:
    level = crowd(60, spacing=10.0)
    stand_at(level, -200.0)
    assert len(level.manager.nearby) == 11
    few = crowd(12, spacing=40.0)
    stand_at(few, -290.0)
    assert len(few.manager.nearby) == 12


def test_who_is_connected_counts_as_near_in_a_crowd_too() -> None:
    level = crowd(60, spacing=10.0)
    level.session("extra 50").becomes(SessionState.CONNECTED)
    stand_at(level, -290.0)
    assert "extra 50" in [character.key for character in level.manager.nearby]


def test_who_is_in_error_counts_as_near_however_far() -> None:
    level = crowd(200, spacing=200.0)
    level.session("extra 150").becomes(SessionState.ERROR)
    stand_at(level, 0.0)
    assert "extra 150" in [character.key for character in level.manager.nearby]


def test_a_voice_that_is_left_behind_falls_silent() -> None:
    level = crowd(1, spacing=0.0)
    stand_at(level, 0.0)
    stand_at(level, 50_000.0)
    assert level.runtime.voice.places["extra 0"][0] == 0.0


def test_leaving_the_level_takes_the_microphone_away_from_it() -> None:
    level = clinic()
    look(level, AHEAD)
    level.scene.close()
    assert level.runtime.voice_input.target is None


def test_a_level_says_how_the_service_of_the_game_hears_and_speaks(tmp_path: Path) -> None:
    level, service = Level(), ServiceProcess(tmp_path, tmp_path)
    level.scene.provide(service)
    level.manager.speech = SpeechSettings(whisper_folder="/models/small")
    assert level.manager.runtime is not None
    assert not service.prefer(("--no-speech",))  # it has something to prefer already
    assert service.prefer(("--whisper-folder=/models/small",))


@pytest.mark.parametrize("field", ["reach", "approach", "pixels_per_unit", "silent_units"])
def test_a_distance_that_is_none_is_refused_by_its_name(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} must be above 0"):
        CharacterManager(**{field: 0.0})  # type: ignore[arg-type]  # each of them is a number


def test_voices_are_silent_only_further_off_than_they_are_loud() -> None:
    CharacterManager(full_volume_units=0.0, silent_units=0.1)
    with pytest.raises(ValueError, match="full_volume_units must be 0 or more"):
        CharacterManager(full_volume_units=-1.0)
    with pytest.raises(ValueError, match=r"silent_units .* full_volume_units \(got 1 and 1\)"):
        CharacterManager(silent_units=1.0)


def test_the_runtime_knows_of_each_frame() -> None:
    level = clinic()
    before = level.runtime.frames
    level.frame(5)
    assert level.runtime.frames == before + 5
