"""Real sound devices on a machine that has none: a FIFO behind ALSA, a private PulseAudio.

Both are plain environment variables for a process that uses PortAudio; run it as a child with
`environment=device.environment`, because ALSA reads its configuration once per process.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pytest
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
    "Xvfb": "xvfb",
    "xdotool": "xdotool",
    "setxkbmap": "x11-xkb-utils",
}
# For figures alone, so `make setup-test` does without them.
BY_HAND = {"text2wave": "festival and festvox-kdlpc16k"}


def require(*programs: str) -> None:
    """Fail with a sentence that names the package of a program that is missing.

    No package manager brings it on Windows: there the test is skipped.
    """
    for program in programs:
        if sys.platform == "win32" and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed", allow_module_level=True)
        by_hand = BY_HAND.get(program)
        how = by_hand or f"{PACKAGES[program]} (`make setup-test` does it on Debian and Ubuntu)"
        assert shutil.which(program), f"{program} is missing: install the package {how}"


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
        self._flowing = threading.Event()
        self._flowing.set()
        self._thread = threading.Thread(target=self._write, name="fifo writer", daemon=True)
        self._thread.start()

    def speak(self, samples: NDArray[np.int16]) -> None:
        """Queue 16 kHz mono samples."""
        self.queue.append(samples)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Deliver nothing for a while, as a device whose driver hangs."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

    def close(self) -> None:
        """Stop the writer."""
        self._stopping.set()
        self._flowing.set()
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
            self._flowing.wait()
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


class PrivatePulse:
    """A PulseAudio of our own: a sink whose monitor is the default microphone."""

    def __init__(self, folder: Path) -> None:
        require("pulseaudio", "pactl", "parec")
        self.folder = folder
        self.socket = folder / "pulse.socket"
        self.config = folder / "pulse.pa"
        # Without norewinds a sink's first block lasts two seconds, and so is two seconds late.
        self.config.write_text(
            f"load-module module-native-protocol-unix socket={self.socket} auth-anonymous=1\n"
            "load-module module-null-sink sink_name=voice rate=48000 channels=2 norewinds=1\n"
            "load-module module-null-sink sink_name=room rate=16000 channels=1 norewinds=1\n"
            "load-module module-remap-source source_name=microphone master=room.monitor\n"
            "set-default-sink voice\nset-default-source microphone\n"
        )
        alsa = folder / "alsa.conf"
        # Named outright: the distribution's own configuration may be absent, or ask for D-Bus.
        alsa.write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("PULSE_", "DBUS_"))},
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "PULSE_SERVER": f"unix:{self.socket}",
            "PULSE_COOKIE": str(folder / "cookie"),
            "ALSA_CONFIG_PATH": str(alsa),
        }
        self.daemon: subprocess.Popen[bytes] | None = None
        self._reader: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start the daemon, and a reader that keeps the monitor awake; return when it answered."""
        self.socket.unlink(missing_ok=True)
        self.daemon = self._spawn(
            "pulseaudio", "-n", "-F", str(self.config), "--daemonize=no", "--use-pid-file=no",
            "--exit-idle-time=-1", "--disable-shm=yes", "--log-level=error",
        )  # fmt: skip
        until(self._answers, 10.0, "PulseAudio answers")
        answered_at = time.monotonic()
        # A monitor that nobody reads is suspended: its first block comes a second or two late.
        self._reader = self._spawn("parec", "-d", "microphone", "--raw", "--latency-msec=20")
        return answered_at

    def kill(self) -> None:
        """Kill the daemon, as a crash does."""
        for process in (self._reader, self.daemon):
            if process is not None:
                process.kill()
                process.wait(5.0)

    def freeze(self, frozen: bool) -> None:
        """Make the daemon hang, or go on."""
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def speak(self, samples: NDArray[np.int16]) -> subprocess.Popen[bytes]:
        """Play 16 kHz mono into the microphone, in the background."""
        path = self.folder / "speech.raw"
        path.write_bytes(samples.tobytes())
        return self._spawn(
            "paplay", "-d", "room", "--raw", "--format=s16le", "--rate=16000", "--channels=1",
            str(path),
        )  # fmt: skip

    def record_voice(self, path: Path) -> subprocess.Popen[bytes]:
        """Record what the loudspeakers play, 48 kHz stereo, until the process is ended."""
        with path.open("wb") as file:
            return self._record("voice.monitor", file)

    @contextmanager
    def recording(self, source: str = "voice.monitor") -> Iterator[Recording]:
        """Listen to the loudspeakers, or to the microphone, with the time of each sample."""
        recording = Recording(self._record(source, subprocess.PIPE))
        try:
            until(lambda: recording.now > 0.0, 5.0, f"{source} delivers")
            yield recording
        finally:
            recording.close()

    def _record(self, source: str, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                "parec", "-d", source, "--raw", "--format=s16le", "--rate=48000",
                "--channels=2", "--latency-msec=20",
            ],
            env=self.environment,
            stdout=output,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def _answers(self) -> bool:
        assert self.daemon is not None
        assert self.daemon.poll() is None, "PulseAudio ended by itself; is its package whole?"
        asked = subprocess.run(
            ["pactl", "info"], env=self.environment, capture_output=True, timeout=5.0, check=False
        )
        return asked.returncode == 0

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


class Recording:
    """What goes through a device, as 48 kHz stereo, and when: on the clock of `time.monotonic`."""

    RATE = 48_000

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._data = bytearray()
        self._began_at = math.inf
        self._thread = threading.Thread(target=self._read, name="recording", daemon=True)
        self._thread.start()

    @property
    def now(self) -> float:
        """Until when it has heard."""
        return self._began_at + len(self._data) / 4 / self.RATE if self._data else -math.inf

    def between(self, start: float, stop: float) -> NDArray[np.int16]:
        """Return what was heard between two moments, shape (samples, 2)."""
        first, last = (max(0, round((t - self._began_at) * self.RATE)) for t in (start, stop))
        return np.frombuffer(bytes(self._data[4 * first : 4 * last]), np.int16).reshape(-1, 2)

    def sounds(self, start: float, stop: float, over: int = 60) -> tuple[float, float] | None:
        """Return when the first and the last loud sample between two moments were heard."""
        loud = np.flatnonzero((np.abs(self.between(start, stop).astype(np.int32)) > over).any(1))
        if not loud.size:
            return None
        return start + float(loud[0]) / self.RATE, start + float(loud[-1]) / self.RATE

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(5.0)
        self._thread.join(2.0)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            while piece := os.read(pipe.fileno(), 1 << 16):
                # A piece may come late, never early: the earliest start that any implies is best.
                length = (len(self._data) + len(piece)) / 4 / self.RATE
                self._began_at = min(self._began_at, time.monotonic() - length)
                self._data += piece


@contextmanager
def private_pulseaudio() -> Iterator[PrivatePulse]:
    """Run a PulseAudio for child processes, which may be killed, frozen and started again."""
    with tempfile.TemporaryDirectory(prefix="troupe-pulse-", ignore_cleanup_errors=True) as folder:
        pulse = PrivatePulse(Path(folder))
        pulse.start()
        try:
            yield pulse
        finally:
            pulse.freeze(False)
            pulse.kill()
