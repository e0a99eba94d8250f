"""Real sound devices on a machine that has none: a FIFO behind ALSA, a private PulseAudio.

Both are plain environment variables for a process that uses PortAudio; run it as a child with
`environment=device.environment`, because ALSA reads its configuration once per process.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PERIOD_SAMPLES = 320
PERIOD_SECONDS = 0.02
RATE = 16_000
# PortAudio opens every device for a moment when it starts: such a reader is not spoken to.
WARM_UP_PERIODS = 15

PACKAGES = {
    "pulseaudio": "pulseaudio",
    "pactl": "pulseaudio-utils",
    "parec": "pulseaudio-utils",
    "paplay": "pulseaudio-utils",
    "espeak-ng": "espeak-ng",
    "flite": "flite",
}


def require(*programs: str) -> None:
    """Fail with a sentence that names the package of a program that is missing."""
    for program in programs:
        assert shutil.which(program), (
            f"{program} is missing: install the package {PACKAGES[program]} "
            f"(`make setup` does it on Debian and Ubuntu)"
        )


def until(condition: Callable[[], bool], within: float, what: str) -> float:
    """Wait for a condition with a deadline; return how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within, f"not within {within} s: {what}"
        threading.Event().wait(0.005)
    return time.monotonic() - began


class FifoMicrophone:
    """A capture device that hears what `speak` is given, and silence otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fifo = folder / "microphone.fifo"
        os.mkfifo(self.fifo)
        self.config = folder / "alsa.conf"
        self.config.write_text(
            "pcm.!default {\n  type file\n  slave.pcm silence\n  file /dev/null\n"
            f'  infile "{self.fifo}"\n  format raw\n}}\n'
            "pcm.silence { type null }\n"
        )
        self.environment = {**os.environ, "ALSA_CONFIG_PATH": str(self.config)}
        self.queue: list[NDArray[np.int16]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._write, name="fifo writer", daemon=True)
        self._thread.start()

    def speak(self, samples: NDArray[np.int16]) -> None:
        """Queue 16 kHz mono samples."""
        self.queue.append(samples)

    def close(self) -> None:
        self._stopping.set()
        # A writer that still waits for a reader is let go by one.
        reader = os.open(self.fifo, os.O_RDONLY | os.O_NONBLOCK)
        self._thread.join(2.0)
        os.close(reader)

    def _write(self) -> None:
        while not self._stopping.is_set():
            try:
                with self.fifo.open("wb", buffering=0) as pipe:
                    self._feed(pipe.write)
            except BrokenPipeError:
                continue  # the reader went away; the next one is waited for

    def _feed(self, write: Callable[[bytes], object]) -> None:
        due = time.monotonic()
        periods = 0
        silence = bytes(2 * PERIOD_SAMPLES)
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            write(self._next_period() if periods >= WARM_UP_PERIODS else silence)
            periods += 1
            due += PERIOD_SECONDS

    def _next_period(self) -> bytes:
        period = np.zeros(PERIOD_SAMPLES, np.int16)
        if self.queue:
            head = self.queue[0]
            period[: head[:PERIOD_SAMPLES].size] = head[:PERIOD_SAMPLES]
            self.queue[0] = head[PERIOD_SAMPLES:]
            if not self.queue[0].size:
                self.queue.pop(0)
        return period.tobytes()


@contextmanager
def fifo_microphone() -> Iterator[FifoMicrophone]:
    """Offer a microphone as ALSA's default device, for child processes."""
    with tempfile.TemporaryDirectory(prefix="troupe-fifo-") as folder:
        microphone = FifoMicrophone(Path(folder))
        try:
            yield microphone
        finally:
            microphone.close()
