"""Weather of a line, made on purpose: how late, how slowly, and whether at all, frames arrive."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

__all__ = ["LATE_SECONDS", "SLOW_BYTES_PER_SECOND", "Lane", "Weather"]

LATE_SECONDS = 0.4
"""A line that is late is this late in each direction: what a satellite adds."""

SLOW_BYTES_PER_SECOND = 16_000
"""A third of what a voice needs, and half of the microphone: it stutters, and lives."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What a fault does to every frame of a line, in each direction alike; the default is calm.

    `delay_seconds` is one way; `bytes_per_second` 0 is no limit; a black hole lets nothing
    through and tells nobody. Raises ValueError for what no line can have.
    """

    CALM: ClassVar[Weather]

    delay_seconds: float = 0.0
    bytes_per_second: float = 0.0
    is_black_hole: bool = False

    def __post_init__(self) -> None:
        for name in ("delay_seconds", "bytes_per_second"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be 0 or more (got {value!r})")

    @property
    def is_calm(self) -> bool:
        """Whether the line is as good as it is."""
        return not (self.delay_seconds or self.bytes_per_second or self.is_black_hole)


Weather.CALM = Weather()


class Lane:
    """One direction of a line: says when a frame is through. Times in seconds of any clock."""

    def __init__(self) -> None:
        self._free_at = -math.inf

    def due(self, entered_at: float, size: int, weather: Weather) -> float:
        """Return when a frame of `size` bytes is through, the one before it being so by now."""
        if weather.is_black_hole:
            return math.inf
        per_byte = 1 / weather.bytes_per_second if weather.bytes_per_second else 0.0
        begins = max(entered_at, self._free_at)
        return begins + size * per_byte + weather.delay_seconds

    def passed(self, due: float, weather: Weather) -> None:
        """Note that a frame is through: the next one may have begun when this one was sent."""
        self._free_at = due - weather.delay_seconds
