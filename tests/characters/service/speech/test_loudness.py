from __future__ import annotations

import numpy as np

from characters.service.speech.loudness import LoudnessDetector


def test_what_stands_out_of_the_noise_is_taken_for_speech() -> None:
    detector, chance = LoudnessDetector(), np.random.default_rng(1)
    quiet = [chance.normal(0, 30, 320).astype("<i2").tobytes() for _ in range(50)]
    loud = [chance.normal(0, 3_000, 320).astype("<i2").tobytes() for _ in range(20)]
    assert {detector.confidence(frame) for frame in quiet} == {0.0}
    assert [detector.confidence(frame) for frame in loud][-1] == 1.0
