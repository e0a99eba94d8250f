"""Whether the player sounds done: Pipecat's Smart Turn (BSD-2), whose model comes in `pipecat-ai`.

Nothing of that package is imported: its ONNX file runs on onnxruntime, and is given what its makers
trained it on, Whisper's spectrum of the last eight seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import numpy as np

from characters.audio.signal import Floats
from characters.speech.interfaces import Completeness
from characters.speech.onnx import load_onnx
from characters.speech.process import SpeechProcess, SpeechProcessError
from characters.speech.worker import BoundedPool, PlacesTakenError

__all__ = ["find_smart_turn", "SmartTurnDetector", "SmartTurnModel", "spectrum"]


log = logging.getLogger(__name__)

Model: TypeAlias = Callable[[Floats], float]
"""Takes a spectrum, [80, 800], and returns how likely the speaker is done, 0 to 1."""

RATE, SECONDS = 16_000, 8
WINDOW, HOP, BANDS = 400, 160, 80
LIKELY = 0.5  # the bound of its makers
# A player who is done is not kept waiting for a service that has too much to do.
WITHIN_SECONDS = 0.4
MOST_WAITING = 3  # pauses; each takes a tenth of a second


def find_smart_turn() -> Path | None:
    """Return the model's file, None where it or onnxruntime is not installed."""
    package = find_spec("pipecat") if find_spec("onnxruntime") is not None else None
    for place in () if package is None else package.submodule_search_locations or ():
        models = sorted(Path(place, "audio", "turn", "smart_turn", "data").glob("smart-turn*.onnx"))
        if models:
            return models[-1]
    return None


def load_smart_turn(path: Path) -> Model:
    """Load the model: a fifth of a second. Raises whatever onnxruntime does."""
    session = load_onnx(path)
    return lambda found: float(session.run(None, {"input_features": found[None]})[0].item())


class SmartTurnModel:
    """What runs beside the service."""

    def __init__(self, path: Path, load: Callable[[Path], Model] = load_smart_turn) -> None:
        self._model = load(path)

    def completeness(self, pcm: bytes) -> Completeness:
        """Return what an utterance is so far."""
        is_done = self._model(spectrum(pcm)) > LIKELY
        return Completeness.WHOLE if is_done else Completeness.UNFINISHED


class SmartTurnDetector:
    """Implements `TurnDetector`; a process of its own loads the model and runs it."""

    def __init__(self, make: Callable[[], SmartTurnModel]) -> None:
        self._process = SpeechProcess(make, "The turn detector")
        self._pool = BoundedPool(1, MOST_WAITING, "turn detector")
        self._is_broken = False

    def load(self) -> None:
        """Load the model, beside whatever else is done: the first pause need not wait for it."""
        self._pool.submit(self._process.start)

    async def completeness(self, pcm: bytes) -> Completeness:
        """Return what an utterance is so far; UNKNOWN when that takes too long, or fails."""
        if self._is_broken:
            return Completeness.UNKNOWN
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                return await self._pool.run(lambda: self._judge(pcm))
        except (TimeoutError, PlacesTakenError, SpeechProcessError):
            return Completeness.UNKNOWN
        except Exception as error:  # a damaged model may raise anything
            self._is_broken = True
            log.error("the turn detector fails, pauses alone decide: %s", type(error).__name__)
            return Completeness.UNKNOWN

    def _judge(self, pcm: bytes) -> Completeness:
        found: Completeness = self._process.call("completeness", pcm)
        return found

    async def close(self) -> None:
        """End the process."""
        self._process.close()
        await self._pool.close()


def spectrum(pcm: bytes) -> Floats:
    """Return Whisper's spectrum of the last eight seconds of 16 kHz mono int16, [80, 800]."""
    size = RATE * SECONDS
    sound = np.zeros(size)
    samples = np.frombuffer(pcm, "<i2")[-size:] / 32_768.0
    sound[size - samples.size :] = samples
    sound = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
    padded = np.pad(sound, WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:-1]
    power = np.abs(np.fft.rfft(windows * np.hanning(WINDOW + 1)[:-1])) ** 2
    bands = np.log10(np.maximum(1e-10, power @ _bands())).T
    found: Floats = ((np.maximum(bands, bands.max() - 8.0) + 4.0) / 4.0).astype(np.float32)
    return found


@cache
def _bands() -> Floats:
    """Return Slaney's mel bands, [201, 80]: straight up to 1 kHz, logarithmic above."""
    step = np.log(6.4) / 27.0
    top = 15.0 + np.log(RATE / 2.0 / 1_000.0) / step
    mels = np.linspace(0.0, top, BANDS + 2)
    edges = np.where(mels < 15.0, mels * 200.0 / 3.0, 1_000.0 * np.exp(step * (mels - 15.0)))
    hertz = np.linspace(0.0, RATE / 2.0, WINDOW // 2 + 1)[:, None]
    rise = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    bands: Floats = np.maximum(0.0, np.minimum(rise, fall)) * (2.0 / (edges[2:] - edges[:-2]))
    return bands
