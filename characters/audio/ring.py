"""A ring of preallocated 20 ms frames between a sound thread and the network thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from characters.audio.source import FRAME_SAMPLES
from characters.core.levels import Samples

__all__ = ["Frame", "FrameRing"]


class Frame(NamedTuple):
    """One frame as it was captured; `sequence` counts all frames since the start."""

    sequence: int
    captured_at: float
    samples: Samples


class FrameRing:
    """One writer, one reader, no lock: the writer never waits, a slow reader loses the oldest.

    Each slot carries the number of the frame in it, and none while it is being written; the
    reader copies and then looks again, so a frame that was overwritten meanwhile is never torn,
    only missed and counted.
    """

    def __init__(self, slots: int = 64, wake: Callable[[], object] | None = None) -> None:
        self._samples = np.zeros((slots, FRAME_SAMPLES), np.int16)
        self._times = [0.0] * slots
        self._numbers = [-1] * slots
        self._slots = slots
        self._written = 0
        self._read = 0
        self._wake = wake
        self.overruns = 0

    def put(self, samples: Samples, captured_at: float) -> None:
        """Copy a frame of 320 samples in (writer's thread)."""
        number = self._written
        slot = number % self._slots
        self._numbers[slot] = -1
        self._samples[slot] = samples
        self._times[slot] = captured_at
        self._numbers[slot] = number
        self._written = number + 1
        if self._wake is not None:
            self._wake()

    def get(self) -> Frame | None:
        """Return the next frame that is still there, None when there is none (reader's thread)."""
        while self._read < self._written:
            oldest = self._written - self._slots
            if self._read < oldest:
                self.overruns += oldest - self._read
                self._read = oldest
            number, slot = self._read, self._read % self._slots
            captured_at = self._times[slot]
            samples = self._samples[slot].copy()
            self._read = number + 1
            if self._numbers[slot] == number:
                return Frame(number, captured_at, samples)
            self.overruns += 1
        return None

    def clear(self) -> None:
        """Forget what was not read (reader's thread): frames of before must not be sent later."""
        self._read = self._written
