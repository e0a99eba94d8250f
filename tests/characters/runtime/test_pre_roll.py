"""First words to somebody who is still getting ready: kept for him, or for nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from characters.core.turn_settings import ListeningMode, PushToTalkOptions
from characters.runtime.pre_roll import LEAD_FRAMES, PreRoll
from tests.characters.runtime.test_ears import SILENCE, VOICE, Room


def waiting_room(seconds: float = 2.0) -> Room:
    """Return a room in which Ada, who is spoken to, is still getting ready."""
    room = Room(PushToTalkOptions(release_tail_ms=200))
    room.ears.set_turns(replace(room.ears.turns, pre_roll_seconds=seconds))
    for driver in room.drivers.values():
        driver.is_open, driver.is_getting_ready = False, True
    room.ears.allow()
    room.ears.set_target("ada")
    room.step()
    return room


def gets_ready(room: Room, key: str = "ada") -> None:
    room.drivers[key].is_open, room.drivers[key].is_getting_ready = True, False


def test_first_words_are_heard_in_full_once_the_character_is_ready() -> None:
    room = waiting_room()
    room.hear(VOICE, 1.0)
    assert room.heard() == (0, 0) and room.ears.status.kept_seconds == pytest.approx(1.0)
    gets_ready(room)
    room.hear(VOICE, 0.5)
    ada = room.drivers["ada"]
    assert ada.heard == [VOICE.tobytes()] * 75
    assert ada.kept >= 50 and ada.frames  # then live ones again
    assert room.ears.status.kept_seconds == 0.0


def test_by_default_nothing_is_kept() -> None:
    room = waiting_room(0.0)
    room.hear(VOICE, 1.0)
    gets_ready(room)
    room.hear(VOICE, 0.1)
    assert room.drivers["ada"].kept == 0 and room.heard() == (5, 0)


def test_no_more_is_kept_than_the_settings_say() -> None:
    room = waiting_room(1.0)
    room.hear(VOICE, 5.0)
    assert room.ears.status.kept_seconds == pytest.approx(1.0)


def test_silence_is_not_kept() -> None:
    room = waiting_room()
    room.hear(SILENCE, 3.0)
    assert room.ears.status.kept_seconds == 0.0
    gets_ready(room)
    room.hear(SILENCE, 0.1)
    assert room.drivers["ada"].kept == 0


def test_a_sentence_that_was_over_long_ago_is_still_whole() -> None:
    room = waiting_room()
    room.hear(VOICE, 0.6)
    room.hear(SILENCE, 10.0)
    gets_ready(room)
    room.hear(SILENCE, 0.4)
    assert room.drivers["ada"].heard.count(VOICE.tobytes()) == 30


def test_the_silence_after_a_sentence_costs_none_of_its_words() -> None:
    room = waiting_room(2.0)
    room.hear(VOICE, 1.5)
    room.hear(SILENCE, 4.0)
    assert room.ears.status.kept_seconds == pytest.approx(2.0)
    gets_ready(room)
    room.hear(SILENCE, 0.6)
    assert room.drivers["ada"].heard.count(VOICE.tobytes()) == 75


def test_after_half_a_minute_nobody_wants_to_hear_it_any_more() -> None:
    room = waiting_room()
    room.hear(VOICE, 0.6)
    room.hear(SILENCE, 32.0)
    gets_ready(room)
    room.hear(SILENCE, 0.4)
    assert room.drivers["ada"].kept == 0


def test_words_to_one_never_reach_another() -> None:
    room = waiting_room()
    room.hear(VOICE, 0.6)
    room.hear(SILENCE, 2.0)
    room.ears.set_target("bob")
    room.hear(SILENCE, 0.1)
    for key in room.drivers:
        gets_ready(room, key)
    room.hear(SILENCE, 1.0)
    room.ears.set_target("ada")
    room.hear(SILENCE, 1.0)
    assert [driver.kept for driver in room.drivers.values()] == [0, 0]


def test_a_sentence_that_is_being_kept_holds_its_target() -> None:
    room = waiting_room()
    room.hear(VOICE, 0.6)
    room.ears.set_target("bob")
    room.hear(VOICE, 0.4)
    gets_ready(room)
    room.hear(VOICE, 0.4)
    assert room.drivers["bob"].heard == [] and len(room.drivers["ada"].heard) == 70


@pytest.mark.parametrize("barrier", ["set_muted", "set_covered"])
def test_muting_or_a_menu_forgets_what_was_kept(barrier: str) -> None:
    room = waiting_room()
    room.hear(VOICE, 0.6)
    getattr(room.ears, barrier)(True)
    room.step()
    assert room.ears.status.kept_seconds == 0.0
    room.hear(VOICE, 0.6)
    getattr(room.ears, barrier)(False)
    gets_ready(room)
    room.step()
    room.hear(VOICE, 0.2)
    assert room.drivers["ada"].kept == 0


def test_nothing_is_kept_before_the_players_first_act() -> None:
    room = Room()
    room.ears.set_turns(replace(room.ears.turns, pre_roll_seconds=2.0))
    room.ears.set_target("ada")
    room.hear(VOICE, 1.0)
    assert not room.sources and room.ears.status.kept_seconds == 0.0


def test_somebody_who_is_not_getting_ready_keeps_nothing() -> None:
    room = waiting_room()
    room.drivers["ada"].is_getting_ready = False
    room.hear(VOICE, 1.0)
    assert room.ears.status.kept_seconds == 0.0


def test_a_key_let_go_before_the_character_was_ready_still_ends_the_sentence() -> None:
    room = waiting_room()
    room.ears.set_mode(ListeningMode.PUSH_TO_TALK)
    room.ears.push_to_talk(True)
    room.hear(VOICE, 0.6)
    room.ears.push_to_talk(False)
    room.hear(SILENCE, 3.0)
    forced = room.drivers["ada"].forced
    gets_ready(room)
    room.hear(SILENCE, 0.4)
    assert room.drivers["ada"].heard.count(VOICE.tobytes()) == 30
    assert room.drivers["ada"].forced == forced + 1


def test_only_a_short_lead_is_kept_before_the_first_word() -> None:
    kept = PreRoll()
    for number in range(100):
        kept.keep(SILENCE, number * 0.02, speaks=False, most=2.0, pause=0.8)
    kept.keep(VOICE, 2.0, speaks=True, most=2.0, pause=0.8)
    assert kept.seconds == pytest.approx((LEAD_FRAMES + 1) * 0.02)
