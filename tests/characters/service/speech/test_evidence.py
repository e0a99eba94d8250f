from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from characters.service.speech.evidence import Evidence, Loudness

SURE = Evidence(frames=120, lead=-6.0, coverage=1.0, above_noise_db=48.0)


def test_a_sentence_that_explains_the_sound_is_believed() -> None:
    assert SURE.is_enough and SURE.confidence > 0.8


@pytest.mark.parametrize(
    "change", [{"lead": 3.1}, {"coverage": 0.7}, {"frames": 14}, {"above_noise_db": 10, "lead": -3}]
)
def test_each_kind_of_evidence_is_needed(change: dict[str, float]) -> None:
    assert not replace(SURE, **change).is_enough  # type: ignore[arg-type]  # by name


def test_the_more_noise_the_further_ahead_the_sentence_has_to_be() -> None:
    tenths = [x / 10 for x in range(-60, 60)]
    leads = [
        max(x for x in tenths if replace(SURE, lead=x, above_noise_db=db).is_enough)
        for db in (10.0, 20.0, 30.0, 50.0)
    ]
    assert leads == sorted(leads) and leads[0] == -4.0 and leads[-1] == 3.0


def test_where_it_is_just_enough_the_confidence_is_half() -> None:
    assert replace(SURE, lead=3.0).confidence == pytest.approx(0.5)


def test_how_far_a_voice_stands_above_the_noise_is_measured() -> None:
    chance = np.random.default_rng(1)
    noise = chance.normal(0.0, 100.0, 16_000)
    noise[6_000:10_000] *= 10.0
    loudness = Loudness()
    loudness.feed(noise[:5_000].astype("<i2").tobytes())
    loudness.feed(noise[5_000:].astype("<i2").tobytes())
    assert loudness.above_noise_db == pytest.approx(20.0, abs=1.5)
    assert Loudness().above_noise_db == 0.0
