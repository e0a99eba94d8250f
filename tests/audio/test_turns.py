"""The rules behind the figures of `python -m tests.audio.turns`, and a word of it for real."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
import soundfile

from characters.speech.interfaces import Completeness
from tests.audio.turns import (
    LEAST_PAUSE,
    POLICIES,
    JudgedPause,
    JudgedTurn,
    cut_off,
    delay,
    judged,
    points,
    recorded,
)

WHOLE, UNKNOWN, UNFINISHED = Completeness
TURN = JudgedTurn(
    (JudgedPause(0.5, UNFINISHED, WHOLE),), JudgedPause(np.inf, UNKNOWN, WHOLE), lag=0.1
)


@pytest.mark.parametrize(
    ("policy", "is_cut", "seconds"),
    [
        ("the pause alone", True, 0.5),
        ("words", False, 0.5),
        ("sound", True, 0.3),
        ("words, then sound", False, 0.3),
    ],
)
def test_words_and_sound_shorten_and_prolong_the_pause(
    policy: str, is_cut: bool, seconds: float
) -> None:
    assert cut_off(TURN, POLICIES[policy], 0.4) == is_cut
    assert delay(TURN, POLICIES[policy], 0.4) == pytest.approx(seconds)


def test_what_ships_never_ends_a_turn_sooner_than_its_detector() -> None:
    assert delay(TURN, POLICIES["sound"], 0.1, LEAST_PAUSE) == pytest.approx(0.1 + LEAST_PAUSE)


def test_a_longer_pause_cuts_fewer_and_takes_longer() -> None:
    found = points([TURN], POLICIES["the pause alone"])
    assert [point.cut for point in found] == sorted((point.cut for point in found), reverse=True)
    assert [point.delay for point in found] == sorted(point.delay for point in found)


def test_a_folder_of_recordings_is_read_with_the_words_beside_them(tmp_path: Path) -> None:
    sound = np.pad(np.full(8_000, 0.3), 4_000)
    soundfile.write(tmp_path / "b.wav", sound, 16_000, subtype="PCM_24")
    soundfile.write(tmp_path / "a.wav", sound, 48_000)
    (tmp_path / "a.txt").write_text("where does it hurt\n", encoding="utf-8")
    first, second = recorded(tmp_path)
    assert (first.text, second.text) == ("where does it hurt", "")
    assert 0.15 < first.sound.size / 16_000 < 0.18 and second.sound.size == 8_000


def test_a_folder_without_recordings_is_no_folder_of_voices_that_are_made(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ValueError, match="holds no recording"):
            asyncio.run(judged(1, folder))


def test_the_noise_of_a_room_is_no_voice(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).uniform(-0.01, 0.01, 16_000)
    noise[4_000:12_000] += 0.5 * np.sin(np.arange(8_000) / 5.0)
    soundfile.write(tmp_path / "A.WAV", noise, 16_000)
    (turn,) = recorded(tmp_path)
    assert 7_950 < turn.sound.size <= 8_000


@pytest.mark.slow
def test_half_a_sentence_is_told_from_a_whole_one_by_its_words() -> None:
    heard = asyncio.run(judged(5, None))
    turns = [turn for name, turns in heard.items() if "known" in name for turn in turns]
    ends = [turn.end.by_words for turn in turns]
    assert ends.count(WHOLE) > len(ends) * 0.7
    pauses = [pause.by_words for turn in turns for pause in turn.pauses]
    assert pauses.count(UNFINISHED) > len(pauses) * 0.7 and pauses.count(WHOLE) < len(pauses) * 0.2
