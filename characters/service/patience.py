"""How long a silent player is waited for: a remark, a warning, the end."""

from __future__ import annotations

import math

from characters.service.pace import Pace

__all__ = ["Patience"]


class Patience:
    """One player's silence; `now` is in seconds."""

    def __init__(self, pace: Pace, now: float) -> None:
        self._pace = pace
        self._active_at = now
        self._is_warned = False
        self._remarks_left = 0
        self._is_present = True

    def active(self, now: float) -> None:
        """Note that the player is there."""
        self._active_at = now
        self._is_warned = False

    def set_present(self, present: bool, now: float) -> None:
        """The player's connection came or went: nobody is idle who is not there."""
        self._is_present = present
        self.active(now)

    def allow_remark(self, count: int = 1) -> None:
        """Let the character break the next silence, or none."""
        self._remarks_left = count

    def deadline(self, *, is_busy: bool) -> float:
        """Return when the next of the three is due."""
        if not self._is_present:
            return math.inf
        over = self._active_at + self._pace.idle_timeout
        times = [over if self._is_warned else over - self._pace.idle_warning]
        if self._remarks_left and not is_busy:
            times.append(self._active_at + self._pace.remark_after)
        return min(times)

    def is_over(self, now: float) -> bool:
        """Tell whether the player has been silent for too long."""
        return self._is_present and now >= self._active_at + self._pace.idle_timeout

    def warning(self, now: float) -> float | None:
        """Return the seconds left when that is to be told, once."""
        left = self._active_at + self._pace.idle_timeout - now
        if not self._is_present or self._is_warned or left > self._pace.idle_warning:
            return None
        self._is_warned = True
        return left

    def takes_remark(self, now: float) -> bool:
        """Tell whether a remark is due, and count it as made."""
        is_due = now >= self._active_at + self._pace.remark_after
        if not (self._is_present and self._remarks_left and is_due):
            return False
        self._remarks_left -= 1
        return True
