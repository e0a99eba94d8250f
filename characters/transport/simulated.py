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
    """One direction of a line: says when a frame is through. Times in seconds of any clock."""

    def __init__(self) -> None:
        self._free_at = -math.inf

    def due(self, entered_at: float, size: int, weather: NetworkConditions) -> float:
        """Return when a frame of `size` bytes is through, the one before it being so by now."""
        if weather.is_black_hole:
            return math.inf
        per_byte = 1 / weather.bytes_per_second if weather.bytes_per_second else 0.0
        begins = max(entered_at, self._free_at)
        return begins + size * per_byte + weather.delay_seconds

    def passed(self, due: float, weather: NetworkConditions) -> None:
        """Note that a frame is through: the next one may have begun when this one was sent."""
        self._free_at = due - weather.delay_seconds


F = TypeVar("F")


class DelayQueue(Generic[F]):
    """Holds frames back as the weather says, in order, and then hands them to `deliver`.

    While `is_taken` is false a frame goes straight on: that question is all that it costs then.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        deliver: Callable[[F], object],
        size: Callable[[F], int],
    ) -> None:
        self.is_taken = False
        self._clock = clock
        self._deliver = deliver
        self._size = size
        self._weather = NetworkConditions.CALM
        self._lane = Lane()
        self._waiting: deque[tuple[float, F]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def weather(self) -> NetworkConditions:
        """What it is like now."""
        return self._weather

    def set_weather(self, weather: NetworkConditions) -> None:
        """Change the weather; what waits goes on as the new one says."""
        if weather != self._weather:
            self._weather = weather
            self._lane = Lane()
            self._look()

    def put(self, frame: F) -> None:
        """Take a frame on its way."""
        self._waiting.append((self._clock(), frame))
        if len(self._waiting) == 1:
            self._look()

    def thin(self, kind: type[F], most: int) -> None:
        """Drop the oldest frames of a kind while there are more than `most`."""
        old = [item for item in self._waiting if isinstance(item[1], kind)]
        for item in old[: max(0, len(old) - most)]:
            self._waiting.remove(item)

    def clear(self) -> None:
        """Drop what waits: the line is gone."""
        self._waiting.clear()
        self._look()

    def _look(self) -> None:
        """Let through what is due, and come back when the next one is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            entered_at, frame = self._waiting[0]
            due = self._lane.due(entered_at, self._size(frame), self._weather)
            wait = due - self._clock()
            if wait > 0:
                if not self._weather.is_black_hole:
                    self._timer = asyncio.get_running_loop().call_later(wait, self._look)
                break
            self._waiting.popleft()
            self._lane.passed(due, self._weather)
            self._deliver(frame)
        self.is_taken = bool(self._waiting) or not self._weather.is_calm
