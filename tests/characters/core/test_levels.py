from __future__ import annotations

import math

import numpy as np
import pytest

from characters.core.levels import (
    Limiter,
    Samples,
    SpeechGate,
    decibels,
    equal_power,
    meter,
    mix_down,
    ramp,
    volume,
)


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
