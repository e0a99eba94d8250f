"""Simulated bad networks: how late, how slowly, and whether at all, frames arrive."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

__all__ = ["LATE_SECONDS", "NetworkConditions", "SLOW_BYTES_PER_SECOND"]

LATE_SECONDS = 0.4
"""Seconds in each direction that the fault "late" adds: as much as a satellite."""

SLOW_BYTES_PER_SECOND = 16_000
"""A third of what a voice needs, and half of the microphone: sound stutters, the session lives."""


@dataclass(frozen=True, slots=True)
class NetworkConditions:
    """What a fault does to every frame, in each direction alike; the default does nothing.

    `delay_seconds` is one way; `bytes_per_second` 0 is no limit; a black hole loses every frame
    without an error. Raises ValueError for a negative or infinite number.
    """

    CALM: ClassVar[NetworkConditions]

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
        """Whether frames pass as on the real network."""
        return not (self.delay_seconds or self.bytes_per_second or self.is_black_hole)


NetworkConditions.CALM = NetworkConditions()
