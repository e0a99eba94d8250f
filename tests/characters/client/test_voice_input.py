from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from characters.audio.signal import Samples
from characters.client.voice_input import DesiredMicrophone, VoiceInputStatus
from characters.protocol.turn_settings import (
    BargeIn,
    ListeningMode,
    PushToTalkOptions,
    SmartTurn,
    Startup,
    TurnSettings,
)
from tests.audio.devices import until
from tests.characters.client.room import SILENCE, VOICE, FakeTarget, Room

HANDS_FREE = ListeningMode.HANDS_FREE


@pytest.fixture
def room() -> Room:
    room = Room()
    room.voice_input.allow()
    room.voice_input.set_target("ada")
    room.step()
    return room


def test_nothing_is_opened_before_the_player_allowed_it() -> None:
    room = Room()
    room.voice_input.set_target("ada")
    room.hear(VOICE, 0.2)
    assert not room.sources and not room.voice_input.status.is_open


def test_choosing_a_device_is_not_the_act_that_allows_one() -> None:
    room = Room()
    room.voice_input.set_target("ada")
    room.voice_input.choose_device("Headset")
    room.step()
    assert not room.sources and not room.voice_input.status.is_allowed
    room.voice_input.allow()
    room.step()
    assert room.sources[0].chosen == ["Headset"]


def test_a_press_of_the_talk_key_is_an_act_that_allows_the_microphone() -> None:
    room = Room()
    room.voice_input.push_to_talk(False)
    room.step()
    assert not room.voice_input.status.is_allowed
    room.voice_input.push_to_talk(True)
    room.step()
    assert room.voice_input.status.is_allowed


def test_frames_go_to_the_target_alone(room: Room) -> None:
    room.hear(VOICE, 0.2)
    assert room.heard() == (10, 0)
    assert room.voice_input.status.is_open and room.voice_input.status.target == "ada"


def test_without_a_target_nothing_is_sent_and_the_meter_still_moves(room: Room) -> None:
    room.voice_input.set_target(None)
    room.hear(VOICE, 0.2)
    assert room.heard() == (0, 0) and room.voice_input.status.level > 0.5
    assert not room.voice_input.status.is_open


def test_a_closed_gate_keeps_the_indicator_off(room: Room) -> None:
    room.targets["ada"].is_open = False
    room.hear(VOICE, 0.2)
    assert not room.voice_input.status.is_open


def test_mute_wins_at_once_and_lets_go_of_the_device(room: Room) -> None:
    room.hear(VOICE, 0.1)
    room.voice_input.set_muted(True)
    room.hear(VOICE, 0.2)
    assert room.heard() == (5, 0) and room.sources[0].sink is None
    assert room.voice_input.status.muted and not room.voice_input.status.is_open


def test_unmuting_opens_again_and_sends_nothing_of_before(room: Room) -> None:
    room.voice_input.set_muted(True)
    room.step()
    room.voice_input.set_muted(False)
    room.step()
    room.hear(VOICE, 0.1)
    assert len(room.sources) == 2 and room.heard() == (5, 0)


def test_a_sentence_cut_by_mute_is_closed_at_the_service(room: Room) -> None:
    room.hear(VOICE, 0.3)
    room.voice_input.set_muted(True)
    room.step()
    assert room.targets["ada"].forced == 1


def test_losing_the_focus_closes_the_microphone(room: Room) -> None:
    room.voice_input.set_focused(False)
    room.hear(VOICE, 0.1)
    assert room.heard() == (0, 0) and room.sources[0].sink is None


def test_a_window_that_regains_the_focus_under_an_open_menu_keeps_the_microphone_closed(
    room: Room,
) -> None:
    room.voice_input.set_covered(True)
    room.voice_input.set_focused(False)
    room.voice_input.set_focused(True)
    room.hear(VOICE, 0.1)
    assert room.heard() == (0, 0)
    room.voice_input.set_covered(False)
    room.step()
    room.hear(VOICE, 0.1)
    assert room.heard() == (5, 0)


def test_a_sentence_in_progress_stays_with_its_target_until_its_pause(room: Room) -> None:
    room.hear(VOICE, 0.5)
    room.voice_input.set_target("bob")
    room.hear(VOICE, 0.5)
    assert room.heard() == (50, 0) and room.voice_input.status.target == "ada"
    room.hear(SILENCE, 0.9)
    assert room.heard() == (95, 0)
    room.hear(SILENCE, 0.5)
    assert room.voice_input.status.target == "bob" and room.heard()[1] > 0
    assert room.targets["ada"].forced == 0


def test_in_silence_the_target_changes_at_once(room: Room) -> None:
    room.hear(SILENCE, 0.2)
    room.voice_input.set_target("bob")
    room.hear(SILENCE, 0.02)
    assert room.heard() == (10, 1)


def test_who_hears_the_player_knows_it_and_the_one_before_that_it_is_over(room: Room) -> None:
    ada, bob = room.targets["ada"], room.targets["bob"]
    assert ada.is_addressed and not bob.is_addressed
    room.voice_input.set_target("bob")
    room.step()
    assert bob.is_addressed and not ada.is_addressed


def test_a_session_that_takes_the_place_of_the_target_s_is_addressed_too(room: Room) -> None:
    room.targets["ada"] = FakeTarget()
    room.step()
    assert room.targets["ada"].is_addressed


def test_a_target_without_a_driver_hears_nothing(room: Room) -> None:
    room.voice_input.set_target("nobody")
    room.hear(VOICE, 0.2)
    assert room.heard() == (0, 0) and not room.voice_input.status.is_open


def test_a_device_that_stops_delivering_turns_the_indicator_off(room: Room) -> None:
    room.hear(VOICE, 0.3)
    room.clock.advance(0.6)
    room.step()
    assert not room.voice_input.status.is_open and room.targets["ada"].forced == 1


def test_what_was_captured_long_ago_is_not_sent_now(room: Room) -> None:
    sink = room.sources[0].sink
    assert sink is not None
    sink(VOICE, room.clock.now() - 3.0)
    room.step()
    assert room.heard() == (0, 0)


def test_the_problem_and_the_device_are_shown(room: Room) -> None:
    room.sources[0].problem = "The microphone is gone."
    room.step()
    assert room.voice_input.status.problem == "The microphone is gone."
    assert room.voice_input.status.device == "Mic"


def test_the_player_chooses_a_device_now_and_for_later(room: Room) -> None:
    room.voice_input.choose_device("Headset")
    room.step()
    assert room.sources[0].chosen == ["Headset"]
    room.voice_input.set_muted(True)
    room.step()
    room.voice_input.set_muted(False)
    room.step()
    assert room.sources[1].chosen == ["Headset"]


def test_the_target_is_ducked_while_the_player_may_be_speaking(room: Room) -> None:
    room.hear(VOICE, 0.2)
    room.hear(SILENCE, 0.5)
    assert room.voice.ducked == [("ada", True), ("ada", False)]


def test_with_headphones_speaking_over_a_character_cuts_it_off(room: Room) -> None:
    room.voice_input.set_turns(replace(room.voice_input.turns, headphones=True))
    room.hear(VOICE, 0.22)
    assert room.targets["ada"].paused == 0
    room.hear(VOICE, 0.1)
    assert room.targets["ada"].paused == 1


def test_with_headphones_a_silent_character_is_not_cut_off(room: Room) -> None:
    room.voice_input.set_turns(replace(room.voice_input.turns, headphones=True))
    room.voice.playing = False
    room.hear(VOICE, 0.5)
    assert room.targets["ada"].paused == 0


def test_without_headphones_the_service_decides_what_is_an_interruption(room: Room) -> None:
    room.hear(VOICE, 2.0)
    assert room.targets["ada"].paused == 0


@pytest.fixture
def keyed(room: Room) -> Room:
    room.voice_input.set_mode("push_to_talk")
    room.step()
    return room


def test_push_to_talk_sends_only_while_held_and_through_its_tail(keyed: Room) -> None:
    keyed.hear(VOICE, 0.2)
    assert keyed.heard() == (0, 0)
    keyed.voice_input.push_to_talk(True)
    keyed.hear(VOICE, 0.4)
    keyed.voice_input.push_to_talk(False)
    keyed.hear(SILENCE, 3.0)
    assert keyed.heard()[0] == pytest.approx(70, abs=1)


def test_a_release_without_words_forces_the_turn_to_end_once(keyed: Room) -> None:
    keyed.voice_input.push_to_talk(True)
    keyed.hear(VOICE, 0.4)
    keyed.voice_input.push_to_talk(False)
    keyed.hear(VOICE, 0.9)
    assert keyed.targets["ada"].forced == 0
    keyed.hear(VOICE, 0.2)
    assert keyed.targets["ada"].forced == 1
    keyed.hear(VOICE, 2.0)
    assert keyed.targets["ada"].forced == 1


@pytest.mark.parametrize(
    ("sound", "seconds", "unheard"), [(VOICE, 0.6, 1), (VOICE, 0.2, 0), (SILENCE, 2, 0)]
)
def test_a_turn_of_the_key_that_the_service_has_not_noticed_is_told_if_there_was_a_voice(
    keyed: Room, sound: Samples, seconds: float, unheard: int
) -> None:
    keyed.voice_input.push_to_talk(True)
    keyed.hear(sound, seconds)
    keyed.voice_input.push_to_talk(False)
    keyed.hear(SILENCE, 1.1)
    assert (keyed.targets["ada"].forced, keyed.targets["ada"].unheard) == (1, unheard)


def test_words_in_time_need_no_force(keyed: Room) -> None:
    keyed.voice_input.push_to_talk(True)
    keyed.hear(VOICE, 0.4)
    keyed.voice_input.push_to_talk(False)
    keyed.hear(SILENCE, 0.5)
    keyed.voice_input.transcript_arrived("ada")
    keyed.hear(SILENCE, 2.0)
    assert keyed.targets["ada"].forced == 0


def test_a_press_interrupts_and_the_next_waits_for_the_answer(keyed: Room) -> None:
    for down in (True, False):
        keyed.voice_input.push_to_talk(down)
        keyed.hear(VOICE, 0.2)
    keyed.voice_input.transcript_arrived("ada")
    keyed.voice_input.push_to_talk(True)
    keyed.hear(VOICE, 0.2)
    assert not keyed.voice_input.status.is_open and keyed.targets["ada"].interrupted == 1
    keyed.voice_input.push_to_talk(False)
    keyed.voice_input.answer_began("ada")
    keyed.voice_input.push_to_talk(True)
    keyed.hear(VOICE, 0.2)
    assert keyed.voice_input.status.is_open and keyed.targets["ada"].interrupted == 2


def test_what_others_say_and_hear_leaves_the_turn_alone(keyed: Room) -> None:
    for down in (True, False):
        keyed.voice_input.push_to_talk(down)
        keyed.hear(VOICE, 0.2)
    keyed.voice_input.transcript_arrived("bob")
    keyed.hear(VOICE, 0.2)
    assert keyed.voice_input.status.is_open
    keyed.voice_input.transcript_arrived("ada")
    keyed.voice_input.answer_began("bob")
    keyed.voice_input.push_to_talk(True)
    keyed.hear(VOICE, 0.2)
    assert not keyed.voice_input.status.is_open


def test_a_press_holds_its_target_however_the_player_turns(keyed: Room) -> None:
    keyed.voice_input.push_to_talk(True)
    keyed.step()
    keyed.hear(SILENCE, 0.2)
    keyed.voice_input.set_target("bob")
    keyed.hear(VOICE, 2.0)
    assert keyed.heard() == (110, 0)


def test_toggling_opens_with_one_press_and_closes_with_the_next() -> None:
    room = Room(PushToTalkOptions(toggle=True))
    room.voice_input.set_target("ada")
    room.voice_input.set_mode(ListeningMode.PUSH_TO_TALK)
    for _ in range(2):
        room.voice_input.push_to_talk(True)
        room.voice_input.push_to_talk(False)
        room.step()
        room.hear(VOICE, 0.3)
        is_open = room.voice_input.status.is_open
    room.hear(VOICE, 2.0)
    assert is_open and not room.voice_input.status.is_open
    assert room.heard()[0] == pytest.approx(65, abs=1)


@pytest.fixture
def toggled() -> Room:
    """A room in which one press has opened the microphone."""
    room = Room(PushToTalkOptions(toggle=True))
    room.voice_input.set_target("ada")
    room.voice_input.set_mode(ListeningMode.PUSH_TO_TALK)
    press(room)
    assert room.voice_input.status.is_open
    return room


def press(room: Room) -> None:
    for down in (True, False):
        room.voice_input.push_to_talk(down)
        room.step()
    room.hear(VOICE, 0.3)


def test_toggling_again_within_the_tail_opens_it_again(toggled: Room) -> None:
    press(toggled)
    press(toggled)
    toggled.hear(VOICE, 3.0)
    assert toggled.voice_input.status.is_open and toggled.targets["ada"].forced == 0


def test_what_was_toggled_open_is_closed_when_the_player_comes_back_to_push_to_talk(
    toggled: Room,
) -> None:
    toggled.voice_input.set_mode(ListeningMode.HANDS_FREE)
    toggled.hear(VOICE, 0.3)
    toggled.voice_input.set_mode(ListeningMode.PUSH_TO_TALK)
    toggled.hear(VOICE, 0.3)
    assert not toggled.voice_input.status.is_open and toggled.targets["ada"].forced == 1


def test_what_was_toggled_open_is_closed_when_the_key_is_to_be_held(toggled: Room) -> None:
    held = replace(toggled.voice_input.turns.push_to_talk, toggle=False)
    toggled.voice_input.set_turns(replace(toggled.voice_input.turns, push_to_talk=held))
    toggled.hear(VOICE, 0.3)
    assert not toggled.voice_input.status.is_open and toggled.targets["ada"].forced == 1


@pytest.mark.parametrize("tail", [0, 1000])
def test_the_answer_to_the_last_word_before_the_release_is_not_ducked(tail: int) -> None:
    room = Room(PushToTalkOptions(release_tail_ms=tail))
    room.voice_input.set_target("ada")
    room.voice_input.set_mode(ListeningMode.PUSH_TO_TALK)
    room.voice_input.push_to_talk(True)
    room.step()
    room.hear(VOICE, 0.4)
    room.voice_input.push_to_talk(False)
    room.step()
    room.voice_input.transcript_arrived("ada")
    room.hear(VOICE, 0.1)
    assert room.voice.ducked == [("ada", True), ("ada", False)]


def test_in_push_to_talk_the_device_opens_with_the_first_press_or_before() -> None:
    later, early = Room(), Room(PushToTalkOptions(startup=Startup.PREWARM_MUTED))
    for room in (later, early):
        room.voice_input.set_mode("push_to_talk")
        room.voice_input.allow()
        room.step()
    assert not later.sources and early.sources
    later.voice_input.push_to_talk(True)
    later.step()
    assert later.sources


def test_switching_the_mode_needs_no_new_connection_and_drops_no_frame(keyed: Room) -> None:
    keyed.voice_input.set_mode(ListeningMode.HANDS_FREE)
    keyed.step()
    keyed.hear(VOICE, 0.2)
    assert keyed.heard() == (10, 0)


def test_the_mode_of_the_settings_is_the_mode_of_the_ears(room: Room) -> None:
    room.voice_input.set_turns(TurnSettings(ListeningMode.PUSH_TO_TALK))
    room.hear(VOICE, 0.2)
    assert room.heard() == (0, 0)
    assert room.voice_input.status.mode is ListeningMode.PUSH_TO_TALK


def test_new_options_of_the_talk_key_count_from_the_next_press_on(keyed: Room) -> None:
    options = PushToTalkOptions(release_tail_ms=0, toggle=True, interrupt_bot_on_press=False)
    keyed.voice_input.set_turns(replace(keyed.voice_input.turns, push_to_talk=options))
    for down in (True, False, True):
        keyed.voice_input.push_to_talk(down)
        keyed.hear(VOICE, 0.2)
    assert keyed.heard()[0] == pytest.approx(20, abs=1)
    assert (keyed.targets["ada"].forced, keyed.targets["ada"].interrupted) == (1, 0)


def test_a_key_that_does_not_start_muted_is_open_from_the_permission_on() -> None:
    room = Room(PushToTalkOptions(start_muted=False, release_tail_ms=0))
    room.voice_input.set_mode("push_to_talk")
    room.voice_input.set_target("ada")
    room.hear(VOICE, 0.2)
    assert not room.sources  # nothing is open before the player's first act
    room.voice_input.allow()
    room.step()
    room.hear(VOICE, 0.2)
    assert room.heard() == (10, 0)
    room.voice_input.set_target("bob")  # it pins nobody, as long as no key is held
    room.hear(SILENCE, 2.0)
    assert room.voice_input.status.target == "bob"


def test_how_voices_are_ducked_and_faded_reaches_the_voice(room: Room) -> None:
    room.voice_input.set_turns(
        replace(room.voice_input.turns, barge_in=BargeIn(fade_out_seconds=0.2))
    )
    assert room.voice.barge_in.fade_out_seconds == 0.2


def test_the_pause_that_ends_a_sentence_is_that_of_the_settings(room: Room) -> None:
    room.voice_input.set_turns(replace(room.voice_input.turns, smart_turn=SmartTurn(stop_secs=2.0)))
    room.hear(VOICE, 0.5)
    room.voice_input.set_target("bob")
    room.hear(SILENCE, 1.9)
    assert room.voice_input.status.target == "ada"
    room.hear(SILENCE, 1.0)
    assert room.voice_input.status.target == "bob"


class FakeEcho:
    """Hears only echo: nothing is left of any frame."""

    is_settled = True

    def clean(self, samples: Samples) -> Samples:
        return np.zeros_like(samples)


def test_what_is_sent_is_free_of_the_echo() -> None:
    room = Room(echo=FakeEcho())
    room.voice_input.allow()
    room.voice_input.set_target("ada")
    room.step()
    room.hear(VOICE, 0.2)
    assert set(room.targets["ada"].heard) == {bytes(640)} and not room.voice.ducked


@pytest.mark.parametrize("change", [{"echo_cancellation": False}, {"headphones": True}])
def test_echo_is_cancelled_only_where_it_is_wanted_and_possible(change: dict[str, bool]) -> None:
    room = Room(echo=FakeEcho())
    room.voice_input.allow()
    room.voice_input.set_target("ada")
    room.voice_input.set_turns(replace(room.voice_input.turns, **change))  # type: ignore[arg-type] # flags only
    room.step()
    room.hear(VOICE, 0.2)
    assert set(room.targets["ada"].heard) == {VOICE.tobytes()}


def test_with_its_echo_cancelled_speaking_over_a_character_cuts_it_off() -> None:
    room = Room(echo=PassingEcho())
    room.voice_input.allow()
    room.voice_input.set_target("ada")
    room.step()
    room.hear(VOICE, 0.5)
    assert room.targets["ada"].paused == 0  # so long a rest of echo may last
    room.hear(VOICE, 0.2)
    assert room.targets["ada"].paused == 1
    assert room.voice_input.status.is_echo_handled


def test_before_the_canceller_knows_the_room_the_service_decides() -> None:
    room = Room(echo=PassingEcho(is_settled=False))
    room.voice_input.allow()
    room.voice_input.set_target("ada")
    room.step()
    room.hear(VOICE, 0.8)
    assert room.targets["ada"].paused == 0 and room.voice.ducked == [("ada", True)]
    assert not room.voice_input.status.is_echo_handled


@dataclass
class PassingEcho:
    """Finds no echo."""

    is_settled: bool = True

    def clean(self, samples: Samples) -> Samples:
        return samples


@pytest.fixture
def running() -> Iterator[Room]:
    room = Room()
    thread = threading.Thread(target=lambda: asyncio.run(room.voice_input.run(room.targets.get)))
    thread.start()
    yield room
    room.voice_input.close()
    thread.join(5.0)
    assert not thread.is_alive()


def test_who_will_hear_is_known_before_the_player_allows_anything(running: Room) -> None:
    for who in ("ada", "bob"):
        running.voice_input.set_target(who)
        until(lambda who=who: running.voice_input.status.target == who, 2.0, "it is known")  # type: ignore[misc] # a default binds it
    assert not running.sources


def test_the_tail_of_a_key_ends_although_the_device_delivers_nothing(running: Room) -> None:
    running.voice_input.set_mode(ListeningMode.PUSH_TO_TALK)
    running.voice_input.set_target("ada")
    for down in (True, False):
        running.voice_input.push_to_talk(down)
    until(lambda: bool(running.sources), 5.0, "the device opens")

    def is_forced() -> bool:
        running.clock.advance(0.1)  # in steps: when the key was seen to be let go is not known
        return running.targets["ada"].forced == 1

    until(is_forced, 2.0, "the turn is forced to end")


def test_run_wakes_for_a_frame_and_ends_with_close() -> None:
    room = Room()
    room.voice_input.allow()
    room.voice_input.set_target("ada")
    thread = threading.Thread(target=lambda: asyncio.run(room.voice_input.run(room.targets.get)))
    thread.start()
    until(lambda: bool(room.sources) and room.sources[0].sink is not None, 5.0, "it opens")
    sink = room.sources[0].sink
    assert sink is not None
    sink(VOICE, room.clock.now())
    until(lambda: room.heard() == (1, 0), 5.0, "the frame is sent")
    room.voice_input.close()
    thread.join(5.0)
    assert not thread.is_alive() and room.sources[0].sink is None
    sink(VOICE, room.clock.now())
    assert room.heard() == (1, 0)


def test_nothing_is_permitted_before_the_player_said_so() -> None:
    assert not DesiredMicrophone().permits and DesiredMicrophone(allowed=True).permits


@pytest.mark.parametrize(
    "wishes", [DesiredMicrophone(True, muted=True), DesiredMicrophone(True, focused=False)]
)
def test_mute_and_a_lost_focus_win_over_the_permission(wishes: DesiredMicrophone) -> None:
    assert not wishes.permits


def test_an_indicator_begins_dark() -> None:
    assert VoiceInputStatus() == VoiceInputStatus(
        level=0.0, target=None, is_open=False, is_allowed=False
    )


def test_the_modes_are_named_as_in_the_settings() -> None:
    assert [mode.value for mode in ListeningMode] == ["hands_free", "push_to_talk"]


def test_a_noise_without_end_pauses_a_character_once(room: Room) -> None:
    room.voice_input.set_turns(replace(room.voice_input.turns, headphones=True))
    room.hear(VOICE, 2.0)
    assert room.targets["ada"].paused == 1
    room.hear(SILENCE, 1.0)
    room.hear(VOICE, 0.5)
    assert room.targets["ada"].paused == 2
