"""What a microphone is: the one protocol behind devices, files and silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from characters.core.levels import Samples

__all__ = [
    "FRAME_BYTES",
    "FRAME_SAMPLES",
    "FRAME_SECONDS",
    "SAMPLE_RATE",
    "AudioDevice",
    "FrameSink",
    "MicrophoneSource",
    "SourceFactory",
]

SAMPLE_RATE = 16_000
FRAME_SAMPLES = 320
FRAME_BYTES = 2 * FRAME_SAMPLES
FRAME_SECONDS = FRAME_SAMPLES / SAMPLE_RATE

FrameSink: TypeAlias = Callable[[Samples, float], None]
"""Takes one 20 ms frame (320 samples) and the clock time at which its last one was captured.

Called on the source's own thread: it must not wait, nor keep the samples without a copy.
"""


class MicrophoneSource(Protocol):
    """Something that hears: a device, a file, silence."""

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
    is_default_input: bool = False
    is_default_output: bool = False
