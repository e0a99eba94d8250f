"""Bad networks, made on purpose: how late, how slowly, and whether at all, frames arrive."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

__all__ = ["LATE_SECONDS", "NetworkConditions", "SLOW_BYTES_PER_SECOND"]

LATE_SECONDS = 0.4
"""A line that is late is this late in each direction: what a satellite adds."""

SLOW_BYTES_PER_SECOND = 16_000
"""A third of what a voice needs, and half of the microphone: it stutters, and lives."""


@dataclass(frozen=True, slots=True)
class NetworkConditions:
    """What a fault does to every frame of a line, in each direction alike; the default is calm.

    `delay_seconds` is one way; `bytes_per_second` 0 is no limit; a black hole lets nothing
    through and tells nobody. Raises ValueError for what no line can have.
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
        """Whether the line is as good as it is."""
        return not (self.delay_seconds or self.bytes_per_second or self.is_black_hole)


NetworkConditions.CALM = NetworkConditions()
