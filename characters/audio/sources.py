"""Microphones without a device: recordings, made-up sound and silence, in real time."""

from __future__ import annotations

import threading
import time
import wave
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from characters.audio.source import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, FrameSink
from characters.core.levels import Samples
from characters.core.resampler import resample

__all__ = ["PacedSource", "ScriptSource", "SilentSource", "ToneSource", "read_wav"]


def read_wav(path: Path) -> Samples:
    """Read a 16-bit WAV file of any rate as 16 kHz mono. Raises ValueError, OSError."""
    try:
        with wave.open(str(path)) as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{path} is not a WAV file that can be read: {error}") from error
    if width != 2:
        raise ValueError(f"{path} has {8 * width}-bit samples; convert it to 16-bit PCM")
    samples = np.frombuffer(data, "<i2").astype(np.int16)
    if channels > 1:
        samples = samples.reshape(-1, channels).mean(axis=1).astype(np.int16)
    return resample(samples, rate, SAMPLE_RATE)


class PacedSource:
    """Delivers a frame of `next_frame` every 20 ms on a thread of its own.

    A thread that was held up delivers what it missed at once, as a real device does.
    """

    def __init__(
        self,
        next_frame: Callable[[], Samples],
        device: str,
        problem: str | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.device = device
        self.problem = problem
        self._next_frame = next_frame
        self._now = now
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def choose(self, device: str | None) -> None:
        """Do nothing: there is no other device."""

    def start(self, sink: FrameSink) -> None:
        """Begin to deliver frames; a second start replaces the first."""
        self.stop()
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(sink, self._stopping), name="paced microphone", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Deliver no more frames."""
        self._stopping.set()

    def _run(self, sink: FrameSink, stopping: threading.Event) -> None:
        due = self._now() + FRAME_SECONDS
        while not stopping.wait(max(0.0, due - self._now())):
            sink(self._next_frame(), self._now())
            due += FRAME_SECONDS


class ScriptSource(PacedSource):
    """Silence, into which a script speaks recordings one after the other."""

    def __init__(self, device: str = "script", now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(self._take, device, now=now)
        self._frames: deque[Samples] = deque()

    def speak(self, samples: Samples) -> None:
        """Queue 16 kHz mono samples; the last frame is filled up with silence (any thread)."""
        for start in range(0, samples.size, FRAME_SAMPLES):
            frame = np.zeros(FRAME_SAMPLES, np.int16)
            piece = samples[start : start + FRAME_SAMPLES]
            frame[: piece.size] = piece
            self._frames.append(frame)

    def speak_wav(self, path: Path) -> None:
        """Queue a WAV file. Raises ValueError, OSError."""
        self.speak(read_wav(path))

    @property
    def is_speaking(self) -> bool:
        """Whether anything queued is still to be delivered."""
        return bool(self._frames)

    def _take(self) -> Samples:
        return self._frames.popleft() if self._frames else np.zeros(FRAME_SAMPLES, np.int16)


class SilentSource(PacedSource):
    """A microphone that hears nothing, with the reason why there is no other."""

    def __init__(
        self,
        problem: str | None = "No microphone is used. Typing works.",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        silence = np.zeros(FRAME_SAMPLES, np.int16)
        super().__init__(lambda: silence, "none", problem, now)


class ToneSource(PacedSource):
    """A steady tone, for level tests and measurements."""

    def __init__(
        self,
        hertz: float = 440.0,
        amplitude: float = 0.3,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(self._take, f"tone of {hertz:g} Hz", now=now)
        self._step = 2.0 * np.pi * hertz / SAMPLE_RATE
        self._amplitude = amplitude * 32_767.0
        self._position = 0

    def _take(self) -> Samples:
        positions = self._position + np.arange(FRAME_SAMPLES)
        self._position += FRAME_SAMPLES
        tone: Samples = (self._amplitude * np.sin(self._step * positions)).astype(np.int16)
        return tone
