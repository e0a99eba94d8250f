"""Virtual time and chance: what everything in a simulation shares."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random
from typing import Any

__all__ = ["Time"]


class Time:
    """Events in their order; equal times in the order in which they were planned."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.random = Random(seed)
        self.steps = 0
        self._heap: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._count = 0

    def later(self, seconds: float, action: Callable[..., object], *args: Any) -> None:
        """Plan an action; it cannot be taken back, it looks for itself whether it is wanted."""
        self._count += 1
        heapq.heappush(self._heap, (self.now + seconds, self._count, action, args))

    def run(self, until: float) -> None:
        """Let everything happen that is planned up to a moment."""
        heap, pop = self._heap, heapq.heappop
        while heap and heap[0][0] <= until:
            self.now, _, action, args = pop(heap)
            self.steps += 1
            action(*args)
        self.now = until

    def chance(self, probability: float) -> bool:
        """Return whether something happens."""
        return self.random.random() < probability
