"""The sound of a game: PortAudio's microphone and voice, or silence that keeps time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from characters.audio.clock_voice import ClockVoice
from characters.audio.source import SourceFactory
from characters.audio.sources import SilentSource
from characters.audio.voice import Voice
from characters.runtime.capture import EchoFilter

__all__ = ["Sound", "open_sound"]


@dataclass(frozen=True)
class Sound:
    """What a runtime hears and speaks through; no device is open yet."""

    microphone: SourceFactory
    voice: Voice
    echo: EchoFilter | None = None


def open_sound(*, devices: bool = True, now: Callable[[], float] = time.monotonic) -> Sound:
    """Return the machine's sound, or none: then there are text and captions only.

    The loudspeaker is opened when the runtime starts, the microphone after the player's first
    explicit act. A machine that cannot have either says so in their `problem`.
    """
    if not devices:
        return Sound(lambda: SilentSource(now=now), ClockVoice())
    try:
        # Imported here: text and captions need neither PortAudio nor its package.
        from characters.audio.microphone import PortAudioMicrophone
        from characters.audio.speaker import PortAudioVoice
    except ImportError:
        missing = "PyAudio is not installed, so there is no sound. Typing and captions work."
        return Sound(lambda: SilentSource(missing, now=now), ClockVoice(problem=missing))
    from characters.audio.echo import open_echo_canceller

    echo = open_echo_canceller()
    voice = PortAudioVoice(played=None if echo is None else echo.played)
    return Sound(lambda: PortAudioMicrophone(now=now), voice, echo)
