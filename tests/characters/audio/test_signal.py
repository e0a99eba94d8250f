from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from characters.audio.signal import (
    Limiter,
    PushToTalk,
    Resampler,
    Samples,
    SpeechGate,
    TalkCommand,
    TalkEvent,
    TalkPhase,
    decibels,
    equal_power,
    meter,
    mix_down,
    open_resampler,
    ramp,
    resample,
    volume,
)
from characters.protocol.turn_settings import PushToTalkOptions, Startup


def test_equal_rates_need_no_resampler() -> None:
    assert open_resampler(16_000, 16_000) is None


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_stream_of_blocks_comes_out_without_clicks(rate: int) -> None:
    stream = open_resampler(rate, 16_000)
    assert stream is not None
    angle = 2.0 * np.pi * 400.0 * np.arange(rate) / rate
    sound = (10_000.0 * np.sin(angle)).astype(np.int16)
    block = rate // 50
    pieces = [stream.feed(sound[at : at + block]) for at in range(0, rate, block)]
    out = np.concatenate(pieces).astype(int)
    steepest = 10_000.0 * 2.0 * np.pi * 400.0 / 16_000
    assert 15_000 < out.size <= 16_001
    assert np.abs(np.diff(out[800:])).max() < steepest * 1.02


def sine(hertz: float, rate: int, seconds: float = 0.5) -> Samples:
    angle = 2.0 * np.pi * hertz * np.arange(round(rate * seconds)) / rate
    wave: Samples = (10_000.0 * np.sin(angle)).astype(np.int16)
    return wave


@pytest.mark.parametrize(
    ("source", "target"), [(48_000, 16_000), (44_100, 16_000), (22_050, 48_000)]
)
def test_a_tone_keeps_its_pitch_and_its_place(source: int, target: int) -> None:
    got = resample(sine(440.0, source), source, target).astype(float)
    expected = sine(440.0, target).astype(float)[: got.size]
    assert abs(got.size - target * 0.5) <= 2
    assert np.abs(got[200:-200] - expected[200 : got.size - 200]).max() < 40


@pytest.mark.parametrize("chunk", [1, 7, 441, 882])
def test_chunks_of_any_size_give_what_the_whole_gives(chunk: int) -> None:
    sound = sine(300.0, 44_100, 0.1)
    stream = Resampler(44_100, 16_000)
    pieces = [stream.feed(sound[at : at + chunk]) for at in range(0, sound.size, chunk)]
    whole = Resampler(44_100, 16_000).feed(sound)
    assert np.array_equal(np.concatenate(pieces), whole)


def test_what_cannot_be_represented_is_removed_and_not_folded_back() -> None:
    folded = resample(sine(11_000.0, 48_000), 48_000, 16_000)[200:-200].astype(float)
    assert np.sqrt((folded**2).mean()) < 10_000 * 10 ** (-55 / 20)


def test_the_same_rate_changes_nothing() -> None:
    sound = sine(440.0, 16_000)
    assert resample(sound, 16_000, 16_000) is sound


def test_a_full_scale_signal_does_not_wrap() -> None:
    square = np.where(np.arange(4_800) // 100 % 2, 32_767, -32_768).astype(np.int16)
    got = resample(square, 48_000, 16_000)
    middles = np.arange(50, 4_700, 100)
    assert np.array_equal(np.sign(got[middles // 3]), np.sign(square[middles]))


@pytest.mark.parametrize("rate", [44_100, 96_001, 767_999])
def test_a_long_recording_of_any_rate_takes_little_more_than_itself(rate: int) -> None:
    seconds = 4_000_000 // rate
    sound = sine(440.0, rate, seconds)
    tracemalloc.start()
    try:
        got = resample(sound, rate, 16_000)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 40_000_000
    assert abs(got.size / (16_000 * seconds) - 1.0) < 2e-5
    expected = sine(440.0, 16_000, 0.1).astype(int)
    assert np.abs(got[200:1_400] - expected[200:1_400]).max() < 60


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        Resampler(0, 16_000)


def tone(amplitude: float, size: int = 320) -> Samples:
    wave: Samples = (amplitude * np.sin(np.arange(size) * 0.3)).astype(np.int16)
    return wave


def test_silence_is_minus_a_hundred_decibels() -> None:
    assert decibels(np.zeros(320, np.int16)) == -100.0
    assert decibels(np.zeros(0, np.int16)) == -100.0


def test_a_full_scale_sine_is_three_decibels_below_full_scale() -> None:
    assert decibels(tone(32_767.0, 20_944)) == pytest.approx(-3.01, abs=0.05)


def test_halving_the_amplitude_costs_six_decibels() -> None:
    assert decibels(tone(16_000)) - decibels(tone(8_000)) == pytest.approx(6.02, abs=0.05)


def test_the_contracts_minimum_volume_is_about_minus_fifty_decibels() -> None:
    assert volume(-50.3) == pytest.approx(0.6, abs=0.001)


@pytest.mark.parametrize(("db", "level"), [(-100, 0.0), (-60, 0.0), (-30, 0.5), (0, 1.0), (6, 1.0)])
def test_the_meter_spans_sixty_decibels(db: float, level: float) -> None:
    assert meter(db) == pytest.approx(level)


def hear(gate: SpeechGate, db: float, seconds: float) -> SpeechGate:
    for _ in range(round(seconds / 0.02)):
        gate = gate.hear(db, 0.02)
    return gate


def test_the_gate_opens_after_its_attack_and_not_before() -> None:
    gate = hear(SpeechGate(), -25.0, 0.04)
    assert not gate.is_open
    assert hear(gate, -25.0, 0.02).is_open


def test_the_gate_stays_open_through_a_short_pause_and_closes_after_a_long_one() -> None:
    gate = hear(SpeechGate(), -25.0, 0.5)
    assert hear(gate, -70.0, 0.28).is_open
    assert not hear(gate, -70.0, 0.3).is_open


def test_a_steady_fan_is_learnt_as_noise() -> None:
    gate = hear(SpeechGate(), -45.0, 30.0)
    assert not gate.is_open
    assert hear(gate, -25.0, 0.1).is_open


def test_a_rustle_in_a_quiet_room_is_no_speech() -> None:
    gate = hear(SpeechGate(), -95.0, 5.0)
    assert not hear(gate, -55.0, 0.5).is_open and hear(gate, -45.0, 0.5).is_open


def test_a_long_sentence_does_not_become_the_noise() -> None:
    gate = SpeechGate()
    for _ in range(10):
        gate = hear(hear(gate, -22.0, 0.5), -65.0, 0.15)
    assert gate.is_open


@pytest.mark.parametrize("pan", [-1.0, -0.4, 0.0, 0.7, 1.0])
def test_a_pan_keeps_the_power(pan: float) -> None:
    left, right = equal_power(0.8, pan)
    assert math.hypot(left, right) == pytest.approx(0.8)
    assert (right > left) == (pan > 0) or pan == 0.0


def test_a_pan_to_one_side_silences_the_other() -> None:
    assert equal_power(1.0, -1.0) == pytest.approx((1.0, 0.0))
    assert equal_power(1.0, 5.0) == pytest.approx((0.0, 1.0), abs=1e-9)


def test_two_ramps_join_without_a_step() -> None:
    joined = np.concatenate((ramp(0.0, 0.5, 100), ramp(0.5, 1.0, 100)))
    assert np.allclose(np.diff(joined), 0.005, atol=1e-6)


def test_a_quiet_mix_passes_unchanged() -> None:
    mixed, limiter = mix_down(tone(8_000).astype(np.float32), Limiter(), 0.02)
    assert np.array_equal(mixed, tone(8_000))
    assert limiter.gain == 1.0


def test_a_mix_that_is_too_loud_is_turned_down_and_never_wraps() -> None:
    loud = tone(30_000).astype(np.float32) * 3.0
    mixed, limiter = mix_down(loud, Limiter(), 0.02)
    assert limiter.gain < 0.4
    assert np.all(np.sign(mixed[np.abs(loud) > 1e4]) == np.sign(loud[np.abs(loud) > 1e4]))


def test_after_a_peak_the_limiter_comes_back_slowly() -> None:
    _, limiter = mix_down(np.full(320, 90_000.0, np.float32), Limiter(), 0.02)
    _, soon = mix_down(np.zeros(320, np.float32), limiter, 0.02)
    assert limiter.gain < soon.gain < limiter.gain + 0.11


def test_a_stereo_mix_keeps_its_sides() -> None:
    block = np.stack((np.full(10, 100.0), np.full(10, -5.0)), axis=1).astype(np.float32)
    mixed, _ = mix_down(block, Limiter(), 0.001)
    assert mixed.tolist() == [[100, -5]] * 10


E = TalkEvent
FORCE = (TalkCommand.FORCE_USER_STOPPED_SPEAKING,)


def play(
    talk: PushToTalk, *script: tuple[TalkEvent, float]
) -> tuple[PushToTalk, list[TalkCommand]]:
    orders: list[TalkCommand] = []
    for event, now in script:
        talk, commands = talk.advance(event, now)
        orders += commands
    return talk, orders


def test_the_defaults_are_convais() -> None:
    assert PushToTalkOptions() == PushToTalkOptions(
        1000, True, True, 5000, True, Startup.OPEN_ON_FIRST_PRESS, False
    )


def test_it_is_open_while_held_and_through_the_tail() -> None:
    held, _ = play(PushToTalk(), (E.PRESSED, 0.0))
    tail, _ = play(held, (E.RELEASED, 1.0), (E.TICK, 1.99))
    assert held.is_open and tail.is_open and tail.phase is TalkPhase.TAIL


def test_words_within_the_tail_need_no_force() -> None:
    talk, orders = play(
        PushToTalk(), (E.PRESSED, 0.0), (E.RELEASED, 1.0), (E.TRANSCRIBED, 1.5), (E.TICK, 3.0)
    )
    assert talk.phase is TalkPhase.ANSWERING and not talk.is_open
    assert TalkCommand.FORCE_USER_STOPPED_SPEAKING not in orders


def test_without_words_the_turn_is_forced_and_gets_one_more_window() -> None:
    talk, _ = play(PushToTalk(), (E.PRESSED, 0.0), (E.RELEASED, 1.0))
    forced, commands = talk.advance(E.TICK, 2.0)
    assert commands == FORCE and not forced.is_open
    assert forced.advance(E.TICK, 2.99)[0].phase is TalkPhase.FORCED
    assert forced.advance(E.TICK, 3.0)[0].phase is TalkPhase.CLOSED
    assert forced.advance(E.TRANSCRIBED, 2.5)[0].phase is TalkPhase.ANSWERING


@pytest.mark.parametrize("waits", [1.5, 2.5])
def test_an_answer_that_begins_before_the_words_are_known_ends_the_turn(waits: float) -> None:
    talk, _ = play(PushToTalk(), (E.PRESSED, 0.0), (E.RELEASED, 1.0), (E.TICK, waits))
    assert talk.phase is not TalkPhase.CLOSED
    assert talk.advance(E.ANSWERED, waits)[0].phase is TalkPhase.CLOSED


def test_a_tail_of_zero_closes_at_once() -> None:
    talk, orders = play(
        PushToTalk(PushToTalkOptions(release_tail_ms=0)), (E.PRESSED, 0.0), (E.RELEASED, 1.0)
    )
    assert not talk.is_open and orders[-1:] == [TalkCommand.FORCE_USER_STOPPED_SPEAKING]
    assert talk.advance(E.TICK, 1.9)[0].phase is TalkPhase.FORCED  # words may still come
    assert talk.advance(E.TICK, 2.0)[0].phase is TalkPhase.CLOSED


def test_a_press_within_the_tail_goes_on_with_the_same_turn() -> None:
    talk, orders = play(
        PushToTalk(), (E.PRESSED, 0.0), (E.RELEASED, 1.0), (E.PRESSED, 1.5), (E.TICK, 5.0)
    )
    assert talk.phase is TalkPhase.HELD
    assert orders == [TalkCommand.INTERRUPT_BOT]


def test_another_use_of_the_key_lets_go_of_one_that_is_down() -> None:
    held, _ = play(PushToTalk(), (E.PRESSED, 0.0))
    assert held.under(PushToTalkOptions(release_tail_ms=500)).is_open
    assert not held.under(PushToTalkOptions(toggle=True)).is_open
    tail, _ = play(held, (E.RELEASED, 1.0))
    assert tail.under(PushToTalkOptions(toggle=True)).phase is TalkPhase.TAIL


def test_the_next_press_waits_for_the_turn_before() -> None:
    script = [(E.PRESSED, 0.0), (E.RELEASED, 1.0), (E.TRANSCRIBED, 1.2), (E.PRESSED, 2.0)]
    refused, _ = play(PushToTalk(), *script)
    assert refused.phase is TalkPhase.ANSWERING
    taken, _ = play(refused, (E.ANSWERED, 2.5), (E.PRESSED, 2.6))
    assert taken.is_open


def test_an_answer_that_never_comes_frees_the_key_after_its_timeout() -> None:
    waiting, _ = play(PushToTalk(), (E.PRESSED, 0.0), (E.RELEASED, 1.0), (E.TRANSCRIBED, 1.2))
    assert waiting.advance(E.TICK, 6.1)[0].phase is TalkPhase.ANSWERING
    assert waiting.advance(E.TICK, 6.2)[0].phase is TalkPhase.CLOSED


def test_without_the_requirement_a_press_is_always_taken() -> None:
    options = PushToTalkOptions(require_turn_completion_before_next_press=False)
    talk, _ = play(
        PushToTalk(options),
        (E.PRESSED, 0.0),
        (E.RELEASED, 1.0),
        (E.TRANSCRIBED, 1.2),
        (E.PRESSED, 1.3),
    )
    assert talk.is_open


def test_a_press_interrupts_only_where_that_is_wanted() -> None:
    assert PushToTalk().advance(E.PRESSED, 0.0)[1] == (TalkCommand.INTERRUPT_BOT,)
    quiet = PushToTalk(PushToTalkOptions(interrupt_bot_on_press=False))
    assert quiet.advance(E.PRESSED, 0.0)[1] == ()


@pytest.mark.parametrize("event", [E.RELEASED, E.TRANSCRIBED, E.ANSWERED, E.TICK])
def test_what_cannot_happen_while_closed_changes_nothing(event: TalkEvent) -> None:
    talk = PushToTalk()
    assert talk.advance(event, 1.0) == (talk, ())


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="release_tail_ms"):
        PushToTalkOptions(release_tail_ms=5001)
    with pytest.raises(ValueError, match="startup"):
        PushToTalkOptions(startup="whenever")  # type: ignore[arg-type]  # as from a game untyped


def test_one_that_does_not_start_muted_is_open_until_the_key_is_let_go() -> None:
    talk = PushToTalk.begin(PushToTalkOptions(start_muted=False))
    assert talk.is_open and not PushToTalk.begin(PushToTalkOptions()).is_open
    released, _ = talk.advance(E.RELEASED, 1.0)
    assert not released.advance(E.TICK, 2.0)[0].is_open
