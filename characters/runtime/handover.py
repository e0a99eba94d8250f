"""Handover: how soon the game's thread lets the others run, by how long its frames are."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

__all__ = ["Handover"]

# With Python's default of 5 ms a main thread that computes without pause gives the network
# thread a round trip p99 of 148 ms; with half a millisecond it is 2 ms.
EAGER_SECONDS = 0.0005
# Who waits for a short frame to end loses little. A frame that is made to wait for them loses
# much: it is drawn late, by a thread that had to be woken for its second half.
SHORT_FRAME_SECONDS = 0.005
PATIENT_SECONDS = SHORT_FRAME_SECONDS  # it is over by then
FRAMES_UNTIL_PATIENT = 30


class Handover:
    """Sets Python's switch interval from `begin` to `end`; all for one thread, the game's.

    It is short, unless the last frames were: a game that draws for two of sixteen milliseconds
    lets the others run in the other fourteen.
    """

    def __init__(
        self,
        worked: Callable[[], float] = time.thread_time,
        switch: Callable[[float], object] = sys.setswitchinterval,
    ) -> None:
        self._worked = worked
        self._switch = switch
        self._before: float | None = None
        self._last = 0.0
        self._short_frames = 0

    def begin(self) -> None:
        """Hand over soon, until frames are known to be short."""
        self._before = sys.getswitchinterval()
        self._last, self._short_frames = self._worked(), 0
        self._switch(EAGER_SECONDS)

    def frame_began(self) -> None:
        """Note that a frame begins."""
        if self._before is None:
            return
        now = self._worked()
        is_short = now - self._last < SHORT_FRAME_SECONDS
        self._last = now
        if is_short:
            self._short_frames += 1
            if self._short_frames == FRAMES_UNTIL_PATIENT:
                self._switch(PATIENT_SECONDS)
        else:
            if self._short_frames >= FRAMES_UNTIL_PATIENT:
                self._switch(EAGER_SECONDS)
            self._short_frames = 0

    def end(self) -> None:
        """Leave the interval as it was."""
        if self._before is not None:
            self._switch(self._before)
            self._before = None
