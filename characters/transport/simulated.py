"""Simulated network conditions: a queue that delays frames; without conditions it is bypassed."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from characters.protocol.network_conditions import NetworkConditions

__all__ = ["DelayQueue", "Lane"]


class Lane:
    """One direction of a connection: when a frame arrives, in seconds of any clock."""

    def __init__(self) -> None:
        self._free_at = -math.inf

    def due(self, entered_at: float, size: int, conditions: NetworkConditions) -> float:
        """Return when a frame of `size` bytes arrives; the one before it must have arrived."""
        if conditions.is_black_hole:
            return math.inf
        per_byte = 1 / conditions.bytes_per_second if conditions.bytes_per_second else 0.0
        begins = max(entered_at, self._free_at)
        return begins + size * per_byte + conditions.delay_seconds

    def passed(self, due: float, conditions: NetworkConditions) -> None:
        """Note that a frame arrived: the next one may have begun when this one was sent."""
        self._free_at = due - conditions.delay_seconds


F = TypeVar("F")


class DelayQueue(Generic[F]):
    """Holds frames back as the conditions say, in order, and then hands them to `deliver`.

    While `is_taken` is false, pass frames on without it: the queue then costs one look at that.
    """

    def __init__(
        self, clock: Callable[[], float], deliver: Callable[[F], object], size: Callable[[F], int]
    ) -> None:
        self.is_taken = False
        self._clock = clock
        self._deliver = deliver
        self._size = size
        self._conditions = NetworkConditions.CALM
        self._lane = Lane()
        self._waiting: deque[tuple[float, F]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def conditions(self) -> NetworkConditions:
        """The conditions now."""
        return self._conditions

    def set_conditions(self, conditions: NetworkConditions) -> None:
        """Change the conditions; they hold for what waits, too."""
        if conditions != self._conditions:
            self._conditions = conditions
            self._lane = Lane()
            self._deliver_due()

    def put(self, frame: F) -> None:
        """Take a frame; it is delivered when it arrives."""
        self._waiting.append((self._clock(), frame))
        if len(self._waiting) == 1:
            self._deliver_due()

    def thin(self, kind: type[F], most: int) -> None:
        """Drop the oldest frames of a kind while there are more than `most`."""
        old = [item for item in self._waiting if isinstance(item[1], kind)]
        for item in old[: max(0, len(old) - most)]:
            self._waiting.remove(item)

    def clear(self) -> None:
        """Drop what waits."""
        self._waiting.clear()
        self._deliver_due()

    def _deliver_due(self) -> None:
        """Deliver what is due, and look again when the next frame is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            entered_at, frame = self._waiting[0]
            due = self._lane.due(entered_at, self._size(frame), self._conditions)
            wait = due - self._clock()
            if wait > 0:
                if not self._conditions.is_black_hole:
                    self._timer = asyncio.get_running_loop().call_later(wait, self._deliver_due)
                break
            self._waiting.popleft()
            self._lane.passed(due, self._conditions)
            self._deliver(frame)
        self.is_taken = bool(self._waiting) or not self._conditions.is_calm
