from __future__ import annotations

from functools import cache, partial

import numpy as np
import pytest

from characters.audio.signal import Floats
from characters.protocol.turn_settings import SmartTurn, VoiceActivityOptions
from characters.speech.listener import Activity, VoiceActivity
from characters.speech.onnx import SileroDetector, SileroModel, find_silero, load_silero
from tests.characters.speech.test_sphinx import spoken


class FakeModel:
    """Is as sure as the window is loud; its state is how many windows it was given before."""

    def __init__(self) -> None:
        self.windows: list[Floats] = []
        self.states: list[float] = []

    def __call__(self, sound: Floats, state: Floats) -> tuple[float, Floats]:
        self.windows.append(sound[0])
        self.states.append(float(state[0, 0, 0]))
        return float(sound.max()), state + np.float32(1.0)


def sure_of(sound: bytes) -> list[float]:
    path = find_silero()
    assert path is not None
    detector = SileroDetector(cache(partial(load_silero, path)))
    return [detector.confidence(sound[at : at + 640]) for at in range(0, len(sound), 640)]


def test_frames_of_20_ms_become_windows_of_32_behind_4_ms_of_the_one_before() -> None:
    model = FakeModel()
    detector = SileroDetector(lambda: model)
    ramp = np.arange(2560, dtype="<i2")
    frames = [ramp[at : at + 320].tobytes() for at in range(0, ramp.size, 320)]
    sure = [detector.confidence(frame) for frame in frames]
    assert [round(it * 32_768) for it in sure] == [0, 511, 511, 1023, 1535, 1535, 2047, 2559]
    heard = np.concatenate((np.zeros(64), ramp)) / 32_768.0
    wanted = [heard[at : at + 576] for at in range(0, 2560, 512)]
    assert np.array_equal(np.array(model.windows), np.array(wanted, np.float32))


def test_many_hear_with_one_model_and_each_with_its_own_state() -> None:
    model, loaded = FakeModel(), list[int]()

    @cache
    def load() -> SileroModel:
        loaded.append(1)
        return model

    detectors = [SileroDetector(load) for _ in range(3)]
    assert loaded == []
    for _ in range(2):
        for detector in detectors:
            detector.confidence(np.zeros(512, "<i2").tobytes())
    assert loaded == [1] and model.states == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]


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
