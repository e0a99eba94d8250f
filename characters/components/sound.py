"""The sound of a game: PortAudio's microphone and voice, or silence that keeps time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from characters.audio.clock_voice import ClockVoice
from characters.audio.portaudio import DeviceReport, calm, list_devices
from characters.audio.source import SourceFactory
from characters.audio.sources import SilentSource
from characters.audio.voice import Voice
from characters.components.faults import Task
from characters.runtime.capture import EchoFilter

__all__ = ["Sound", "SoundDevices", "open_sound"]


class SoundDevices:
    """The sound devices that the player may choose from, looked for beside the frames.

    Called on the main thread; nothing here waits, and nothing is heard or played: a process of
    its own asks PortAudio what there is.
    """

    def __init__(self, find: Callable[[], DeviceReport] = list_devices) -> None:
        self._find = find
        self._report = DeviceReport()
        self._search: Task | None = None

    @property
    def is_looking(self) -> bool:
        """Whether a search is under way."""
        return self._search is not None and not self._search.is_done

    @property
    def report(self) -> DeviceReport:
        """What the last search found; nothing before the first one has ended."""
        if self._search is not None and self._search.error is not None:
            return DeviceReport(problem=calm("The sound devices could not be listed."))
        return self._report

    def look(self) -> None:
        """Begin to look for devices, unless that is under way."""
        if not self.is_looking:
            self._search = Task(self._run, "list sound devices")

    def _run(self) -> None:
        self._report = self._find()


@dataclass(frozen=True)
class Sound:
    """What a runtime hears and speaks through; no device is open yet."""

    microphone: SourceFactory
    voice: Voice
    devices: SoundDevices
    echo: EchoFilter | None = None


def open_sound(*, devices: bool = True, now: Callable[[], float] = time.monotonic) -> Sound:
    """Return the machine's sound, or none: then there are text and captions only.

    The loudspeaker is opened when the runtime starts, the microphone after the player's first
    explicit act. A machine that cannot have either says so in their `problem`.
    """
    if not devices:
        silent = without(calm("This game runs without sound."))
        return Sound(lambda: SilentSource(now=now), ClockVoice(), silent)
    try:
        # Imported here: text and captions need neither PortAudio nor its package.
        from characters.audio.microphone import PortAudioMicrophone
        from characters.audio.speaker import PortAudioVoice
    except ImportError:
        missing = calm("PyAudio is not installed, so there is no sound.")
        voice = ClockVoice(problem=missing)
        return Sound(lambda: SilentSource(missing, now=now), voice, without(missing))
    from characters.audio.echo import open_echo_canceller

    echo = open_echo_canceller()
    played = None if echo is None else echo.played
    return Sound(
        lambda: PortAudioMicrophone(now=now), PortAudioVoice(played=played), SoundDevices(), echo
    )


def without(problem: str) -> SoundDevices:
    """Return no devices, with the sentence that says why."""
    return SoundDevices(lambda: DeviceReport(problem=problem))
