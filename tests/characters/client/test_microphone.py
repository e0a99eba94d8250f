"""First words to somebody who is still getting ready: kept for him, or for nobody."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from characters.client.microphone import LEAD_FRAMES, GateMeter, MicrophoneGate, PreRoll, begins_at
from characters.protocol.turn_settings import ListeningMode, PushToTalkOptions
from characters.session.conversation import SessionState
from characters.session.events import ConnectRequested
from characters.session.policy import ReconnectPolicy
from tests.characters.client.room import SILENCE, VOICE, Room
from tests.characters.client.stage import Stage

FRAME_SECONDS = 0.02
PCM = bytes(640)


def test_a_frame_begins_its_length_before_its_last_sample() -> None:
    assert begins_at(PCM, 10.0) == 10.0 - FRAME_SECONDS


def test_a_gate_is_closed_until_it_is_opened() -> None:
    gate = MicrophoneGate()
    gate.ready(GateMeter(ready_at=1.0), 0.5)
    assert not gate.lets(99.0)


def test_an_open_gate_lets_frames_through_that_begin_later() -> None:
    gate = MicrophoneGate()
    gate.ready(GateMeter(ready_at=1.0), 0.5)
    gate.open(1.5, 0.5)
    assert not gate.lets(1.49)
    assert gate.lets(1.5)


def test_a_gate_that_was_closed_again_lets_nothing_through() -> None:
    gate = MicrophoneGate()
    gate.ready(GateMeter(ready_at=1.0), 0.5)
    gate.open(1.5, 0.5)
    gate.close()
    assert not gate.lets(99.0)


def test_a_closed_gate_has_no_place_for_kept_words() -> None:
    gate = MicrophoneGate()
    assert gate.next_kept(PCM) is None


def test_kept_words_shift_what_is_said_after_them_and_no_later_connection() -> None:
    gate = MicrophoneGate()
    gate.ready(GateMeter(ready_at=1.0), 0.5)
    gate.open(1.5, 0.5)
    assert [gate.next_kept(PCM), gate.next_kept(PCM)] == [1.5, 1.5 + FRAME_SECONDS]
    assert gate.stamp(1.51) == 1.5 + 2 * FRAME_SECONDS
    assert round(gate.stamp(1.53), 9) == 1.5 + 3 * FRAME_SECONDS
    gate.ready(GateMeter(ready_at=9.0), 0.5)
    gate.open(9.5, 0.5)
    assert gate.stamp(9.6) == 9.6


def test_a_meter_counts_a_frame_before_ready_and_delay() -> None:
    meter = GateMeter(ready_at=1.0, delay=0.5)
    assert meter.count(1.4) < 0.5 <= meter.count(1.5)
    assert (meter.frames_sent, meter.frames_before_open) == (2, 1)


def test_a_meter_without_a_ready_signal_counts_every_frame_as_early() -> None:
    meter = GateMeter()
    meter.count(1e9)
    assert meter.frames_before_open == 1


@pytest.mark.parametrize("connections", [100, pytest.param(1_000, marks=pytest.mark.slow)])
def test_over_many_connections_with_drops_no_frame_is_early(connections: int) -> None:
    random = Random(7)
    with Stage() as stage:
        delay = 0.3
        policy = ReconnectPolicy(auto_mic_start_delay_seconds=delay, max_reconnect_attempts=None)
        actor = stage.actor(policy=policy)
        stage.do(actor.runner.feed, ConnectRequested())
        while len(stage.service.connections) < connections:
            stage.run_for(random.choice((0.003, FRAME_SECONDS, 0.1)))
            actor.conversation.offer_audio(PCM, stage.loop.time())
            if actor.state is SessionState.CONNECTED and random.random() < 0.1:
                stage.service.last.drop()
                stage.run_for(5.0)
        stamps = [t for connection in stage.service.connections for _, t in connection.audio]
        assert len(stamps) > 100
        assert min(stamps) >= delay
        assert actor.session.view.microphone.frames_before_open == 0


def waiting_room(seconds: float = 2.0) -> Room:
    """Return a room in which Ada, who is spoken to, is still getting ready."""
    room = Room(PushToTalkOptions(release_tail_ms=200))
    room.voice_input.set_turns(replace(room.voice_input.turns, pre_roll_seconds=seconds))
    for target in room.targets.values():
        target.is_open, target.is_getting_ready = False, True
    room.voice_input.allow()
    room.voice_input.set_target("ada")
    room.step()
    return room


def gets_ready(room: Room, key: str = "ada") -> None:
    room.targets[key].is_open, room.targets[key].is_getting_ready = True, False


def test_first_words_are_heard_in_full_once_the_character_is_ready() -> None:
    room = waiting_room()
    room.hear(VOICE, 1.0)
    assert room.heard() == (0, 0) and room.voice_input.status.kept_seconds == pytest.approx(1.0)
    gets_ready(room)
    room.hear(VOICE, 0.5)
    ada = room.targets["ada"]
    assert ada.heard == [VOICE.tobytes()] * 75
    assert ada.kept >= 50 and ada.frames  # then live ones again
    assert room.voice_input.status.kept_seconds == 0.0


def test_by_default_nothing_is_kept() -> None:
    room = waiting_room(0.0)
    room.hear(VOICE, 1.0)
    gets_ready(room)
    room.hear(VOICE, 0.1)
    assert room.targets["ada"].kept == 0 and room.heard() == (5, 0)


def test_no_more_is_kept_than_the_settings_say() -> None:
    room = waiting_room(1.0)
    room.hear(VOICE, 5.0)
    assert room.voice_input.status.kept_seconds == pytest.approx(1.0)


def test_silence_is_not_kept() -> None:
    room = waiting_room()
    room.hear(SILENCE, 3.0)
    assert room.voice_input.status.kept_seconds == 0.0
    gets_ready(room)
    room.hear(SILENCE, 0.1)
    assert room.targets["ada"].kept == 0


def test_a_sentence_that_was_over_long_ago_is_still_whole() -> None:
    room = waiting_room()
    room.hear(VOICE, 0.6)
    room.hear(SILENCE, 10.0)
    gets_ready(room)
    room.hear(SILENCE, 0.4)
    assert room.targets["ada"].heard.count(VOICE.tobytes()) == 30


def test_the_silence_after_a_sentence_costs_none_of_its_words() -> None:
    room = waiting_room(2.0)
    room.hear(VOICE, 1.5)
    room.hear(SILENCE, 4.0)
    assert room.voice_input.status.kept_seconds == pytest.approx(2.0)
    gets_ready(room)
    room.hear(SILENCE, 0.6)
    assert room.targets["ada"].heard.count(VOICE.tobytes()) == 75


def test_after_half_a_minute_kept_words_are_dropped() -> None:
    room = waiting_room()
    room.hear(VOICE, 0.6)
    room.hear(SILENCE, 32.0)
    gets_ready(room)
    room.hear(SILENCE, 0.4)
    assert room.targets["ada"].kept == 0


def test_words_to_one_never_reach_another() -> None:
    room = waiting_room()
    room.hear(VOICE, 0.6)
    room.hear(SILENCE, 2.0)
    room.voice_input.set_target("bob")
    room.hear(SILENCE, 0.1)
    for key in room.targets:
        gets_ready(room, key)
    room.hear(SILENCE, 1.0)
    room.voice_input.set_target("ada")
    room.hear(SILENCE, 1.0)
    assert [runner.kept for runner in room.targets.values()] == [0, 0]


def test_a_sentence_that_is_being_kept_holds_its_target() -> None:
    room = waiting_room()
    room.hear(VOICE, 0.6)
    room.voice_input.set_target("bob")
    room.hear(VOICE, 0.4)
    gets_ready(room)
    room.hear(VOICE, 0.4)
    assert room.targets["bob"].heard == [] and len(room.targets["ada"].heard) == 70


@pytest.mark.parametrize("barrier", ["set_muted", "set_covered"])
def test_muting_or_a_menu_forgets_what_was_kept(barrier: str) -> None:
    room = waiting_room()
    room.hear(VOICE, 0.6)
    getattr(room.voice_input, barrier)(True)
    room.step()
    assert room.voice_input.status.kept_seconds == 0.0
    room.hear(VOICE, 0.6)
    getattr(room.voice_input, barrier)(False)
    gets_ready(room)
    room.step()
    room.hear(VOICE, 0.2)
    assert room.targets["ada"].kept == 0


def test_nothing_is_kept_before_the_players_first_act() -> None:
    room = Room()
    room.voice_input.set_turns(replace(room.voice_input.turns, pre_roll_seconds=2.0))
    room.voice_input.set_target("ada")
    room.hear(VOICE, 1.0)
    assert not room.sources and room.voice_input.status.kept_seconds == 0.0


def test_for_a_character_that_is_not_getting_ready_nothing_is_kept() -> None:
    room = waiting_room()
    room.targets["ada"].is_getting_ready = False
    room.hear(VOICE, 1.0)
    assert room.voice_input.status.kept_seconds == 0.0


def test_a_key_let_go_before_the_character_was_ready_still_ends_the_sentence() -> None:
    room = waiting_room()
    room.voice_input.set_mode(ListeningMode.PUSH_TO_TALK)
    room.voice_input.push_to_talk(True)
    room.hear(VOICE, 0.6)
    room.voice_input.push_to_talk(False)
    room.hear(SILENCE, 3.0)
    forced = room.targets["ada"].forced
    gets_ready(room)
    room.hear(SILENCE, 0.4)
    assert room.targets["ada"].heard.count(VOICE.tobytes()) == 30
    assert room.targets["ada"].forced == forced + 1


def test_only_a_short_lead_is_kept_before_the_first_word() -> None:
    kept = PreRoll()
    for number in range(100):
        kept.keep(SILENCE, number * 0.02, speaks=False, most=2.0, pause=0.8)
    kept.keep(VOICE, 2.0, speaks=True, most=2.0, pause=0.8)
    assert kept.seconds == pytest.approx((LEAD_FRAMES + 1) * 0.02)
