from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from characters.service.speech.evidence import (
    Evidence,
    Loudness,
    Segment,
    spoken_frames,
    worst_word,
)

SURE = Evidence(frames=120, lead=-6.0, word_lead=60_000.0, coverage=1.0, above_noise_db=48.0)


def test_a_sentence_that_explains_the_sound_is_believed() -> None:
    assert SURE.is_enough and SURE.confidence > 0.8


@pytest.mark.parametrize(
    "change",
    [
        {"lead": 5.1},
        {"coverage": 0.55},
        {"frames": 14},
        {"word_lead": 105_000.0},
        {"above_noise_db": 10, "lead": -1},
        {"above_noise_db": 10, "word_lead": 95_000.0},
    ],
)
def test_each_kind_of_evidence_is_needed(change: dict[str, float]) -> None:
    assert not replace(SURE, **change).is_enough  # type: ignore[arg-type]  # by name


def test_the_more_noise_the_further_ahead_the_sentence_has_to_be() -> None:
    tenths = [x / 10 for x in range(-60, 60)]
    leads = [
        max(x for x in tenths if replace(SURE, lead=x, above_noise_db=db).is_enough)
        for db in (10.0, 20.0, 30.0, 50.0)
    ]
    assert leads == sorted(leads) and leads[0] == -2.0 and leads[-1] == 5.0


def test_where_it_is_just_enough_the_confidence_is_half() -> None:
    assert replace(SURE, lead=5.0).confidence == pytest.approx(0.5)


def test_how_far_a_voice_stands_above_the_noise_is_measured() -> None:
    chance = np.random.default_rng(1)
    noise = chance.normal(0.0, 100.0, 16_000)
    noise[6_000:10_000] *= 10.0
    loudness = Loudness()
    loudness.feed(noise[:5_000].astype("<i2").tobytes())
    loudness.feed(noise[5_000:].astype("<i2").tobytes())
    assert loudness.above_noise_db == pytest.approx(20.0, abs=1.5)
    assert Loudness().above_noise_db == 0.0


PHONES = (Segment("SIL", 0, 9, -50.0), Segment("AA", 10, 29, -40.0), Segment("T", 30, 49, -20.0))
WORDS = (
    Segment("<sil>", 0, 9, -90.0),
    Segment("open", 10, 29, -60.0),
    Segment("it", 30, 49, -80.0),
)


def test_the_word_that_fits_worst_is_found() -> None:
    assert worst_word(WORDS, PHONES) == pytest.approx((-20.0 + 80.0) / 20)


def test_short_words_and_silence_are_no_evidence() -> None:
    assert worst_word((Segment("a", 10, 15, -900.0), WORDS[0]), PHONES) == 0.0


def test_silence_and_noise_are_no_speech() -> None:
    assert spoken_frames(PHONES) == 40 and spoken_frames((Segment("[NOISE]", 0, 9, 0.0),)) == 0
