"""The microphone on the network thread: from the open source to the gate of a session."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from characters.audio.signal import Samples
from characters.audio.sources import (
    FRAME_SECONDS,
    Frame,
    FrameRing,
    MicrophoneSource,
    SourceFactory,
)
from characters.session.conversation import MicrophoneView

__all__ = ["begins_at", "Capture", "EchoFilter", "GateMeter", "MicrophoneGate", "PreRoll"]


class EchoFilter(Protocol):
    """Takes what the loudspeakers play out of what the microphone hears."""

    @property
    def is_settled(self) -> bool:
        """Whether it has learnt the room, so that what is left is no echo."""

    def clean(self, samples: Samples) -> Samples:
        """Return a frame without the echo in it."""


class Capture:
    """Opens, switches and closes the source, and hands on what it heard."""

    def __init__(
        self,
        source_factory: SourceFactory,
        wake: Callable[[], None],
        echo: EchoFilter | None = None,
    ) -> None:
        self._source_factory = source_factory
        self._echo = echo
        self._ring = FrameRing(wake=wake)
        self._source: MicrophoneSource | None = None
        self._device: str | None = None
        self.has_echo_filter = echo is not None
        self.cancels_echo = False

    @property
    def is_open(self) -> bool:
        """Whether a source is open."""
        return self._source is not None

    @property
    def is_free_of_echo(self) -> bool:
        """Whether what is heard is surely not what the loudspeakers play."""
        return self._echo is not None and self.cancels_echo and self._echo.is_settled

    @property
    def problem(self) -> str | None:
        """One calm sentence when nothing can be heard."""
        return None if self._source is None else self._source.problem

    @property
    def device(self) -> str:
        """Name of the device."""
        return "" if self._source is None else self._source.device

    @property
    def overruns(self) -> int:
        """How many frames were lost because they were not taken in time."""
        return self._ring.overruns

    def tend(self, device: str | None) -> None:
        """Open the source, or let it follow the player's choice of device."""
        if self._source is None:
            self._ring.clear()
            self._source = self._source_factory()
            if device is not None:
                self._source.choose(device)
            self._source.start(self._ring.put)
        elif device != self._device:
            self._source.choose(device)
        self._device = device

    def frames(self) -> Iterator[Frame]:
        """Yield what was heard since the last time."""
        while (frame := self._ring.get()) is not None:
            if self._echo is not None and self.cancels_echo:
                frame = frame._replace(samples=self._echo.clean(frame.samples))
            yield frame

    def close(self) -> None:
        """Stop the source, and drop the frames that were not taken."""
        if self._source is not None:
            self._source.stop()
            self._source = None
        self._ring.clear()


# What is heard before the first word: a plosive is over before it is recognised as speech.
LEAD_FRAMES = 15
# A character that gets ready so much later would answer to words out of place.
FORGET_SECONDS = 30.0


class PreRoll:
    """Keeps the newest frames of speech to a character that is getting ready, within a bound.

    Silence is not kept: before speech only a short lead, and after it no more than `pause`,
    which lets the service find the end of the sentence. It never pushes words out.
    """

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._has_speech = False
        self._last_speech_at = 0.0

    def __bool__(self) -> bool:
        return self._has_speech

    @property
    def seconds(self) -> float:
        """How much speech is kept."""
        return len(self._frames) * FRAME_SECONDS if self._has_speech else 0.0

    def keep(self, samples: Samples, at: float, *, speaks: bool, most: float, pause: float) -> None:
        """Keep a frame that was captured at that time, and at most so many seconds in all."""
        if speaks:
            self._has_speech, self._last_speech_at = True, at
        bound = round(most / FRAME_SECONDS)
        is_full, is_over = len(self._frames) >= bound, at - self._last_speech_at > pause
        if self._has_speech and not speaks and (is_full or is_over):
            return
        self._frames.append(samples.tobytes())
        while len(self._frames) > (bound if self._has_speech else min(bound, LEAD_FRAMES)):
            self._frames.popleft()

    def add(self, samples: Samples) -> None:
        """Put a frame behind what is being sent already: it is the same sentence."""
        self._frames.append(samples.tobytes())

    def first(self) -> bytes:
        """Return the oldest frame."""
        return self._frames[0]

    def sent(self) -> None:
        """Take the oldest frame out."""
        self._frames.popleft()
        if not self._frames:
            self.clear()

    def is_stale(self, now: float) -> bool:
        """Return whether the words are too old to be said now."""
        return self._has_speech and now - self._last_speech_at > FORGET_SECONDS

    def clear(self) -> None:
        """Forget everything."""
        self._frames.clear()
        self._has_speech = False


BYTES_PER_SECOND = 2 * 16_000


def begins_at(pcm: bytes, captured_at: float) -> float:
    """Return when the first sample of a frame was heard; `captured_at` is that of its last."""
    return captured_at - len(pcm) / BYTES_PER_SECOND


@dataclass
class GateMeter:
    """Measures where audio leaves, from the ready signal alone: the gate is held against it."""

    ready_at: float | None = None
    delay: float = 0.0
    frames_sent: int = 0
    frames_before_open: int = 0

    def count(self, begins_at: float) -> float:
        """Count a frame and return its time stamp: seconds since the ready signal."""
        timestamp = -1.0 if self.ready_at is None else begins_at - self.ready_at
        self.frames_sent += 1
        # Rounding of a microsecond is not speech.
        if timestamp < self.delay - 1e-6:
            self.frames_before_open += 1
        return timestamp


class MicrophoneGate:
    """The gate of a session, as the machine orders it; its counts go on over connections."""

    def __init__(self) -> None:
        self._meter = GateMeter()
        self._counted = (0, 0)
        self._opened_at: float | None = None
        self._is_open = False
        self._kept_until: float | None = None
        self._shift = 0.0

    def ready(self, meter: GateMeter, delay: float) -> None:
        """Begin a connection: its meter counts from now on."""
        view = self.view
        self._counted = (view.frames_sent, view.frames_before_open)
        self._meter = meter
        meter.delay = delay
        self._opened_at = self._kept_until = None
        self._shift = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it lets through what is said now."""
        return self._is_open and self._opened_at is not None

    def open(self, opened_at: float, delay: float) -> None:
        """Let frames through that begin at `opened_at` or later."""
        self._opened_at = opened_at
        self._is_open = True
        self._meter.delay = delay

    def close(self) -> None:
        """Let nothing through."""
        self._is_open = False

    def lets(self, begins_at: float) -> bool:
        """Return whether a frame that began then may pass."""
        return self._is_open and self._opened_at is not None and begins_at >= self._opened_at

    def next_kept(self, pcm: bytes) -> float | None:
        """Return the time stamp of a frame of before the opening, None while the gate is closed.

        Kept words begin at the opening, one after the other: before it nothing was sent, and a
        time stamp before it would say that something was.
        """
        if not self._is_open or self._opened_at is None:
            return None
        begin = self._opened_at if self._kept_until is None else self._kept_until
        self._kept_until = begin + len(pcm) / BYTES_PER_SECOND
        return begin

    def stamp(self, begins_at: float) -> float:
        """Return the time stamp of a frame of now: behind the kept words, if there were any."""
        if self._kept_until is not None:
            self._shift = max(0.0, self._kept_until - begins_at)
            self._kept_until = None
        return begins_at + self._shift

    @property
    def view(self) -> MicrophoneView:
        """What the game sees of it."""
        sent, before = self._counted
        return MicrophoneView(
            ready_at=self._meter.ready_at,
            opened_at=self._opened_at,
            frames_sent=sent + self._meter.frames_sent,
            frames_before_open=before + self._meter.frames_before_open,
            is_open=self._is_open,
        )
