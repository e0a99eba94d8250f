from __future__ import annotations

import numpy as np
import pytest

from characters.protocol.turn_settings import SmartTurn, VoiceActivityOptions
from characters.speech.listener import Activity, VoiceActivity
from characters.speech.silero import SileroDetector, SileroModel, SileroPool
from tests.characters.speech.test_sphinx import spoken

QUIET = np.zeros(320, "<i2").tobytes()


class FakeModel:
    """Is as sure as the window is loud."""

    window_size_samples = 512

    def __init__(self) -> None:
        self.windows: list[int] = []
        self.resets = 0

    def process(self, data: bytes) -> float:
        samples = np.frombuffer(data, np.float32)
        self.windows.append(samples.size)
        return float(samples.max())

    def reset(self) -> None:
        self.resets += 1


def sure_of(sound: bytes) -> list[float]:
    detector = SileroPool().detector()
    return [detector.confidence(sound[at : at + 640]) for at in range(0, len(sound), 640)]


def test_frames_of_20_ms_become_windows_of_32() -> None:
    model = FakeModel()
    detector = SileroPool(lambda: model).detector()
    loud = np.full(320, 16_384, "<i2").tobytes()
    assert [detector.confidence(loud) for _ in range(8)] == [0.0] + [0.5] * 7
    assert model.windows == [512] * 5


def test_a_model_is_loaded_once_and_handed_on_without_what_it_heard() -> None:
    models: list[FakeModel] = []

    def load() -> SileroModel:
        models.append(FakeModel())
        return models[-1]

    pool = SileroPool(load)
    for _ in range(3):
        detector = pool.detector()
        detector.confidence(QUIET)
        detector.close()
        detector.close()
    assert len(models) == 1 and models[0].resets == 3


def test_two_who_speak_at_once_have_a_model_each() -> None:
    loaded: list[FakeModel] = []

    def load() -> SileroModel:
        loaded.append(FakeModel())
        return loaded[-1]

    pool = SileroPool(load)
    detectors: list[SileroDetector] = [pool.detector() for _ in range(2)]
    for detector in detectors:
        detector.confidence(QUIET)
    assert len(loaded) == 2


def test_the_real_model_is_sure_of_speech_and_not_of_noise() -> None:
    speech = sure_of(spoken("where does it hurt"))
    noise = np.random.default_rng(1).normal(0.0, 2_000.0, 32_000).astype("<i2").tobytes()
    assert max(speech) > 0.9 and sum(s > 0.7 for s in speech) > 20
    assert max(sure_of(noise)) < 0.3


def test_it_hears_speech_in_noise() -> None:
    sound = np.frombuffer(spoken("where does it hurt"), "<i2")
    noise = np.random.default_rng(2).normal(0.0, 1_000.0, sound.size)
    mixed = np.clip(sound + noise, -32_768, 32_767).astype("<i2").tobytes()
    assert sum(s > 0.7 for s in sure_of(mixed)) > 20


@pytest.mark.parametrize(("confidence", "starts"), [(0.7, True), (1.0, False)])
def test_the_confidence_that_is_asked_for_decides(confidence: float, starts: bool) -> None:
    ears = VoiceActivity(VoiceActivityOptions(confidence=confidence), SmartTurn())
    sure = sure_of(spoken("where does it hurt"))
    assert (Activity.STARTED in [ears.hear(s, -20.0, 0.02) for s in sure]) is starts
