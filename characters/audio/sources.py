"""Where microphone frames come from: the protocol of a source, and sources without a device."""

from __future__ import annotations

import io
import threading
import time
import wave
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias
from weakref import WeakSet

import numpy as np

from characters.audio.signal import FULL_SCALE, Floats, Samples, mono, resample
from characters.english import ENGLISH
from engine.core.errors import install_command
from engine.core.file_system import read_file

__all__ = [
    "AudioDevice", "FaultInjector", "Frame", "FRAME_SAMPLES", "FRAME_SECONDS", "FrameRing",
    "FrameSink", "HIGHEST_RATE", "LOWEST_RATE", "MicrophoneSource", "read_wav", "SAMPLE_RATE",
    "ScriptSource", "SilentSource", "SourceFactory",
]  # fmt: skip

SAMPLE_RATE = 16_000
FRAME_SAMPLES = 320
FRAME_BYTES = 2 * FRAME_SAMPLES
FRAME_SECONDS = FRAME_SAMPLES / SAMPLE_RATE
LOWEST_RATE, HIGHEST_RATE = 1_000, 768_000  # of what may be sound
MOST_BYTES, LONGEST_SECONDS = 256 << 20, 30 * 60  # of a recording
PIECE = 65_536  # numbers that are read at once

FrameSink: TypeAlias = Callable[[Samples, float], None]
"""Takes one 20 ms frame (320 samples) and the clock time at which its last one was captured.

Called on the source's own thread: it must not wait, nor keep the samples without a copy.
"""


class MicrophoneSource(Protocol):
    """A device, a file or silence that frames come from."""

    @property
    def device(self) -> str:
        """Name of what is heard, for the HUD."""

    @property
    def problem(self) -> str | None:
        """One calm sentence when nothing can be heard, None while all is well."""

    def choose(self, device: str | None) -> None:
        """Switch to a device by its stable name, None for the default; others ignore it."""

    def start(self, sink: FrameSink) -> None:
        """Begin to deliver frames; returns at once, trouble shows in `problem`."""

    def stop(self) -> None:
        """Deliver no more frames from now on; never waits for a device."""


SourceFactory: TypeAlias = Callable[[], MicrophoneSource]


@dataclass(frozen=True, slots=True)
class AudioDevice:
    """A sound device as the player may choose it."""

    name: str
    inputs: int
    outputs: int
    sample_rate: int


def read_wav(path: Path) -> Samples:
    """Read a WAV file as 16 kHz mono: one of 16 bits, with the package soundfile any.

    Raises ValueError when it is something else, holds no sound or is too long, OSError when it
    cannot be read.
    """
    if not path.exists():
        raise ValueError(f"there is no file {path}")
    data = read_file(path, MOST_BYTES)
    samples, rate = _read_16_bits(data) or _read_any(path, data)
    if not samples.size:
        raise ValueError(f"{path} holds no sound")
    _check(len(samples), rate, path)
    sound = mono(samples) if samples.shape[1] > 1 else samples[:, 0]
    return resample(sound, rate, SAMPLE_RATE)


def _check(samples: int, rate: int, path: Path) -> None:
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ValueError(f"{path} has {rate} samples a second: that is no sound")
    if samples > LONGEST_SECONDS * rate:
        raise ValueError(f"{path} is longer than {LONGEST_SECONDS // 60} minutes: cut it")


def _read_16_bits(data: bytes) -> tuple[Samples, int] | None:
    """Return frames [n, channels] and their rate, None for what only soundfile reads."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            pcm = file.readframes(file.getnframes())
    except (wave.Error, EOFError, RuntimeError):  # the last for a chunk beyond the end
        return None
    # Nothing: as one that was streamed may say of its size.
    if width != 2 or not pcm:
        return None
    frames = np.frombuffer(pcm[: len(pcm) // (2 * channels) * 2 * channels], "<i2")
    return frames.reshape(-1, channels).astype(np.int16), rate


def _read_any(path: Path, data: bytes) -> tuple[Samples, int]:
    try:
        import soundfile
    except ImportError as error:
        install = install_command("speech")
        raise ValueError(
            f"{path} is no WAV file of 16 bits: convert it, or `{install}` reads others too"
        ) from error
    with _told(path):
        file = soundfile.SoundFile(io.BytesIO(_with_size(data)))
    _check(file.frames, file.samplerate, path)  # what it says, which may be anything
    with _told(path):
        return _to_16_bits(_pieces_of(file)), int(file.samplerate)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, TypeError, ValueError) as error:
        why = str(error).rpartition(": ")[2] or "it ends too early"
        raise ValueError(f"{path} is not a WAV file that can be read: {why}") from error


def _pieces_of(file: Any) -> Iterator[Floats]:
    """Yield a file piece by piece, as floats: soundfile takes those of a file for 16-bit steps."""
    size = max(1, PIECE // file.channels)
    while (piece := file.read(size, dtype="float32", always_2d=True)).size:
        yield piece


def _to_16_bits(pieces: Iterable[Floats]) -> Samples:
    found = [np.zeros((0, 1), np.int16)]
    for piece in pieces:
        if not np.isfinite(piece).all():
            raise ValueError("it holds what is no number")
        sound = np.clip(piece, -1.0, 1.0).mean(axis=1, keepdims=True)
        found.append((sound * FULL_SCALE).astype(np.int16))
    return np.concatenate(found)


def _with_size(data: bytes) -> bytes:
    """Return a WAV file whose sound goes to its end where its size, unknown, is said to be 0."""
    at = data.find(b"data") + 4
    is_chunk = data[at + 4 : at + 8].strip().isalnum()
    if at < 4 or data[at : at + 4] != bytes(4) or is_chunk:
        return data
    return data[:at] + b"\xff" * 4 + data[at + 4 :]


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
            piece = samples[start : start + FRAME_SAMPLES]
            self._frames.append(np.pad(piece, (0, FRAME_SAMPLES - piece.size)))

    @property
    def is_speaking(self) -> bool:
        """Whether anything queued is still to be delivered."""
        return bool(self._frames)

    def _take(self) -> Samples:
        return self._frames.popleft() if self._frames else np.zeros(FRAME_SAMPLES, np.int16)


class SilentSource(PacedSource):
    """A microphone that hears nothing, with the reason as its `problem`."""

    def __init__(
        self,
        problem: str | None = ENGLISH("audio.none_used"),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        silence = np.zeros(FRAME_SAMPLES, np.int16)
        super().__init__(lambda: silence, "none", problem, now)


class Frame(NamedTuple):
    """One frame as it was captured; `sequence` counts all frames since the start."""

    sequence: int
    captured_at: float
    samples: Samples


class FrameRing:
    """Carries frames from a sound thread to the network thread: one writer, one reader, no lock.

    The writer never waits, a slow reader loses the oldest. Each slot carries the number of the
    frame in it, and none while it is being written; the reader copies and then looks again, so a
    frame that was overwritten meanwhile is never torn, only missed and counted.
    """

    def __init__(self, slots: int = 64, wake: Callable[[], object] | None = None) -> None:
        self._samples = np.zeros((slots, FRAME_SAMPLES), np.int16)
        self._times = [0.0] * slots
        self._numbers = [-1] * slots
        self._slots = slots
        self._written = self._read = 0
        self._wake = wake
        self.overruns = 0

    def put(self, samples: Samples, captured_at: float) -> None:
        """Copy a frame of 320 samples in (writer's thread)."""
        number = self._written
        slot = number % self._slots
        self._numbers[slot] = -1
        self._samples[slot] = samples
        self._times[slot] = captured_at
        self._numbers[slot] = number
        self._written = number + 1
        if self._wake is not None:
            self._wake()

    def get(self) -> Frame | None:
        """Return the next frame that is still there, None when there is none (reader's thread)."""
        while self._read < self._written:
            oldest = self._written - self._slots
            if self._read < oldest:
                self.overruns += oldest - self._read
                self._read = oldest
            number, slot = self._read, self._read % self._slots
            frame = Frame(number, self._times[slot], self._samples[slot].copy())
            self._read = number + 1
            if self._numbers[slot] == number:
                return frame
            self.overruns += 1
        return None

    def clear(self) -> None:
        """Drop what was not read (reader's thread): old frames must not be sent later."""
        self._read = self._written


UNPLUGGED = ENGLISH("audio.unplugged")


class FaultInjector:
    """Makes the sources of a microphone, and unplugs all of them or plugs them in again.

    A factory of sources itself: put it between a device and `RuntimeBuilder.use_microphone`. Frames
    go from the inner source to its sink directly.
    """

    def __init__(self, make: SourceFactory) -> None:
        self._make = make
        self.is_pulled = False
        """Whether the microphone is unplugged."""
        self._sources: WeakSet[FaultInjectingSource] = WeakSet()
        self._lock = threading.Lock()  # unplugged on the main thread, made on the network thread

    def __call__(self) -> FaultInjectingSource:
        """Make a source."""
        with self._lock:
            source = FaultInjectingSource(self._make(), self.is_pulled)
            self._sources.add(source)
        return source

    def pull(self) -> None:
        """Unplug it: no more frames come, and the sources say so."""
        self._set(True)

    def push(self) -> None:
        """Plug it in: sources that were started deliver again."""
        self._set(False)

    def _set(self, is_pulled: bool) -> None:
        with self._lock:
            self.is_pulled = is_pulled
            sources = tuple(self._sources)
        for source in sources:
            source.set_pulled(is_pulled)


class FaultInjectingSource:
    """A source that can be unplugged: then it stops the inner one and names the problem."""

    def __init__(self, inner: MicrophoneSource, is_pulled: bool) -> None:
        self._inner = inner
        self._is_pulled = is_pulled
        self._sink: FrameSink | None = None
        self._lock = threading.Lock()

    @property
    def device(self) -> str:
        """Name of what is heard."""
        return self._inner.device

    @property
    def problem(self) -> str | None:
        """Why nothing can be heard, None while all is well."""
        return UNPLUGGED if self._is_pulled else self._inner.problem

    def choose(self, device: str | None) -> None:
        """Switch to a device by its stable name."""
        self._inner.choose(device)

    def start(self, sink: FrameSink) -> None:
        """Begin to deliver frames, now or once it is plugged in."""
        with self._lock:
            self._sink = sink
            if not self._is_pulled:
                self._inner.start(sink)

    def stop(self) -> None:
        """Deliver no more frames."""
        with self._lock:
            self._sink = None
            self._inner.stop()

    def set_pulled(self, is_pulled: bool) -> None:
        """Stop the inner source as a pulled cable does, or start it again."""
        with self._lock:
            if is_pulled == self._is_pulled:
                return
            self._is_pulled = is_pulled
            if is_pulled:
                self._inner.stop()
            elif self._sink is not None:
                self._inner.start(self._sink)
