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
from typing import Any, Literal, TypeVar

from characters.audio.sources import HIGHEST_RATE, LOWEST_RATE, AudioDevice
from characters.english import ENGLISH
from characters.protocol.codec import whole_text
from engine.core.errors import install_command
from engine.core.processes import module_command, module_environment, run_in_time

__all__ = [
    "calm", "choose_device", "DeviceReport", "list_devices", "NEEDS_PYAUDIO", "open_as_it_can",
    "OPEN_STREAMS", "OpenStreams", "portaudio_calls", "read_device", "Retries", "run_abandonable",
    "stable_name",
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

NAMELESS, USUAL_RATE = "?", 48_000
MOST_CHANNELS = 256
IN_USE = -9985  # PortAudio's paDeviceUnavailable; its package may be missing

T = TypeVar("T")


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


def read_device(told: Mapping[str, object]) -> AudioDevice:
    """Return a device as PortAudio tells of it, whatever that is.

    A name that is none becomes "?", a number of channels that is none 0, a rate that no device has
    48 kHz.
    """
    name, rate = told.get("name"), told.get("defaultSampleRate")
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    stable = stable_name(whole_text(text).replace("\0", "")) if isinstance(text, str) else ""
    own_rate = USUAL_RATE
    if isinstance(rate, int | float) and LOWEST_RATE <= rate <= HIGHEST_RATE:
        own_rate = round(rate)
    inputs, outputs = (_channels(told.get(f"max{way}Channels")) for way in ("Input", "Output"))
    return AudioDevice(stable or NAMELESS, inputs, outputs, own_rate)


def _channels(count: object) -> int:
    return max(0, count) if isinstance(count, int) else 0


def _device_at(audio: Any, index: int) -> AudioDevice:
    try:
        info = audio.get_device_info_by_index(index)
    except Exception:  # whatever is wrong with one device costs the others nothing
        info = {}
    return read_device(info)


def choose_device(
    audio: Any, direction: Literal["input", "output"], wanted: str | None
) -> tuple[int, AudioDevice]:
    """Return PortAudio's index of a device by its stable name, and what it is.

    It is the default one if the wanted is not there, and the first if there is no default. Raises
    OSError when there is none at all.
    """
    devices = [_device_at(audio, index) for index in range(audio.get_device_count())]
    usable = [index for index, it in enumerate(devices) if getattr(it, f"{direction}s")]
    named = [index for index in usable if wanted is not None and devices[index].name == wanted]
    index = next(iter((*named, *_default(audio, direction, len(devices)), *usable)), None)
    if index is None:
        raise OSError(f"there is no {direction} device")
    return index, devices[index]


def _default(audio: Any, direction: str, count: int) -> tuple[int, ...]:
    """Return the index of the default device; none where PortAudio tells of none that is there."""
    try:
        index = getattr(audio, f"get_default_{direction}_device_info")()["index"]
    except Exception:  # there is none, or it cannot be described
        return ()
    # Opening one beyond the last ends the process.
    return (index,) if isinstance(index, int) and 0 <= index < count else ()


def open_as_it_can(
    open_at: Callable[[int, int], T],
    rates: tuple[int, int],
    channels: tuple[int, int],
) -> T:
    """Open a device as is wanted, or at its own rate, or with its own channels, or with both.

    `rates` and `channels` are the wanted ones and its own. Raises the last refusal.
    """
    ways = [(rate, many) for many in channels for rate in rates if 0 < many <= MOST_CHANNELS]
    for rate, many in (ways := list(dict.fromkeys(ways))):
        try:
            return open_at(rate, many)
        except (OSError, ValueError) as error:
            if (rate, many) == ways[-1] or IN_USE in error.args:
                raise
    raise OSError("no way to open it was asked for")


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
    try:
        return report_from(json.loads(done.stdout))
    except (ValueError, TypeError, KeyError):
        return DeviceReport(problem=calm(ENGLISH("audio.no_portaudio")))


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
    for index, row in enumerate(rows):
        device = read_device(row if isinstance(row, dict) else {})
        # The same device through a second host API is the same to the player.
        if device.name not in devices or index in (raw["input"], raw["output"]):
            devices[device.name] = device
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
