from __future__ import annotations

import asyncio
import logging
import threading

import numpy as np
import pytest

from characters.audio.signal import Floats
from characters.speech.interfaces import Completeness
from characters.speech.smart_turn import (
    Model,
    SmartTurnDetector,
    spectrum,
)

TONE = (8_000 * np.sin(np.arange(32_000) * 2.0 * np.pi * 1_000.0 / 16_000)).astype("<i2").tobytes()


def ask(detector: SmartTurnDetector, pcm: bytes = TONE, times: int = 1) -> list[Completeness]:
    async def run() -> list[Completeness]:
        found = [await detector.completeness(pcm) for _ in range(times)]
        await detector.close()
        return found

    return asyncio.run(run())


def test_the_spectrum_has_the_last_eight_seconds_at_its_end() -> None:
    found = spectrum(TONE)
    assert found.shape == (80, 800) and found.dtype == np.float32
    loud = found.max(axis=0) > found.max() - 0.5
    assert not loud[:590].any() and loud[610:790].all()
    # One kilohertz is the fifteenth of 45 mels, each of which has about two bands.
    assert abs(int(found[:, 700].argmax()) - 26) <= 1
    long = np.frombuffer(TONE * 9, "<i2")
    assert np.array_equal(spectrum(long.tobytes()), spectrum(long[-8 * 16_000 :].tobytes()))


@pytest.mark.parametrize(
    ("sure", "said"), [(0.9, Completeness.WHOLE), (0.1, Completeness.UNFINISHED)]
)
def test_how_sure_the_model_is_decides_and_it_is_loaded_once_beside_the_loop(
    sure: float, said: Completeness
) -> None:
    loaded: list[str] = []

    def load() -> Model:
        loaded.append(threading.current_thread().name)
        return lambda found: sure

    assert ask(SmartTurnDetector(load), times=2) == [said] * 2
    assert loaded == ["turn detector_0"]


def test_a_model_that_fails_decides_nothing_and_is_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def load() -> Model:
        raise OSError("no such file")

    with caplog.at_level(logging.ERROR):
        assert ask(SmartTurnDetector(load), times=3) == [Completeness.UNKNOWN] * 3
    assert len(caplog.records) == 1


def test_a_player_is_not_kept_waiting_for_it() -> None:
    go_on = threading.Event()

    def slow(found: Floats) -> float:
        go_on.wait(30.0)
        return 1.0

    async def run() -> Completeness:
        detector = SmartTurnDetector(lambda: slow)
        found = await detector.completeness(TONE)
        go_on.set()
        await detector.close()
        return found

    assert asyncio.run(run()) is Completeness.UNKNOWN
