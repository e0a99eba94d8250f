from __future__ import annotations

from random import Random

from characters.core.policy import ReconnectPolicy
from characters.core.session_events import ConnectRequested
from characters.core.state import SessionState
from characters.runtime.microphone_gate import GateMeter, MicrophoneGate, begins_at
from tests.characters.runtime.stage import Stage

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


def test_over_a_thousand_connections_with_drops_no_frame_is_early() -> None:
    random = Random(7)
    with Stage() as stage:
        delay = 0.3
        policy = ReconnectPolicy(auto_mic_start_delay_seconds=delay, max_reconnect_attempts=None)
        actor = stage.actor(policy=policy)
        stage.do(actor.driver.feed, ConnectRequested())
        while len(stage.service.connections) < 1000:
            stage.run_for(random.choice((0.003, FRAME_SECONDS, 0.1)))
            actor.driver.offer_audio(PCM, stage.loop.time())
            if actor.state is SessionState.CONNECTED and random.random() < 0.1:
                stage.service.last.drop()
                stage.run_for(5.0)
        stamps = [t for connection in stage.service.connections for _, t in connection.audio]
        assert len(stamps) > 100
        assert min(stamps) >= delay
        assert actor.driver.view.microphone.frames_before_open == 0
