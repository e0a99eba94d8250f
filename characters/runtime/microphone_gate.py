"""Who lets audio through, and who counts what went: two things that know nothing of each other."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GateMeter", "begins_at"]

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
