"""Echo cancellation on synthetic voices: a character speaks, and the player over it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from characters.audio.echo import EchoCanceller
from characters.audio.signal import Samples, decibels, resample
from tests.audio.corpus import say
from tests.audio.hearing import words_in

pytest.importorskip("livekit", reason="the extra `echo` is not installed")

SAID = "where does it hurt"
OTHERS = ("who are you", "show me your arm", "good morning doctor")
ANSWER = (
    "The clinic opens at eight in the morning, and the porter walks slowly along the corridor. "
    "Nobody has seen the examiner since yesterday, but the kiosk still works very well, I think."
)
DELAY = 960  # samples at 16 kHz: 60 ms from the loudspeaker to the microphone
OVER = 16_000 * 5  # when the player begins to speak


def through_a_room(played: Samples) -> Samples:
    """Return what of a loudspeaker reaches the microphone: late, quieter, with reflections."""
    chance = np.random.default_rng(5)
    room = chance.standard_normal(800) * np.exp(-np.arange(800) / 120.0) * 0.1
    room[0] = 1.0
    echo = np.convolve(played.astype(np.float64), room)[: played.size] * 0.4
    noise = chance.standard_normal(played.size) * 10.0
    late: Samples = (np.concatenate((np.zeros(DELAY), echo[:-DELAY])) + noise).astype(np.int16)
    return late


def cleaned(played: Samples, heard: Samples) -> Samples:
    """Return what is left of the microphone while the loudspeaker plays."""
    canceller, mix = EchoCanceller(), resample(played, 16_000, 48_000)
    left = []
    for at in range(0, heard.size - 320, 320):
        for block in (mix[3 * at : 3 * at + 480], mix[3 * at + 480 : 3 * at + 960]):
            canceller.played(np.repeat(block[:, None], 2, axis=1))
        left.append(canceller.clean(heard[at : at + 320]))
    return np.concatenate(left)


@pytest.fixture
def played(tmp_path: Path) -> Samples:
    return say("espeak-ng en-us", ANSWER, tmp_path)


@pytest.fixture
def said(tmp_path: Path) -> Samples:
    return say("flite slt", SAID, tmp_path)


def test_what_the_loudspeakers_play_is_gone_from_the_microphone(played: Samples) -> None:
    echo = through_a_room(played)
    left = cleaned(played, echo)
    settled = slice(16_000, left.size)
    assert decibels(echo[settled]) - decibels(left[settled]) > 25.0


@pytest.mark.slow
def test_the_player_is_understood_over_the_loudspeakers(played: Samples, said: Samples) -> None:
    heard = through_a_room(played)
    heard[OVER : OVER + said.size] += said // 2
    heard = heard[: OVER + said.size + 16_000]
    phrases = (SAID, *OTHERS)
    assert words_in(heard[OVER - 8_000 :], phrases) != [SAID]
    assert words_in(cleaned(played, heard)[OVER - 8_000 :], phrases) == [SAID]


def test_without_anything_played_speech_passes(said: Samples) -> None:
    left = cleaned(np.zeros_like(said), said)
    assert decibels(left) == pytest.approx(decibels(said), abs=1.5)


def test_it_is_settled_after_two_seconds_of_sound_and_none_of_silence() -> None:
    canceller = EchoCanceller()
    silence, sound = np.zeros((480, 2), np.int16), np.full((480, 2), 4_000, np.int16)
    for _ in range(300):
        canceller.played(silence)
    for _ in range(199):
        canceller.played(sound)
    assert not canceller.is_settled
    canceller.played(sound)
    assert canceller.is_settled


def test_a_block_of_another_length_is_no_part_of_the_mix() -> None:
    canceller = EchoCanceller()
    canceller.played(np.zeros((100, 2), np.int16))
    assert canceller.clean(np.zeros(320, np.int16)).size == 320
