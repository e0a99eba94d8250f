"""Whom a service lets in: by how busy and late its event loop is. Pure; `now` is in seconds.

A node that takes everybody in serves nobody: its frames wait for one another, heartbeats fail, and
each client that comes back costs more than one that stayed. So who comes when the loop is late is
sent away with the time to come back, and nobody inside notices.

A loop is late only when it is full, and whoever has just come is not heard yet. So clients come in
the more slowly the less of the loop's time is left: its work grows steadily while its lateness
leaps, and what a join itself costs counts as work, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Admission", "AdmissionLimits", "goodbyes"]


@dataclass(frozen=True, slots=True)
class Load:
    """How late the loop is, in seconds, and the share (0 to 1) of its time that it works."""

    lag: float = 0.0
    busy: float = 0.0


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """How much a node takes on: `max_lag` None is anything, as a player's own service does.

    `joins_per_second` are let in while the loop is on time and works for less than half of
    `most_busy`, `at_once` of them together; beyond that fewer, and none at `max_lag` seconds or at
    `most_busy`. One that would wait longer than `patience` is sent away, for at most `longest`
    seconds.
    """

    max_lag: float | None = None
    most_busy: float = 0.7
    joins_per_second: float = 40.0
    at_once: int = 10
    patience: float = 0.5
    shortest: float = 2.0
    longest: float = 30.0


class Admission:
    """Lets clients in one after another, as fast as the lag of the loop allows."""

    def __init__(self, limits: AdmissionLimits) -> None:
        self._limits = limits
        self._next = -math.inf  # when the next may come in
        self._later = -math.inf  # when the next of those that were sent away may come back

    def wait(self, now: float, load: Load) -> float:
        """Return after how many seconds a client may come in; its place is taken with that.

        More than `patience`, and it has no place.
        """
        limits = self._limits
        if limits.max_lag is None:
            return 0.0
        on_time = 1.0 - load.lag / limits.max_lag
        idle = 2.0 * (1.0 - load.busy / limits.most_busy)
        rate = limits.joins_per_second * max(0.0, on_time) * min(1.0, idle)
        if rate < 1.0:
            return self._send_away(now)
        begin = max(self._next, now - (limits.at_once - 1) / rate)
        if begin - now > limits.patience:
            return self._send_away(now)
        self._next = begin + 1.0 / rate
        return max(0.0, begin - now)

    def is_away(self, wait: float) -> bool:
        """Tell whether what `wait` returned means that a client has no place now."""
        return wait > self._limits.patience

    def _send_away(self, now: float) -> float:
        """Return when to come back: those that are sent away together come one after another."""
        limits = self._limits
        self._later = max(self._later, now + limits.shortest) + 1.0 / limits.joins_per_second
        if self._later > now + limits.longest:  # all places are given: begin again
            self._later = now + limits.shortest
        return self._later - now


def goodbyes(count: int, over: float) -> tuple[float, ...]:
    """Return after how many seconds each of `count` clients is sent away, within `over`."""
    return tuple(over * number / count for number in range(count))
