"""What PortAudio needs around it: quiet, one call at a time, and threads that may be abandoned.

PortAudio is one library for the whole process, is not safe for calls at the same time, prints to
descriptor 2 while it looks for devices, aborts the process on a machine without sound
configuration, and may never return from a call into a hung sound daemon. So it is first started
in a child process, which may die or be killed; its calls here are made one at a time, and each
that can hang on a thread that may be left behind.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from characters.audio.sources import AudioDevice
from characters.english import ENGLISH
from engine.core.alsa import silence_alsa
from engine.core.errors import install_command
from engine.core.processes import module_command, module_environment, run_in_time

__all__ = [
    "calm", "choose_device", "DeviceReport", "list_devices", "NEEDS_PYAUDIO", "OPEN_STREAMS",
    "OpenStreams", "portaudio_calls", "Retries", "run_abandonable", "stable_name",
]  # fmt: skip

# PortAudio's state belongs to the process, and so must the lock around it.
PORTAUDIO = threading.Lock()
PATIENCE_SECONDS = 3.0
# Closing takes a block or two; a hung sound daemon holds up an exit no longer than this.
EXIT_SECONDS = 0.5

# One that was there is back within 2 s of its return; what never was is looked for ever more
# rarely, because each look costs a process.
RETRY_SECONDS = 0.3
RETRY_GROWTH = 1.25
LOST_CAP_SECONDS = 1.2
ABSENT_CAP_SECONDS = 4.0

NEEDS_PYAUDIO = ENGLISH("audio.needs_pyaudio", install=install_command("mic"))

PROBE = "characters.audio.device_probe"


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """The sound devices of this machine, or the sentence that says why none can be used."""

    devices: tuple[AudioDevice, ...] = ()
    problem: str | None = None

    @property
    def inputs(self) -> tuple[AudioDevice, ...]:
        """The devices that can hear."""
        return tuple(device for device in self.devices if device.inputs)

    @property
    def outputs(self) -> tuple[AudioDevice, ...]:
        """The devices that can be heard."""
        return tuple(device for device in self.devices if device.outputs)


def calm(what: str) -> str:
    """Return a sentence about a sound device with the comfort that the game goes on."""
    return ENGLISH("audio.calm", what=what)


def stable_name(name: str) -> str:
    """Return a device's name without the numbers that change when it is plugged in again."""
    return re.sub(r"\s*[:\-]?\s*\(hw:[^)]*\)", "", name).strip()


def find_device(names: list[str], wanted: str | None) -> int | None:
    """Return the index of a device by its stable name, None when it is not there."""
    if wanted is None:
        return None
    return next((i for i, name in enumerate(names) if stable_name(name) == wanted), None)


def choose_device(
    audio: Any, direction: Literal["input", "output"], wanted: str | None
) -> Mapping[str, Any]:
    """Return PortAudio's facts of a device, of the default one if the wanted is not there."""
    infos = [audio.get_device_info_by_index(index) for index in range(audio.get_device_count())]
    channels = f"max{direction.title()}Channels"
    names = [str(info["name"]) if info[channels] else "" for info in infos]
    index = find_device(names, wanted)
    found: Mapping[str, Any] = (
        getattr(audio, f"get_default_{direction}_device_info")() if index is None else infos[index]
    )
    return found


def list_devices(timeout_seconds: float = 5.0) -> DeviceReport:
    """List the sound devices through a child process, which a broken sound set-up cannot hurt."""
    try:
        done = run_in_time(module_command(PROBE), timeout_seconds, module_environment(sys.path))
    except subprocess.TimeoutExpired:
        return DeviceReport(problem=calm(ENGLISH("audio.hangs")))
    except OSError as error:
        return DeviceReport(problem=calm(ENGLISH("audio.not_listed", why=str(error))))
    if done.returncode != 0:
        return DeviceReport(problem=calm(why_probe_failed(done.returncode, done.stderr)))
    return report_from(json.loads(done.stdout))


def why_probe_failed(status: int, stderr: bytes) -> str:
    """Return what a failed start of PortAudio means for the player."""
    if b"No module named" in stderr or b"ImportError" in stderr:
        return NEEDS_PYAUDIO
    if status < 0:
        return ENGLISH("audio.no_configuration")
    return ENGLISH("audio.no_portaudio")


def report_from(raw: dict[str, object]) -> DeviceReport:
    """Return the report for what the child process printed."""
    rows = raw["devices"]
    if not isinstance(rows, list):
        raise TypeError(f"devices is a list (got {type(rows).__name__})")
    devices: dict[str, AudioDevice] = {}
    for index, (name, inputs, outputs, rate) in enumerate(rows):
        stable = stable_name(name)
        # The same device through a second host API is the same to the player.
        if stable not in devices or index in (raw["input"], raw["output"]):
            devices[stable] = AudioDevice(stable, int(inputs), int(outputs), round(rate))
    return DeviceReport(tuple(devices.values()))


class OpenStreams:
    """The streams of this process whose callbacks may still come.

    Python must not end under one: PortAudio's thread would call into an interpreter that is gone,
    which is a crash. So its exit waits a moment for those that are being closed.
    """

    def __init__(self) -> None:
        self._streams: set[object] = set()
        self._changed = threading.Condition()
        self._is_awaited = False

    def opened(self, stream: object) -> None:
        """Note that a stream calls back from now on."""
        with self._changed:
            self._streams.add(stream)
            if not self._is_awaited:
                self._is_awaited = True
                atexit.register(self.wait, EXIT_SECONDS)

    def closed(self, stream: object) -> None:
        """Note that it does so no more."""
        with self._changed:
            self._streams.discard(stream)
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until none is open; return whether that came true in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._streams, seconds)


# They belong to the process as PortAudio's state does.
OPEN_STREAMS = OpenStreams()


class Retries:
    """How long to wait between two looks for a device."""

    def __init__(self) -> None:
        self._delay = RETRY_SECONDS
        self._cap = ABSENT_CAP_SECONDS

    def found(self) -> None:
        """Note that a device was opened."""
        self._delay, self._cap = RETRY_SECONDS, LOST_CAP_SECONDS

    def next(self) -> float:
        """Return the seconds until the next look."""
        delay = self._delay
        self._delay = min(RETRY_GROWTH * delay, self._cap)
        return delay


@contextmanager
def portaudio_calls() -> Iterator[None]:
    """Make calls that open or close: one thread at a time, with descriptor 2 silenced.

    Both end after a few seconds by themselves, so that one hung call does not hold up the others.
    """
    acquired = PORTAUDIO.acquire(timeout=PATIENCE_SECONDS)
    silence_alsa()  # also later, when a stream is late
    restore = silence_stderr()
    watchdog = threading.Timer(PATIENCE_SECONDS, restore)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()
        restore()
        if acquired:
            PORTAUDIO.release()


def silence_stderr() -> Callable[[], None]:
    """Point descriptor 2 at nothing; return what undoes it (once, from any thread)."""
    try:
        saved = os.dup(2)
    except OSError:
        return lambda: None
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)
    once = threading.Lock()

    def restore() -> None:
        if once.acquire(blocking=False):
            os.dup2(saved, 2)
            os.close(saved)

    return restore


def run_abandonable(name: str, action: Callable[[], object], timeout_seconds: float) -> bool:
    """Run a call that may hang on a daemon thread; return whether it came back in time."""
    thread = threading.Thread(target=action, name=name, daemon=True)
    thread.start()
    thread.join(timeout_seconds)
    return not thread.is_alive()
