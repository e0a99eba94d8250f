from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from characters.audio.signal import Floats
from characters.speech.interfaces import Completeness
from characters.speech.onnx import (
    SmartTurnDetector,
    SmartTurnModel,
    TurnModel,
    spectrum,
)

TONE = (8_000 * np.sin(np.arange(32_000) * 2.0 * np.pi * 1_000.0 / 16_000)).astype("<i2").tobytes()


DEADLINE = 60.0


def load_elsewhere(path: Path) -> TurnModel:
    """Load a model that is as sure as the file's name says, in no process of the folder's name."""
    assert path.parent.name != str(os.getpid())
    return lambda found: float(path.name)


def load_nothing(path: Path) -> TurnModel:
    raise OSError("no such file")


def load_damaged(path: Path) -> TurnModel:
    def fail(found: Floats) -> float:
        raise ValueError("a damaged model")

    return fail


def load_slow(path: Path) -> TurnModel:
    def wait(found: Floats) -> float:
        time.sleep(DEADLINE)
        return 1.0

    return wait


def ask(
    load: Callable[[Path], TurnModel], name: str = "0.9", until: Callable[[], bool] = lambda: True
) -> Completeness:
    """Return what a detector says of a tone, asked until it decides or something holds."""

    async def run() -> Completeness:
        path = Path(str(os.getpid()), name)
        detector = SmartTurnDetector(partial(SmartTurnModel, path, load))
        detector.load()
        try:
            async with asyncio.timeout(DEADLINE):
                while True:
                    found = await detector.completeness(TONE)
                    if found is not Completeness.UNKNOWN or until():
                        return found
        finally:
            await detector.close()

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
    ("sure", "said"), [("0.9", Completeness.WHOLE), ("0.1", Completeness.UNFINISHED)]
)
def test_how_sure_the_model_is_decides_in_a_process_of_its_own(
    sure: str, said: Completeness
) -> None:
    assert ask(load_elsewhere, sure, lambda: False) is said


@pytest.mark.parametrize("load", [load_nothing, load_damaged])
def test_a_model_that_fails_decides_nothing_and_is_told_of_once(
    load: Callable[[Path], TurnModel], caplog: pytest.LogCaptureFixture
) -> None:
    told: list[int] = []  # how many errors, after each time it was asked

    def is_told() -> bool:
        told.append(sum(record.levelno >= logging.ERROR for record in caplog.records))
        return told[-3:] == [1, 1, 1]

    assert ask(load, until=is_told) is Completeness.UNKNOWN


def test_a_player_is_not_kept_waiting_for_it() -> None:
    assert ask(load_slow) is Completeness.UNKNOWN
