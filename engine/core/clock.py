"""Clocks, which can be replaced, and the time of one frame."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock", "Time"]


class Clock(Protocol):
    """Source of monotonic seconds."""

    def now(self) -> float:
        """Return the present moment in seconds; only differences mean something."""
        ...


class SystemClock:
    """The machine's monotonic clock."""

    now = staticmethod(time.monotonic)


class ManualClock:
    """A clock that stands still until a test, or a replay, moves it."""

    def __init__(self, now: float = 0.0) -> None:
        self._now = now

    def now(self) -> float:
        """Return the moment that it was moved to."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds. Raises ValueError for a step back."""
        if seconds < 0.0:
            raise ValueError(f"A monotonic clock cannot go back (got {seconds} s).")
        self._now += seconds


@dataclass(frozen=True, slots=True)
class Time:
    """The time of one frame, in seconds.

    `now` is the clock's reading at the start of the frame, on the one monotonic clock that the
    whole process shares; `elapsed` is game time, the sum of the scaled deltas.
    """

    now: float = 0.0
    delta: float = 0.0
    frame: int = 0
    scale: float = 1.0
    unscaled_delta: float = 0.0
    fixed_delta: float = 0.02
    elapsed: float = 0.0
