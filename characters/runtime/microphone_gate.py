"""Who lets audio through, and who counts what went: two things that know nothing of each other."""

from __future__ import annotations

from dataclasses import dataclass

from characters.core.state import MicrophoneView

__all__ = ["GateMeter", "MicrophoneGate", "begins_at"]

BYTES_PER_SECOND = 2 * 16_000


def begins_at(pcm: bytes, captured_at: float) -> float:
    """Return when the first sample of a frame was heard; ``captured_at`` is that of its last."""
    return captured_at - len(pcm) / BYTES_PER_SECOND


@dataclass
class GateMeter:
    """Measures where audio leaves, from the ready signal alone, whatever the gate decided."""

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
    """The gate of a session as the machine orders it; its counts go on over connections."""

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
        """Let frames through that begin at ``opened_at`` or later."""
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
        """Return where a frame of before the opening goes, None while it is closed.

        Kept words begin at the opening, one after the other: before it nothing was sent, and a
        time stamp before it would say that something was.
        """
        if not self._is_open or self._opened_at is None:
            return None
        begin = self._opened_at if self._kept_until is None else self._kept_until
        self._kept_until = begin + len(pcm) / BYTES_PER_SECOND
        return begin

    def stamp(self, begins_at: float) -> float:
        """Return where a frame of now goes: behind the kept words, if there were any."""
        if self._kept_until is not None:
            self._shift = max(0.0, self._kept_until - begins_at)
            self._kept_until = None
        return begins_at + self._shift

    @property
    def view(self) -> MicrophoneView:
        """What the game may see of it."""
        sent, before = self._counted
        return MicrophoneView(
            ready_at=self._meter.ready_at,
            opened_at=self._opened_at,
            frames_sent=sent + self._meter.frames_sent,
            frames_before_open=before + self._meter.frames_before_open,
            is_open=self._is_open,
        )
