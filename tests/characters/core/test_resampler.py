from __future__ import annotations

import numpy as np
import pytest

from characters.core.levels import Samples
from characters.core.resampler import Resampler, resample


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


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        Resampler(0, 16_000)
